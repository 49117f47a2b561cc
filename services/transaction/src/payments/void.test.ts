import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { hold, paymentIn } from '../testing/follow-ups.ts';
import { history, makeDue, storedOperation } from '../testing/rows.ts';
import {
  eur,
  followUpOf,
  paymentOf,
  refusalOf,
  saleRequest,
  startTestService,
} from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';

const {
  PAYMENT_STATUS_CANCELED,
  PAYMENT_STATUS_SUCCEEDED,
  PAYMENT_STATUS_PARTIALLY_REFUNDED,
  PAYMENT_STATUS_FAILED,
} = PaymentStatus;
const { OPERATION_STATE_UNKNOWN, OPERATION_STATE_SUCCEEDED } = OperationState;

let world: World;
/** Sweeps all the time. */
let service: TestService;
/** Takes requests and never sweeps. */
let door: TestService;

before(async () => {
  world = await startWorld();
  door = await startTestService(world, { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 });
});
after(async () => {
  await door.close();
  await world.close();
});

/** A sweeper at work for the time of `use`. */
async function sweeping<T>(use: () => Promise<T>): Promise<T> {
  service = await startTestService(world, { holdIntervalMs: 600_000 });
  try {
    return await use();
  } finally {
    await service.close();
  }
}

const cancel = async (hotel: Hotel, paymentId: string, reason = '') =>
  await door.voidPayment({ followUp: followUpOf(hotel, paymentId), reason });

async function ended(hotel: Hotel, operationId: string): Promise<string> {
  return await waitFor(`operation ${operationId} to end`, async () => {
    const { state } = await storedOperation(world, hotel, operationId);
    return state === 'succeeded' || state === 'declined' ? state : undefined;
  });
}

/** What the built-in simulator did to a payment, in order. */
async function effects(reference: string): Promise<string[]> {
  const { rows } = await world.admin.query<{ kind: string }>(
    `select kind from simulator_effects where reference = $1 order by seq`,
    [reference],
  );
  return rows.map(({ kind }) => kind);
}

/** The operation that has the payment's hold to itself, as it is stored. */
async function busyWith(paymentId: string): Promise<string | null | undefined> {
  const { rows } = await world.admin.query<{ busy: string | null }>(
    `select busy_operation_id as busy from payments where id = $1`,
    [fromPublicId('pay', paymentId)],
  );
  return rows[0]?.busy;
}

for (const reason of ['', 'requested_by_customer', 'duplicate', 'fraudulent', 'abandoned'])
  test(`a hold is let go of for the reason "${reason}", which stays with the payment`, async () => {
    const hotel = await world.simulatorHotel();
    const { paymentId, providerReference } = await hold(door, hotel);
    const reply = await cancel(hotel, paymentId, reason);
    const payment = paymentOf(reply);
    assert.deepEqual(
      [payment.status, payment.cancellationReason, payment.capturedMinor, payment.hold, reply.state],
      [
        PAYMENT_STATUS_CANCELED,
        reason === '' ? 'requested_by_customer' : reason,
        0n,
        undefined,
        OPERATION_STATE_SUCCEEDED,
      ],
    );
    assert.deepEqual(await effects(providerReference), ['void']);
    assert.deepEqual((await history(world, paymentId)).slice(-2), [
      '3 authorized > authorized',
      '4 authorized > canceled',
    ]);
  });

test('of a hold that was captured in part the rest is let go of: what was captured stays, and stays refunded', async () => {
  const hotel = await world.simulatorHotel();
  const partly = await paymentIn(door, hotel, 'partially_captured');
  const left = paymentOf(await cancel(hotel, partly.paymentId, 'abandoned'));
  assert.deepEqual(
    [left.status, left.capturedMinor, left.hold, left.cancellationReason],
    [PAYMENT_STATUS_SUCCEEDED, 4_000n, undefined, ''],
  );
  const other = await paymentIn(door, hotel, 'partially_captured');
  const followUp = followUpOf(hotel, other.paymentId);
  await door.refund({ followUp, amount: eur(1_000), reason: '', metadata: {} });
  assert.equal(paymentOf(await cancel(hotel, other.paymentId)).status, PAYMENT_STATUS_PARTIALLY_REFUNDED);
});

test('15: a hold that came after its payment was canceled is let go of, exactly once', async () => {
  const hotel = await world.simulatorHotel();
  // The bank approves; its answer is lost.
  const request = saleRequest(hotel, 'sim_card_visa', { amount: eur(66_610) });
  const { paymentId } = paymentOf(await door.authorize(request));
  const followUp = followUpOf(hotel, paymentId);
  const waiting = await door.voidPayment({ followUp, reason: 'duplicate' });
  assert.equal(waiting.state, OPERATION_STATE_UNKNOWN);
  assert.equal(paymentOf(waiting).status, PaymentStatus.PAYMENT_STATUS_PROCESSING);
  assert.equal((await refusalOf(cancel(hotel, paymentId))).error.code, 'operation_pending');
  await makeDue(world, request.operationId);
  await sweeping(async () => assert.equal(await ended(hotel, followUp.operationId), 'succeeded'));
  const payment = await door.get(hotel, paymentId);
  assert.deepEqual(
    [payment.status, payment.capturedMinor, payment.cancellationReason],
    [PAYMENT_STATUS_CANCELED, 0n, 'duplicate'],
  );
  assert.deepEqual(await effects(payment.providerReference), ['void']);
  const again = await door.voidPayment({ followUp, reason: 'duplicate' });
  assert.deepEqual([again.replayed, again.state, again.payment], [true, OPERATION_STATE_SUCCEEDED, payment]);
});

test('15: money that was collected before the cancellation stays collected, and the void says so', async () => {
  const hotel = await world.simulatorHotel();
  const request = saleRequest(hotel, 'sim_card_visa', { amount: eur(66_610) });
  const { paymentId } = paymentOf(await door.sale(request));
  const followUp = followUpOf(hotel, paymentId);
  await door.voidPayment({ followUp, reason: '' });
  await makeDue(world, request.operationId);
  await sweeping(async () => assert.equal(await ended(hotel, followUp.operationId), 'declined'));
  const payment = await door.get(hotel, paymentId);
  assert.deepEqual([payment.status, payment.capturedMinor], [PAYMENT_STATUS_SUCCEEDED, 66_610n]);
  assert.equal(await busyWith(paymentId), null, 'a void that is over keeps no payment to itself');
  const again = await door.voidPayment({ followUp, reason: '' });
  assert.equal(again.failure?.code, 'already_captured');
  // It can be given back like any other.
  const refund = { followUp: followUpOf(hotel, paymentId), amount: undefined, reason: '', metadata: {} };
  assert.equal((await door.refund(refund)).state, OPERATION_STATE_SUCCEEDED);
});

test('15: a payment that fails after all leaves nothing to cancel: the void is done, the payment failed', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await paymentIn(door, hotel, 'processing');
  const first = await world.admin.query<{ id: string }>(`select id from operations where merchant_id = $1`, [
    hotel.merchantId,
  ]);
  const saleId = first.rows[0]?.id ?? '';
  const followUp = followUpOf(hotel, paymentId);
  await door.voidPayment({ followUp, reason: 'abandoned' });
  await sweeping(async () => {
    // Absence is proven by two lookups a minute apart.
    await waitFor('the first lookup', async () => {
      const { absent_since: since } = await storedOperation(world, hotel, saleId);
      return since ?? undefined;
    });
    await world.admin.query(
      `update operations set absent_since = absent_since - interval '61 s', due_at = now() where id = $1`,
      [saleId],
    );
    assert.equal(await ended(hotel, followUp.operationId), 'succeeded');
  });
  const payment = await door.get(hotel, paymentId);
  assert.ok([PAYMENT_STATUS_FAILED, PAYMENT_STATUS_CANCELED].some((status) => status === payment.status));
  assert.deepEqual([payment.capturedMinor, payment.authorizedMinor], [0n, 0n]);
  assert.equal(await busyWith(paymentId), null, 'a void that is over keeps no payment to itself');
  assert.deepEqual(await effects(payment.providerReference), []);
});

test('18: a challenge that the hotel cancels is withdrawn: the guest is too late, the payment canceled', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await paymentIn(door, hotel, 'requires_action');
  const followUp = followUpOf(hotel, paymentId);
  const waiting = await door.voidPayment({ followUp, reason: 'abandoned' });
  assert.equal(waiting.state, OPERATION_STATE_UNKNOWN);
  await sweeping(async () => assert.equal(await ended(hotel, followUp.operationId), 'succeeded'));
  const payment = await door.get(hotel, paymentId);
  assert.deepEqual(
    [payment.status, payment.cancellationReason, payment.nextAction],
    [PAYMENT_STATUS_CANCELED, 'abandoned', undefined],
  );
});

test('a void whose answer was lost keeps the hold to itself until it is found out', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId, providerReference } = await hold(door, hotel, 'sim_card_visa', eur(66_640));
  const followUp = followUpOf(hotel, paymentId);
  assert.equal((await door.voidPayment({ followUp, reason: '' })).state, OPERATION_STATE_UNKNOWN);
  const capture = { followUp: followUpOf(hotel, paymentId), amount: undefined, keepOpen: false };
  assert.equal((await refusalOf(door.capture(capture))).error.code, 'operation_pending');
  await makeDue(world, followUp.operationId);
  await sweeping(async () => assert.equal(await ended(hotel, followUp.operationId), 'succeeded'));
  assert.equal((await door.get(hotel, paymentId)).status, PAYMENT_STATUS_CANCELED);
  assert.deepEqual(await effects(providerReference), ['void']);
});
