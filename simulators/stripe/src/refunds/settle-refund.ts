import { previousAttributes } from '../events/previous-attributes.ts';
import { newId } from '../ids.ts';
import type { Work } from '../store/work.ts';
import { refundFacts, withRefunds } from './refund-charge.ts';
import type { FailureReason, Refund, RefundRecord } from './refund.ts';

/** What becomes of a refund after its answer. */
export type Outcome = { status: 'succeeded' } | { status: 'failed'; reason: FailureReason };

/** The delayed outcome of Stripe's test cards. */
export function settleRefund(work: Work, id: string): void {
  const record = work.mode.refunds.get(id);
  if (!record?.later) return;
  decideRefund(
    work,
    record,
    record.later.status === 'failed'
      ? { status: 'failed', reason: 'expired_or_canceled_card' }
      : { status: 'succeeded' },
  );
}

/** Whether a refund may still turn into this: a pending one into both, one that succeeded may be sent back by the bank. */
export function canBecome({ refund }: RefundRecord, status: Outcome['status']): boolean {
  return refund.status === 'pending' || (refund.status === 'succeeded' && status === 'failed');
}

/** The bank has decided. A refund that fails returns its money to the balance, and the charge counts as not refunded by it. */
export function decideRefund(work: Work, record: RefundRecord, outcome: Outcome): RefundRecord {
  const { pending_reason: _settled, ...open } = record.refund;
  const refund: Refund =
    outcome.status === 'succeeded'
      ? { ...open, status: 'succeeded' }
      : {
          ...open,
          failure_balance_transaction: newId('txn'),
          failure_reason: outcome.reason,
          status: 'failed',
        };
  const saved: RefundRecord = { ...record, refund, later: null };
  work.save({ type: 'refund', value: saved });
  if (outcome.status === 'failed') takeBack(work, refund);
  work.effect(`refund.${outcome.status}`, {
    ...refundFacts(saved),
    ...(outcome.status === 'failed' ? { failure_reason: outcome.reason } : {}),
  });
  const subject = { kind: 'refund' as const, id: refund.id };
  const previous = previousAttributes(record.refund, refund);
  if (outcome.status === 'failed') work.event('refund.failed', subject, previous);
  work.event('refund.updated', subject, previous);
  work.event('charge.refund.updated', subject, previous);
  return saved;
}

function takeBack(work: Work, refund: Refund): void {
  const charge = work.mode.charges.get(refund.charge);
  if (!charge) throw new Error(`refund ${refund.id} is of a charge that does not exist`);
  work.save({ type: 'charge', value: withRefunds(charge, charge.amount_refunded - refund.amount) });
}
