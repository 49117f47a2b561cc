import type { CaptureRequest, CaptureResponse } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import { runFollowUp, readFollowUp, toStateMessage } from './follow-up.ts';
import type { FollowUpRule } from './follow-up.ts';
import { capturableMinor, toPaymentMessage } from './payment.ts';

const LEFT = `p.authorized_minor - p.captured_minor - p.capture_pending_minor`;

const RULE: FollowUpRule = {
  reserve: `capture_pending_minor = p.capture_pending_minor + coalesce($5::bigint, ${LEFT}),
            busy_operation_id = case when $7 then $4::uuid else p.busy_operation_id end`,
  guard: `p.status in ('authorized', 'partially_captured') and p.busy_operation_id is null
          -- Database time against the provider's own deadline (reliability rule 10).
          and (p.hold_expires_at is null or p.hold_expires_at > now())
          -- The last one lets go of the rest, which must not be under way elsewhere.
          and (case when $7 then p.capture_pending_minor = 0 else p.hold_multiple_capture end)
          and coalesce($5::bigint, ${LEFT}) between 1 and ${LEFT} + p.overcapture_minor`,
  amount: `p.capture_pending_minor - old.capture_pending_minor`,
  eventType: 'payment.capture_requested',
  checkSupported({ money, isFinal }, payment, provider) {
    const { capabilities } = provider;
    const max = capturableMinor(payment) + (payment.hold?.overcaptureMinor ?? 0n);
    if (money?.currency === payment.money.currency && money.amountMinor <= max)
      provider.checkAmount(money, 'part');
    const isPart = money !== undefined && money.amountMinor < capturableMinor(payment);
    if (isPart && !capabilities.partialCapture)
      throw new AppError('not_supported', { detail: 'This provider captures the whole amount only.' });
    if (!isFinal && capabilities.multipleCapture === 'never')
      throw new AppError('not_supported', { detail: 'This provider captures a hold once only.' });
  },
  refusal({ money, isFinal }, payment) {
    const { hold } = payment;
    if (hold === undefined) return undefined;
    if (hold.expiresAt !== undefined && hold.expiresAt <= payment.readAt) return new AppError('hold_expired');
    if (payment.busyOperationId !== undefined) return pending();
    if (!isFinal && !hold.multipleCapture)
      return new AppError('not_supported', { detail: 'This hold can be captured once only.' });
    const left = capturableMinor(payment);
    const max = left + hold.overcaptureMinor;
    if ((money?.amountMinor ?? left) > max || max === 0n || (money === undefined && left === 0n))
      return new AppError('amount_exceeds_hold', { extra: { amount_capturable: Number(left) } });
    return isFinal && payment.capturePendingMinor > 0n ? pending() : undefined;
  },
};

function pending(): AppError {
  return new AppError('operation_pending', { retryAfterSeconds: 2 });
}

/**
 * Collects all or part of a hold; unless it is to stay open, the rest is let go of. Refuses with not_found,
 * payment_not_paid, payment_in_progress, already_captured, payment_canceled, payment_has_failed, hold_expired,
 * operation_pending, amount_exceeds_hold, currency_mismatch, not_supported, provider_account_missing and those of
 * idempotency; unavailable or provider_unreachable when surely nothing was sent.
 */
export async function capture(context: Context, request: CaptureRequest): Promise<CaptureResponse> {
  const wanted = readFollowUp(request.followUp, {
    kind: 'capture',
    amount: request.amount,
    isFinal: !request.keepOpen,
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
