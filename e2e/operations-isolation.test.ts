import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Hotel } from '@centra/dev/seed.ts';
import type { PaymentServiceClient } from '@centra/proto/centra/payment/v1/payment.ts';
import { callUnary, isServiceError } from '@centra/service-kit/grpc.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { status } from '@grpc/grpc-js';
import { z } from 'zod';
import {
  as,
  disarm,
  effectsOn,
  eur,
  listOf,
  newPayment,
  operate,
  paymentBookSchema,
  readPayment,
  refundSchema,
} from './operations-under-test.ts';
import {
  arm,
  bookingClient,
  call,
  card,
  onboardHotel,
  problemSchema,
  startPlatformUnderTest,
} from './platform-under-test.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';

let platform: PlatformUnderTest;
let hotel: Hotel;
let other: Hotel;
let client: PaymentServiceClient;
before(async () => {
  platform = await startPlatformUnderTest();
  hotel = await onboardHotel(platform);
  other = await onboardHotel(platform, 'Riad Other');
  client = bookingClient(platform);
});
after(async () => {
  client.close();
  await platform.end();
  assert.deepEqual(platform.crashes, [], 'no service ended by itself');
});

test("another hotel's payment, refund, event or operation is 404 on every route and NOT_FOUND on every call, and nothing happens", async () => {
  const held = await newPayment(platform, hotel);
  const sold = await newPayment(platform, hotel, { capture_method: 'automatic' });
  const refund = refundSchema.parse(
    (await operate(platform, hotel, `/v1/payments/${sold.id}/refund`, { amount: 100, currency: 'EUR' })).json,
  );
  const created = await newPayment(platform, hotel, { card_token: undefined });
  const before404 = await readPayment(platform, hotel, held.id);
  const posts: [string, Record<string, unknown>][] = [
    [`/v1/payments/${created.id}/authorize`, { card_token: await card(platform, other) }],
    [`/v1/payments/${held.id}/capture`, {}],
    [`/v1/payments/${held.id}/cancel`, {}],
    [`/v1/payments/${held.id}/adjust`, { amount: 15_000, currency: 'EUR' }],
    [`/v1/payments/${sold.id}/refund`, {}],
  ];
  for (const [path, body] of posts)
    assert.equal((await operate(platform, other, path, body)).status, 404, path);
  const gets = ['', '/status', '/events', '/refunds'].map((rest) => `/v1/payments/${sold.id}${rest}`);
  for (const path of [...gets, `/v1/refunds/${refund.id}`]) {
    assert.equal((await call(platform, 'GET', path, { apiKey: other.apiKey })).status, 404, path);
    assert.equal((await call(platform, 'GET', path, { apiKey: hotel.apiKey })).status, 200, path);
  }
  const base = { idempotencyKey: randomUUID(), paymentId: held.id };
  const calls = {
    authorize: async (): Promise<unknown> =>
      await callUnary(
        client.authorizePayment.bind(client),
        { ...base, paymentId: created.id, cardToken: 'unknown-token-0000', returnUrl: '' },
        as(other),
      ),
    capture: async (): Promise<unknown> =>
      await callUnary(
        client.capturePayment.bind(client),
        { ...base, amount: undefined, keepOpen: false },
        as(other),
      ),
    cancel: async (): Promise<unknown> =>
      await callUnary(client.cancelPayment.bind(client), { ...base, reason: '' }, as(other)),
    adjust: async (): Promise<unknown> =>
      await callUnary(client.adjustPayment.bind(client), { ...base, amount: eur(15_000n) }, as(other)),
    refund: async (): Promise<unknown> =>
      await callUnary(
        client.refundPayment.bind(client),
        { ...base, paymentId: sold.id, amount: undefined, reason: '', metadata: {} },
        as(other),
      ),
  };
  for (const [name, asked] of Object.entries(calls))
    assert.equal(await refusalCode(asked()), status.NOT_FOUND, name);
  assert.deepEqual(await readPayment(platform, hotel, held.id), before404);
  for (const path of ['/v1/refunds', '/v1/disputes', '/v1/unknown-operations', '/v1/provider-events'])
    assert.deepEqual(
      listOf(z.unknown()).parse((await call(platform, 'GET', path, { apiKey: other.apiKey })).json).data,
      [],
      path,
    );
  // What another hotel may not see is there.
  const mine = await call(platform, 'GET', '/v1/refunds', { apiKey: hotel.apiKey });
  assert.ok(
    listOf(refundSchema)
      .parse(mine.json)
      .data.some(({ id }) => id === refund.id),
  );
});

test('an outcome that nobody can tell is listed for people, and settled on evidence, but never by another hotel', async () => {
  const held = await newPayment(platform, hotel);
  const path = `/v1/payment_intents/${held.provider_reference}`;
  // It happens, its reply is lost however often it is asked for, and Stripe tells nothing else of it.
  await arm(platform.stripeUrl, {
    fault: 'act_then_drop',
    method: 'POST',
    path: `${path}/capture`,
    times: 0,
  });
  await arm(platform.stripeUrl, { fault: 'error_before', status: 503, method: 'GET', path, times: 0 });
  const asked = await operate(platform, hotel, `/v1/payments/${held.id}/capture`, {
    amount: 8_000,
    currency: 'EUR',
  });
  assert.equal(asked.status, 202, asked.text);
  assert.equal(paymentBookSchema.parse(asked.json).amount_capture_pending, 8_000);
  const blocked = await operate(platform, hotel, `/v1/payments/${held.id}/cancel`);
  assert.equal(problemSchema.parse(blocked.json).code, 'operation_pending');
  const list = await call(platform, 'GET', '/v1/unknown-operations', { apiKey: hotel.apiKey });
  const unknownSchema = z
    .object({ id: z.string(), kind: z.string(), amount: z.int(), payment_id: z.string() })
    .loose();
  const [operation, ...more] = listOf(unknownSchema).parse(list.json).data;
  assert.deepEqual(more, []);
  assert.equal(operation?.payment_id, held.id);
  assert.equal(operation.kind, 'capture');
  assert.equal(operation.amount, 8_000);
  const verdict = {
    outcome: 'happened',
    evidence: "Stripe's dashboard shows a capture of 80.00 EUR.",
    provider_reference: held.provider_reference,
  };
  const settle = `/v1/unknown-operations/${operation.id}/settle`;
  assert.equal((await operate(platform, other, settle, verdict)).status, 404);
  assert.equal((await operate(platform, hotel, settle, { ...verdict, evidence: 'short' })).status, 400);
  await waitFor('the verdict to be taken', async () => {
    // 409 while a sweeper is asking at this very moment.
    const { status: code } = await operate(platform, hotel, settle, verdict);
    return code === 200 ? true : undefined;
  });
  const settled = await readPayment(platform, hotel, held.id);
  assert.equal(settled.status, 'succeeded');
  assert.equal(settled.amount_captured, 8_000);
  assert.equal(settled.amount_capture_pending, 0);
  assert.equal((await operate(platform, hotel, settle, verdict)).status, 409);
  await disarm(platform.stripeUrl);
  assert.deepEqual(
    (await effectsOn(platform, held, 'capture.succeeded')).map(({ amount }) => amount),
    [8_000],
  );
  const empty = await call(platform, 'GET', '/v1/unknown-operations', { apiKey: hotel.apiKey });
  assert.deepEqual(listOf(unknownSchema).parse(empty.json).data, []);
});

async function refusalCode(asked: Promise<unknown>): Promise<number> {
  try {
    await asked;
  } catch (error) {
    if (isServiceError(error)) return error.code;
    throw error;
  }
  return assert.fail('it was not refused');
}
