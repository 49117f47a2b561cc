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
import { measureDatabaseLimits } from './database-limit.ts';
import type { DatabaseLimits } from './database-limit.ts';

// npm run bench: the full chain under closed-loop load, charge, authorize, capture and refund one after the other, then the
// database alone with the same durable writes on the same server in the same run. Absolute numbers move with the machine; the ratios are what is
// compared, that of the charge on the last line.

const CONNECTIONS = 16;
// Each merchant may make 20 charges a second (G3); so many merchants keep every one of them far below.
const MERCHANTS = 200;
const PHASES = [
  { kind: 'charge', warmUpMs: 6_000, measureMs: 15_000 },
  { kind: 'authorize', warmUpMs: 1_000, measureMs: 12_000 },
  // Shorter than what the holds made before can feed.
  { kind: 'capture', warmUpMs: 500, measureMs: 8_000 },
  { kind: 'refund', warmUpMs: 500, measureMs: 6_000 },
] as const;
const DATABASE_SECONDS = 8;
// The CPU is read a little before the load ends, so that the end is not in it.
const CPU_MARGIN_MS = 200;

const resultSchema = z.object({
  kind: z.enum(['charge', 'authorize', 'capture', 'refund']),
  done: z.int(),
  elapsedMs: z.number(),
  statuses: z.record(z.string(), z.int()),
  p50: z.number(),
  p95: z.number(),
  p99: z.number(),
});
type Result = z.infer<typeof resultSchema>;
type Run = { results: Result[]; chargeCpu: ReadonlyMap<string, number> };

const folder = temporaryFolder('bench');
const platform = await startPlatform({ dataDir: join(folder, 'data'), ports: 'free', say: console.log });
try {
  console.log(`Onboarding ${MERCHANTS} merchants on the built-in simulator …`);
  const apiKeys = await onboard(platform);
  console.log(`Loading over ${CONNECTIONS} connections: ${PHASES.map(({ kind }) => kind).join(', ')} …`);
  const run = await runLoad(platform, apiKeys);
  const limits = await measureDatabaseLimits(platform.postgresUrl, folder, {
    connections: CONNECTIONS,
    merchants: MERCHANTS,
    seconds: DATABASE_SECONDS,
  });
  print(run, limits);
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

async function runLoad(on: Platform, apiKeys: readonly string[]): Promise<Run> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'load.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify({ url: on.gatewayUrl, connections: CONNECTIONS, apiKeys, phases: PHASES }));
  const names = ['api-gateway', 'payment-api', 'transaction', 'auth', 'merchant'] as const;
  const processes = new Map<string, number>(names.map((name) => [name, on.child(name).pid()]));
  if (on.redis !== undefined) processes.set('redis', on.redis.pid);
  processes.set('load generator', child.pid ?? 0);
  const cpuMs = PHASES[0].measureMs - CPU_MARGIN_MS;
  let before: CpuReading | undefined;
  let after: CpuReading | undefined;
  const results: Result[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'MEASURING charge') {
      before = readCpu(processes, on.postgresPid);
      setTimeout(() => (after = readCpu(processes, on.postgresPid)), cpuMs);
    }
    if (line.startsWith('RESULT '))
      results.push(resultSchema.parse(JSON.parse(line.slice('RESULT '.length))));
  }
  const [from, to, charge] = [before, after, results[0]];
  if (from === undefined || to === undefined || charge === undefined || results.length !== PHASES.length)
    throw new Error('the load generator failed');
  const charges = (charge.done * cpuMs) / PHASES[0].measureMs;
  return {
    results,
    chargeCpu: new Map([...to].map(([name, ms]) => [name, (ms - (from.get(name) ?? 0)) / charges])),
  };
}

function print({ results, chargeCpu }: Run, limits: DatabaseLimits): void {
  console.log(
    `\n${MERCHANTS} merchants, ${CONNECTIONS} connections; the database alone by ${limits.driver}, same durable writes`,
  );
  console.log(
    `CPU ms/charge   ${[...chargeCpu].map(([name, ms]) => `${name} ${ms.toFixed(3)}`).join('   ')}`,
  );
  const ratios = results.map((result) => {
    const perSecond = result.done / (result.elapsedMs / 1000);
    const limit = limits.perSecond[result.kind];
    const refused = Object.entries(result.statuses).filter(([status]) => !['200', '201'].includes(status));
    const others = refused.map(([status, count]) => `${count} × ${status}`).join(', ');
    console.log(
      `${result.kind.padEnd(10)} ${perSecond.toFixed(0).padStart(5)}/s   p50 ${result.p50.toFixed(1)}   ` +
        `p95 ${result.p95.toFixed(1)}   p99 ${result.p99.toFixed(1)} ms   database alone ${limit.toFixed(0)}/s` +
        `   not done: ${others === '' ? 'none' : others}`,
    );
    return [result.kind, perSecond / limit] as const;
  });
  for (const [kind, ratio] of ratios.slice(1)) console.log(`ratio of ${kind} ${ratio.toFixed(3)}`);
  console.log(`RATIO ${(ratios[0]?.[1] ?? 0).toFixed(3)}`);
}
