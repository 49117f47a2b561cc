import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Hotel } from '@centra/dev/seed.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { request } from 'undici';
import { z } from 'zod';
import {
  control,
  disarm,
  effectsOn,
  listOf,
  newPayment,
  operate,
  paymentWhen,
  readPayment,
} from './operations-under-test.ts';
import {
  arm,
  call,
  onboardHotel,
  problemSchema,
  rows,
  startPlatformUnderTest,
} from './platform-under-test.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';

const TIMEOUT_MS = 60_000;

let platform: PlatformUnderTest;
let hotel: Hotel;
let account: string;
before(async () => {
  platform = await startPlatformUnderTest();
  hotel = await onboardHotel(platform);
  const { json } = await call(platform, 'GET', '/v1/provider-accounts', { apiKey: hotel.apiKey });
  const accounts = listOf(z.object({ id: z.string(), provider: z.string() }).loose()).parse(json).data;
  account = accounts.find(({ provider }) => provider === 'stripe')?.id ?? '';
});
after(async () => {
  await platform.end();
  assert.deepEqual(platform.crashes, [], 'no service ended by itself');
});

const eventSchema = z
  .object({
    provider_event_id: z.string(),
    type: z.string(),
    state: z.string(),
    payment_id: z.string().nullable(),
  })
  .loose();

/** What Stripe told about a payment, as the hotel's staff sees it. */
async function eventsOf(paymentId: string): Promise<z.infer<typeof eventSchema>[]> {
  const { json } = await call(platform, 'GET', '/v1/provider-events?limit=100', { apiKey: hotel.apiKey });
  return listOf(eventSchema)
    .parse(json)
    .data.filter(({ payment_id }) => payment_id === paymentId);
}

/** Waits until an event of that type is there and everything that Stripe told of the payment is done with. */
async function processed(paymentId: string, type: string): Promise<void> {
  await waitFor(
    `${type} to be processed`,
    async () => {
      const events = await rows(
        platform,
        'transaction',
        'select type, state from provider_events where payment_id = $1',
        z.object({ type: z.string(), state: z.string() }),
        [fromPublicId('pay', paymentId)],
      );
      const isDone = events.every(({ state }) => state === 'processed');
      return isDone && events.some((event) => event.type === type) ? true : undefined;
    },
    TIMEOUT_MS,
  );
}

async function countEvents(): Promise<number> {
  const count = z.object({ n: z.int() });
  const [row] = await rows(platform, 'transaction', 'select count(*)::int as n from provider_events', count);
  return row?.n ?? -1;
}

test('an event with a wrong signature, none, or for an unknown account is refused and not stored', async () => {
  const before400 = await countEvents();
  const body = JSON.stringify({
    id: 'evt_forged',
    object: 'event',
    type: 'charge.refunded',
    data: { object: {} },
  });
  const now = Math.floor(Date.now() / 1_000);
  const sign = (secret: string) =>
    `t=${now},v1=${createHmac('sha256', secret).update(`${now}.${body}`).digest('hex')}`;
  const send = async (path: string, signature: string | undefined): Promise<number> => {
    const headers = signature === undefined ? {} : { 'stripe-signature': signature };
    const answer = await request(`${platform.gatewayUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
    await answer.body.dump();
    return answer.statusCode;
  };
  const own = `/v1/webhooks/stripe/${account}`;
  assert.equal(await send(own, sign(`whsec_${randomBytes(16).toString('hex')}`)), 400);
  assert.equal(await send(own, `t=${now},v1=`), 400);
  assert.equal(await send(own, undefined), 400);
  assert.equal(await send('/v1/webhooks/stripe/pa_01jd0000000000000000000000', sign('whsec_x')), 404);
  assert.equal(await countEvents(), before400);
});

test('28, 29: events that come twice, under another id, before the reply or in another order change nothing twice', async () => {
  const faults = [
    { fault: 'webhook_before_reply', method: 'POST', path: '/v1/payment_intents' },
    { fault: 'webhook_duplicate', copies: 3, times: 2 },
    { fault: 'webhook_duplicate', copies: 2, new_id: true, event_type: 'charge.refunded' },
    { fault: 'webhook_reorder', hold_ms: 1_500, event_type: 'payment_intent.succeeded' },
  ];
  for (const fault of faults) await arm(platform.stripeUrl, fault);
  const held = await newPayment(platform, hotel);
  const captured = await operate(platform, hotel, `/v1/payments/${held.id}/capture`, {
    amount: 9_000,
    currency: 'EUR',
  });
  assert.equal(captured.status, 200, captured.text);
  const refund = await operate(platform, hotel, `/v1/payments/${held.id}/refund`, {
    amount: 2_500,
    currency: 'EUR',
  });
  assert.equal(refund.status, 201, refund.text);
  await processed(held.id, 'charge.refunded');
  await processed(held.id, 'payment_intent.succeeded');
  await disarm(platform.stripeUrl);
  const ids = (await eventsOf(held.id)).map((event) => event.provider_event_id);
  assert.ok(ids.length > 0);
  assert.equal(new Set(ids).size, ids.length, 'an event is stored once');
  const payment = await readPayment(platform, hotel, held.id);
  assert.equal(payment.status, 'partially_refunded');
  assert.equal(payment.amount_captured, 9_000);
  assert.equal(payment.amount_refunded, 2_500);
  assert.equal((await effectsOn(platform, held, 'capture.succeeded')).length, 1);
  assert.equal((await effectsOn(platform, held, 'refund.succeeded')).length, 1);
});

test('5: reply and webhooks lost, the sweeper alone finds out, with one effect', async () => {
  const held = await newPayment(platform, hotel);
  await arm(platform.stripeUrl, { fault: 'webhook_lose', times: 0 });
  await arm(platform.stripeUrl, {
    fault: 'act_then_drop',
    method: 'POST',
    path: `/v1/payment_intents/${held.provider_reference}/capture`,
    times: 2,
  });
  const asked = await operate(platform, hotel, `/v1/payments/${held.id}/capture`);
  assert.equal(asked.status, 202, asked.text);
  const payment = await paymentWhen(
    platform,
    hotel,
    held.id,
    'captured',
    ({ status }) => status === 'succeeded',
  );
  await disarm(platform.stripeUrl);
  assert.equal(payment.amount_captured, 12_550);
  assert.equal(payment.amount_capture_pending, 0);
  assert.equal((await effectsOn(platform, held, 'capture.succeeded')).length, 1);
  const told = (await eventsOf(held.id)).map(({ type }) => type);
  assert.ok(!told.includes('payment_intent.succeeded'), 'no webhook helped');
});

const refundSchema = z.object({ id: z.string(), status: z.string(), failure: z.unknown() }).loose();

/** A refund as the hotel reads it, once it is in that status. */
async function refundWhen(id: string, wanted: string): Promise<z.infer<typeof refundSchema>> {
  return await waitFor(
    `refund ${id} to be ${wanted}`,
    async () => {
      const { json } = await call(platform, 'GET', `/v1/refunds/${id}`, { apiKey: hotel.apiKey });
      const refund = refundSchema.parse(json);
      return refund.status === wanted ? refund : undefined;
    },
    TIMEOUT_MS,
  );
}

test('a refund that the bank works on is pending and counts as given back; told to have failed, it is free again', async () => {
  const sale = await newPayment(platform, hotel, { capture_method: 'automatic' }, '4000000000007726');
  // The bank is asked to take its time, so that the story decides.
  const asked = await operate(platform, hotel, `/v1/payments/${sale.id}/refund`, {
    amount: 12_000,
    currency: 'EUR',
  });
  assert.equal(asked.status, 202, asked.text);
  const { id } = refundSchema.parse(asked.json);
  const [pending] = await effectsOn(platform, sale, 'refund.pending');
  const more = await operate(platform, hotel, `/v1/payments/${sale.id}/refund`, {
    amount: 1_000,
    currency: 'EUR',
  });
  assert.equal(problemSchema.parse(more.json).code, 'amount_exceeds_captured');
  await control(platform, `/refunds/${String(pending?.['refund'])}`, { status: 'failed' });
  const failed = await refundWhen(id, 'failed');
  assert.notEqual(failed.failure, null);
  const payment = await readPayment(platform, hotel, sale.id);
  assert.equal(payment.status, 'succeeded');
  assert.equal(payment.amount_refunded, 0);
  assert.equal(payment.amount_refund_pending, 0);
});

test('a refund that succeeded and is sent back by the bank is told by a webhook, and the money is the hotel’s again', async () => {
  const sale = await newPayment(platform, hotel, { capture_method: 'automatic' }, '4000000000005126');
  const asked = await operate(platform, hotel, `/v1/payments/${sale.id}/refund`);
  assert.equal(asked.status, 201, asked.text);
  const { id, status } = refundSchema.parse(asked.json);
  assert.equal(status, 'succeeded');
  await refundWhen(id, 'failed');
  const payment = await readPayment(platform, hotel, sale.id);
  assert.equal(payment.status, 'succeeded');
  assert.equal(payment.amount_refunded, 0);
  assert.equal((await effectsOn(platform, sale, 'refund.failed')).length, 1);
});

test('a disputed payment says so, its dispute is listed, and it is not given back a second time', async () => {
  const sale = await newPayment(platform, hotel, { capture_method: 'automatic' }, '4000000000000259');
  await paymentWhen(platform, hotel, sale.id, 'disputed', ({ disputed }) => disputed);
  const list = await call(platform, 'GET', '/v1/disputes', { apiKey: hotel.apiKey });
  const disputeSchema = z
    .object({ id: z.string(), payment_id: z.string(), amount: z.int(), status: z.string() })
    .loose();
  const dispute = listOf(disputeSchema)
    .parse(list.json)
    .data.find(({ payment_id }) => payment_id === sale.id);
  assert.equal(dispute?.amount, 12_550);
  assert.equal(dispute.status, 'open');
  const own = await call(platform, 'GET', `/v1/disputes/${dispute.id}`, { apiKey: hotel.apiKey });
  assert.equal(own.status, 200);
  const refund = await operate(platform, hotel, `/v1/payments/${sale.id}/refund`);
  assert.equal(problemSchema.parse(refund.json).code, 'payment_disputed');
  const other = await onboardHotel(platform, 'Riad Other');
  const foreign = await call(platform, 'GET', `/v1/disputes/${dispute.id}`, { apiKey: other.apiKey });
  assert.equal(foreign.status, 404);
});
