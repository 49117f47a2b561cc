import type { Charge } from '../charges/charge.ts';
import { newId } from '../ids.ts';
import type { Work } from '../store/work.ts';

/** The object as the API shows it. */
export type EarlyFraudWarning = {
  id: string;
  object: 'radar.early_fraud_warning';
  /** Whether a refund can still keep the dispute away. */
  actionable: boolean;
  charge: string;
  created: number;
  fraud_type: string;
  livemode: boolean;
  payment_intent: string;
};

/** The issuer tells that the cardholder calls the charge fraud; no money moves. */
export function openEarlyFraudWarning(work: Work, charge: Charge): void {
  const warning: EarlyFraudWarning = {
    id: newId('issfr'),
    object: 'radar.early_fraud_warning',
    actionable: !charge.refunded && !charge.disputed,
    charge: charge.id,
    created: Math.floor(work.nowMs / 1000),
    fraud_type: 'made_with_lost_card',
    livemode: charge.livemode,
    payment_intent: charge.payment_intent,
  };
  work.save({ type: 'early_fraud_warning', value: warning });
  work.effect('early_fraud_warning.created', {
    early_fraud_warning: warning.id,
    charge: charge.id,
    payment_intent: charge.payment_intent,
    amount: charge.amount,
    currency: charge.currency,
  });
  work.event('radar.early_fraud_warning.created', { kind: 'early_fraud_warning', id: warning.id });
}
