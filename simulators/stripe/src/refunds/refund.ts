import type { ApiRequest } from '../http/api-request.ts';
import { resourceMissing } from '../http/stripe-error.ts';
import { newId } from '../ids.ts';
import type { Charge } from '../charges/charge.ts';

/** A card refund is never `requires_action`, and so never `canceled` either. */
export type RefundStatus = 'failed' | 'pending' | 'succeeded';

export type RefundReason = 'duplicate' | 'fraudulent' | 'requested_by_customer';

export const FAILURE_REASONS = [
  'charge_for_pending_refund_disputed',
  'declined',
  'expired_or_canceled_card',
  'insufficient_funds',
  'lost_or_stolen_card',
  'merchant_request',
  'unknown',
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

/** The object as the API shows it. It has no `livemode`. */
export type Refund = {
  id: string;
  object: 'refund';
  amount: number;
  balance_transaction: string | null;
  charge: string;
  created: number;
  currency: string;
  customer: null;
  customer_account: null;
  destination_details: {
    card: { reference_status: 'pending'; reference_type: 'acquirer_reference_number'; type: 'refund' };
    type: 'card';
  };
  failure_balance_transaction?: string;
  failure_reason?: FailureReason;
  metadata: Record<string, string>;
  payment_intent: string;
  payment_method: string;
  pending_reason?: 'processing';
  reason: RefundReason | null;
  receipt_number: null;
  source_transfer_reversal: null;
  status: RefundStatus;
  transfer_reversal: null;
};

export type RefundRecord = {
  refund: Refund;
  /** The key of the request that made it; what becomes of it later belongs to that request. */
  idempotencyKey: string | null;
  /** What it still turns into by itself, and when, in milliseconds on the simulator's clock; null = it stays as it is. */
  later: { status: 'failed' | 'succeeded'; atMs: number } | null;
};

export type NewRefund = {
  amount: number;
  charge: Charge;
  metadata: Record<string, string>;
  reason: RefundReason | null;
  status: 'pending' | 'succeeded';
  /** Unix seconds. */
  now: number;
};

export function newRefund({ amount, charge, metadata, reason, status, now }: NewRefund): Refund {
  return {
    id: newId('re'),
    object: 'refund',
    amount,
    balance_transaction: newId('txn'),
    charge: charge.id,
    created: now,
    currency: charge.currency,
    customer: null,
    customer_account: null,
    destination_details: {
      card: {
        reference_status: 'pending',
        reference_type: 'acquirer_reference_number',
        type: 'refund',
      },
      type: 'card',
    },
    metadata,
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    ...(status === 'pending' ? { pending_reason: 'processing' as const } : {}),
    reason,
    receipt_number: null,
    source_transfer_reversal: null,
    status,
    transfer_reversal: null,
  };
}

/** The account's refund named in the path. Throws resource_missing (404). */
export function findRefund(request: ApiRequest): RefundRecord {
  const id = request.id('refund');
  const record = request.read(request.mode.refunds, id);
  if (!record) throw resourceMissing('refund', id, 'id', 404);
  return record;
}
