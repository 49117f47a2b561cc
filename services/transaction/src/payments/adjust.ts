import type { AdjustRequest, AdjustResponse } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import { runFollowUp, readFollowUp, toStateMessage } from './follow-up.ts';
import type { FollowUpRule } from './follow-up.ts';
import { toPaymentMessage } from './payment.ts';

const RULE: FollowUpRule = {
  // Only what is added counts as pending; what is taken off stays held until the provider has let go of it.
  reserve: `authorize_pending_minor = greatest($5::bigint - p.authorized_minor, 0), busy_operation_id = $4::uuid`,
  guard: `p.status = 'authorized' and p.busy_operation_id is null and p.capture_pending_minor = 0
          and (p.hold_expires_at is null or p.hold_expires_at > now())
          and $5::bigint >= 1 and $5::bigint <> p.authorized_minor
          and ($5::bigint < p.authorized_minor or p.hold_incremental)`,
  amount: `$5::bigint`,
  eventType: 'payment.adjust_requested',
  checkSupported({ money }, payment, provider) {
    if (money === undefined || payment.hold === undefined) return;
    const isIncrease = money.amountMinor > payment.authorizedMinor;
    if (isIncrease && provider.capabilities.incrementalAuthorization === 'never')
      throw new AppError('not_supported', { detail: 'This provider does not raise a hold.' });
    if (money.amountMinor < payment.authorizedMinor && !provider.capabilities.decreaseAuthorization)
      throw new AppError('not_supported', {
        detail: 'This provider does not lower a hold. Capture less instead.',
      });
    if (money.currency === payment.money.currency) provider.checkAmount(money);
  },
  refusal({ money }, payment) {
    const { hold } = payment;
    if (hold === undefined || money === undefined) return undefined;
    if (hold.expiresAt !== undefined && hold.expiresAt <= payment.readAt) return new AppError('hold_expired');
    if (payment.busyOperationId !== undefined || payment.capturePendingMinor > 0n)
      return new AppError('operation_pending', { retryAfterSeconds: 2 });
    if (money.amountMinor === payment.authorizedMinor) return new AppError('amount_unchanged');
    if (money.amountMinor > payment.authorizedMinor && !hold.incremental)
      return new AppError('not_supported', { detail: 'This hold cannot be raised.' });
    return undefined;
  },
};

/**
 * Raises or lowers a hold to a new total. Refuses with not_found, payment_not_paid, payment_in_progress, already_captured,
 * payment_canceled, payment_has_failed, hold_expired, operation_pending, amount_unchanged, amount_not_allowed,
 * currency_mismatch, not_supported, provider_account_missing and those of idempotency; unavailable or provider_unreachable
 * when surely nothing was sent.
 */
export async function adjust(context: Context, request: AdjustRequest): Promise<AdjustResponse> {
  if (request.amount === undefined)
    throw new AppError('validation_failed', { errors: [{ field: 'amount', reason: 'is missing' }] });
  const wanted = readFollowUp(request.followUp, {
    kind: 'adjust',
    amount: request.amount,
    isFinal: false,
    reason: '',
    options: {},
  });
  const { operation, payment, replayed } = await runFollowUp(context, wanted, RULE);
  return {
    payment: toPaymentMessage(payment),
    replayed,
    state: toStateMessage(operation.state),
    failure: operation.failure,
  };
}
