import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Hotel } from '@centra/dev/seed.ts';
import type { PaymentServiceClient } from '@centra/proto/centra/payment/v1/payment.ts';
import { CaptureMethod, Initiation, PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { z } from 'zod';
import {
  as,
  effectsOn,
  eur,
  listOf,
  newPayment,
  operate,
  paymentBookSchema,
  paymentWhen,
  readPayment,
  refundSchema,
  storedSteps,
} from './operations-under-test.ts';
import {
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
let client: PaymentServiceClient;
before(async () => {
  platform = await startPlatformUnderTest();
  hotel = await onboardHotel(platform);
  client = bookingClient(platform);
});
after(async () => {
  client.close();
  await platform.end();
  assert.deepEqual(platform.crashes, [], 'no service ended by itself');
});

test('a hold is captured in two parts and given back in three, and Stripe did exactly that', async () => {
  const held = await newPayment(platform, hotel, { booking_reference: 'BK-HOLD' });
  assert.equal(held.status, 'authorized');
  assert.equal(held.hold?.amount_capturable, 12_550);
  const path = `/v1/payments/${held.id}`;
  const part = await operate(platform, hotel, `${path}/capture`, {
    amount: 4_000,
    currency: 'EUR',
    keep_open: true,
  });
  assert.equal(part.status, 200, part.text);
  assert.equal(paymentBookSchema.parse(part.json).status, 'partially_captured');
  const last = await operate(platform, hotel, `${path}/capture`, { amount: 6_000, currency: 'EUR' });
  assert.equal(paymentBookSchema.parse(last.json).status, 'succeeded');
  assert.equal(paymentBookSchema.parse(last.json).amount_captured, 10_000);
  for (const amount of [1_000, 2_000, undefined]) {
    const answer = await operate(
      platform,
      hotel,
      `${path}/refund`,
      amount === undefined ? {} : { amount, currency: 'EUR' },
    );
    assert.equal(answer.status, 201, answer.text);
    assert.equal(refundSchema.parse(answer.json).status, 'succeeded');
  }
  const refunded = await readPayment(platform, hotel, held.id);
  assert.equal(refunded.status, 'refunded');
  const amountsOf = async (effect: string) =>
    (await effectsOn(platform, held, effect)).map(({ amount }) => amount);
  assert.deepEqual(await amountsOf('capture.succeeded'), [4_000, 6_000]);
  assert.deepEqual(await amountsOf('authorization.released'), [2_550]);
  assert.deepEqual(await amountsOf('refund.succeeded'), [1_000, 2_000, 7_000]);
  const one = await operate(platform, hotel, `${path}/refund`, { amount: 1, currency: 'EUR' });
  assert.equal(one.status, 409);
  assert.equal(problemSchema.parse(one.json).code, 'already_refunded');
  const refunds = await call(platform, 'GET', `${path}/refunds`, { apiKey: hotel.apiKey });
  assert.deepEqual(
    listOf(refundSchema)
      .parse(refunds.json)
      .data.map(({ amount }) => amount)
      .toSorted((a, b) => a - b),
    [1_000, 2_000, 7_000],
  );
});

test('the timeline tells every step in order, as the outbox does', async () => {
  const steps = await storedSteps(platform, 'BK-HOLD');
  assert.deepEqual(steps.outbox, steps.events);
  const list = await call(platform, 'GET', '/v1/payments?booking_reference=BK-HOLD', {
    apiKey: hotel.apiKey,
  });
  const [payment] = listOf(z.object({ id: z.string() }).loose()).parse(list.json).data;
  const timeline = await call(platform, 'GET', `/v1/payments/${payment?.id}/events`, {
    apiKey: hotel.apiKey,
  });
  const eventSchema = z
    .object({ version: z.int(), type: z.string(), actor: z.string(), address: z.string().nullable() })
    .loose();
  const events = listOf(eventSchema).parse(timeline.json).data;
  assert.deepEqual(
    events.map(({ version, type }) => `${version} ${type}`),
    steps.events,
  );
  assert.deepEqual(
    events.map(({ type }) => type),
    [
      'payment.created',
      'payment.authorized',
      ...twice('payment.capture_requested', 'payment.captured'),
      ...twice('payment.refund_requested', 'payment.refunded'),
      'payment.refund_requested',
      'payment.refunded',
    ],
  );
  assert.ok(events.every(({ actor }) => actor.startsWith('api_key:key_')));
});

test('over gRPC a hold is raised, captured and given back, and another is released, each once for its key', async () => {
  const terms = {
    amount: eur(12_550n),
    bookingReference: 'BK-GRPC',
    guest: undefined,
    description: '',
    metadata: {},
    providerAccountId: '',
    captureMethod: CaptureMethod.CAPTURE_METHOD_MANUAL,
    initiation: Initiation.INITIATION_UNSPECIFIED,
    originalNetworkTransactionId: '',
    extras: { multipleCapture: false, incremental: true, overcapture: false, extended: false },
    allowPartialApproval: false,
    retrySoftDeclines: false,
    quoteId: '',
  };
  const create = async (idempotencyKey: string) => {
    const cardToken = await card(platform, hotel);
    const request = { idempotencyKey, terms, cardToken, returnUrl: '' };
    const { payment } = await callUnary(client.createPayment.bind(client), request, as(hotel));
    assert.equal(payment?.status, PaymentStatus.PAYMENT_STATUS_AUTHORIZED);
    return payment;
  };
  const { paymentId } = await create(randomUUID());
  const raise = { idempotencyKey: randomUUID(), paymentId, amount: eur(15_000n) };
  const raised = await callUnary(client.adjustPayment.bind(client), raise, as(hotel));
  assert.equal(raised.payment?.authorizedMinor, 15_000n);
  const take = { idempotencyKey: randomUUID(), paymentId, amount: undefined, keepOpen: false };
  const captured = await callUnary(client.capturePayment.bind(client), take, as(hotel));
  assert.equal(captured.payment?.capturedMinor, 15_000n);
  const again = await callUnary(client.capturePayment.bind(client), take, as(hotel));
  assert.equal(again.replayed, true);
  assert.equal(again.payment?.capturedMinor, 15_000n);
  const give = {
    idempotencyKey: randomUUID(),
    paymentId,
    amount: eur(5_000n),
    reason: 'duplicate',
    metadata: {},
  };
  const { refund, payment } = await callUnary(client.refundPayment.bind(client), give, as(hotel));
  assert.match(refund?.refundId ?? '', /^re_/);
  assert.equal(payment?.status, PaymentStatus.PAYMENT_STATUS_PARTIALLY_REFUNDED);
  const second = await create(randomUUID());
  const release = { idempotencyKey: randomUUID(), paymentId: second.paymentId, reason: 'duplicate' };
  const released = await callUnary(client.cancelPayment.bind(client), release, as(hotel));
  assert.equal(released.payment?.status, PaymentStatus.PAYMENT_STATUS_CANCELED);
  assert.equal(released.payment.cancellationReason, 'duplicate');
  assert.equal(await countEffects('capture.succeeded', payment.providerReference), 1);
  assert.equal(await countEffects('authorization.incremented', payment.providerReference), 1);
  assert.equal(await countEffects('refund.succeeded', payment.providerReference), 1);
  assert.equal(await countEffects('authorization.released', released.payment.providerReference), 1);
});

test('a hold that the bank wants confirmed is held once the guest has approved, and captured as any other', async () => {
  const asked = await newPayment(
    platform,
    hotel,
    { return_url: 'http://127.0.0.1:9/return' },
    '4000002760003184',
  );
  assert.equal(asked.status, 'requires_action');
  const early = await operate(platform, hotel, `/v1/payments/${asked.id}/capture`);
  assert.equal(problemSchema.parse(early.json).code, 'payment_in_progress');
  await fetch(`${asked.next_action?.redirect_url}/approve`, { method: 'POST', redirect: 'manual' });
  const held = await paymentWhen(
    platform,
    hotel,
    asked.id,
    'held',
    (payment) => payment.status === 'authorized',
  );
  const captured = await operate(platform, hotel, `/v1/payments/${asked.id}/capture`);
  assert.equal(captured.status, 200, captured.text);
  assert.equal((await effectsOn(platform, held, 'authorization.succeeded')).length, 1);
  assert.equal((await effectsOn(platform, held, 'capture.succeeded')).length, 1);
});

function twice(...types: string[]): string[] {
  return [...types, ...types];
}

async function countEffects(effect: string, reference: string | undefined): Promise<number> {
  return (await effectsOn(platform, { provider_reference: reference ?? '' }, effect)).length;
}
