import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startPlatform } from '@centra/dev/platform.ts';
import type { Platform } from '@centra/dev/platform.ts';
import { createHotel, post } from '@centra/dev/seed.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { z } from 'zod';
import { boundPort } from '@centra/service-kit/listen.ts';
import { measureLoneCharge } from './alone.ts';
import { readCpu } from './cpu.ts';
import type { CpuReading } from './cpu.ts';
import { measureDatabaseLimits } from './database-limit.ts';
import type { DatabaseLimits } from './database-limit.ts';
import { measureIdentity } from './identity.ts';
import type { IdentityCosts } from './identity.ts';

// npm run bench: the full chain under closed-loop load, charge, authorize, capture and refund one after the other, then the
// database alone with the same durable writes on the same server in the same run. Absolute numbers move with the machine; the ratios are what is
// compared, that of the charge on the last line. The identity path is measured step by step in this process, and a second
// platform with traces on charges for a while.

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
type Phases = readonly { kind: (typeof PHASES)[number]['kind']; warmUpMs: number; measureMs: number }[];
const TRACED_PHASES = [{ kind: 'charge', warmUpMs: 6_000, measureMs: 10_000 }] as const;
const SERVICES = ['api-gateway', 'payment-api', 'transaction', 'auth', 'merchant'] as const;
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
try {
  const { run, limits, identity } = await measurePlatform();
  const traced = await measureTraced();
  print(run, traced, identity, limits);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measurePlatform() {
  const platform = await startPlatform({ dataDir: join(folder, 'data'), ports: 'free', say: console.log });
  try {
    console.log(`Onboarding ${MERCHANTS} merchants on the built-in simulator …`);
    const apiKeys = await onboard(platform);
    console.log(`Loading over ${CONNECTIONS} connections: ${PHASES.map(({ kind }) => kind).join(', ')} …`);
    const run = await runLoad(platform, apiKeys, PHASES);
    const identity = {
      steps: await measureIdentity(platform, apiKeys),
      chargeMs: await measureLoneCharge(platform.gatewayUrl, apiKeys),
    };
    const limits = await measureDatabaseLimits(platform.postgresUrl, folder, {
      connections: CONNECTIONS,
      merchants: MERCHANTS,
      seconds: DATABASE_SECONDS,
    });
    return { run, limits, identity };
  } finally {
    await platform.stop();
  }
}

/** Charges with every request followed and every span sent, to a collector that only reads. */
async function measureTraced(): Promise<Run> {
  const collector = createServer((request, response) => {
    request.resume();
    request.once('end', () => response.end('{}'));
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${boundPort(collector)}` };
  const platform = await startPlatform({
    dataDir: join(folder, 'traced'),
    ports: 'free',
    say: () => {},
    env: Object.fromEntries(SERVICES.map((name) => [name, env])),
  });
  try {
    console.log('Loading the same with traces on: charge …');
    return await runLoad(platform, await onboard(platform), TRACED_PHASES);
  } finally {
    await platform.stop();
    collector.closeAllConnections();
    collector.close();
  }
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

async function runLoad(on: Platform, apiKeys: readonly string[], phases: Phases): Promise<Run> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'load.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify({ url: on.gatewayUrl, connections: CONNECTIONS, apiKeys, phases }));
  const processes = new Map<string, number>(SERVICES.map((name) => [name, on.child(name).pid()]));
  if (on.redis !== undefined) processes.set('redis', on.redis.pid);
  processes.set('load generator', child.pid ?? 0);
  const measureMs = phases[0]?.measureMs ?? 0;
  const cpuMs = measureMs - CPU_MARGIN_MS;
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
  if (from === undefined || to === undefined || charge === undefined || results.length !== phases.length)
    throw new Error('the load generator failed');
  const charges = (charge.done * cpuMs) / measureMs;
  return {
    results,
    chargeCpu: new Map([...to].map(([name, ms]) => [name, (ms - (from.get(name) ?? 0)) / charges])),
  };
}

type Identity = { steps: IdentityCosts; chargeMs: number };

function print({ results, chargeCpu }: Run, traced: Run, identity: Identity, limits: DatabaseLimits): void {
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
  printIdentity(identity, chargeCpu);
  printTraced(results[0], totalOf(chargeCpu), traced);
  console.log(`RATIO ${(ratios[0]?.[1] ?? 0).toFixed(3)}`);
}

/** Redis counts for the limits alone, so its CPU is theirs. */
function printIdentity({ steps, chargeMs }: Identity, chargeCpu: ReadonlyMap<string, number>): void {
  const redisMs = chargeCpu.get('redis') ?? 0;
  const cost = Object.values(steps);
  const cpuMs = cost.reduce((sum, step) => sum + step.cpuMs, redisMs);
  const waitMs = cost.reduce((sum, step) => sum + step.waitMs, 0);
  const told = Object.entries(steps).map(([name, step]) => `${name} ${step.cpuMs.toFixed(4)}`);
  console.log(`identity, CPU ms   ${told.join('   ')}   redis ${redisMs.toFixed(3)}`);
  console.log(
    `IDENTITY ${percent(cpuMs / totalOf(chargeCpu))} of a charge's CPU (${cpuMs.toFixed(3)} of ${totalOf(chargeCpu).toFixed(2)} ms), ` +
      `${percent(waitMs / chargeMs)} of a lone charge's p50 (${waitMs.toFixed(3)} of ${chargeMs.toFixed(2)} ms)`,
  );
}

function printTraced(plain: Result | undefined, plainCpuMs: number, { results, chargeCpu }: Run): void {
  const perSecond = (result: Result | undefined): number =>
    result === undefined ? Number.NaN : result.done / (result.elapsedMs / 1000);
  console.log(
    `TRACES on/off ${(perSecond(results[0]) / perSecond(plain)).toFixed(3)} of the charges (${perSecond(results[0]).toFixed(0)} and ` +
      `${perSecond(plain).toFixed(0)}/s), ${(totalOf(chargeCpu) / plainCpuMs).toFixed(3)} of the CPU of one`,
  );
}

/** All that a charge costs the platform; who asks pays for itself. */
function totalOf(chargeCpu: ReadonlyMap<string, number>): number {
  return [...chargeCpu].reduce((sum, [name, ms]) => (name === 'load generator' ? sum : sum + ms), 0);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
