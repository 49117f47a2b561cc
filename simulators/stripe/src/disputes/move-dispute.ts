import { previousAttributes } from '../events/previous-attributes.ts';
import type { Work } from '../store/work.ts';
import {
  isClosed,
  isInquiry,
  needsResponse,
  responseDueBy,
  type Dispute,
  type DisputeRecord,
  type DisputeStatus,
} from './dispute.ts';
import { balanceEffect, reinstatement, withdrawal } from './dispute-money.ts';
import { disputeFacts } from './open-dispute.ts';

/** Where a dispute can go from each status: an inquiry may grow into a chargeback, and a lost one may be appealed. */
const MOVES: Record<DisputeStatus, readonly DisputeStatus[]> = {
  warning_needs_response: ['warning_under_review', 'warning_closed', 'needs_response'],
  warning_under_review: ['warning_closed', 'needs_response'],
  warning_closed: ['needs_response'],
  needs_response: ['under_review', 'won', 'lost'],
  under_review: ['won', 'lost', 'needs_response'],
  lost: ['appeal_needs_response', 'won'],
  appeal_needs_response: ['appeal_under_review', 'lost'],
  appeal_under_review: ['won', 'lost'],
  won: [],
};

export function canMove(from: DisputeStatus, to: DisputeStatus): boolean {
  return MOVES[from].includes(to);
}

/** The only place where a dispute changes its status: money, events and effects follow from the move. */
export function moveDispute(
  work: Work,
  record: DisputeRecord,
  status: DisputeStatus,
  changes: Partial<Dispute> = {},
  decision: DisputeRecord['decision'] = null,
): DisputeRecord {
  const before = record.dispute;
  if (!canMove(before.status, status))
    throw new Error(`a dispute cannot go from ${before.status} to ${status}`);
  const now = Math.floor(work.nowMs / 1000);
  const moved = withMoney(withDeadline(escalated({ ...before, ...changes, status }), now), now);
  const saved: DisputeRecord = { dispute: moved, decision };
  if (!isInquiry(status)) markCharge(work, moved.charge);
  work.save({ type: 'dispute', value: saved });
  tell(work, before, saved);
  return saved;
}

/** An inquiry that became a chargeback can no longer be refunded. */
function escalated(dispute: Dispute): Dispute {
  if (isInquiry(dispute.status)) return dispute;
  const { card } = dispute.payment_method_details;
  return {
    ...dispute,
    is_charge_refundable: false,
    payment_method_details: { card: { ...card, case_type: 'chargeback' }, type: 'card' },
  };
}

/** Whoever asks again gives time again. */
function withDeadline(dispute: Dispute, now: number): Dispute {
  if (!needsResponse(dispute.status)) return dispute;
  const evidence_details = { ...dispute.evidence_details, due_by: responseDueBy(now), past_due: false };
  return { ...dispute, evidence_details };
}

function withMoney(dispute: Dispute, now: number): Dispute {
  const isTaken = balanceEffect(dispute) < 0;
  const movement =
    dispute.status === 'won' && isTaken
      ? reinstatement(dispute, now)
      : dispute.status !== 'won' && !isInquiry(dispute.status) && !isTaken
        ? withdrawal(dispute, now)
        : undefined;
  if (!movement) return dispute;
  return { ...dispute, balance_transactions: [...dispute.balance_transactions, movement] };
}

function markCharge(work: Work, id: string): void {
  const charge = work.mode.charges.get(id);
  if (charge && !charge.disputed) work.save({ type: 'charge', value: { ...charge, disputed: true } });
}

function tell(work: Work, before: Dispute, saved: DisputeRecord): void {
  const { dispute } = saved;
  const subject = { kind: 'dispute' as const, id: dispute.id };
  const closes = isClosed(dispute.status);
  if (closes) work.effect('dispute.closed', disputeFacts(saved));
  work.event(
    closes ? 'charge.dispute.closed' : 'charge.dispute.updated',
    subject,
    previousAttributes(before, dispute),
  );
  const change = balanceEffect(dispute) - balanceEffect(before);
  if (change < 0) work.event('charge.dispute.funds_withdrawn', subject);
  if (change > 0) work.event('charge.dispute.funds_reinstated', subject);
}
