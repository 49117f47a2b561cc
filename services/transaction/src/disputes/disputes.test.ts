import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type {
  Dispute,
  ListDisputesRequest,
  ListDisputesResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import { deskOf } from '../provider-events/test-payments.ts';
import {
  deliver,
  eventsAtStripe,
  lookOnce,
  scopeOf,
  storedEvents,
  webhookOf,
  withNewId,
} from '../provider-events/test-webhooks.ts';
import type { StripeEvent } from '../provider-events/test-webhooks.ts';
import { send } from '../testing/simulators.ts';
import { eur, followUpOf, callOptions, refusalOf, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';

let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  // Processed only when a test says so.
  service = await startTestService(world, { sweepIntervalMs: 600_000 });
});
after(async () => {
  await service.close();
  await world.close();
});

type Disputed = { hotel: Hotel; payment: Payment; reference: string };

/** A payment whose card holder went to their bank; the events are made and not delivered. */
async function disputedSale(status = 'needs_response'): Promise<Disputed> {
  const hotel = await world.stripeHotel();
  const payment = await deskOf(world, service, hotel).sale();
  const made = await send('POST', `${world.stripe.url}/_control/disputes`, {
    payment_intent: payment.providerReference,
    status,
  });
  return { hotel, payment, reference: z.object({ id: z.string() }).parse(made).id };
}

async function bankDecides(reference: string, status: string): Promise<void> {
  await send('POST', `${world.stripe.url}/_control/disputes/${reference}`, { status });
}

async function disputeEvents(hotel: Hotel): Promise<StripeEvent[]> {
  const events = (await eventsAtStripe(world, hotel)).filter(({ type }) =>
    type.startsWith('charge.dispute.'),
  );
  assert.ok(events.length > 0);
  return events;
}

async function deliverAndLook(hotel: Hotel, events: readonly StripeEvent[]): Promise<void> {
  for (const event of events) await deliver(service, webhookOf(hotel, event));
  await lookOnce(world, service, hotel);
  for (const { state, reason, type } of await storedEvents(world, hotel))
    assert.equal(state, 'processed', `${type}: ${reason}`);
}

async function list(
  hotel: Hotel,
  change: Partial<ListDisputesRequest> = {},
  caller = 'payment-api',
): Promise<ListDisputesResponse> {
  const client = service.clientOf(caller);
  return await callUnary(
    client.listDisputes.bind(client),
    { ...scopeOf(hotel), limit: 100, paymentId: '', afterDisputeId: '', status: '', ...change },
    callOptions(),
  );
}

async function get(hotel: Hotel, disputeId: string, mode: Mode = Mode.MODE_TEST): Promise<Dispute> {
  return await callUnary(
    service.client.getDispute.bind(service.client),
    { merchantId: hotel.merchantId, mode, disputeId },
    callOptions(),
  );
}

/** The one dispute of the hotel. */
async function only(hotel: Hotel): Promise<Dispute> {
  const { disputes } = await list(hotel);
  assert.equal(disputes.length, 1);
  return disputes[0] ?? assert.fail();
}

async function steps(payment: Payment): Promise<string[]> {
  const { rows } = await world.admin.query<{ type: string }>(
    `select type from payment_events where payment_id = $1 order by version`,
    [fromPublicId('pay', payment.paymentId)],
  );
  return rows.map(({ type }) => type).filter((type) => type.includes('disput'));
}

test('a dispute is recorded as the provider tells it, and its payment is marked while the bank has the money', async () => {
  const { hotel, payment, reference } = await disputedSale();
  await deliverAndLook(hotel, await disputeEvents(hotel));
  const dispute = await only(hotel);
  assert.match(dispute.disputeId, /^dis_[0-9a-z]{26}$/);
  assert.deepEqual(
    [dispute.paymentId, dispute.providerReference, dispute.status, dispute.providerStatus, dispute.inquiry],
    [payment.paymentId, reference, 'open', 'needs_response', false],
  );
  assert.deepEqual(dispute.amount, { amountMinor: 12_500n, currency: 'EUR' });
  assert.equal(dispute.reason, 'fraudulent');
  assert.ok(dispute.evidenceDueAt && dispute.evidenceDueAt > new Date());
  assert.deepEqual(await get(hotel, dispute.disputeId), dispute);
  assert.equal((await service.get(hotel, payment.paymentId)).disputed, true);
  const refund = service.refund({
    followUp: followUpOf(hotel, payment.paymentId),
    amount: eur(1_000),
    reason: '',
    metadata: {},
  });
  assert.equal((await refusalOf(refund)).error.code, 'payment_disputed');
});

test('a dispute that is won frees the payment; every step is kept, once each', async () => {
  const { hotel, payment, reference } = await disputedSale();
  await deliverAndLook(hotel, await disputeEvents(hotel));
  await bankDecides(reference, 'under_review');
  await deliverAndLook(hotel, await disputeEvents(hotel));
  await bankDecides(reference, 'won');
  await deliverAndLook(hotel, await disputeEvents(hotel));
  const dispute = await only(hotel);
  assert.equal(dispute.status, 'won');
  assert.equal((await service.get(hotel, payment.paymentId)).disputed, false);
  assert.deepEqual(await steps(payment), ['payment.disputed', 'payment.dispute_closed']);
  const { rows } = await world.admin.query(
    `select version, status from dispute_events where merchant_id = $1 order by version`,
    [hotel.merchantId],
  );
  assert.deepEqual(rows, [
    { version: 1, status: 'open' },
    { version: 2, status: 'under_review' },
    { version: 3, status: 'won' },
  ]);
  for (const change of [`update dispute_events set status = 'lost'`, `delete from dispute_events`])
    await assert.rejects(world.admin.query(change), /append-only/);
});

test('30: its events last to first, each twice, end where the bank ended, whatever they said', async () => {
  const { hotel, payment, reference } = await disputedSale();
  await bankDecides(reference, 'under_review');
  await bankDecides(reference, 'lost');
  const events = (await disputeEvents(hotel)).toReversed();
  for (const event of events)
    await Promise.all(
      [event, event, withNewId(event)].map(async (one) => await deliver(service, webhookOf(hotel, one))),
    );
  await deliverAndLook(hotel, []);
  assert.equal((await only(hotel)).status, 'lost');
  assert.equal((await service.get(hotel, payment.paymentId)).disputed, false);
  assert.deepEqual(await steps(payment), [], 'the bank had decided before we heard of it');
});

test('an inquiry takes no money and does not stand in the way of a refund', async () => {
  const { hotel, payment } = await disputedSale('warning_needs_response');
  await deliverAndLook(hotel, await disputeEvents(hotel));
  const dispute = await only(hotel);
  assert.deepEqual([dispute.inquiry, dispute.status], [true, 'open']);
  assert.equal((await service.get(hotel, payment.paymentId)).disputed, false);
  const refunded = await deskOf(world, service, hotel).refund(payment.paymentId, 1_000n);
  assert.equal(refunded.refundedMinor + refunded.refundPendingMinor, 1_000n);
});

test('a crash between the dispute and its mark on the payment is made good by the next look', async () => {
  const { hotel, payment } = await disputedSale();
  const events = await disputeEvents(hotel);
  await deliverAndLook(hotel, events);
  await world.admin.query(`update payments set disputed = false where id = $1`, [
    fromPublicId('pay', payment.paymentId),
  ]);
  await deliverAndLook(hotel, [
    withNewId(events[0] ?? assert.fail(), { status: 'needs_response', amount: 12_501 }),
  ]);
  assert.equal((await service.get(hotel, payment.paymentId)).disputed, true);
  const { rows } = await world.admin.query(`select 1 from dispute_events where merchant_id = $1`, [
    hotel.merchantId,
  ]);
  assert.equal(rows.length, 1, 'the dispute itself had not changed');
});

test('while the provider cannot tell how a dispute stands, nothing is recorded and the event waits', async () => {
  const { hotel } = await disputedSale();
  const [event] = await disputeEvents(hotel);
  assert.ok(event);
  await deliver(service, webhookOf(hotel, event));
  await world.stripe.stop();
  try {
    await lookOnce(world, service, hotel);
  } finally {
    await world.stripe.start();
  }
  const [waiting] = await storedEvents(world, hotel);
  assert.deepEqual(
    [waiting?.state, waiting?.reason],
    ['received', 'the provider could not tell how the dispute stands'],
  );
  assert.deepEqual((await list(hotel)).disputes, []);
  await deliverAndLook(hotel, []);
  assert.equal((await only(hotel)).status, 'open');
});

const paymentsOf = ({ disputes }: ListDisputesResponse): string[] =>
  disputes.map(({ paymentId }) => paymentId);

test('lists are of one hotel and mode, by status, by payment and by cursor', async () => {
  const hotel = await world.stripeHotel();
  const desk = deskOf(world, service, hotel);
  const payments: Payment[] = [];
  for (let index = 0; index < 3; index += 1) {
    const payment = await desk.sale();
    payments.push(payment);
    const made = await send('POST', `${world.stripe.url}/_control/disputes`, {
      payment_intent: payment.providerReference,
    });
    if (index === 0) await bankDecides(z.object({ id: z.string() }).parse(made).id, 'lost');
    await deliverAndLook(hotel, await disputeEvents(hotel));
  }
  const ids = payments.map(({ paymentId }) => paymentId);
  assert.deepEqual(paymentsOf(await list(hotel)), ids.toReversed());
  const first = await list(hotel, { limit: 2 });
  const second = await list(hotel, { limit: 2, afterDisputeId: first.disputes[1]?.disputeId ?? '' });
  assert.deepEqual([first.hasMore, second.hasMore, paymentsOf(second)], [true, false, [ids[0]]]);
  assert.deepEqual(paymentsOf(await list(hotel, { status: 'lost' })), [ids[0]]);
  assert.deepEqual(paymentsOf(await list(hotel, { paymentId: ids[1] ?? '' })), [ids[1]]);
  assert.deepEqual(paymentsOf(await list(hotel, { paymentId: 'nonsense' })), []);
  assert.deepEqual(paymentsOf(await list(hotel, { mode: Mode.MODE_LIVE })), []);
  const other = await world.stripeHotel();
  assert.deepEqual(paymentsOf(await list(other, { paymentId: ids[1] ?? '' })), []);
  const disputeId = first.disputes[0]?.disputeId ?? '';
  for (const [whose, id, mode] of [
    [other, disputeId, Mode.MODE_TEST],
    [hotel, disputeId, Mode.MODE_LIVE],
    [hotel, 'nonsense', Mode.MODE_TEST],
  ] as const)
    assert.equal((await refusalOf(get(whose, id, mode))).status, grpcStatus.NOT_FOUND);
  for (const [change, field] of [
    [{ limit: 0 }, 'limit'],
    [{ limit: 101 }, 'limit'],
    [{ afterDisputeId: 'nonsense' }, 'cursor'],
    [{ status: 'perhaps' }, 'status'],
  ] as const)
    assert.deepEqual(
      (await refusalOf(list(hotel, change))).error.errors.map((error) => error.field),
      [field],
    );
  for (const caller of ['merchant', 'api-gateway', 'auth', 'operator'])
    assert.equal((await refusalOf(list(hotel, {}, caller))).status, grpcStatus.PERMISSION_DENIED, caller);
});
