/** Stripe's reasons that a card dispute can have. */
export const DISPUTE_REASONS = [
  'bank_cannot_process',
  'check_returned',
  'credit_not_processed',
  'customer_initiated',
  'debit_not_authorized',
  'duplicate',
  'fraudulent',
  'general',
  'incorrect_account_details',
  'insufficient_funds',
  'noncompliant',
  'product_not_received',
  'product_unacceptable',
  'subscription_canceled',
  'unrecognized',
] as const;
export type DisputeReason = (typeof DISPUTE_REASONS)[number];

/** Reason codes as the networks publish them for merchants. */
const CODES: Record<string, Partial<Record<DisputeReason, string>>> = {
  visa: {
    credit_not_processed: '13.6',
    duplicate: '12.6.1',
    fraudulent: '10.4',
    product_not_received: '13.1',
    product_unacceptable: '13.3',
    subscription_canceled: '13.2',
  },
  mastercard: {
    credit_not_processed: '4853',
    duplicate: '4834',
    fraudulent: '4837',
    product_not_received: '4853',
    product_unacceptable: '4853',
    subscription_canceled: '4853',
  },
};

/** Null where the network has no code of its own for the reason. */
export function networkReasonCode(brand: string, reason: DisputeReason): string | null {
  return CODES[brand]?.[reason] ?? null;
}
