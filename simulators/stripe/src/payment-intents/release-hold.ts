import type { Work } from '../store/work.ts';
import { captureHold, heldCharge } from './capture-hold.ts';
import { savePaymentIntent, type PaymentIntentRecord } from './payment-intent.ts';

/**
 * Gives a hold back and ends its payment: `canceled`, or `succeeded` when part of it had been captured. Since API version
 * 2025-03-31 a release is no refund, and the charge stays as it is: uncaptured and not refunded.
 */
export function releaseHold(
  work: Work,
  record: PaymentIntentRecord,
  reason: string | null,
  options: { expired: boolean },
): PaymentIntentRecord {
  const { intent } = record;
  const charge = heldCharge(work, intent);
  if (intent.amount_received > 0) {
    return captureHold(work, { record, charge }, { amount: 0, isFinal: true, changes: intent });
  }
  const saved = savePaymentIntent({ work }, record, {
    amount_capturable: 0,
    canceled_at: Math.floor(work.nowMs / 1000),
    cancellation_reason: reason,
    status: 'canceled',
  });
  const facts = { payment_intent: intent.id, currency: intent.currency, metadata: intent.metadata };
  work.effect('authorization.released', { ...facts, charge: charge.id, amount: intent.amount_capturable });
  work.effect('payment_intent.canceled', { ...facts, amount: intent.amount });
  if (options.expired) work.event('charge.expired', { kind: 'charge', id: charge.id });
  work.event('payment_intent.canceled', { kind: 'payment_intent', id: intent.id });
  return saved;
}
