import type { VoidRequest, VoidResponse } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import { runFollowUp, readFollowUp, toStateMessage } from './follow-up.ts';
import type { FollowUpRule } from './follow-up.ts';
import { toPaymentMessage } from './payment.ts';

/** When a void may begin, and why not. */
export const VOID_RULE: FollowUpRule = {
  reserve: `busy_operation_id = $4::uuid`,
  guard: `p.status in ('created', 'processing', 'requires_action', 'authorized', 'partially_captured')
          and p.busy_operation_id is null and p.capture_pending_minor = 0 and $5::bigint is null`,
  amount: `p.authorized_minor - p.captured_minor`,
  eventType: 'payment.cancel_requested',
  refusal: (_wanted, { busyOperationId, capturePendingMinor }) =>
    busyOperationId !== undefined || capturePendingMinor > 0n
      ? new AppError('operation_pending', { retryAfterSeconds: 2 })
      : undefined,
};

const REASONS = new Set(['', 'requested_by_customer', 'duplicate', 'fraudulent', 'abandoned']);

/**
 * Releases a hold, or what is left of it; stops a payment that is not paid yet. While the payment's outcome is open the
 * void waits for it and then acts: an authorisation that came late is released, money that was collected stays and is
 * reported (reliability row 15). Refuses with not_found, already_captured, payment_canceled, payment_has_failed,
 * operation_pending, provider_account_missing and those of idempotency; unavailable or provider_unreachable when surely
 * nothing was sent.
 */
export async function voidPayment(context: Context, request: VoidRequest): Promise<VoidResponse> {
  if (!REASONS.has(request.reason))
    throw new AppError('validation_failed', { errors: [{ field: 'reason', reason: 'is not one we know' }] });
  const wanted = readFollowUp(request.followUp, {
    kind: 'void',
    amount: undefined,
    isFinal: true,
    reason: request.reason,
    options: {},
  });
  const { operation, payment, replayed } = await runFollowUp(context, wanted, VOID_RULE);
  return {
    payment: toPaymentMessage(payment),
    replayed,
    state: toStateMessage(operation.state),
    failure: operation.failure,
  };
}
