import type { z } from 'zod';
import { ERRORS } from '@centra/service-kit/errors.ts';
import type { declineSchema } from './charges/charge-reply.ts';
import type { PaymentJson } from './payments/payment.ts';
import type { RefundJson } from './refunds/refund.ts';

export const succeeded: PaymentJson = {
  id: 'pay_01jd4qv8e2f5tb3y9k7m1n6p0r',
  object: 'payment',
  mode: 'test',
  status: 'succeeded',
  amount: 12_050,
  currency: 'EUR',
  capture_method: 'automatic',
  amount_authorized: 12_050,
  amount_captured: 12_050,
  amount_refunded: 0,
  amount_authorize_pending: 0,
  amount_capture_pending: 0,
  amount_refund_pending: 0,
  hold: null,
  initiation: 'customer',
  network_transaction_id: 'MCC123ABC0101',
  original_network_transaction_id: null,
  quote: null,
  provider: 'stripe',
  provider_account: 'pa_01jd4qtq5y8w2s6v0c3x9z1b4d',
  provider_reference: 'pi_3Nq4JvExample',
  card: { brand: 'visa', last4: '4242', expiry_month: 12, expiry_year: 2030 },
  booking_reference: 'BK-20931',
  guest: { name: 'Ada Lovelace', email: 'ada@example.com' },
  description: 'Two nights, half board',
  metadata: { room: '204' },
  failure: null,
  cancellation_reason: null,
  disputed: false,
  next_action: null,
  created_at: '2026-03-01T09:30:00.000Z',
  updated_at: '2026-03-01T09:30:01.000Z',
};

const open: PaymentJson = {
  ...succeeded,
  amount_authorized: 0,
  amount_captured: 0,
  network_transaction_id: null,
  provider_reference: null,
  card: null,
  updated_at: succeeded.created_at,
};
export const created: PaymentJson = { ...open, status: 'created' };
export const processing: PaymentJson = { ...open, status: 'processing' };
export const requiresAction: PaymentJson = {
  ...open,
  status: 'requires_action',
  next_action: { type: 'redirect', redirect_url: 'https://hooks.stripe.example/3ds/1' },
};

export const authorized: PaymentJson = {
  ...succeeded,
  status: 'authorized',
  capture_method: 'manual',
  amount_captured: 0,
  hold: {
    amount_capturable: 12_050,
    expires_at: '2026-03-08T09:30:00.000Z',
    multiple_capture: false,
    incremental: true,
    overcapture: 0,
  },
};
export const captured: PaymentJson = { ...succeeded, capture_method: 'manual' };
export const capturePending: PaymentJson = {
  ...authorized,
  amount_capture_pending: 12_050,
  hold: authorized.hold === null ? null : { ...authorized.hold, amount_capturable: 0 },
};
export const canceled: PaymentJson = {
  ...authorized,
  status: 'canceled',
  amount_authorized: 0,
  hold: null,
  cancellation_reason: 'requested_by_customer',
};
export const raised: PaymentJson = {
  ...authorized,
  amount_authorized: 20_000,
  hold: authorized.hold === null ? null : { ...authorized.hold, amount_capturable: 20_000 },
};

export const failure = {
  code: 'insufficient_funds',
  message: 'The card has insufficient funds.',
  retryable: true,
};
export const refused = {
  code: 'provider_refused',
  message: 'The payment provider refused this.',
  retryable: false,
};
const failed: PaymentJson = {
  ...succeeded,
  status: 'failed',
  amount_authorized: 0,
  amount_captured: 0,
  network_transaction_id: null,
  failure,
};

export const cardDeclined = decline('card_declined', failure, failed);

/** What a decline of this kind looks like. */
export function decline(
  code: 'card_declined' | 'capture_declined' | 'cancel_declined' | 'adjustment_declined',
  reason: z.infer<typeof declineSchema>['decline'],
  payment: PaymentJson,
): z.infer<typeof declineSchema> {
  return { ...problemOf(code), detail: reason.message, decline: reason, payment };
}

/** The members that every problem document begins with. */
export function problemOf(code: keyof typeof ERRORS) {
  const { title, http } = ERRORS[code];
  return { type: `urn:centra-payments:error:${code}`, title, status: http, code };
}

export const refunded: RefundJson = {
  id: 're_01jd4qx2m7t3c8f5z1k9v6n0wa',
  object: 'refund',
  payment_id: succeeded.id,
  amount: 5_000,
  currency: 'EUR',
  status: 'succeeded',
  reason: 'requested_by_customer',
  metadata: {},
  provider_reference: 're_3Nq4JvExample',
  failure: null,
  created_at: '2026-03-02T10:00:00.000Z',
  updated_at: '2026-03-02T10:00:01.000Z',
};
export const refundPending: RefundJson = { ...refunded, status: 'pending', provider_reference: null };
export const refundFailed: RefundJson = { ...refunded, status: 'failed', failure: refused };
