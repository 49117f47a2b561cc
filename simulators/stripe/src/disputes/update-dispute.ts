import { z } from 'zod';

import { previousAttributes } from '../events/previous-attributes.ts';
import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { applyMetadata, boolean, expand, metadata, parseParams } from '../http/params.ts';
import { StripeError } from '../http/stripe-error.ts';
import {
  findDispute,
  isInquiry,
  needsResponse,
  type Dispute,
  type DisputeRecord,
  type DisputeStatus,
} from './dispute.ts';
import { evidenceSchema, hasEvidence, withEvidence, type Evidence } from './evidence.ts';
import { moveDispute } from './move-dispute.ts';

const schema = z.strictObject({
  evidence: evidenceSchema.optional(),
  expand,
  metadata: metadata.optional(),
  submit: boolean.optional(),
});

/** `POST /v1/disputes/:id`. Evidence is submitted at once unless `submit` is false, which only stages it. */
export function updateDispute(request: ApiRequest): Answer {
  const params = parseParams(schema, request.params);
  checkExpand('dispute', params.expand);
  const record = findDispute(request);
  const { dispute } = record;
  const touchesEvidence = params.evidence !== undefined || params.submit === true;
  if (touchesEvidence && !needsResponse(dispute.status)) throw notAnswerable(dispute);
  const evidence = withEvidence(dispute.evidence, params.evidence);
  const has_evidence = hasEvidence(evidence);
  const changes = {
    evidence,
    evidence_details: { ...dispute.evidence_details, has_evidence },
    metadata: applyMetadata(dispute.metadata, params.metadata),
  };
  const submits = touchesEvidence && params.submit !== false && has_evidence;
  const saved = submits ? submit(request, record, changes) : stage(request, record, changes);
  return { status: 200, body: expanded(request, 'dispute', saved.dispute, params.expand) };
}

type Changes = Pick<Dispute, 'evidence' | 'evidence_details' | 'metadata'>;

function stage(request: ApiRequest, record: DisputeRecord, changes: Changes): DisputeRecord {
  const saved = { ...record, dispute: { ...record.dispute, ...changes } };
  request.work.save({ type: 'dispute', value: saved });
  request.work.event(
    'charge.dispute.updated',
    { kind: 'dispute', id: saved.dispute.id },
    previousAttributes(record.dispute, saved.dispute),
  );
  return saved;
}

function submit(request: ApiRequest, record: DisputeRecord, changes: Changes): DisputeRecord {
  const { status } = record.dispute;
  const { evidence_details } = changes;
  const outcome = outcomeOf(status, changes.evidence);
  const atMs = request.nowMs + request.context.config.disputeDelayMs;
  return moveDispute(
    request.work,
    record,
    UNDER_REVIEW[status] ?? 'under_review',
    {
      ...changes,
      evidence_details: {
        ...evidence_details,
        submission_count: evidence_details.submission_count + 1,
        submission_method: 'manual',
      },
    },
    outcome ? { status: outcome, atMs } : null,
  );
}

const UNDER_REVIEW: Partial<Record<DisputeStatus, DisputeStatus>> = {
  appeal_needs_response: 'appeal_under_review',
  needs_response: 'under_review',
  warning_needs_response: 'warning_under_review',
};

/** The texts with which Stripe's test disputes are won, lost or escalated; any other evidence stays under review. */
function outcomeOf(status: DisputeStatus, evidence: Evidence): DisputeStatus | undefined {
  const inquiry = isInquiry(status);
  switch (evidence.uncategorized_text) {
    case 'winning_evidence':
      return inquiry ? 'warning_closed' : 'won';
    case 'losing_evidence':
      return inquiry ? 'needs_response' : 'lost';
    case 'escalate_inquiry_evidence':
      return inquiry ? 'needs_response' : undefined;
    default:
      return undefined;
  }
}

function notAnswerable(dispute: Dispute): StripeError {
  const message = `You cannot submit evidence for this dispute because it has a status of ${dispute.status}.`;
  return new StripeError(400, { type: 'invalid_request_error', message }, { executed: true });
}
