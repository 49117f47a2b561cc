import { z } from 'zod';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { UnknownOperation } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { toJsonAmount } from '@centra/money/money.ts';

export const operationStateSchema = z.enum(['prepared', 'sent', 'succeeded', 'declined', 'unknown']);
export const operationKindSchema = z.enum(['sale', 'authorize', 'capture', 'void', 'refund', 'adjust']);

const time = z.string().meta({ description: 'ISO 8601, UTC' });

/** An operation whose outcome is not known, with all that a person needs to ask the provider. */
export const unknownOperationSchema = z
  .object({
    id: z.string().meta({ example: 'op_01jd4qv8e2f5tb3y9k7m1n6p0r' }),
    object: z.literal('unknown_operation'),
    kind: operationKindSchema,
    state: operationStateSchema,
    amount: z.int().min(0).nullable().meta({ description: 'In minor units of `currency`; null for a void' }),
    currency: z.string().nullable().meta({ description: 'ISO 4217' }),
    payment_id: z.string(),
    booking_reference: z.string(),
    provider: z.string(),
    provider_account: z.string(),
    provider_payment_reference: z
      .string()
      .nullable()
      .meta({ description: 'The payment’s id at the provider; null when it was never told' }),
    provider_reference: z
      .string()
      .nullable()
      .meta({ description: 'The operation’s own id at the provider; null when it was never told' }),
    provider_key: z.string().meta({ description: 'The idempotency key and reference to search for there' }),
    how_to_find_out: z.string().meta({ description: 'Where to look, in words' }),
    reason: z.string().nullable().meta({ description: 'What went wrong, for people' }),
    attempts: z.int().min(0),
    requested_by: z.string().nullable().meta({ description: 'For example `api_key:key_…`' }),
    request_id: z.string().nullable(),
    created_at: time,
    last_tried_at: time.nullable(),
    next_try_at: time
      .nullable()
      .meta({ description: 'When the provider is asked next; null when it is not' }),
    escalated_at: time.nullable().meta({ description: 'Since when it waits for a person' }),
  })
  .meta({ id: 'UnknownOperation', description: 'A request to a provider whose outcome is not known' });

export type UnknownOperationJson = z.infer<typeof unknownOperationSchema>;

/** An operation as transaction tells it, in its public form. */
export function toJson(operation: UnknownOperation): UnknownOperationJson {
  const { amount, origin } = operation;
  if (operation.createdAt === undefined) throw new Error('transaction sent an operation without a time');
  return {
    id: operation.operationId,
    object: 'unknown_operation',
    kind: operationKindSchema.parse(operation.kind),
    state: toState(operation.state),
    amount: amount === undefined ? null : toJsonAmount(amount.amountMinor),
    currency: amount?.currency ?? null,
    payment_id: operation.paymentId,
    booking_reference: operation.bookingReference,
    provider: operation.provider,
    provider_account: operation.providerAccountId,
    provider_payment_reference: operation.providerPaymentReference || null,
    provider_reference: operation.providerReference || null,
    provider_key: operation.providerKey,
    how_to_find_out: operation.howToFindOut,
    reason: operation.reason || null,
    attempts: operation.attempts,
    requested_by: origin?.actor || null,
    request_id: origin?.requestId || null,
    created_at: operation.createdAt.toISOString(),
    last_tried_at: operation.lastTriedAt?.toISOString() ?? null,
    next_try_at: operation.nextTryAt?.toISOString() ?? null,
    escalated_at: operation.escalatedAt?.toISOString() ?? null,
  };
}

/** Our word of an operation's state. */
export function toState(state: OperationState): z.infer<typeof operationStateSchema> {
  switch (state) {
    case OperationState.OPERATION_STATE_PREPARED:
      return 'prepared';
    case OperationState.OPERATION_STATE_SENT:
      return 'sent';
    case OperationState.OPERATION_STATE_SUCCEEDED:
      return 'succeeded';
    case OperationState.OPERATION_STATE_DECLINED:
      return 'declined';
    case OperationState.OPERATION_STATE_UNKNOWN:
      return 'unknown';
    default:
      throw new Error(`transaction sent the operation state ${state}`);
  }
}
