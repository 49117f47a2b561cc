import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { CaptureMethod, Initiation, PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { paymentSchema, toJson } from './payment.ts';

const payment: Payment = {
  paymentId: 'pay_01jd4qv8e2f5tb3y9k7m1n6p0r',
  merchantId: '0193a1b2-0000-7000-8000-000000000001',
  mode: Mode.MODE_LIVE,
  status: PaymentStatus.PAYMENT_STATUS_SUCCEEDED,
  amount: { amountMinor: 12_050n, currency: 'KWD' },
  authorizedMinor: 12_050n,
  capturedMinor: 12_050n,
  refundedMinor: 50n,
  provider: 'stripe',
  providerAccountId: 'pa_01jd4qtq5y8w2s6v0c3x9z1b4d',
  providerReference: '',
  card: undefined,
  bookingReference: 'BK-1',
  guest: { name: '', email: 'ada@example.com' },
  description: '',
  metadata: {},
  failure: undefined,
  nextAction: undefined,
  createdAt: new Date('2026-03-01T09:30:00.000Z'),
  updatedAt: new Date('2026-03-01T09:30:01.500Z'),
  version: 2,
  captureMethod: CaptureMethod.CAPTURE_METHOD_MANUAL,
  authorizePendingMinor: 0n,
  capturePendingMinor: 7n,
  refundPendingMinor: 0n,
  hold: {
    capturableMinor: 12_043n,
    expiresAt: new Date('2026-03-08T09:30:00.000Z'),
    multipleCapture: true,
    incremental: false,
    overcaptureMinor: 0n,
  },
  initiation: Initiation.INITIATION_CUSTOMER,
  networkTransactionId: '',
  originalNetworkTransactionId: 'ntx_0',
  quoteId: 'quo_01jd4qv8e2f5tb3y9k7m1n6p0r',
  quoteHash: 'ab'.repeat(32),
  cancellationReason: '',
  disputed: false,
};

test('what is absent is null, amounts are integers, times are UTC, and the merchant is not repeated', () => {
  const json = paymentSchema.strict().parse(toJson(payment));
  assert.deepEqual(json, {
    id: 'pay_01jd4qv8e2f5tb3y9k7m1n6p0r',
    object: 'payment',
    mode: 'live',
    status: 'succeeded',
    amount: 12_050,
    currency: 'KWD',
    capture_method: 'manual',
    amount_authorized: 12_050,
    amount_captured: 12_050,
    amount_refunded: 50,
    amount_authorize_pending: 0,
    amount_capture_pending: 7,
    amount_refund_pending: 0,
    hold: {
      amount_capturable: 12_043,
      expires_at: '2026-03-08T09:30:00.000Z',
      multiple_capture: true,
      incremental: false,
      overcapture: 0,
    },
    initiation: 'customer',
    network_transaction_id: null,
    original_network_transaction_id: 'ntx_0',
    quote: { id: 'quo_01jd4qv8e2f5tb3y9k7m1n6p0r', hash: 'ab'.repeat(32) },
    provider: 'stripe',
    provider_account: 'pa_01jd4qtq5y8w2s6v0c3x9z1b4d',
    provider_reference: null,
    card: null,
    booking_reference: 'BK-1',
    guest: { name: null, email: 'ada@example.com' },
    description: null,
    metadata: {},
    failure: null,
    cancellation_reason: null,
    disputed: false,
    next_action: null,
    created_at: '2026-03-01T09:30:00.000Z',
    updated_at: '2026-03-01T09:30:01.500Z',
  });
});

test('every status, capture method and initiation of the contract has its word, and no two share one', () => {
  const words = Object.values(PaymentStatus)
    .filter((status) => status !== PaymentStatus.PAYMENT_STATUS_UNSPECIFIED)
    .map((status) => toJson({ ...payment, status }).status);
  assert.deepEqual(words.toSorted(), paymentSchema.shape.status.options.toSorted());
  const methods = Object.values(CaptureMethod).map((captureMethod) => toJson({ ...payment, captureMethod }));
  assert.deepEqual(
    methods.map((json) => json.capture_method),
    ['automatic', 'automatic', 'manual'],
  );
  const initiations = Object.values(Initiation).map((initiation) => toJson({ ...payment, initiation }));
  assert.deepEqual(
    initiations.map((json) => json.initiation),
    ['customer', 'customer', 'merchant', 'moto'],
  );
});

test('the order in which metadata arrives does not change a byte', () => {
  const one = { ...payment, metadata: { b: '1', a: '2', '10': '3', 'A.b': '4' } };
  const other = { ...payment, metadata: { 'A.b': '4', '10': '3', a: '2', b: '1' } };
  assert.equal(JSON.stringify(toJson(one)), JSON.stringify(toJson(other)));
  assert.deepEqual(toJson(one).metadata, one.metadata);
});

test('a payment that JSON cannot carry exactly, or that is incomplete, is a bug and is not shown', () => {
  const broken: Partial<Payment>[] = [
    { amount: { amountMinor: 9_007_199_254_740_992n, currency: 'EUR' } },
    { capturedMinor: -1n },
    { amount: undefined },
    { createdAt: undefined },
    { status: PaymentStatus.PAYMENT_STATUS_UNSPECIFIED },
    { mode: Mode.MODE_UNSPECIFIED },
    { refundPendingMinor: -1n },
  ];
  for (const change of broken) assert.throws(() => toJson({ ...payment, ...change }), /transaction|JSON/);
});
