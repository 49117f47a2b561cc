import type { Work } from '../store/work.ts';
import { isInquiry, needsResponse } from './dispute.ts';
import { canMove, moveDispute } from './move-dispute.ts';

/** The bank decides on submitted evidence, or the time to answer is over: silence loses a chargeback and ends an inquiry. */
export function decideDispute(work: Work, id: string): void {
  const record = work.mode.disputes.get(id);
  if (!record) return;
  const { decision, dispute } = record;
  if (decision && canMove(dispute.status, decision.status)) {
    moveDispute(work, record, decision.status);
    return;
  }
  if (!needsResponse(dispute.status) || work.nowMs < dispute.evidence_details.due_by * 1000) return;
  const evidence_details = { ...dispute.evidence_details, past_due: true };
  moveDispute(work, record, isInquiry(dispute.status) ? 'warning_closed' : 'lost', { evidence_details });
}
