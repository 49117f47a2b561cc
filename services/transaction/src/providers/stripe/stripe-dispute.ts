import type { Stripe } from 'stripe';
import { z } from 'zod';
import type { DisputeFacts } from '../provider.ts';
import { withinDeadline } from './stripe-client.ts';
import { moneyOf } from './stripe-mapping.ts';

/** A dispute as Stripe tells it; undefined when it cannot be read now. */
export async function readDispute(
  client: Stripe,
  timeoutMs: number,
  reference: string,
): Promise<DisputeFacts | undefined> {
  try {
    return disputeFacts(await withinDeadline(timeoutMs, client.disputes.retrieve(reference)));
  } catch {
    // Whatever the SDK threw: it cannot be read now. The caller asks again.
    return undefined;
  }
}

const disputeSchema = z.object({
  id: z.string().min(1).max(255),
  amount: z.int().nonnegative(),
  currency: z.string(),
  status: z.string().min(1).max(100),
  reason: z.string().max(200).catch(''),
  evidence_details: z
    .object({ due_by: z.int().positive().max(8_640_000_000_000).nullish().catch(undefined) })
    .optional()
    .catch(undefined),
});

/** Our words for a dispute. Total: undefined for what is none. */
export function disputeFacts(value: unknown): DisputeFacts | undefined {
  const dispute = disputeSchema.safeParse(value).data;
  const money = moneyOf(dispute?.amount, dispute?.currency);
  if (dispute === undefined || money === undefined) return undefined;
  const dueBy = dispute.evidence_details?.due_by;
  return {
    reference: dispute.id,
    money,
    status: statusOf(dispute.status),
    providerStatus: dispute.status,
    reason: dispute.reason,
    isInquiry: dispute.status.startsWith('warning_'),
    evidenceDueAt: dueBy === null || dueBy === undefined ? undefined : new Date(dueBy * 1_000),
  };
}

/** Of a status we do not know nothing is decided: it stays open, and its own word is shown beside it. */
function statusOf(status: string): DisputeFacts['status'] {
  switch (status) {
    case 'under_review':
    case 'warning_under_review':
    case 'appeal_under_review':
      return 'under_review';
    case 'won':
      return 'won';
    case 'lost':
      return 'lost';
    // An inquiry that ended, and a dispute that was prevented: no money was taken in the end.
    case 'warning_closed':
    case 'prevented':
      return 'closed';
    default:
      return 'open';
  }
}
