import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pauseMs } from '@centra/testkit/pause.ts';
import { z } from 'zod';

const pidsSchema = z.array(z.int());

/** Notes which processes belong to this data folder, for a next start after a crash. */
export function rememberProcesses(dataDir: string, pids: readonly number[]): void {
  writeFileSync(join(dataDir, 'processes.json'), JSON.stringify(pids));
}

/** Ends processes that outlived a platform which was killed, so that they neither hold ports nor write to its database. */
export async function endLeftOvers(dataDir: string): Promise<void> {
  const file = join(dataDir, 'processes.json');
  if (!existsSync(file)) return;
  const pids = pidsSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).filter(isOurs);
  for (const pid of pids) process.kill(pid, 'SIGTERM');
  // Services drain for up to 25 s; who still runs after a second of that has no client left to serve.
  for (let waited = 0; waited < 1_000 && pids.some(isOurs); waited += 50) await pauseMs(50);
  for (const pid of pids.filter(isOurs)) process.kill(pid, 'SIGKILL');
}

/** Whether that number is still one of our programs; numbers are used again. */
function isOurs(pid: number): boolean {
  const file = `/proc/${pid}/cmdline`;
  return (
    existsSync(file) &&
    /(services|simulators)\/[a-z-]+\/src\/main\.ts|redis-server/.test(readFileSync(file, 'utf8'))
  );
}
