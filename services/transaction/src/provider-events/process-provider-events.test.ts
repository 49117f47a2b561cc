import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { resolveDue } from '../operations/resolve-unknown.ts';
import { recordingLog } from '../testing/recording-log.ts';
import { chargesAtStripe, history, storedOperation } from '../testing/rows.ts';
import { paymentOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { claimDueEvents, conclude, processed } from './pending-event.ts';
import { deskOf } from './test-payments.ts';
import {
  ageEvents,
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

const { PAYMENT_STATUS_PROCESSING, PAYMENT_STATUS_PARTIALLY_REFUNDED, PAYMENT_STATUS_SUCCEEDED } =
  PaymentStatus;

const { log, errors } = recordingLog();
let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  // Swept and processed only when a test says so: the first rounds at the start find nothing.
  service = await startTestService(world, { sweepIntervalMs: 600_000 }, {}, log);
});
after(async () => {
  await service.close();
  await world.close();
});
afterEach(async () => await world.stripe.clearFaults());

const uuidOf = (payment: Payment): string => fromPublicId('pay', payment.paymentId) ?? '';

async function deliverAll(hotel: Hotel, events: readonly StripeEvent[]): Promise<void> {
  for (const event of events) await deliver(service, webhookOf(hotel, event));
}

async function isDue(operationId: string): Promise<boolean> {
  const { rows } = await world.admin.query<{ is_due: boolean }>(
    `select due_at <= now() as is_due from operations where id = $1`,
    [operationId],
  );
  return rows[0]?.is_due ?? assert.fail();
}

test('28: the same fact under five ids at once has no second effect: one look, four that say so', async () => {
  const hotel = await world.stripeHotel();
  const payment = await deskOf(world, service, hotel).sale();
  const event = await eventOfType(world, hotel, 'payment_intent.succeeded');
  const earlier = await paymentRow(world, uuidOf(payment));
  const copies = [event, ...Array.from({ length: 4 }, () => withNewId(event))];
  await Promise.all(copies.map(async (copy) => await deliver(service, webhookOf(hotel, copy))));
  await lookOnce(world, service, hotel);
  const stored = await storedEvents(world, hotel);
  assert.deepEqual(
    stored.map(({ state, payment_id }) => [state, payment_id]),
    Array.from({ length: 5 }, () => ['processed', uuidOf(payment)]),
  );
  const asked = stored.filter(({ reason }) => reason === 'the provider agrees');
  assert.equal(asked.length, 1, 'the provider was asked once');
  const first = toPublicId('pev', asked[0]?.id ?? '');
  assert.equal(stored.filter(({ reason }) => reason === `the same fact as ${first}`).length, 4);
  assert.deepEqual(await paymentRow(world, uuidOf(payment)), earlier);
});

test('29: an event that comes before the answer of our own call waits for it, and each changes the payment once', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  const request = saleRequest(hotel, token);
  const awake = Promise.withResolvers<void>();
  const asleep = Promise.withResolvers<void>();
  // Stripe has charged and the call has not stored its answer yet, as on a slow line.
  const original = service.context.writeTransition;
  service.context.writeTransition = async (operation, transition) => {
    asleep.resolve();
    await awake.promise;
    return await original(operation, transition);
  };
  const answer = service.sale(request).finally(() => (service.context.writeTransition = original));
  await asleep.promise;
  const event = await eventOfType(world, hotel, 'payment_intent.succeeded');
  await deliver(service, webhookOf(hotel, event));
  await lookOnce(world, service, hotel);
  const waiting = await storedEvent(world, hotel, event);
  assert.deepEqual(
    [waiting.state, waiting.reason],
    ['received', 'an operation of the payment is not settled yet'],
  );
  const leased = await storedOperation(world, hotel, request.operationId);
  assert.deepEqual([leased.state, leased.attempt], ['sent', 1]);
  assert.equal(await isDue(request.operationId), false, 'the operation is left to its caller');
  awake.resolve();
  const payment = paymentOf(await answer);
  assert.equal(payment.status, PAYMENT_STATUS_SUCCEEDED);
  const settled = await paymentRow(world, uuidOf(payment));
  await lookOnce(world, service, hotel);
  assert.equal((await storedEvent(world, hotel, event)).state, 'processed');
  assert.deepEqual(await paymentRow(world, uuidOf(payment)), settled);
  assert.equal((await history(world, payment.paymentId)).length, 2);
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
});

test('an event about a lost answer has the sweeper ask at once; the event itself decides nothing', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  await world.stripe.arm({ fault: 'act_then_drop', path: '/v1/payment_intents', method: 'POST' });
  const request = saleRequest(hotel, token);
  const { paymentId, status } = paymentOf(await service.sale(request));
  assert.equal(status, PAYMENT_STATUS_PROCESSING);
  // Its next look would be far away.
  await world.admin.query(`update operations set due_at = now() + interval '1 hour' where id = $1`, [
    request.operationId,
  ]);
  const event = await eventOfType(world, hotel, 'payment_intent.succeeded');
  await deliver(service, webhookOf(hotel, event));
  await lookOnce(world, service, hotel);
  assert.equal((await service.get(hotel, paymentId)).status, PAYMENT_STATUS_PROCESSING);
  assert.equal((await storedEvent(world, hotel, event)).state, 'received');
  await resolveDue(service.context);
  assert.equal((await service.get(hotel, paymentId)).status, PAYMENT_STATUS_SUCCEEDED);
  await lookOnce(world, service, hotel);
  assert.equal((await storedEvent(world, hotel, event)).state, 'processed');
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
});

test('an event makes an operation due once, so that events every second cannot keep the sweeper from its answer', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  await deskOf(world, service, hotel).sale();
  const sold = await eventOfType(world, hotel, 'payment_intent.succeeded');
  await world.stripe.arm({ fault: 'drop_before_act', path: '/v1/payment_intents', times: 10 });
  const request = saleRequest(hotel, token);
  const { paymentId } = paymentOf(await service.sale(request));
  const stranger = withNewId(sold, { id: 'pi_not_told_yet', metadata: { centra_payment: paymentId } });
  await deliver(service, webhookOf(hotel, stranger));
  await world.admin.query(`update operations set due_at = now() + interval '1 hour' where id = $1`, [
    request.operationId,
  ]);
  await lookOnce(world, service, hotel);
  assert.equal(await isDue(request.operationId), true);
  await world.admin.query(`update operations set due_at = now() + interval '1 hour' where id = $1`, [
    request.operationId,
  ]);
  await lookOnce(world, service, hotel);
  assert.equal(await isDue(request.operationId), false, 'the second look leaves it alone');
  await world.stripe.clearFaults();
  await world.admin.query(`update operations set due_at = now() where id = $1`, [request.operationId]);
  await resolveDue(service.context);
  assert.equal((await service.get(hotel, paymentId)).status, PAYMENT_STATUS_SUCCEEDED);
});

/** Every order of so many things. */
function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  );
}

const LIFE = ['payment_intent.amount_capturable_updated', 'payment_intent.succeeded', 'refund.created'];

test('30: the events of a life in every order, each twice and once more under a new id, leave one final state', async () => {
  const orders = permutations(LIFE);
  assert.equal(orders.length, 6);
  const ends = [];
  for (const order of orders) {
    const hotel = await world.stripeHotel();
    const desk = deskOf(world, service, hotel);
    const { paymentId } = await desk.authorize();
    await desk.capture(paymentId);
    await desk.refund(paymentId, 2_500n);
    const events = await Promise.all(order.map(async (type) => await eventOfType(world, hotel, type)));
    for (const event of events) {
      const thrice = [event, event, withNewId(event)];
      await Promise.all(thrice.map(async (one) => await deliver(service, webhookOf(hotel, one))));
      await lookOnce(world, service, hotel);
    }
    ends.push(await endOf(hotel, paymentId));
  }
  assert.equal(ends[0]?.status, PAYMENT_STATUS_PARTIALLY_REFUNDED);
  for (const end of ends) assert.deepEqual(end, ends[0]);
});

test('30: so they do when every answer of our own calls was lost and only events and the sweeper tell', async () => {
  const ends = [];
  for (const order of permutations(LIFE)) {
    const hotel = await world.stripeHotel();
    const desk = deskOf(world, service, hotel);
    const { paymentId } = await losingAnswer(
      hotel,
      '/v1/payment_intents',
      async () => await desk.authorize(),
    );
    await losingAnswer(hotel, '/capture', async () => await desk.capture(paymentId));
    await losingAnswer(hotel, '/v1/refunds', async () => await desk.refund(paymentId, 2_500n));
    await deliverAll(
      hotel,
      await Promise.all(
        order.flatMap((type) => [type, type]).map(async (type) => await eventOfType(world, hotel, type)),
      ),
    );
    await lookOnce(world, service, hotel);
    ends.push(await endOf(hotel, paymentId));
  }
  assert.equal(ends[0]?.status, PAYMENT_STATUS_PARTIALLY_REFUNDED);
  for (const end of ends) assert.deepEqual(end, ends[0]);
});

/** One of our calls whose answer gets lost; what became of it is found out by an event before the next one. */
async function losingAnswer(hotel: Hotel, path: string, call: () => Promise<Payment>): Promise<Payment> {
  const known = new Set((await eventsAtStripe(world, hotel)).map(({ id }) => id));
  await world.stripe.arm({ fault: 'act_then_drop', path, method: 'POST' });
  const payment = await call();
  await world.stripe.clearFaults();
  const news = (await eventsAtStripe(world, hotel)).filter(({ id }) => !known.has(id));
  assert.ok(news.length > 0, `${path} was done and made events`);
  await world.admin.query(
    `update operations set due_at = now() + interval '1 hour'
      where merchant_id = $1 and state in ('sent', 'unknown')`,
    [hotel.merchantId],
  );
  await deliverAll(hotel, [news[0] ?? assert.fail()]);
  await lookOnce(world, service, hotel);
  await resolveDue(service.context);
  const open = await world.admin.query(
    `select 1 from operations where merchant_id = $1 and state in ('prepared', 'sent', 'unknown')`,
    [hotel.merchantId],
  );
  assert.equal(open.rowCount, 0, 'the event made the operation due, and the sweeper asked');
  await lookOnce(world, service, hotel);
  return payment;
}

async function endOf(hotel: Hotel, paymentId: string) {
  const stored = await storedEvents(world, hotel);
  for (const { state, reason, type } of stored) assert.equal(state, 'processed', `${type}: ${reason}`);
  const end = await service.get(hotel, paymentId);
  return {
    status: end.status,
    version: end.version,
    authorized: end.authorizedMinor,
    captured: end.capturedMinor,
    refunded: end.refundedMinor,
    pending: [end.authorizePendingMinor, end.capturePendingMinor, end.refundPendingMinor],
  };
}

test('31: an event for a payment nobody knows is kept and creates nothing; once the payment is known it is processed', async () => {
  const hotel = await world.stripeHotel();
  const payment = await deskOf(world, service, hotel).sale();
  const event = withNewId(await eventOfType(world, hotel, 'payment_intent.succeeded'), { metadata: {} });
  const earlier = await paymentRow(world, uuidOf(payment));
  // As before our first answer was stored: the provider's id is not known here yet.
  await world.admin.query(`delete from provider_references where payment_id = $1`, [uuidOf(payment)]);
  await deliver(service, webhookOf(hotel, event));
  await lookOnce(world, service, hotel);
  const unmatched = await storedEvent(world, hotel, event);
  assert.deepEqual([unmatched.state, unmatched.payment_id], ['unmatched', null]);
  assert.equal(
    (await world.admin.query(`select 1 from payments where merchant_id = $1`, [hotel.merchantId])).rowCount,
    1,
  );
  await world.admin.query(`insert into provider_references values ($1, $2, $3)`, [
    payment.providerReference,
    hotel.merchantId,
    uuidOf(payment),
  ]);
  await lookOnce(world, service, hotel);
  const matched = await storedEvent(world, hotel, event);
  assert.deepEqual([matched.state, matched.payment_id, matched.attempts], ['processed', uuidOf(payment), 2]);
  assert.deepEqual(await paymentRow(world, uuidOf(payment)), earlier);
});

test('31: after 72 hours it is parked before a person, with an error in the log and in the count; not an hour earlier', async () => {
  const hotel = await world.stripeHotel();
  await deskOf(world, service, hotel).sale();
  const event = withNewId(await eventOfType(world, hotel, 'payment_intent.succeeded'), {
    id: 'pi_of_nobody',
    metadata: {},
  });
  await deliver(service, webhookOf(hotel, event));
  await lookOnce(world, service, hotel);
  await ageEvents(world, hotel, 'waiting_since', '71 hours');
  await lookOnce(world, service, hotel);
  assert.equal((await storedEvent(world, hotel, event)).state, 'unmatched');
  const counters = countingCounters();
  const logged = errors.length;
  await ageEvents(world, hotel, 'waiting_since', '1 hour');
  await lookOnce(world, service, hotel, counters);
  const parked = await storedEvent(world, hotel, event);
  assert.equal(parked.state, 'parked');
  assert.ok(parked.processed_at);
  assert.deepEqual(counters.states, ['parked']);
  assert.match(errors.slice(logged).join('\n'), /could not be processed for 72 hours: a person must look/);
});

test('31: it is looked for again with pauses that double, from a second to an hour', async () => {
  const hotel = await world.stripeHotel();
  await deskOf(world, service, hotel).sale();
  const event = withNewId(await eventOfType(world, hotel, 'payment_intent.succeeded'), {
    id: 'pi_x',
    metadata: {},
  });
  await deliver(service, webhookOf(hotel, event));
  const pauseAt = async (age: string): Promise<number> => {
    await world.admin.query(
      `update provider_events set waiting_since = now() - $2::interval where merchant_id = $1`,
      [hotel.merchantId, age],
    );
    await lookOnce(world, service, hotel);
    const { rows } = await world.admin.query<{ seconds: number }>(
      `select extract(epoch from due_at - now())::float8 as seconds from provider_events where merchant_id = $1`,
      [hotel.merchantId],
    );
    return rows[0]?.seconds ?? -1;
  };
  // The database's own clock on both sides; a slow machine only takes from the pause.
  for (const [age, least, most] of [
    ['0 seconds', -29, 31],
    ['10 minutes', 570, 631],
    ['2 days', 3_570, 3_600],
  ] as const) {
    const pause = await pauseAt(age);
    assert.ok(pause > least && pause <= most, `after ${age}: ${pause} s`);
  }
});

test("an event that cannot be processed is kept and logged, and does not stop the other payments' events", async () => {
  const [hotel, other] = await Promise.all([world.stripeHotel(), world.stripeHotel()]);
  await Promise.all([deskOf(world, service, hotel).sale(), deskOf(world, service, other).sale()]);
  const poison = await eventOfType(world, hotel, 'payment_intent.succeeded');
  const event = await eventOfType(world, other, 'payment_intent.succeeded');
  await deliver(service, webhookOf(hotel, poison));
  await deliver(service, webhookOf(other, event));
  const logged = errors.length;
  // The merchant service is away for the one hotel.
  const original = service.context.accounts;
  service.context.accounts = {
    ...original,
    find: async (merchantId, ...rest) => {
      if (merchantId === hotel.merchantId) throw new Error('away');
      return await original.find(merchantId, ...rest);
    },
  };
  await world.admin.query(`update provider_events set due_at = now() where merchant_id = $1`, [
    other.merchantId,
  ]);
  await lookOnce(world, service, hotel).finally(() => (service.context.accounts = original));
  const kept = await storedEvent(world, hotel, poison);
  assert.deepEqual([kept.state, kept.reason], ['received', 'its processing failed; see the log']);
  assert.match(errors.slice(logged).join('\n'), /could not process a provider event/);
  await lookOnce(world, service, other);
  assert.equal((await storedEvent(world, other, event)).state, 'processed');
  await lookOnce(world, service, hotel);
  assert.equal((await storedEvent(world, hotel, poison)).state, 'processed', 'it is taken up again');
});

test('an event about something that is no payment of ours is stored and done', async () => {
  const hotel = await world.stripeHotel();
  await deskOf(world, service, hotel).sale();
  const event = await eventOfType(world, hotel, 'payment_intent.succeeded');
  const payout: StripeEvent = {
    ...withNewId(event),
    type: 'payout.paid',
    data: { object: { id: 'po_1', object: 'payout', amount: 5_000, currency: 'eur' } },
  };
  await deliver(service, webhookOf(hotel, payout));
  await lookOnce(world, service, hotel);
  const done = await storedEvent(world, hotel, payout);
  assert.deepEqual([done.state, done.payment_id], ['processed', null]);
});

test("an event signed by one hotel never touches another hotel's payment, whatever references it carries", async () => {
  const [hotel, attacker] = await Promise.all([world.stripeHotel(), world.stripeHotel()]);
  const payment = await deskOf(world, service, hotel).sale();
  const earlier = await paymentRow(world, uuidOf(payment));
  const event = withNewId(await eventOfType(world, hotel, 'payment_intent.succeeded'), { amount: 1 });
  await deliver(service, webhookOf(attacker, event));
  await lookOnce(world, service, attacker);
  const stored = await storedEvent(world, attacker, event);
  assert.deepEqual([stored.state, stored.payment_id], ['unmatched', null]);
  assert.deepEqual(await paymentRow(world, uuidOf(payment)), earlier);
  assert.deepEqual(await storedEvents(world, hotel), []);
});

test('claims made at the same moment never share an event, and a late holder concludes nothing', async () => {
  const hotel = await world.stripeHotel();
  await deskOf(world, service, hotel).sale();
  const event = await eventOfType(world, hotel, 'payment_intent.succeeded');
  for (let index = 0; index < 8; index += 1) await deliver(service, webhookOf(hotel, withNewId(event)));
  const ids = (await storedEvents(world, hotel)).map(({ id }) => id);
  const { pool } = service.context;
  const claims = await Promise.all(
    Array.from({ length: 4 }, async () => await claimDueEvents(pool, 16, 60_000)),
  );
  const claimed = claims.flat().filter(({ merchantId }) => merchantId === hotel.merchantId);
  assert.deepEqual(claimed.map(({ id }) => id).toSorted(), ids.toSorted());
  const late = claimed[0] ?? assert.fail();
  await world.admin.query(`update provider_events set due_at = now() where id = $1`, [late.id]);
  const [next] = (await claimDueEvents(pool, 16, 60_000)).filter(({ id }) => id === late.id);
  assert.equal(next?.attempts, late.attempts + 1);
  assert.equal(await conclude(pool, late, processed('too late')), undefined);
  assert.equal(await conclude(pool, next ?? assert.fail(), processed('in time')), 'processed');
});

test('the loop of a running service takes events up by itself', async () => {
  const hotel = await world.stripeHotel();
  const running = await startTestService(world, { sweepIntervalMs: 20 });
  try {
    const payment = await deskOf(world, running, hotel).sale();
    const event = await eventOfType(world, hotel, 'payment_intent.succeeded');
    await deliver(running, webhookOf(hotel, event));
    await waitFor('the event to be processed', async () => {
      const { state, payment_id } = await storedEvent(world, hotel, event);
      return state === 'processed' && payment_id === uuidOf(payment) ? true : undefined;
    });
    const metrics = await running.context.metrics.registry.metrics();
    assert.match(metrics, /centra_provider_events_total\{[^}]*state="processed"[^}]*\} [1-9]/);
  } finally {
    await running.close();
  }
});
