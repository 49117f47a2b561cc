import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { resolveDue } from '../operations/resolve-unknown.ts';
import { send } from '../testing/simulators.ts';
import { recordingLog } from '../testing/recording-log.ts';
import { chargesAtStripe, history } from '../testing/rows.ts';
import { paymentOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { deskOf } from './test-payments.ts';
import {
  ageEvents,
  callStripe,
  countingCounters,
  deliver,
  eventOfType,
  eventsAtStripe,
  lookOnce,
  paymentRow,
  storedEvent,
  storedEvents,
  webhookOf,
  withNewId,
} from './test-webhooks.ts';
import type { StripeEvent } from './test-webhooks.ts';

const {
  PAYMENT_STATUS_CANCELED,
  PAYMENT_STATUS_PARTIALLY_REFUNDED,
  PAYMENT_STATUS_REFUNDED,
  PAYMENT_STATUS_SUCCEEDED,
} = PaymentStatus;

const { log, errors } = recordingLog();
let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  // Swept and processed only when a test says so.
  service = await startTestService(world, { sweepIntervalMs: 600_000 }, {}, log);
});
after(async () => {
  await service.close();
  await world.close();
});

const uuidOf = (payment: { paymentId: string }): string => fromPublicId('pay', payment.paymentId) ?? '';

/** Delivers one event and looks at it once. */
async function tell(hotel: Hotel, event: StripeEvent) {
  await deliver(service, webhookOf(hotel, event));
  await lookOnce(world, service, hotel);
  return await storedEvent(world, hotel, event);
}

test('32: an event with another amount or currency than ours moves nothing: the provider is asked, agrees, and that is noted', async () => {
  const hotel = await world.stripeHotel();
  const payment = await deskOf(world, service, hotel).sale();
  const earlier = await paymentRow(world, uuidOf(payment));
  const event = await eventOfType(world, hotel, 'payment_intent.succeeded');
  for (const [change, said] of [
    [{ amount: 99_900, amount_received: 99_900 }, '99900 EUR'],
    [{ currency: 'usd' }, '12500 USD'],
  ] as const) {
    const altered = withNewId(event, change);
    const { state, reason } = await tell(hotel, altered);
    assert.equal(state, 'processed');
    assert.ok(reason.startsWith(`the event contradicted the provider: it said ${said}`), reason);
  }
  assert.deepEqual(await paymentRow(world, uuidOf(payment)), earlier);
});

test('an event with an amount that one of the payment’s own steps had is no contradiction, however late it comes', async () => {
  const hotel = await world.stripeHotel();
  const desk = deskOf(world, service, hotel);
  const { paymentId } = await desk.sale();
  await desk.refund(paymentId, 1_000n);
  await desk.refund(paymentId, 2_000n);
  for (const type of ['payment_intent.succeeded', 'charge.succeeded', 'refund.created', 'charge.refunded']) {
    const { state, reason } = await tell(hotel, await eventOfType(world, hotel, type));
    assert.equal(state, 'processed', `${type}: ${reason}`);
    assert.doesNotMatch(reason, /contradicted/, type);
  }
});

test('32: what the provider confirms and we did not do is a mismatch for people: seen twice, 30 s apart, and nothing moves', async () => {
  const hotel = await world.stripeHotel();
  const payment = await deskOf(world, service, hotel).sale();
  const earlier = await paymentRow(world, uuidOf(payment));
  // Given back in the dashboard.
  await callStripe(world, hotel, 'POST', '/v1/refunds', {
    payment_intent: payment.providerReference,
    amount: '4000',
  });
  const event = await eventOfType(world, hotel, 'charge.refunded');
  const first = await tell(hotel, event);
  const words = 'given back: 4000 EUR (minor units) at the provider, 0 EUR (minor units) in our record';
  assert.deepEqual([first.state, first.reason], ['received', `to be confirmed: ${words}`]);
  await lookOnce(world, service, hotel);
  assert.equal((await storedEvent(world, hotel, event)).state, 'received', 'the second look came at once');
  await ageEvents(world, hotel, 'differs_since', '30 seconds');
  const counters = countingCounters();
  const logged = errors.length;
  await lookOnce(world, service, hotel, counters);
  const mismatch = await storedEvent(world, hotel, event);
  assert.deepEqual(
    [mismatch.state, mismatch.reason, mismatch.payment_id],
    ['mismatch', words, uuidOf(payment)],
  );
  assert.equal(counters.mismatches, 1);
  assert.match(errors.slice(logged).join('\n'), /a provider contradicts our record: a person must look/);
  assert.deepEqual(await paymentRow(world, uuidOf(payment)), earlier);
});

test('32: a hold that was collected or released in the dashboard is a mismatch, not a capture or void of ours', async () => {
  for (const [action, words] of [
    ['capture', /^collected: 12500 EUR/],
    ['cancel', /^the hold was released at the provider, and not by us/],
  ] as const) {
    const hotel = await world.stripeHotel();
    const payment = await deskOf(world, service, hotel).authorize();
    const earlier = await paymentRow(world, uuidOf(payment));
    await callStripe(world, hotel, 'POST', `/v1/payment_intents/${payment.providerReference}/${action}`);
    const type = action === 'capture' ? 'payment_intent.succeeded' : 'payment_intent.canceled';
    const event = await eventOfType(world, hotel, type);
    await tell(hotel, event);
    await ageEvents(world, hotel, 'differs_since', '30 seconds');
    await lookOnce(world, service, hotel);
    const { state, reason } = await storedEvent(world, hotel, event);
    assert.equal(state, 'mismatch');
    assert.match(reason, words);
    assert.deepEqual(await paymentRow(world, uuidOf(payment)), earlier);
  }
});

test('a difference that is gone at the second look was only a copy that lagged behind', async () => {
  const hotel = await world.stripeHotel();
  const desk = deskOf(world, service, hotel);
  const payment = await desk.sale();
  const event = await eventOfType(world, hotel, 'payment_intent.succeeded');
  const shown = `update payments set refunded_minor = $2, status = $3 where id = $1`;
  // As right after a refund of ours that Stripe's copy does not show yet.
  await world.admin.query(shown, [uuidOf(payment), 500, 'partially_refunded']);
  const first = await tell(hotel, event);
  assert.equal(first.state, 'received');
  assert.match(first.reason, /^to be confirmed: less was given back/);
  await world.admin.query(shown, [uuidOf(payment), 0, 'succeeded']);
  await ageEvents(world, hotel, 'differs_since', '30 seconds');
  await lookOnce(world, service, hotel);
  assert.equal((await storedEvent(world, hotel, event)).state, 'processed');
});

test('a hold that the provider let lapse is canceled here as expired, once, however often it is told', async () => {
  const hotel = await world.stripeHotel();
  const payment = await deskOf(world, service, hotel).authorize();
  const eightDays = { advance_ms: 8 * 24 * 60 * 60_000 };
  await send('POST', `${world.stripe.url}/_control/clock`, eightDays);
  const event = await eventOfType(world, hotel, 'payment_intent.canceled');
  for (const one of [event, withNewId(event), withNewId(event)])
    await deliver(service, webhookOf(hotel, one));
  await lookOnce(world, service, hotel);
  const now = await service.get(hotel, payment.paymentId);
  assert.deepEqual(
    [now.status, now.cancellationReason, now.hold],
    [PAYMENT_STATUS_CANCELED, 'expired', undefined],
  );
  const lapses = (await history(world, payment.paymentId)).filter((step) => step.endsWith('> canceled'));
  assert.equal(lapses.length, 1);
  for (const { state } of await storedEvents(world, hotel)) assert.equal(state, 'processed');
});

test('a refund that the bank sends back days later is taken back here, and the rest can be refunded again', async () => {
  const hotel = await world.stripeHotel();
  const desk = deskOf(world, service, hotel);
  // Stripe's test card whose refunds succeed first and fail later.
  const { paymentId } = await desk.sale('4000000000005126');
  const refunded = await desk.refund(paymentId);
  assert.equal(refunded.status, PAYMENT_STATUS_REFUNDED);
  const reference = await refundReference(hotel);
  assert.ok(reference);
  await send('POST', `${world.stripe.url}/_control/clock`, { advance_ms: 60_000 });
  const event = await waitFor(
    'the bank to send it back',
    async () => await eventOfType(world, hotel, 'refund.failed').catch(() => undefined),
  );
  assert.equal(event.data.object['id'], reference);
  const copies = [event, withNewId(event)];
  for (const copy of copies) await deliver(service, webhookOf(hotel, copy));
  await lookOnce(world, service, hotel);
  const now = await service.get(hotel, paymentId);
  assert.deepEqual([now.status, now.refundedMinor], [PAYMENT_STATUS_SUCCEEDED, 0n]);
  const { rows } = await world.admin.query<{ state: string; failure: { code: string } | null }>(
    `select state, failure from operations where merchant_id = $1 and kind = 'refund'`,
    [hotel.merchantId],
  );
  assert.deepEqual(rows, [{ state: 'declined', failure: rows[0]?.failure ?? null }]);
  assert.ok(rows[0]?.failure?.code);
  for (const { state, reason } of await storedEvents(world, hotel)) assert.equal(state, 'processed', reason);
  const steps = await eventTypes(paymentId);
  assert.equal(steps.filter((type) => type === 'payment.refund_failed').length, 1);
});

async function refundReference(hotel: Hotel): Promise<string | null> {
  const { rows } = await world.admin.query<{ provider_reference: string | null }>(
    `select provider_reference from operations where merchant_id = $1 and kind = 'refund'`,
    [hotel.merchantId],
  );
  return rows[0]?.provider_reference ?? null;
}

async function eventTypes(paymentId: string): Promise<string[]> {
  const { rows } = await world.admin.query<{ type: string }>(
    `select type from payment_events where payment_id = $1 order by version`,
    [uuidOf({ paymentId })],
  );
  return rows.map(({ type }) => type);
}

test('18: money that came after a payment was given up is recorded as late_success, once, and kept', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  const request = saleRequest(hotel, token);
  const payment = paymentOf(await service.sale(request));
  const event = await eventOfType(world, hotel, 'payment_intent.succeeded');
  // As if its absence had been proven before the charge reached Stripe.
  await world.admin.query(
    `with o as (update operations set state = 'declined' where id = $1)
     update payments set status = 'failed', authorized_minor = 0, captured_minor = 0,
            failure = '{"code":"not_charged","message":"","retryable":true}' where id = $2`,
    [request.operationId, uuidOf(payment)],
  );
  for (const one of [event, withNewId(event), withNewId(event)])
    await deliver(service, webhookOf(hotel, one));
  await lookOnce(world, service, hotel);
  const now = await service.get(hotel, payment.paymentId);
  assert.deepEqual([now.status, now.capturedMinor], [PAYMENT_STATUS_SUCCEEDED, 12_500n]);
  assert.equal(
    (await eventTypes(payment.paymentId)).filter((type) => type === 'payment.late_success').length,
    1,
  );
  for (const { state } of await storedEvents(world, hotel)) assert.equal(state, 'processed');
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
});

test('18: a hold that came after the payment was given up is let go of by a void of our own', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  const request = saleRequest(hotel, token);
  const payment = paymentOf(await service.authorize(request));
  const event = await eventOfType(world, hotel, 'payment_intent.amount_capturable_updated');
  await world.admin.query(
    `with o as (update operations set state = 'declined' where id = $1)
     update payments set status = 'failed', authorized_minor = 0, hold_open = false,
            failure = '{"code":"not_charged","message":"","retryable":true}' where id = $2`,
    [request.operationId, uuidOf(payment)],
  );
  assert.equal((await tell(hotel, event)).state, 'received', 'the void is under way');
  await waitFor('the void to be done', async () => {
    await resolveDue(service.context);
    const { status } = await service.get(hotel, payment.paymentId);
    return status === PAYMENT_STATUS_CANCELED ? true : undefined;
  });
  const intent = await callStripe(world, hotel, 'GET', `/v1/payment_intents/${payment.providerReference}`);
  assert.equal(Object(intent)['status'], 'canceled');
  await lookOnce(world, service, hotel);
  assert.equal((await storedEvent(world, hotel, event)).state, 'processed');
});

test('a refund that the bank works on leaves its event processed once the provider was asked, and the sweeper asks on', async () => {
  const hotel = await world.stripeHotel();
  const desk = deskOf(world, service, hotel);
  // Stripe's test card whose refunds stay pending first.
  const { paymentId } = await desk.sale('4000000000007726');
  const pending = await desk.refund(paymentId, 2_500n);
  assert.equal(pending.refundPendingMinor, 2_500n);
  const event = await eventOfType(world, hotel, 'refund.created');
  assert.equal((await tell(hotel, event)).state, 'received');
  await ageEvents(world, hotel, 'hastened_at', '10 minutes');
  // Asked since: the sweeper's claim raised the number, and it is pending still.
  await world.admin.query(
    `update operations set attempt = attempt + 1, due_at = now() + interval '1 hour'
      where merchant_id = $1 and kind = 'refund'`,
    [hotel.merchantId],
  );
  await lookOnce(world, service, hotel);
  const done = await storedEvent(world, hotel, event);
  assert.deepEqual([done.state, done.reason], ['processed', 'the provider agrees']);
  assert.equal((await service.get(hotel, paymentId)).refundPendingMinor, 2_500n);
  assert.notEqual((await service.get(hotel, paymentId)).status, PAYMENT_STATUS_PARTIALLY_REFUNDED);
});

test('while the provider cannot be asked an event waits and moves nothing', async () => {
  const hotel = await world.stripeHotel();
  const payment = await deskOf(world, service, hotel).sale();
  const earlier = await paymentRow(world, uuidOf(payment));
  const event = await eventOfType(world, hotel, 'payment_intent.succeeded');
  await world.stripe.stop();
  await deliver(service, webhookOf(hotel, event));
  try {
    await lookOnce(world, service, hotel);
  } finally {
    await world.stripe.start();
  }
  const waiting = await storedEvent(world, hotel, event);
  assert.deepEqual(
    [waiting.state, waiting.reason],
    ['received', 'the provider could not tell where the payment stands'],
  );
  assert.deepEqual(await paymentRow(world, uuidOf(payment)), earlier);
  await lookOnce(world, service, hotel);
  assert.equal((await storedEvent(world, hotel, event)).state, 'processed');
});

test('a bunch of events of one payment asks the provider once', async () => {
  const hotel = await world.stripeHotel();
  const payment = await deskOf(world, service, hotel).sale();
  for (const type of ['payment_intent.created', 'charge.succeeded', 'payment_intent.succeeded'])
    await deliver(service, webhookOf(hotel, await eventOfType(world, hotel, type)));
  const asked = async (): Promise<number> =>
    (await world.stripe.journal('request')).filter(
      ({ method, path }) => method === 'GET' && path === `/v1/payment_intents/${payment.providerReference}`,
    ).length;
  const earlier = await asked();
  await lookOnce(world, service, hotel);
  for (const { state, type } of await storedEvents(world, hotel)) assert.equal(state, 'processed', type);
  assert.equal((await asked()) - earlier, 1);
});

/** The provider's object of another payment, as if an earlier try of this one had made it. */
async function earlierTry(hotel: Hotel, payment: { paymentId: string }, card: string) {
  const other = await deskOf(world, service, hotel).sale(card);
  const type = other.status === PAYMENT_STATUS_SUCCEEDED ? 'succeeded' : 'payment_failed';
  const events = (await eventsAtStripe(world, hotel)).filter(
    (event) => event.type === `payment_intent.${type}`,
  );
  const event = events.at(-1) ?? assert.fail();
  const operationId = randomUUID();
  await world.admin.query(
    `with o as (update provider_references set payment_id = $2 where payment_id = $1)
     insert into operations
     select (jsonb_populate_record(o, jsonb_build_object('id', $3::text, 'state', 'declined', 'provider_reference', $4::text))).*
       from operations o where o.payment_id = $2 and o.kind = 'sale'`,
    [uuidOf(other), uuidOf(payment), operationId, event.data.object['id']],
  );
  return withNewId(event, { metadata: { centra_operation: operationId, centra_payment: payment.paymentId } });
}

test('an event of an earlier, declined try of a payment does not disturb the one that succeeded', async () => {
  const hotel = await world.stripeHotel();
  const payment = await deskOf(world, service, hotel).sale();
  const earlier = await paymentRow(world, uuidOf(payment));
  const event = await earlierTry(hotel, payment, '4000000000009995');
  const { state, reason, payment_id } = await tell(hotel, event);
  assert.deepEqual([state, reason, payment_id], ['processed', 'the provider agrees', uuidOf(payment)]);
  assert.deepEqual(await paymentRow(world, uuidOf(payment)), earlier);
});

test('money that an earlier try of a payment collected as well is a mismatch: the guest paid twice', async () => {
  const hotel = await world.stripeHotel();
  const payment = await deskOf(world, service, hotel).sale();
  const earlier = await paymentRow(world, uuidOf(payment));
  const own = await eventOfType(world, hotel, 'payment_intent.succeeded');
  const event = await earlierTry(hotel, payment, '5555555555554444');
  // In one bunch with an event of the payment's own: its answer does not speak for the other object.
  await deliver(service, webhookOf(hotel, own));
  await tell(hotel, event);
  assert.equal((await storedEvent(world, hotel, own)).state, 'processed');
  await ageEvents(world, hotel, 'differs_since', '30 seconds');
  await lookOnce(world, service, hotel);
  const { state, reason } = await storedEvent(world, hotel, event);
  assert.equal(state, 'mismatch');
  assert.match(reason, /another object of this payment at the provider holds or collected money as well/);
  assert.deepEqual(await paymentRow(world, uuidOf(payment)), earlier);
});
