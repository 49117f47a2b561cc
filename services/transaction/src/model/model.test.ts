import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { startWorld } from '../testing/world.ts';
import type { World } from '../testing/world.ts';
import { openBench, runSequence } from './run-sequence.ts';
import type { Bench, Step } from './run-sequence.ts';

let world: World;
let bench: Bench;
before(async () => {
  world = await startWorld();
  bench = await openBench(world);
});
after(async () => {
  await bench.service.close();
  await world.close();
});

// What each of them does at the built-in simulator: docs/providers/simulator.md. The plain ones are there several times.
const FIRST_AMOUNTS = [100_000, 100_000, 100_000, 200_000, 200_000, 66_601, 66_610, 66_611, 66_631];
const NEXT_AMOUNTS = [
  undefined,
  undefined,
  5_000,
  20_000,
  30_000,
  90_000,
  66_640,
  66_640,
  66_641,
  66_641,
  66_642,
  66_643,
  66_643,
  66_650,
  66_651,
  66_652,
];

// What ends a hold comes seldom, so that much can happen to it before.
const FOLLOW_UP_KINDS = [
  ...Array.from({ length: 5 }, () => 'capture' as const),
  ...Array.from({ length: 4 }, () => 'refund' as const),
  ...Array.from({ length: 2 }, () => 'adjust' as const),
  'void' as const,
  'pay' as const,
];

const newPayment: fc.Arbitrary<Step> = fc.record({
  step: fc.constant('new' as const),
  request: fc
    .record({
      kind: fc.constantFrom('authorize', 'authorize', 'authorize', 'sale', 'sale', 'create'),
      amount: fc.constantFrom(...FIRST_AMOUNTS),
      manual: fc.boolean(),
      isCardGood: fc.constantFrom(true, true, true, true, true, false),
    })
    // What a refused card does with an amount that does something too is the simulator's business.
    .map((request) => ({ ...request, isCardGood: request.isCardGood || request.amount < 100_000 })),
});
const followUp: fc.Arbitrary<Step> = fc.record({
  step: fc.constant('on' as const),
  nth: fc.nat({ max: 2 }),
  kind: fc.constantFrom(...FOLLOW_UP_KINDS),
  amount: fc.constantFrom(...NEXT_AMOUNTS),
  keepOpen: fc.constantFrom(true, true, true, true, false),
});
const repeat: fc.Arbitrary<Step> = fc.record({
  step: fc.constant('repeat' as const),
  nth: fc.nat({ max: 30 }),
  isSame: fc.constantFrom(true, true, true, false),
});
const pause: fc.Arbitrary<Step> = fc.record({ step: fc.constantFrom('rest', 'rest', 'restart') });

const sequences = fc
  .tuple(
    newPayment,
    fc.array(
      fc.oneof(
        { weight: 1, arbitrary: newPayment },
        { weight: 14, arbitrary: followUp },
        { weight: 4, arbitrary: repeat },
        { weight: 2, arbitrary: pause },
      ),
      { minLength: 1, maxLength: 40 },
    ),
  )
  .map(([first, others]) => [first, ...others]);

// MODEL_RUNS=1000 MODEL_SEED=42 for a long or a certain run; a failure prints its seed, its path and the shortest sequence.
const numRuns = Number(process.env['MODEL_RUNS'] ?? 40);
const seed = Number(process.env['MODEL_SEED'] ?? 20_261_121);

test('whatever is asked in whatever order, through faults, repetitions and restarts, the engine does what the reference model says and its books agree with the provider', async () => {
  await fc.assert(
    fc.asyncProperty(sequences, async (steps) => await runSequence(bench, steps)),
    { numRuns, seed, endOnFailure: process.env['MODEL_SHRINK'] === 'no' },
  );
});
