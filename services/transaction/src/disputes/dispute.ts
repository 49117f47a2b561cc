import type { Dispute as DisputeMessage } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { DisputeFacts } from '../providers/provider.ts';

export const DISPUTE_STATUSES = ['open', 'under_review', 'won', 'lost', 'closed'] as const;
export type DisputeStatus = DisputeFacts['status'];

export type DisputeRow = {
  merchant_id: string;
  id: string;
  payment_id: string;
  provider_reference: string;
  version: number;
  amount_minor: bigint;
  currency: string;
  status: DisputeStatus;
  provider_status: string;
  reason: string;
  inquiry: boolean;
  evidence_due_at: Date | null;
  created_at: Date;
  updated_at: Date;
};

export const DISPUTE_COLUMNS = `
  d.merchant_id, d.id, d.payment_id, d.provider_reference, d.version, d.amount_minor, d.currency, d.status, d.provider_status,
  d.reason, d.inquiry, d.evidence_due_at, d.created_at, d.updated_at`;

/**
 * Whether the bank has the money and decides about it. An inquiry takes nothing, and a refund is the remedy for one, so it
 * must not stand in the way of that.
 */
export function holdsMoney(dispute: Pick<DisputeRow, 'status' | 'inquiry'>): boolean {
  return !dispute.inquiry && (dispute.status === 'open' || dispute.status === 'under_review');
}

export function toDisputeMessage(row: DisputeRow): DisputeMessage {
  return {
    disputeId: toPublicId('dis', row.id),
    paymentId: toPublicId('pay', row.payment_id),
    amount: { amountMinor: row.amount_minor, currency: row.currency },
    status: row.status,
    providerStatus: row.provider_status,
    reason: row.reason,
    providerReference: row.provider_reference,
    evidenceDueAt: row.evidence_due_at ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    inquiry: row.inquiry,
  };
}
