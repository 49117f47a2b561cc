import { z } from 'zod';
import type { Dispute } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { toJsonAmount } from '@centra/money/money.ts';

export const disputeStatusSchema = z.enum(['open', 'under_review', 'won', 'lost', 'closed']).meta({
  description:
    'open: answer it before evidence_due_at. under_review: the bank decides. won: the money is yours. lost: it went back ' +
    'to the guest. closed: over without a decision.',
});

/** A guest's objection at the bank, as it may be shown. */
export const disputeSchema = z
  .object({
    id: z.string().meta({ example: 'dis_01jd4qv8e2f5tb3y9k7m1n6p0r' }),
    object: z.literal('dispute'),
    payment_id: z.string(),
    amount: z.int().min(0).meta({ description: 'In minor units of `currency`' }),
    currency: z.string().meta({ description: 'ISO 4217; may differ from the payment’s' }),
    status: disputeStatusSchema,
    provider_status: z.string().meta({ description: 'In the provider’s words' }),
    reason: z.string().nullable().meta({ description: 'In the provider’s words' }),
    inquiry: z.boolean().meta({ description: 'Only a warning: no money was taken' }),
    provider_reference: z.string(),
    evidence_due_at: z
      .string()
      .nullable()
      .meta({ description: 'Until when evidence may be handed in; null when it no longer may' }),
    created_at: z.string().meta({ description: 'ISO 8601, UTC' }),
    updated_at: z.string().meta({ description: 'ISO 8601, UTC' }),
  })
  .meta({ id: 'Dispute', description: 'A guest’s objection to a payment at the bank' });

export type DisputeJson = z.infer<typeof disputeSchema>;

/** A dispute as transaction tells it, in its public form. */
export function toJson(dispute: Dispute): DisputeJson {
  const { amount, createdAt, updatedAt } = dispute;
  if (amount === undefined || createdAt === undefined || updatedAt === undefined)
    throw new Error('transaction sent a dispute without amount or times');
  return {
    id: dispute.disputeId,
    object: 'dispute',
    payment_id: dispute.paymentId,
    amount: toJsonAmount(amount.amountMinor),
    currency: amount.currency,
    status: disputeStatusSchema.parse(dispute.status),
    provider_status: dispute.providerStatus,
    reason: dispute.reason || null,
    inquiry: dispute.inquiry,
    provider_reference: dispute.providerReference,
    evidence_due_at: dispute.evidenceDueAt?.toISOString() ?? null,
    created_at: createdAt.toISOString(),
    updated_at: updatedAt.toISOString(),
  };
}
