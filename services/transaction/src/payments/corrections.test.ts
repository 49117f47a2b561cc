import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Payment as PaymentMessage } from '@centra/proto/centra/payment/v1/payment.ts';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { effectsAtSimulator, hold, readStored as readNow, stepsOf } from '../holds/test-holds.ts';
import { resolveDue } from '../operations/resolve-unknown.ts';
import { failureOf } from '../providers/failure.ts';
import { eur, followUpOf, paymentOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import {
  lapseHold,
  markDisputed,
  moveDeadline,
  recordLateSuccess,
  remindOfHold,
  reverseRefund,
} from './corrections.ts';
import type { Corrected } from './corrections.ts';
import type { Payment } from './payment.ts';

const ORIGIN = { actor: 'provider:stripe', requestId: 'evt_1', address: '192.0.2.3' };

let world: World;
let service: TestService;
let hotel: Hotel;

before(async () => {
  world = await startWorld();
  service = await startTestService(world, { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 });
  hotel = await world.simulatorHotel();
});
after(async () => {
  await service.close();
  await world.close();
});

/** The last step of a payment, in the history and in the outbox. */
async function lastStep({ id }: Pick<Payment, 'id'>) {
  const { rows } = await world.admin.query<{
    type: string;
    version: number;
    from_status: string;
    to_status: string;
    actor: string;
    request_id: string;
    address: string;
    details: Record<string, string>;
    told: { type: string; data: { status: string; details: Record<string, string> } } | null;
    sums_agree: boolean;
  }>(
    `select e.type, e.version, e.from_status, e.to_status, e.actor, e.request_id, e.address, e.details,
            json_build_object('type', o.type, 'data', o.data) as told,
            (e.authorized_minor, e.captured_minor, e.refunded_minor, e.refund_pending_minor, e.hold_open, e.disputed)
              = (p.authorized_minor, p.captured_minor, p.refunded_minor, p.refund_pending_minor, p.hold_open, p.disputed)
              and e.version = p.version and e.to_status = p.status as sums_agree
       from payment_events e join payments p on p.merchant_id = e.merchant_id and p.id = e.payment_id
       left join outbox o on (o.merchant_id, o.payment_id, o.version) = (e.merchant_id, e.payment_id, e.version)
      where e.payment_id = $1 order by e.version desc limit 1`,
    [id],
  );
  assert.ok(rows[0]);
  return rows[0];
}

/** The payment as it is stored; when it was read is no part of it. */
async function readStored(...of: Parameters<typeof readNow>): ReturnType<typeof readNow> {
  return { ...(await readNow(...of)), readAt: new Date(0) };
}

/**
 * Runs a correction twice on the same reading of a payment: the first is done, with one step in history and outbox that say
 * who, why and the new sums; the second finds the payment changed and writes nothing.
 */
async function correctsOnce(
  paymentId: string,
  type: string,
  correct: (payment: Payment) => Promise<Corrected>,
): Promise<Payment> {
  const read = await readStored(world, paymentId);
  const results = await Promise.all([correct(read), correct(read), correct(read)]);
  assert.deepEqual(results.toSorted(), ['done', 'superseded', 'superseded']);
  const step = await lastStep(read);
  assert.deepEqual(
    [step.type, step.version, step.from_status, step.actor, step.request_id, step.address],
    [type, read.version + 1, read.status, ORIGIN.actor, ORIGIN.requestId, ORIGIN.address],
  );
  assert.deepEqual([step.told?.type, step.told?.data.status], [type, step.to_status]);
  assert.deepEqual(step.told?.data.details, step.details);
  assert.equal(step.sums_agree, true);
  assert.equal(await correct(read), 'superseded');
  return await readStored(world, paymentId);
}

async function paid(card = 'sim_card_visa', amountMinor = 12_500n): Promise<PaymentMessage> {
  const amount = { amountMinor, currency: 'EUR' };
  return paymentOf(await service.sale(saleRequest(hotel, card, { amount })));
}

test('a hold that lapsed is canceled as expired; one that was captured in part is collected, and the rest let go of', async () => {
  const whole = await hold(world, service, hotel);
  const lapsed = await correctsOnce(
    whole.paymentId,
    'payment.canceled',
    async (payment) => await lapseHold(service.context, payment, ORIGIN),
  );
  assert.deepEqual(
    [lapsed.status, lapsed.cancellationReason, lapsed.hold],
    ['canceled', 'expired', undefined],
  );
  assert.deepEqual((await lastStep(lapsed)).details, { reason: 'expired', released: '12500' });
  const part = await hold(world, service, hotel);
  await service.capture({ followUp: followUpOf(hotel, part.paymentId), amount: eur(4_000), keepOpen: true });
  const rest = await correctsOnce(
    part.paymentId,
    'payment.hold_released',
    async (payment) => await lapseHold(service.context, payment, ORIGIN),
  );
  assert.deepEqual(
    [rest.status, rest.cancellationReason, rest.capturedMinor],
    ['succeeded', undefined, 4_000n],
  );
  assert.equal((await lastStep(rest)).details['released'], '8500');
});

test('43: a hold with a capture or void under way does not lapse, nor does one that is over', async () => {
  const held = await hold(world, service, hotel, 'sim_card_visa', 66_640n);
  const followUp = followUpOf(hotel, held.paymentId);
  await service.capture({ followUp, amount: undefined, keepOpen: false });
  const pending = await readStored(world, held.paymentId);
  assert.equal(pending.capturePendingMinor, 66_640n);
  assert.equal(await lapseHold(service.context, pending, ORIGIN), 'superseded');
  const { paymentId } = await paid();
  assert.equal(await lapseHold(service.context, await readStored(world, paymentId), ORIGIN), 'superseded');
});

test('a reminder and a moved deadline are one step each, and change nothing but the hold', async () => {
  const { paymentId } = await hold(world, service, hotel);
  const atFirst = await readStored(world, paymentId);
  const reminded = await correctsOnce(
    paymentId,
    'payment.hold_expiring',
    async (payment) => await remindOfHold(service.context, payment, ORIGIN),
  );
  assert.equal(await remindOfHold(service.context, reminded, ORIGIN), 'superseded', 'once for a deadline');
  const later = new Date(Date.now() + 20 * 86_400_000);
  const moved = await correctsOnce(
    paymentId,
    'payment.hold_extended',
    async (payment) => await moveDeadline(service.context, payment, later, ORIGIN),
  );
  assert.deepEqual(moved.hold?.expiresAt, later);
  assert.equal(
    await moveDeadline(service.context, moved, later, ORIGIN),
    'superseded',
    'it is there already',
  );
  assert.equal(await remindOfHold(service.context, moved, ORIGIN), 'done', 'a new deadline is told anew');
  const { version, updatedAt, hold: terms, ...same } = await readStored(world, paymentId);
  assert.deepEqual(
    { ...atFirst, version, updatedAt, hold: terms },
    { ...same, version, updatedAt, hold: terms },
  );
});

test('a dispute marks a payment and its end unmarks it; while it lasts nothing is given back', async () => {
  const { paymentId } = await paid();
  const details = { dispute: 'dis_1' };
  const marked = await correctsOnce(
    paymentId,
    'payment.disputed',
    async (payment) => await markDisputed(service.context, payment, true, ORIGIN, details),
  );
  assert.equal(marked.disputed, true);
  const refund = { followUp: followUpOf(hotel, paymentId), amount: eur(100), reason: '', metadata: {} };
  await assert.rejects(service.refund(refund));
  assert.equal(await markDisputed(service.context, marked, true, ORIGIN, details), 'superseded');
  const over = await correctsOnce(
    paymentId,
    'payment.dispute_closed',
    async (payment) => await markDisputed(service.context, payment, false, ORIGIN, details),
  );
  assert.deepEqual([over.disputed, over.status], [false, 'succeeded']);
});

test('a refund that came back is declined after all: its amount is free again, and can be given back anew', async () => {
  const { paymentId } = await paid();
  const [first, second] = [followUpOf(hotel, paymentId), followUpOf(hotel, paymentId)];
  await service.refund({ followUp: first, amount: eur(4_000), reason: '', metadata: {} });
  await service.refund({ followUp: second, amount: eur(8_500), reason: '', metadata: {} });
  assert.equal((await readStored(world, paymentId)).status, 'refunded');
  const refund = { merchantId: hotel.merchantId, operationId: first.operationId };
  const results = await Promise.all(
    [1, 2, 3].map(
      async () => await reverseRefund(service.context, refund, failureOf('refund_refused'), ORIGIN),
    ),
  );
  assert.equal(results.filter((result) => result === 'done').length, 1);
  const payment = await readStored(world, paymentId);
  assert.deepEqual([payment.status, payment.refundedMinor], ['partially_refunded', 8_500n]);
  const step = await lastStep(payment);
  assert.deepEqual(
    [step.type, step.details],
    ['payment.refund_failed', { failure: 'refund_refused', amount: '4000' }],
  );
  assert.equal(step.sums_agree, true);
  const { rows } = await world.admin.query(
    `select state, failure->>'code' as code from operations where id = $1`,
    [first.operationId],
  );
  assert.deepEqual(rows, [{ state: 'declined', code: 'refund_refused' }]);
  assert.equal(
    await reverseRefund(service.context, refund, failureOf('refund_refused'), ORIGIN),
    'superseded',
  );
  const stranger = { merchantId: (await world.simulatorHotel()).merchantId, operationId: second.operationId };
  assert.equal(
    await reverseRefund(service.context, stranger, failureOf('refund_refused'), ORIGIN),
    'superseded',
  );
  // Its amount may be asked for again; the simulator's bank knows nothing of the first's failure and refuses it.
  const again = { followUp: followUpOf(hotel, paymentId), amount: eur(4_000), reason: '', metadata: {} };
  assert.equal((await service.refund(again)).state, OperationState.OPERATION_STATE_DECLINED);
  assert.deepEqual((await stepsOf(world, paymentId)).slice(-2), [
    'payment.refund_requested',
    'payment.refund_failed',
  ]);
});

const CAPTURED = { state: 'captured', authorizedMinor: 12_500n, capturedMinor: 12_500n } as const;

test('15, 18: money that was collected after all is kept and reported, with the reference it can be given back by', async () => {
  const { paymentId } = await paid('sim_card_declined');
  await world.admin.query(`update payments set provider_reference = null where id = $1`, [
    fromPublicId('pay', paymentId),
  ]);
  const late = await correctsOnce(
    paymentId,
    'payment.late_success',
    async (payment) => await recordLateSuccess(service.context, payment, CAPTURED, ORIGIN, 'sim_late'),
  );
  assert.deepEqual(
    [late.status, late.authorizedMinor, late.capturedMinor, late.failure, late.providerReference],
    ['succeeded', 12_500n, 12_500n, undefined, 'sim_late'],
  );
  const { rows } = await world.admin.query(
    `select state, failure, settled_minor from operations where payment_id = $1`,
    [fromPublicId('pay', paymentId)],
  );
  assert.deepEqual(rows, [{ state: 'succeeded', failure: null, settled_minor: 12_500n }]);
});

test('a late success is nothing new to a payment that is paid, held or open, nor when the provider holds nothing', async () => {
  const collected = await readStored(world, (await paid()).paymentId);
  const held = await readStored(world, (await hold(world, service, hotel)).paymentId);
  const failed = await readStored(world, (await paid('sim_card_declined')).paymentId);
  assert.equal(
    await recordLateSuccess(service.context, collected, CAPTURED, ORIGIN, undefined),
    'superseded',
  );
  assert.equal(await recordLateSuccess(service.context, held, CAPTURED, ORIGIN, undefined), 'superseded');
  for (const state of ['open', 'canceled', 'failed'] as const)
    assert.equal(
      await recordLateSuccess(service.context, failed, { ...CAPTURED, state }, ORIGIN, undefined),
      'superseded',
    );
  assert.deepEqual(await readStored(world, held.id), held);
});

test('15: a hold that came too late is reported, and released by a void of our own, once', async () => {
  const held = await hold(world, service, hotel);
  // Given up here while the provider holds it: as after a wrong "nothing was charged".
  await lapseHold(service.context, await readStored(world, held.paymentId), ORIGIN);
  const expiresAt = new Date(Date.now() + 86_400_000);
  const terms = { expiresAt, multipleCapture: false, incremental: false, overcaptureMinor: 0n };
  const standing = { state: 'held', authorizedMinor: 12_500n, capturedMinor: 0n, hold: terms } as const;
  const late = await correctsOnce(
    held.paymentId,
    'payment.late_authorization',
    async (payment) => await recordLateSuccess(service.context, payment, standing, ORIGIN, undefined),
  );
  assert.deepEqual([late.status, late.hold?.expiresAt], ['authorized', expiresAt]);
  assert.ok(late.busyOperationId, 'nobody can capture it meanwhile');
  // A provider that keeps no keys is asked twice, a minute apart, before the void is sent.
  await resolveDue(service.context);
  await world.admin.query(
    `update operations set due_at = now(), absent_since = absent_since - interval '2 minutes' where id = $1`,
    [late.busyOperationId],
  );
  await resolveDue(service.context);
  const over = await readStored(world, held.paymentId);
  assert.deepEqual([over.status, over.cancellationReason, over.hold], ['canceled', 'abandoned', undefined]);
  assert.deepEqual(await effectsAtSimulator(world, held.paymentId), ['void succeeded']);
  assert.deepEqual((await stepsOf(world, held.paymentId)).slice(-2), [
    'payment.late_authorization',
    'payment.canceled',
  ]);
});

test('a correction that would break the sums is refused by the database, and leaves no trace', async () => {
  const { paymentId } = await paid('sim_card_declined');
  const failed = await readStored(world, paymentId);
  const steps = await stepsOf(world, paymentId);
  for (const amounts of [
    { authorizedMinor: 12_501n, capturedMinor: 12_501n },
    { authorizedMinor: 12_500n, capturedMinor: 12_501n },
    { authorizedMinor: 12_500n, capturedMinor: 0n },
  ])
    await assert.rejects(
      recordLateSuccess(service.context, failed, { state: 'captured', ...amounts }, ORIGIN, undefined),
      /check constraint/,
    );
  assert.deepEqual(await readStored(world, paymentId), failed);
  assert.deepEqual(await stepsOf(world, paymentId), steps);
});
