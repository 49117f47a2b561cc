import type { Charge } from '../charges/charge.ts';
import type { ApiRequest } from '../http/api-request.ts';
import { resourceMissing } from '../http/stripe-error.ts';
import { newId } from '../ids.ts';
import type { DisputeTransaction } from './dispute-money.ts';
import { NO_EVIDENCE, type Evidence } from './evidence.ts';
import { networkReasonCode, type DisputeReason } from './dispute-reason.ts';

export const DISPUTE_STATUSES = [
  'appeal_needs_response',
  'appeal_under_review',
  'lost',
  'needs_response',
  'under_review',
  'warning_closed',
  'warning_needs_response',
  'warning_under_review',
  'won',
] as const;
export type DisputeStatus = (typeof DISPUTE_STATUSES)[number];

/** The object as the API shows it. */
export type Dispute = {
  id: string;
  object: 'dispute';
  amount: number;
  balance_transactions: DisputeTransaction[];
  charge: string;
  created: number;
  currency: string;
  enhanced_eligibility_types: [];
  evidence: Evidence;
  evidence_details: {
    /** Unix seconds. */
    due_by: number;
    enhanced_eligibility: Record<string, never>;
    has_evidence: boolean;
    past_due: boolean;
    submission_count: number;
    submission_method: 'manual' | 'not_submitted';
  };
  intended_submission_method: null;
  is_charge_refundable: boolean;
  livemode: boolean;
  metadata: Record<string, string>;
  network_reason_code: string | null;
  payment_intent: string;
  payment_method_details: {
    card: {
      brand: string;
      case_type: 'chargeback' | 'inquiry';
      network: string;
      network_reason_code: string | null;
    };
    type: 'card';
  };
  reason: DisputeReason;
  status: DisputeStatus;
};

export type DisputeRecord = {
  dispute: Dispute;
  /** What submitted test evidence makes of it, and when, in milliseconds on the simulator's clock. */
  decision: { status: DisputeStatus; atMs: number } | null;
};

/** A dispute that asks before money is taken. */
export function isInquiry(status: DisputeStatus): boolean {
  return status.startsWith('warning_');
}

export function isClosed(status: DisputeStatus): boolean {
  return status === 'won' || status === 'lost' || status === 'warning_closed';
}

/** Whether the cardholder's bank still waits for an answer. */
export function needsResponse(status: DisputeStatus): boolean {
  return status.endsWith('needs_response');
}

export type DisputeFacts = { amount: number; reason: DisputeReason; status: DisputeStatus; nowMs: number };

/** Issuers give merchants some two weeks, to the end of a day. */
const RESPONSE_DAYS = 16;
const DAY_S = 86_400;

/** Until when an answer that is asked for at `now` counts; both in Unix seconds. */
export function responseDueBy(now: number): number {
  return (Math.floor(now / DAY_S) + RESPONSE_DAYS + 1) * DAY_S - 1;
}

export function newDispute(charge: Charge, facts: DisputeFacts): Dispute {
  const { brand, network } = charge.payment_method_details.card;
  const now = Math.floor(facts.nowMs / 1000);
  const code = networkReasonCode(brand, facts.reason);
  return {
    id: newId('du'),
    object: 'dispute',
    amount: facts.amount,
    balance_transactions: [],
    charge: charge.id,
    created: now,
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: NO_EVIDENCE,
    evidence_details: {
      due_by: responseDueBy(now),
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'not_submitted',
    },
    intended_submission_method: null,
    is_charge_refundable: isInquiry(facts.status),
    livemode: charge.livemode,
    metadata: {},
    network_reason_code: code,
    payment_intent: charge.payment_intent,
    payment_method_details: {
      card: {
        brand,
        case_type: isInquiry(facts.status) ? 'inquiry' : 'chargeback',
        network,
        network_reason_code: code,
      },
      type: 'card',
    },
    reason: facts.reason,
    status: facts.status,
  };
}

/** The account's dispute named in the path. Throws resource_missing (404). */
export function findDispute(request: ApiRequest): DisputeRecord {
  const id = request.id('dispute');
  const record = request.read(request.mode.disputes, id);
  if (!record) throw resourceMissing('dispute', id, 'dispute', 404);
  return record;
}
