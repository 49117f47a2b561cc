import { parseArgs } from 'node:util';
import { FOLLOW_UPS } from '../testing/follow-ups.ts';
import { startWorld } from '../testing/world.ts';
import { raceAndVerify } from './race-and-verify.ts';

// Promise P4: node services/transaction/src/races/main.ts --op refund|capture|void|adjust [--seed 1] [--payments 1000]
// [--callers 64] [--provider simulator|stripe]. It brings its own Postgres. Each payment is one check and the books are
// one; it ends with "N passed, N failed", and with a code that is not 0 when any failed.
const { values } = parseArgs({
  options: {
    op: { type: 'string' },
    seed: { type: 'string', default: '1' },
    payments: { type: 'string', default: '1000' },
    callers: { type: 'string', default: '64' },
    provider: { type: 'string', default: 'simulator' },
  },
});
const op = FOLLOW_UPS.find((kind) => kind === values.op);
const provider = (['simulator', 'stripe'] as const).find((name) => name === values.provider);
const [seed, payments, callers] = [values.seed, values.payments, values.callers].map(Number);
const isRunnable =
  op !== undefined &&
  provider !== undefined &&
  [seed, payments, callers].every((number) => Number.isSafeInteger(number) && Number(number) >= 0);
if (!isRunnable) {
  process.stderr.write(
    'usage: main.ts --op refund|capture|void|adjust [--seed N] [--payments N] [--callers N] [--provider simulator|stripe]\n',
  );
  process.exit(2);
}

const startedAt = performance.now();
const world = await startWorld();
let failed = 0;
try {
  const result = await raceAndVerify(world, provider, {
    op,
    seed: seed ?? 1,
    payments: payments ?? 1_000,
    callers: callers ?? 64,
  });
  for (const fault of [...result.faults, ...result.violations]) say(fault);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  say(
    `${op} on ${provider}, seed ${seed}, ${seconds} s; calls by their end: ${JSON.stringify(result.endings)}`,
  );
  failed = result.faults.length + result.violations.length;
  say(`${result.clean + (result.violations.length === 0 ? 1 : 0)} passed, ${failed} failed`);
} finally {
  await world.close();
}
process.exit(failed === 0 ? 0 : 1);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
