import type { Charge } from '../charges/charge.ts';
import type { Work } from '../store/work.ts';
import { isInquiry, newDispute, type DisputeRecord, type DisputeStatus } from './dispute.ts';
import { withdrawal } from './dispute-money.ts';
import type { DisputeReason } from './dispute-reason.ts';

export type Opening = {
  reason: DisputeReason;
  /** In minor units of the charge. */
  amount: number;
  status: Extract<DisputeStatus, 'needs_response' | 'warning_needs_response'>;
};

/** The cardholder's bank disputes a captured charge. A chargeback takes the money at once; an inquiry only asks. */
export function openDispute(work: Work, charge: Charge, opening: Opening): DisputeRecord {
  const now = Math.floor(work.nowMs / 1000);
  const made = newDispute(charge, { ...opening, nowMs: work.nowMs });
  const withdrawn = !isInquiry(opening.status);
  const dispute = withdrawn ? { ...made, balance_transactions: [withdrawal(made, now)] } : made;
  const record: DisputeRecord = { dispute, decision: null };
  if (withdrawn) work.save({ type: 'charge', value: { ...charge, disputed: true } });
  work.save({ type: 'dispute', value: record });
  work.effect('dispute.opened', disputeFacts(record));
  work.event('charge.dispute.created', { kind: 'dispute', id: dispute.id });
  if (withdrawn) work.event('charge.dispute.funds_withdrawn', { kind: 'dispute', id: dispute.id });
  return record;
}

/** What the journal says of a dispute. */
export function disputeFacts({ dispute }: DisputeRecord): Record<string, unknown> {
  return {
    dispute: dispute.id,
    charge: dispute.charge,
    payment_intent: dispute.payment_intent,
    amount: dispute.amount,
    currency: dispute.currency,
    reason: dispute.reason,
    status: dispute.status,
    // What it has taken from the balance so far, fee included; negative while the money is gone.
    balance_change: dispute.balance_transactions.reduce((sum, { net }) => sum + net, 0),
  };
}
