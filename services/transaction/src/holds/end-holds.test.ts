import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { makeDue } from '../testing/rows.ts';
import { eur, followUpOf, paymentOf, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { World } from '../testing/world.ts';
import { resolveDue } from '../operations/resolve-unknown.ts';
import { endOverdueHolds, HOLDS_AT_ONCE } from './end-holds.ts';
import {
  advanceStripe,
  ageSimulatorHold,
  effectsAtSimulator,
  hold,
  holdingLate,
  moveOurDeadline,
  readStored,
  stepsOf,
  withProvider,
} from './test-holds.ts';

const DAY_MS = 86_400_000;

let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  // Holds are looked at only when a test says so; the first round finds none.
  service = await startTestService(world, { holdIntervalMs: 600_000, sweepIntervalMs: 600_000 });
});
after(async () => {
  await service.close();
  await world.close();
});
afterEach(async () => {
  await world.stripe.clearFaults();
  // What a test leaves open is not another's.
  await world.admin.query(
    `update payments set hold_open = false, status = 'canceled', cancellation_reason = 'abandoned', captured_minor = 0,
            capture_pending_minor = 0, busy_operation_id = null where hold_open`,
  );
});

async function stateOf({ paymentId }: Payment): Promise<unknown[]> {
  const { status, cancellationReason, hold: open, capturedMinor } = await readStored(world, paymentId);
  return [status, cancellationReason, open === undefined ? 'closed' : 'open', Number(capturedMinor)];
}

/** Of a hold, from its making to the provider's deadline, in days. */
function daysOf({ createdAt, hold: terms }: Payment): number {
  assert.ok(createdAt && terms?.expiresAt);
  return (terms.expiresAt.getTime() - createdAt.getTime()) / DAY_MS;
}

test('52: each brand lapses by its own deadline at the built-in simulator, and no day before', async () => {
  const hotel = await world.simulatorHotel();
  for (const [card, days] of [
    ['sim_card_visa', 7],
    ['sim_card_amex', 7],
    ['sim_card_discover', 10],
  ] as const) {
    const held = await hold(world, service, hotel, card);
    assert.ok(Math.abs(daysOf(held) - days) < 0.01, `${card}: ${daysOf(held)} days`);
    await ageSimulatorHold(world, held.paymentId, days - 1);
    assert.equal(await endOverdueHolds(service.context), 0);
    // And a second, since the bank reads whole ones.
    await ageSimulatorHold(world, held.paymentId, 1 + 1 / 86_400);
    assert.equal(await endOverdueHolds(service.context), 1);
    assert.deepEqual(await stateOf(held), ['canceled', 'expired', 'closed', 0]);
    assert.deepEqual(await stepsOf(world, held.paymentId), [
      'payment.created',
      'payment.authorized',
      'payment.canceled',
    ]);
    assert.deepEqual(await effectsAtSimulator(world, held.paymentId), [], 'it lapsed by itself');
  }
});

test('52: a hold at Stripe takes its deadline from capture_before, and lapses when Stripe says so', async () => {
  const hotel = await world.stripeHotel();
  const held = await hold(world, service, hotel, '4242424242424242');
  assert.ok(Math.abs(daysOf(held) - 7) < 0.01, `${daysOf(held)} days`);
  await advanceStripe(world, 8);
  assert.equal(await endOverdueHolds(service.context), 0, "Stripe's clock alone ends nothing of ours");
  await moveOurDeadline(world, held.paymentId, '1 minute');
  assert.equal(await endOverdueHolds(service.context), 1);
  assert.deepEqual(await stateOf(held), ['canceled', 'expired', 'closed', 0]);
});

test('a hold captured in part that lapses keeps what was collected, and the rest is let go of', async () => {
  const hotel = await world.stripeHotel();
  const held = await hold(world, service, hotel, '4242424242424242');
  const followUp = followUpOf(hotel, held.paymentId);
  await service.capture({ followUp, amount: eur(5_000), keepOpen: true });
  assert.deepEqual(await stateOf(held), ['partially_captured', undefined, 'open', 5_000]);
  await advanceStripe(world, 8);
  await moveOurDeadline(world, held.paymentId, '1 minute');
  await endOverdueHolds(service.context);
  assert.deepEqual(await stateOf(held), ['succeeded', undefined, 'closed', 5_000]);
  assert.equal((await stepsOf(world, held.paymentId)).at(-1), 'payment.hold_released');
});

test('P17, I26: neither a wrong deadline of ours nor a clock 8 days off ends a hold before the provider does', async (t) => {
  const hotels = [await world.simulatorHotel(), await world.stripeHotel()];
  for (const [index, hotel] of hotels.entries()) {
    const held = await hold(world, service, hotel, index === 0 ? 'sim_card_visa' : '4242424242424242');
    const told = held.hold?.expiresAt;
    await moveOurDeadline(world, held.paymentId, '8 days');
    assert.equal(await endOverdueHolds(service.context), 1);
    assert.deepEqual(await stateOf(held), ['authorized', undefined, 'open', 0]);
    const { hold: open } = await readStored(world, held.paymentId);
    assert.deepEqual(open?.expiresAt, told, "the provider's own deadline is ours again");
    assert.equal((await stepsOf(world, held.paymentId)).at(-1), 'payment.hold_extended');
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 8 * DAY_MS });
    assert.equal(await endOverdueHolds(service.context), 0, 'a service that lives 8 days ahead ends nothing');
    t.mock.timers.reset();
    assert.deepEqual(await stateOf(held), ['authorized', undefined, 'open', 0]);
  }
});

test('while the provider cannot be asked a hold waits, and is looked at again', async () => {
  const hotel = await world.stripeHotel();
  const held = await hold(world, service, hotel, '4242424242424242');
  await advanceStripe(world, 8);
  await moveOurDeadline(world, held.paymentId, '30 days');
  await world.stripe.stop();
  try {
    assert.equal(await endOverdueHolds(service.context), 1);
    assert.deepEqual(await stateOf(held), ['authorized', undefined, 'open', 0]);
    assert.equal(await endOverdueHolds(service.context), 0, 'not at once again');
  } finally {
    await world.stripe.start();
  }
  await moveOurDeadline(world, held.paymentId, '30 days');
  await endOverdueHolds(service.context);
  assert.deepEqual(await stateOf(held), ['canceled', 'expired', 'closed', 0]);
});

test('10: a provider that holds long past its own deadline is told to let go, once, and not within the first hour', async () => {
  const hotel = await world.simulatorHotel();
  const held = await hold(world, service, hotel);
  // Two deadlines of the provider: one half an hour ago, one a day ago.
  await moveOurDeadline(world, held.paymentId, '30 minutes');
  await endOverdueHolds(holdingLate(service.context, 7 + 1 / 48));
  assert.deepEqual(await effectsAtSimulator(world, held.paymentId), []);
  await moveOurDeadline(world, held.paymentId, '1 day');
  const late = holdingLate(service.context, 8);
  await Promise.all([endOverdueHolds(late), endOverdueHolds(late), endOverdueHolds(late)]);
  assert.deepEqual(await stateOf(held), ['canceled', 'expired', 'closed', 0]);
  assert.deepEqual(await effectsAtSimulator(world, held.paymentId), ['void succeeded']);
  assert.deepEqual((await stepsOf(world, held.paymentId)).slice(-2), [
    'payment.cancel_requested',
    'payment.canceled',
  ]);
  const { rows } = await world.admin.query(
    `select actor from payment_events where payment_id = $1 and version = 4`,
    [fromPublicId('pay', held.paymentId)],
  );
  assert.deepEqual(rows, [{ actor: 'system:holds' }]);
});

test('a release that never reached the provider is tried again at a later look, with a key of its own', async () => {
  const hotel = await world.simulatorHotel();
  const held = await hold(world, service, hotel);
  const late = holdingLate(service.context, 8);
  const cutOff = withProvider(late, () => ({
    followUp: async () => ({ kind: 'not_sent', reason: 'no route' }) as const,
  }));
  await moveOurDeadline(world, held.paymentId, '1 day');
  await endOverdueHolds(cutOff);
  const { busyOperationId } = await readStored(world, held.paymentId);
  assert.ok(busyOperationId);
  await moveOurDeadline(world, held.paymentId, '1 day');
  assert.equal(await endOverdueHolds(late), 0, 'a release under way is not begun twice');
  // Nobody came back for it: the sweeper puts it down.
  await makeDue(world, busyOperationId);
  await resolveDue(service.context);
  await moveOurDeadline(world, held.paymentId, '1 day');
  assert.equal(await endOverdueHolds(late), 1);
  assert.deepEqual(await stateOf(held), ['canceled', 'expired', 'closed', 0]);
  assert.deepEqual(await effectsAtSimulator(world, held.paymentId), ['void succeeded']);
});

test('a release that the provider refuses leaves the hold open for the next look', async () => {
  const hotel = await world.simulatorHotel();
  const held = await hold(world, service, hotel, 'sim_card_visa', 66_650n);
  await moveOurDeadline(world, held.paymentId, '1 day');
  const late = holdingLate(service.context, 8);
  await endOverdueHolds(late);
  assert.deepEqual(await stateOf(held), ['authorized', undefined, 'open', 0]);
  await moveOurDeadline(world, held.paymentId, '1 day');
  await endOverdueHolds(late);
  assert.deepEqual(await effectsAtSimulator(world, held.paymentId), ['void declined', 'void declined']);
});

test('a hold of an account that the hotel has disconnected is asked about with the credentials it was made with', async () => {
  const hotel = await world.simulatorHotel();
  const held = await hold(world, service, hotel);
  world.merchant.disconnect(hotel.providerAccountId);
  await ageSimulatorHold(world, held.paymentId, 8);
  await endOverdueHolds(service.context);
  assert.deepEqual(await stateOf(held), ['canceled', 'expired', 'closed', 0]);
});

test('what was captured at the provider and not by us ends nothing', async () => {
  const hotel = await world.simulatorHotel();
  const held = await hold(world, service, hotel);
  await moveOurDeadline(world, held.paymentId, '1 day');
  const other = withProvider(service.context, () => ({
    standing: async () => ({
      state: 'captured' as const,
      authorizedMinor: 12_500n,
      capturedMinor: 12_500n,
      refundedMinor: 0n,
      capturableMinor: 0n,
      disputed: false,
    }),
  }));
  await endOverdueHolds(other);
  assert.deepEqual(await stateOf(held), ['authorized', undefined, 'open', 0]);
});

test('a hold without a deadline is never ended', async () => {
  const hotel = await world.simulatorHotel();
  const held = await hold(world, service, hotel);
  await world.admin.query(
    `update payments set hold_expires_at = null, created_at = now() - interval '90 days' where id = $1`,
    [fromPublicId('pay', held.paymentId)],
  );
  assert.equal(await endOverdueHolds(holdingLate(service.context, 90)), 0);
  assert.deepEqual(await stateOf(held), ['authorized', undefined, 'open', 0]);
});

test('several watchers share the holds past their deadline: each is asked about by one, in batches', async () => {
  const hotel = await world.simulatorHotel();
  const count = 2 * HOLDS_AT_ONCE + 5;
  const held = await Promise.all(
    Array.from({ length: count }, async () => await hold(world, service, hotel)),
  );
  await Promise.all(held.map(async ({ paymentId }) => await ageSimulatorHold(world, paymentId, 8)));
  const asked: string[] = [];
  const counting = withProvider(service.context, (real) => ({
    async standing(account, reference, currency) {
      asked.push(reference);
      return await real.standing(account, reference, currency);
    },
  }));
  const taken = await Promise.all([1, 2, 3, 4].map(async () => await endOverdueHolds(counting)));
  assert.ok(taken.every((one) => one <= HOLDS_AT_ONCE));
  while ((await endOverdueHolds(counting)) > 0);
  assert.equal(asked.length, count);
  assert.equal(new Set(asked).size, count);
  for (const one of held)
    assert.deepEqual(await stepsOf(world, one.paymentId), [
      'payment.created',
      'payment.authorized',
      'payment.canceled',
    ]);
});

test('16: a capture whose outcome is unknown at the deadline decides before the hold is looked at', async () => {
  const hotel = await world.simulatorHotel();
  const held = await hold(world, service, hotel, 'sim_card_visa', 66_640n);
  const followUp = followUpOf(hotel, held.paymentId);
  const answer = paymentOf(await service.capture({ followUp, amount: undefined, keepOpen: false }));
  assert.equal(answer.capturePendingMinor, 66_640n);
  await moveOurDeadline(world, held.paymentId, '1 day');
  assert.equal(await endOverdueHolds(holdingLate(service.context, 8)), 0);
  await makeDue(world, followUp.operationId);
  await resolveDue(service.context);
  assert.deepEqual(await stateOf(held), ['succeeded', undefined, 'closed', 66_640]);
  assert.deepEqual(await effectsAtSimulator(world, held.paymentId), ['capture succeeded']);
});
