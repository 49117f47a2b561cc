import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pauseMs, waitFor } from '@centra/testkit/pause.ts';
import { followUpOf, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { World } from '../testing/world.ts';
import { endOverdueHolds } from './end-holds.ts';
import { effectsAtSimulator, hold, holdingLate, moveOurDeadline, readStored } from './test-holds.ts';

let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world, { holdIntervalMs: 600_000 });
});
after(async () => {
  await service.close();
  await world.close();
});

test('43: a capture against the release of a hold past its deadline: one of them happens, whoever comes first', async (t) => {
  const hotel = await world.simulatorHotel();
  const late = holdingLate(service.context, 8);
  const ends: string[] = [];
  // When the deadline passes after the capture was asked for; moved towards the moment at which both come at once.
  let delayMs = 10;
  for (let round = 0; round < 40; round += 1) {
    const { paymentId } = await hold(world, service, hotel);
    const followUp = followUpOf(hotel, paymentId);
    const capture = async (): Promise<void> => {
      await service.capture({ followUp, amount: undefined, keepOpen: false }).catch(() => undefined);
    };
    const watch = async (): Promise<void> => {
      await pauseMs(delayMs);
      // A capture may have closed the hold already; then there is no deadline to pass.
      await moveOurDeadline(world, paymentId, '1 day').catch(() => undefined);
      await Promise.all([endOverdueHolds(late), endOverdueHolds(late)]);
    };
    await Promise.all([capture(), watch()]);
    // A capture that was under way when the watchers looked is over now; so they look once more.
    await endOverdueHolds(late);
    const stored = await waitFor(`${paymentId} to come to its end`, async () => {
      const payment = await readStored(world, paymentId);
      return payment.hold === undefined ? payment : undefined;
    });
    const effects = await effectsAtSimulator(world, paymentId);
    const expected = stored.status === 'succeeded' ? 'capture succeeded' : 'void succeeded';
    assert.deepEqual(effects, [expected], `${stored.status} with one effect at the provider`);
    assert.equal(stored.capturedMinor, stored.status === 'succeeded' ? 12_500n : 0n);
    ends.push(stored.status);
    delayMs = Math.max(0, delayMs + (stored.status === 'succeeded' ? -3 : 4));
  }
  const captured = ends.filter((end) => end === 'succeeded').length;
  t.diagnostic(`${captured} captured, ${ends.length - captured} released`);
  assert.ok(ends.includes('succeeded') && ends.includes('canceled'), 'both came first at times');
});

test('43: a capture that is under way at the provider when the deadline passes is not crossed by a release', async () => {
  const hotel = await world.simulatorHotel();
  const late = holdingLate(service.context, 8);
  // The simulator takes two seconds for this amount.
  const { paymentId } = await hold(world, service, hotel, 'sim_card_visa', 66_644n);
  const capturing = service.capture({
    followUp: followUpOf(hotel, paymentId),
    amount: undefined,
    keepOpen: false,
  });
  await waitFor('the capture to be under way', async () =>
    (await readStored(world, paymentId)).capturePendingMinor > 0n ? true : undefined,
  );
  await moveOurDeadline(world, paymentId, '1 day');
  assert.equal(await endOverdueHolds(late), 0);
  await capturing;
  assert.equal((await readStored(world, paymentId)).status, 'succeeded');
  assert.deepEqual(await effectsAtSimulator(world, paymentId), ['capture succeeded']);
});
