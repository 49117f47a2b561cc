import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FOLLOW_UPS } from '../testing/follow-ups.ts';
import { startWorld } from '../testing/world.ts';
import type { World } from '../testing/world.ts';
import { CONTESTS } from './contests.ts';
import { raceAndVerify } from './race-and-verify.ts';

let world: World;
before(async () => (world = await startWorld()));
after(async () => await world.close());

// A slice of what races/main.ts runs: each contest on two payments, so that the suite stays short.
const CALLERS = 64;

for (const op of FOLLOW_UPS)
  for (const provider of ['simulator', 'stripe'] as const)
    test(`P4: ${CALLERS} callers at once ask for a ${op} at ${provider}: nothing over, nothing lost, every answer true`, async () => {
      const payments = 2 * CONTESTS[op].length;
      const result = await raceAndVerify(world, provider, { op, seed: 7, payments, callers: CALLERS });
      assert.deepEqual(result.faults, []);
      assert.deepEqual(result.violations, []);
      assert.equal(result.clean, payments);
      const calls = Object.values(result.endings).reduce((sum, count) => sum + count, 0);
      assert.equal(calls, payments * CALLERS, 'every call was answered');
      assert.ok((result.endings['succeeded'] ?? 0) >= payments, 'somebody won on each payment');
    });
