import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createApiKey } from '@centra/dev/seed.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import type { PaymentServiceClient } from '@centra/proto/centra/payment/v1/payment.ts';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { callUnary, isServiceError } from '@centra/service-kit/grpc.ts';
import { Metadata, status } from '@grpc/grpc-js';
import {
  bookingClient,
  card,
  charge,
  onboardHotel,
  paymentSchema,
  startPlatformUnderTest,
} from './platform-under-test.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';

let platform: PlatformUnderTest;
let hotel: Hotel;
let client: PaymentServiceClient;
let paymentId: string;
before(async () => {
  platform = await startPlatformUnderTest();
  hotel = await onboardHotel(platform);
  client = bookingClient(platform);
  paymentId = paymentSchema.parse(
    (await charge(platform, hotel, { cardToken: await card(platform, hotel) })).json,
  ).id;
});
after(async () => {
  client.close();
  await platform.end();
});

test('the booking API reads the status of a payment before it confirms the booking', async () => {
  const answer = await callUnary(client.getPaymentStatus.bind(client), { paymentId }, as(hotel.apiKey));
  assert.equal(answer.status, PaymentStatus.PAYMENT_STATUS_SUCCEEDED);
  assert.deepEqual(answer.amount, { amountMinor: 12_550n, currency: 'EUR' });
  assert.equal(answer.capturedMinor, 12_550n);
  assert.equal(answer.bookingReference, 'BK-E2E');
  const payment = await callUnary(client.getPayment.bind(client), { paymentId }, as(hotel.apiKey));
  assert.equal(payment.merchantId, hotel.merchantId);
  assert.match(payment.providerReference, /^pi_/);
});

test("another hotel's credential gets NOT_FOUND, like an id that never was", async () => {
  const other = await onboardHotel(platform, 'Riad Other');
  for (const id of [paymentId, 'pay_01jd0000000000000000000000', 'nonsense', ''])
    assert.equal(
      await refusal(callUnary(client.getPaymentStatus.bind(client), { paymentId: id }, as(other.apiKey))),
      status.NOT_FOUND,
    );
  assert.equal(
    await refusal(callUnary(client.getPayment.bind(client), { paymentId }, as(other.apiKey))),
    status.NOT_FOUND,
  );
});

test('no credential, a wrong one and one without the scope are told apart from each other but not from the payment', async () => {
  assert.equal(await refusal(read('')), status.UNAUTHENTICATED);
  assert.equal(await refusal(read(`${hotel.apiKey}x`)), status.UNAUTHENTICATED);
  const narrow = await createApiKey(platform, hotel.merchantId, { scopes: ['api_keys:read'] });
  assert.equal(await refusal(read(narrow)), status.PERMISSION_DENIED);
});

async function read(key: string): Promise<unknown> {
  return await callUnary(client.getPayment.bind(client), { paymentId }, as(key));
}

function as(apiKey: string): { metadata: Metadata; deadlineMs: number } {
  const metadata = new Metadata();
  if (apiKey !== '') metadata.set('authorization', `Bearer ${apiKey}`);
  return { metadata, deadlineMs: 15_000 };
}

async function refusal(answer: Promise<unknown>): Promise<number> {
  try {
    await answer;
  } catch (error) {
    if (isServiceError(error)) return error.code;
    throw error;
  }
  return assert.fail('it was not refused');
}
