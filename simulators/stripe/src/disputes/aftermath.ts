import { openEarlyFraudWarning } from '../early-fraud-warnings/early-fraud-warning.ts';
import { behaviourOf, type CardBehaviour } from '../payment-methods/test-cards.ts';
import type { Mode } from '../store/store.ts';
import type { Work } from '../store/work.ts';
import { openDispute } from './open-dispute.ts';

type Afterwards = NonNullable<CardBehaviour['afterwards']>;

const TROUBLE = [
  'dispute_fraudulent',
  'dispute_inquiry',
  'dispute_product_not_received',
  'early_fraud_warning',
] as const satisfies Afterwards[];
type Trouble = (typeof TROUBLE)[number];

/** What the card of a charge brings about some time after the money moved; undefined for most cards. */
export function troubleOf(mode: Mode, paymentMethod: string | null): Trouble | undefined {
  const method = paymentMethod === null ? undefined : mode.paymentMethods.get(paymentMethod);
  const afterwards = method && behaviourOf(method.behaviour).afterwards;
  return TROUBLE.find((trouble) => trouble === afterwards);
}

/** A dispute or a fraud warning that the test card of this charge asks for. */
export function runAftermath(work: Work, chargeId: string): void {
  const charge = work.mode.charges.get(chargeId);
  const trouble = charge && troubleOf(work.mode, charge.payment_method);
  if (!charge || !trouble) return;
  const amount = charge.amount_captured - charge.amount_refunded;
  switch (trouble) {
    case 'early_fraud_warning':
      return openEarlyFraudWarning(work, charge);
    case 'dispute_fraudulent':
    case 'dispute_inquiry':
    case 'dispute_product_not_received': {
      // A charge that was refunded in the meantime leaves nothing to dispute.
      if (amount <= 0) return;
      const reason = trouble === 'dispute_product_not_received' ? 'product_not_received' : 'fraudulent';
      const status = trouble === 'dispute_inquiry' ? 'warning_needs_response' : 'needs_response';
      openDispute(work, charge, { reason, amount, status });
      return;
    }
    default:
      throw new Error(`unknown trouble ${String(trouble satisfies never)}`);
  }
}
