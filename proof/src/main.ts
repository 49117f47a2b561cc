import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureTool, FAKETIME, NATS, REDIS } from '@centra/testkit/ensure-tool.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { writeReport } from './report.ts';
import type { Finished } from './report.ts';
import type { Profile, Scenario } from './scenario.ts';
import { planted } from './planted/planted-scenario.ts';
import { SCENARIOS } from './scenarios.ts';

// npm run proof -- all | <scenario …> [--seed 1] [--minutes M] [--profile short|long] [--report file] [--keep]. Each scenario
// brings its own Postgres, Redis, services and simulators on free ports. It ends with "N passed, N failed", and with a code
// that is not 0 when any failed. With --seed 1,2,3 it runs once for each.

// Of faults, for `all` or for one scenario; what starts, comes to rest and verifies is as long again.
const MINUTES = { short: 3, long: 60 } as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    profile: { type: 'string', default: 'short' },
    report: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const profile = (['short', 'long'] as const).find((name) => name === values.profile);
const seeds = values.seed.split(',').map(Number);
const known = [...SCENARIOS, planted];
const chosen = positionals.includes('all')
  ? SCENARIOS
  : known.filter(({ name }) => positionals.includes(name));
const strangers = positionals.filter((name) => name !== 'all' && !known.some((each) => each.name === name));
const minutes = Number(values.minutes ?? (profile === undefined ? Number.NaN : MINUTES[profile]));
if (
  chosen.length === 0 ||
  strangers.length > 0 ||
  profile === undefined ||
  !seeds.every(Number.isSafeInteger) ||
  !(minutes > 0 && minutes <= 24 * 60)
) {
  const names = known.map(({ name }) => name).join(' | ');
  console.error(
    `usage: npm run proof -- all | one or more of ${names} [--seed N[,N…]] [--minutes 0–1440, for each seed] [--profile short|long] [--report FILE] [--keep]`,
  );
  process.exit(2);
}

for (const tool of [REDIS, NATS, FAKETIME]) ensureTool(tool, (line) => console.log(line));
const root = temporaryFolder('proof');
const finished: Finished[] = [];
const weights = chosen.reduce((sum, { weight }) => sum + weight, 0);
for (const seed of seeds)
  for (const scenario of chosen)
    finished.push(await runOne(scenario, seed, (minutes * scenario.weight) / weights, profile));

const checks = finished.flatMap(({ outcome }) => outcome.checks);
const failed = checks.filter(({ failure }) => failure !== undefined).length;
if (values.report !== undefined) writeReport(values.report, finished, { minutes, profile });
if (failed === 0 && !values.keep) rmSync(root, { recursive: true, force: true });
else console.log(`What was run lies in ${root}.`);
console.log(`${checks.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 && checks.length > 0 ? 0 : 1);

function sayIndented(line: string): void {
  console.log(`   ${line}`);
}

async function runOne(scenario: Scenario, seed: number, share: number, kind: Profile): Promise<Finished> {
  const { name, promise } = scenario;
  console.log(`== ${name} (seed ${seed}, ${share.toFixed(1)} min): ${promise}`);
  const startedAt = new Date();
  const folder = join(root, `${name}-${seed}`);
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  let outcome;
  try {
    outcome = await scenario.run({ seed, minutes: share, profile: kind, folder, say: sayIndented });
  } catch (error) {
    const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    outcome = { checks: [{ name: `${name} runs`, failure }], notes: [], counts: {} };
  }
  for (const check of outcome.checks)
    console.log(check.failure === undefined ? `   ✔ ${check.name}` : `   ✖ ${check.name}: ${check.failure}`);
  for (const note of outcome.notes) console.log(`   · ${note}`);
  const hasFailed = outcome.checks.some(({ failure }) => failure !== undefined);
  // What held needs no evidence, and hours of it would fill a disk.
  if (!hasFailed && !values.keep) rmSync(folder, { recursive: true, force: true });
  const seconds = Math.round((Date.now() - startedAt.getTime()) / 1_000);
  console.log(`   ${seconds} s; ${JSON.stringify(outcome.counts)}`);
  return { scenario: name, promise, seed, seconds, startedAt, outcome };
}
