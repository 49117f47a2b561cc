import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startPlatform } from '@centra/dev/platform.ts';
import type { Platform } from '@centra/dev/platform.ts';
import { createHotel, post } from '@centra/dev/seed.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { z } from 'zod';
import { readCpu } from './cpu.ts';
import type { CpuReading } from './cpu.ts';
import { measureDatabaseLimit } from './database-limit.ts';
import type { DatabaseLimit } from './database-limit.ts';

// npm run bench: the full chain under closed-loop load, then the database alone with the same durable writes on the same
// server in the same run. Absolute numbers move with the machine; the ratio on the last line is what is compared.

const CONNECTIONS = 16;
// Each merchant may make 20 charges a second (G3); so many merchants keep every one of them far below.
const MERCHANTS = 200;
const WARM_UP_MS = 6_000;
const MEASURE_MS = 15_000;
// The CPU is read a little before the load ends, so that the end is not in it.
const CPU_MS = MEASURE_MS - 200;
const DATABASE_SECONDS = 10;

const resultSchema = z.object({
  charges: z.int(),
  statuses: z.record(z.string(), z.int()),
  p50: z.number(),
  p95: z.number(),
  p99: z.number(),
});
type Result = z.infer<typeof resultSchema> & { cpu: ReadonlyMap<string, number> };

const folder = temporaryFolder('bench');
const platform = await startPlatform({ dataDir: join(folder, 'data'), ports: 'free', say: console.log });
try {
  console.log(`Onboarding ${MERCHANTS} merchants on the built-in simulator …`);
  const apiKeys = await onboard(platform);
  console.log(`Charging over ${CONNECTIONS} connections for ${MEASURE_MS / 1000} s …`);
  const result = await runLoad(platform, apiKeys);
  const limit = await measureDatabaseLimit(platform.postgresUrl, folder, {
    connections: CONNECTIONS,
    merchants: MERCHANTS,
    seconds: DATABASE_SECONDS,
  });
  print(result, limit);
} finally {
  await platform.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function onboard(on: Platform): Promise<string[]> {
  const apiKeys: string[] = [];
  const left = Array.from({ length: MERCHANTS }, (_value, index) => index);
  // A few at a time: onboarding is not what is measured.
  const work = async (): Promise<void> => {
    for (let index = left.pop(); index !== undefined; index = left.pop()) {
      const hotel = await createHotel(on, { name: `Bench hotel ${index}`, accounts: false });
      await post(
        `${on.gatewayUrl}/v1/provider-accounts`,
        { provider: 'simulator', mode: 'test', credentials: {} },
        hotel.apiKey,
      );
      apiKeys.push(hotel.apiKey);
    }
  };
  await Promise.all([work(), work(), work(), work()]);
  return apiKeys;
}

async function runLoad(on: Platform, apiKeys: readonly string[]): Promise<Result> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'load.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const plan = {
    url: on.gatewayUrl,
    connections: CONNECTIONS,
    warmUpMs: WARM_UP_MS,
    measureMs: MEASURE_MS,
    apiKeys,
  };
  child.stdin.end(JSON.stringify(plan));
  const names = ['api-gateway', 'payment-api', 'transaction', 'auth', 'merchant'] as const;
  const processes = new Map<string, number>(names.map((name) => [name, on.child(name).pid()]));
  if (on.redis !== undefined) processes.set('redis', on.redis.pid);
  processes.set('load generator', child.pid ?? 0);
  let before: CpuReading | undefined;
  let after: CpuReading | undefined;
  let result: z.infer<typeof resultSchema> | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'MEASURING') {
      before = readCpu(processes, on.postgresPid);
      setTimeout(() => (after = readCpu(processes, on.postgresPid)), CPU_MS);
    }
    if (line.startsWith('RESULT ')) result = resultSchema.parse(JSON.parse(line.slice('RESULT '.length)));
  }
  const [from, to] = [before, after];
  if (from === undefined || to === undefined || result === undefined)
    throw new Error('the load generator failed');
  const charges = (result.charges * CPU_MS) / MEASURE_MS;
  return {
    ...result,
    cpu: new Map([...to].map(([name, ms]) => [name, (ms - (from.get(name) ?? 0)) / charges])),
  };
}

function print(result: Result, limit: DatabaseLimit): void {
  const perSecond = result.charges / (MEASURE_MS / 1000);
  const refused = Object.entries(result.statuses).filter(([status]) => status !== '201');
  console.log(`
full chain      ${perSecond.toFixed(0)} charges/s over ${CONNECTIONS} connections and ${MERCHANTS} merchants
latency ms      p50 ${result.p50.toFixed(1)}   p95 ${result.p95.toFixed(1)}   p99 ${result.p99.toFixed(1)}
CPU ms/charge   ${[...result.cpu].map(([name, ms]) => `${name} ${ms.toFixed(3)}`).join('   ')}
not charged     ${refused.length === 0 ? 'none' : refused.map(([status, count]) => `${count} × ${status}`).join(', ')}
database alone  ${limit.chargesPerSecond.toFixed(0)} charges/s by ${limit.driver}, same durable writes, ${CONNECTIONS} connections
RATIO ${(perSecond / limit.chargesPerSecond).toFixed(3)}`);
}
