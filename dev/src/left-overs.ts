import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pauseMs } from '@centra/testkit/pause.ts';
import { z } from 'zod';

const noteSchema = z.object({ platform: z.int(), processes: z.array(z.int()) });

/** Notes which processes belong to this data folder, for a next start after a crash. */
export function rememberProcesses(dataDir: string, processes: readonly number[]): void {
  writeFileSync(noteIn(dataDir), JSON.stringify({ platform: process.pid, processes }));
}

/** A stopped platform leaves no note. */
export function forgetProcesses(dataDir: string): void {
  rmSync(noteIn(dataDir), { force: true });
}

function noteIn(dataDir: string): string {
  return join(dataDir, 'processes.json');
}

/**
 * Ends processes that outlived a platform which was killed, so that they neither hold ports nor write to its database.
 * Throws when that platform still runs: two of them on one folder would stop each other's database.
 */
export async function endLeftOvers(dataDir: string): Promise<void> {
  if (!existsSync(noteIn(dataDir))) return;
  const { platform, processes } = noteSchema.parse(JSON.parse(readFileSync(noteIn(dataDir), 'utf8')));
  if (platform !== process.pid && isRunning(platform, /\.ts/))
    throw new Error(
      `Another copy (process ${platform}) runs on ${dataDir}. Stop it, or set CENTRA_DATA_DIR to another folder.`,
    );
  const pids = processes.filter(isOurs);
  for (const pid of pids) process.kill(pid, 'SIGTERM');
  // Services drain for up to 25 s; who still runs after a second of that has no client left to serve.
  for (let waited = 0; waited < 1_000 && pids.some(isOurs); waited += 50) await pauseMs(50);
  for (const pid of pids.filter(isOurs)) process.kill(pid, 'SIGKILL');
}

/** Whether that number is still one of our programs; numbers are used again. */
function isOurs(pid: number): boolean {
  return isRunning(pid, /(services|simulators)\/[a-z-]+\/src\/main\.ts|redis-server/);
}

function isRunning(pid: number, commandLine: RegExp): boolean {
  const file = `/proc/${pid}/cmdline`;
  return existsSync(file) && commandLine.test(readFileSync(file, 'utf8'));
}
