import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { eur, followUpOf, startTestService, withTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { World } from '../testing/world.ts';
import { ageSimulatorHold, hold, moveOurDeadline, readStored, stepsOf } from './test-holds.ts';
import { remindOfHolds } from './watch-holds.ts';

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
afterEach(async () => {
  await world.admin.query(`update payments set hold_reminded_at = now() where hold_open`);
});

async function remindersOf(paymentId: string): Promise<number> {
  return (await stepsOf(world, paymentId)).filter((type) => type === 'payment.hold_expiring').length;
}

test('a hotel is reminded within a day before a hold lapses, once, however many watchers there are', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await hold(world, service, hotel);
  assert.equal(await remindOfHolds(service.context), 0, 'six days are time enough');
  await moveOurDeadline(world, paymentId, '-23 hours');
  const told = await Promise.all([1, 2, 3].map(async () => await remindOfHolds(service.context)));
  assert.equal(
    told.reduce((sum, one) => sum + one, 0),
    1,
  );
  assert.equal(await remindOfHolds(service.context), 0);
  assert.equal(await remindersOf(paymentId), 1);
  const { rows } = await world.admin.query<{ data: { details: { expires_at: string }; status: string } }>(
    `select data from outbox where payment_id = $1 and type = 'payment.hold_expiring'`,
    [fromPublicId('pay', paymentId)],
  );
  const stored = await readStored(world, paymentId);
  assert.deepEqual(rows[0]?.data.details, { expires_at: stored.hold?.expiresAt?.toISOString() });
  assert.equal(rows[0]?.data.status, 'authorized');
});

test('a hold past its deadline, one that is over and one without a deadline are not reminded of', async () => {
  const hotel = await world.simulatorHotel();
  const [past, over, endless] = await Promise.all(
    [1, 2, 3].map(async () => await hold(world, service, hotel)),
  );
  assert.ok(past && over && endless);
  await moveOurDeadline(world, past.paymentId, '1 second');
  await moveOurDeadline(world, over.paymentId, '-1 hour');
  await service.voidPayment({ followUp: followUpOf(hotel, over.paymentId), reason: '' });
  await world.admin.query(`update payments set hold_expires_at = null where id = $1`, [
    fromPublicId('pay', endless.paymentId),
  ]);
  assert.equal(await remindOfHolds(service.context), 0);
});

test('a raised hold with the same deadline is not told of again; one with a new deadline is', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await hold(world, service, hotel);
  // Half a day before the end of its seven.
  await ageSimulatorHold(world, paymentId, 6.5);
  assert.equal(await remindOfHolds(service.context), 1);
  await service.adjust({ followUp: followUpOf(hotel, paymentId), amount: eur(13_000) });
  assert.equal((await readStored(world, paymentId)).authorizedMinor, 13_000n);
  assert.equal(await remindOfHolds(service.context), 0, 'the deadline is the same');
  // What the answer to the next adjustment tells is another deadline than the one stored here.
  await moveOurDeadline(world, paymentId, '-2 hours');
  await service.adjust({ followUp: followUpOf(hotel, paymentId), amount: eur(13_500) });
  assert.equal(await remindOfHolds(service.context), 1);
  assert.equal(await remindersOf(paymentId), 2);
});

test('the loop of a running service reminds and ends without being asked', async () => {
  const hotel = await world.simulatorHotel();
  const soon = await hold(world, service, hotel);
  const over = await hold(world, service, hotel);
  await moveOurDeadline(world, soon.paymentId, '-1 hour');
  await ageSimulatorHold(world, over.paymentId, 8);
  await withTestService(world, { holdIntervalMs: 50 }, async () => {
    await waitFor('the hold to lapse', async () =>
      (await readStored(world, over.paymentId)).status === 'canceled' ? true : undefined,
    );
    await waitFor('the reminder', async () => ((await remindersOf(soon.paymentId)) === 1 ? true : undefined));
  });
});
