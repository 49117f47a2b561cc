import { z } from 'zod';
import { RefundStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Refund } from '@centra/proto/centra/payment/v1/payment.ts';
import { problemSchema } from '@centra/service-kit/problem-schema.ts';
import { toDeclineProblem } from '../charges/charge-reply.ts';
import { failureSchema, sortedByKey, toAmount, toFailure, toTime } from '../payments/payment.ts';
import { overWith } from '../replies/send-answer.ts';
import type { Answer } from '../replies/send-answer.ts';

/** The public form of a refund; `toRefundJson` makes it and OpenAPI describes it. */
export const refundSchema = z
  .object({
    id: z.string(),
    object: z.literal('refund'),
    payment_id: z.string(),
    amount: z.int().min(1).meta({ description: 'In minor units of `currency`' }),
    currency: z.string().meta({ description: 'ISO 4217' }),
    status: z.enum(['pending', 'succeeded', 'failed']).meta({
      description:
        'pending: not settled yet; the amount counts as refunded. succeeded: given back. failed: the money stays with ' +
        'the hotel; may come days after succeeded.',
    }),
    reason: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    provider_reference: z
      .string()
      .nullable()
      .meta({ description: "The provider's own id of it, once known" }),
    failure: failureSchema.nullable(),
    created_at: z.string().meta({ description: 'ISO 8601, UTC' }),
    updated_at: z.string().meta({ description: 'ISO 8601, UTC' }),
  })
  .meta({ id: 'Refund', description: 'Captured money that is given back to the way it came' });

export type RefundJson = z.infer<typeof refundSchema>;

/** The 402 of a refund, which is stored: a repeat gets the same bytes. */
export const refundDeclineSchema = problemSchema
  .omit({ request_id: true, errors: true })
  .extend({ decline: failureSchema, refund: refundSchema })
  .meta({
    id: 'RefundDeclineProblem',
    description: 'A refund that the provider refused, as an RFC 9457 problem',
  });

/** A refund as transaction tells it, in its public form. Pure, and the same refund always gives the same bytes. */
export function toRefundJson(refund: Refund): RefundJson {
  const { amount, failure } = refund;
  if (amount === undefined) throw new Error('transaction sent a refund without an amount');
  return {
    id: refund.refundId,
    object: 'refund',
    payment_id: refund.paymentId,
    amount: toAmount(amount.amountMinor),
    currency: amount.currency,
    status: toStatus(refund.status),
    reason: refund.reason || null,
    metadata: sortedByKey(refund.metadata),
    provider_reference: refund.providerReference || null,
    failure: failure === undefined ? null : toFailure(failure),
    created_at: toTime(refund.createdAt),
    updated_at: toTime(refund.updatedAt),
  };
}

function toStatus(status: RefundStatus): RefundJson['status'] {
  switch (status) {
    case RefundStatus.REFUND_STATUS_PENDING:
      return 'pending';
    case RefundStatus.REFUND_STATUS_SUCCEEDED:
      return 'succeeded';
    case RefundStatus.REFUND_STATUS_FAILED:
      return 'failed';
    default:
      throw new Error(`transaction sent the refund status ${status}`);
  }
}

/** The answer to a refund: 201 with where it is, 402 with the reason, or 202 while it is pending. */
export function refundAnswer(refund: RefundJson): Answer {
  switch (refund.status) {
    case 'pending':
      return { isOver: false, body: refund };
    case 'succeeded':
      return overWith(201, refund, `/v1/refunds/${refund.id}`);
    case 'failed':
      if (refund.failure === null) throw new Error('transaction sent a failed refund without a reason');
      return overWith(402, toDeclineProblem('refund_declined', refund.failure, { refund }), null);
    default:
      return refund.status satisfies never;
  }
}
