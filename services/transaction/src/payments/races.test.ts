import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { ask, createRequest, hold, outcomesOf, readyAtStripe } from '../testing/follow-ups.ts';
import { countRows } from '../testing/rows.ts';
import {
  eur,
  followUpOf,
  paymentOf,
  saleRequest,
  startTestService,
  withTestService,
} from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { lapseHold } from './corrections.ts';
import { PAYMENT_COLUMNS, toPayment } from './payment.ts';
import type { Payment, PaymentRow } from './payment.ts';

const { PAYMENT_STATUS_SUCCEEDED, PAYMENT_STATUS_CANCELED } = PaymentStatus;
const { OPERATION_STATE_SUCCEEDED } = OperationState;
const ORIGIN = { actor: 'system', requestId: '', address: '' };

let world: World;
/** Two replicas that never sweep and share a database. */
let replicas: [TestService, TestService];

before(async () => {
  world = await startWorld();
  const idle = { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 };
  replicas = [await startTestService(world, idle), await startTestService(world, idle)];
});
after(async () => {
  for (const replica of replicas) await replica.close();
  await world.close();
});

/** What Stripe's journal says was done to a payment after its authorisation. */
async function effects(providerReference: string): Promise<string[]> {
  const words = ['capture.succeeded', 'payment_intent.canceled'];
  const lines = await world.stripe.journal('effect');
  return lines
    .filter((line) => line['payment_intent'] === providerReference && words.includes(String(line['effect'])))
    .map((line) => String(line['effect']));
}

test('41: of 32 captures and 32 voids at once on two replicas one wins, and the provider sees one', async () => {
  const hotel = await world.stripeHotel();
  for (let round = 0; round < 3; round += 1) {
    const held = await readyAtStripe(world, replicas[0], hotel, 'capture');
    const calls = Array.from({ length: 64 }, async (_, index) => {
      const kind = (index + round) % 2 === 0 ? 'capture' : 'void';
      return await ask(replicas[index % 3 === 0 ? 1 : 0], kind, followUpOf(hotel, held.paymentId));
    });
    const { done, codes } = await outcomesOf(calls);
    assert.equal(done.length, 1);
    assert.equal(done[0]?.state, OPERATION_STATE_SUCCEEDED);
    for (const code of codes)
      assert.ok(
        ['operation_pending', 'already_captured', 'payment_canceled', 'state_conflict'].includes(code),
        code,
      );
    const payment = await replicas[0].get(hotel, held.paymentId);
    const isCaptured = payment.status === PAYMENT_STATUS_SUCCEEDED;
    assert.ok(isCaptured || payment.status === PAYMENT_STATUS_CANCELED);
    assert.deepEqual(await effects(held.providerReference), [
      isCaptured ? 'capture.succeeded' : 'payment_intent.canceled',
    ]);
    assert.equal(payment.capturedMinor, isCaptured ? 12_500n : 0n);
    assert.equal(payment.version, held.version + 2);
  }
});

test('41: 64 captures of 3.00 at once of a hold of 100.00 that stays open never take more than is held', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await hold(replicas[0], hotel, 'sim_card_visa', eur(10_000));
  const calls = Array.from(
    { length: 64 },
    async (_, index) =>
      await ask(replicas[index % 2 === 0 ? 1 : 0], 'capture', followUpOf(hotel, paymentId), {
        amount: eur(300),
        keepOpen: true,
      }),
  );
  const { done, codes } = await outcomesOf(calls);
  // 15 percent may be captured above the hold; what reaches the hold itself ends it.
  const payment = await replicas[0].get(hotel, paymentId);
  assert.equal(
    done.filter(({ state }) => state === OPERATION_STATE_SUCCEEDED).length * 300,
    Number(payment.capturedMinor),
  );
  assert.ok(
    payment.capturedMinor <= 11_500n && payment.capturedMinor >= 9_900n,
    String(payment.capturedMinor),
  );
  assert.equal(payment.capturePendingMinor, 0n);
  assert.equal(done.length + codes.length, 64);
  assert.ok(codes.length >= 26);
});

test('42: 64 refunds of 3.00 at once at Stripe never give back more than 100.00', async () => {
  const hotel = await world.stripeHotel();
  const sold = await readyAtStripe(world, replicas[0], hotel, 'refund', eur(10_000));
  const calls = Array.from(
    { length: 64 },
    async (_, index) =>
      await ask(replicas[index % 2 === 0 ? 1 : 0], 'refund', followUpOf(hotel, sold.paymentId), {
        amount: eur(300),
      }),
  );
  const { done, codes } = await outcomesOf(calls);
  assert.deepEqual([done.length, new Set(codes)], [33, new Set(['amount_exceeds_captured'])]);
  const lines = (await world.stripe.journal('effect')).filter(
    (line) => line['effect'] === 'refund.succeeded' && line['payment_intent'] === sold.providerReference,
  );
  assert.equal(
    lines.reduce((sum, line) => sum + Number(line['amount']), 0),
    9_900,
  );
  const payment = await replicas[1].get(hotel, sold.paymentId);
  assert.deepEqual([payment.refundedMinor, payment.refundPendingMinor], [9_900n, 0n]);
});

test('42: captures and refunds of one payment at once leave sums that fit, and every one is accounted for', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await hold(replicas[0], hotel, 'sim_card_visa', eur(100_000));
  await ask(replicas[0], 'capture', followUpOf(hotel, paymentId), { amount: eur(1_000), keepOpen: true });
  const calls = Array.from({ length: 40 }, async (_, index) =>
    index % 2 === 0
      ? await ask(replicas[0], 'capture', followUpOf(hotel, paymentId), {
          amount: eur(1_000),
          keepOpen: true,
        })
      : await ask(replicas[1], 'refund', followUpOf(hotel, paymentId), { amount: eur(500) }),
  );
  const { done, codes } = await outcomesOf(calls);
  const payment = await replicas[0].get(hotel, paymentId);
  assert.equal(payment.capturedMinor, 21_000n);
  assert.ok(payment.refundedMinor <= payment.capturedMinor);
  // state_conflict: what was captured meanwhile would have allowed it, time and again.
  for (const code of codes) assert.ok(['amount_exceeds_captured', 'state_conflict'].includes(code), code);
  assert.equal(Number(payment.refundedMinor), (done.length - 20) * 500);
  assert.equal(payment.version, 2 + 2 + 2 * done.length, 'two steps each, none lost');
});

async function stored(hotel: Hotel, paymentId: string): Promise<Payment> {
  const { rows } = await world.admin.query<PaymentRow>(
    `select ${PAYMENT_COLUMNS} from payments p where merchant_id = $1 and id = $2`,
    [hotel.merchantId, fromPublicId('pay', paymentId)],
  );
  const row = rows[0];
  assert.ok(row);
  return toPayment(row);
}

test('43: a hold that lapses while a capture is under way does not: the holder of the row decides', async () => {
  const hotel = await world.simulatorHotel();
  const held = await hold(replicas[0], hotel);
  const [asking, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const failpoint = (name: string): void => {
    if (name === 'capture.after-write-1') asking.resolve();
  };
  await withTestService(
    world,
    { sweepIntervalMs: 600_000, holdIntervalMs: 600_000, failpoint },
    async (slow) => {
      const write = slow.context.writeTransition;
      slow.context.writeTransition = async (operation, transition) => {
        await go.promise;
        return await write(operation, transition);
      };
      const capture = ask(slow, 'capture', followUpOf(hotel, held.paymentId));
      await asking.promise;
      const now = await stored(hotel, held.paymentId);
      assert.equal(await lapseHold(slow.context, now, ORIGIN), 'superseded');
      go.resolve();
      assert.equal(paymentOf(await capture).status, PAYMENT_STATUS_SUCCEEDED);
    },
  );
  assert.equal(
    await lapseHold(replicas[0].context, await stored(hotel, held.paymentId), ORIGIN),
    'superseded',
    'captured never becomes canceled',
  );
});

test('43: of a lapse and captures at once one wins: what lapsed is not captured, what is captured has not lapsed', async () => {
  const hotel = await world.simulatorHotel();
  for (let round = 0; round < 8; round += 1) {
    const held = await hold(replicas[0], hotel);
    const seen = await stored(hotel, held.paymentId);
    const [lapsed, { done, codes }] = await Promise.all([
      lapseHold(replicas[1].context, seen, ORIGIN),
      outcomesOf(
        Array.from(
          { length: 4 },
          async () => await ask(replicas[0], 'capture', followUpOf(hotel, held.paymentId)),
        ),
      ),
    ]);
    const payment = await replicas[0].get(hotel, held.paymentId);
    assert.deepEqual(
      [payment.status, done.length, payment.capturedMinor],
      lapsed === 'done' ? [PAYMENT_STATUS_CANCELED, 0, 0n] : [PAYMENT_STATUS_SUCCEEDED, 1, 12_500n],
    );
    if (lapsed === 'done') {
      assert.deepEqual(new Set(codes), new Set(['payment_canceled']));
      assert.equal(payment.cancellationReason, 'expired');
    }
  }
});

test('45: two that pay one registered payment at the same moment make one live attempt', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  for (let round = 0; round < 5; round += 1) {
    const { paymentId } = paymentOf(await replicas[0].createPayment(createRequest(hotel)));
    const request = () => saleRequest(hotel, token, { paymentId, amount: undefined });
    const { done, codes } = await outcomesOf([replicas[0].sale(request()), replicas[1].authorize(request())]);
    assert.deepEqual([done.length, codes], [1, ['payment_not_created']]);
    const payment = await replicas[0].get(hotel, paymentId);
    assert.deepEqual([payment.status, payment.capturedMinor], [PAYMENT_STATUS_SUCCEEDED, 12_500n]);
  }
  assert.equal((await countRows(world, hotel))['operations'], 10);
  const charges = (await world.stripe.journal('effect')).filter(
    (line) => line['effect'] === 'charge.succeeded' && line['account'] === hotel.stripeAccount,
  );
  assert.equal(charges.length, 5);
});
