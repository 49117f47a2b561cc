import type { RefundRequest, RefundResponse } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import { toRefundMessage } from '../refunds/refund-message.ts';
import { runFollowUp, readFollowUp, toStateMessage } from './follow-up.ts';
import type { FollowUpRule } from './follow-up.ts';
import { refundableMinor, toPaymentMessage } from './payment.ts';

const LEFT = `p.captured_minor - p.refunded_minor - p.refund_pending_minor`;

const RULE: FollowUpRule = {
  reserve: `refund_pending_minor = p.refund_pending_minor + coalesce($5::bigint, ${LEFT})`,
  guard: `p.status in ('partially_captured', 'succeeded', 'partially_refunded', 'refunded') and not p.disputed
          and coalesce($5::bigint, ${LEFT}) between 1 and ${LEFT}`,
  amount: `p.refund_pending_minor - old.refund_pending_minor`,
  eventType: 'payment.refund_requested',
  checkSupported({ money }, payment, provider) {
    const { capabilities } = provider;
    if (money?.currency === payment.money.currency && money.amountMinor <= payment.capturedMinor)
      provider.checkAmount(money, 'part');
    const isPart = money !== undefined && money.amountMinor < payment.capturedMinor;
    if (isPart && !capabilities.partialRefunds)
      throw new AppError('not_supported', { detail: 'This provider gives back the whole amount only.' });
    const days = capabilities.refundWindowDays;
    if (days !== undefined && payment.createdAt.getTime() + days * DAY_MS < payment.readAt.getTime())
      throw new AppError('refund_window_over', { extra: { refund_window_days: days } });
  },
  refusal({ money }, payment) {
    if (payment.disputed) return new AppError('payment_disputed');
    const left = refundableMinor(payment);
    if (left === 0n && payment.refundPendingMinor > 0n)
      return new AppError('amount_exceeds_captured', { extra: { amount_refundable: 0 } });
    return (money?.amountMinor ?? left) > left || left === 0n
      ? new AppError('amount_exceeds_captured', { extra: { amount_refundable: Number(left) } })
      : undefined;
  },
};

const DAY_MS = 24 * 60 * 60 * 1000;
const REASONS = new Set(['', 'requested_by_customer', 'duplicate', 'fraudulent']);

/**
 * Gives captured money back: reserved first, then sent. What is pending or unknown counts as given back until the provider
 * has said no. Refuses with not_found, not_captured, payment_in_progress, already_refunded, payment_canceled,
 * payment_has_failed, payment_disputed, amount_exceeds_captured, currency_mismatch, refund_window_over, not_supported,
 * provider_account_missing and those of idempotency; unavailable or provider_unreachable when surely nothing was sent.
 */
export async function refund(context: Context, request: RefundRequest): Promise<RefundResponse> {
  if (!REASONS.has(request.reason))
    throw new AppError('validation_failed', { errors: [{ field: 'reason', reason: 'is not one we know' }] });
  const wanted = readFollowUp(request.followUp, {
    kind: 'refund',
    amount: request.amount,
    isFinal: false,
    reason: request.reason,
    options: Object.keys(request.metadata).length === 0 ? {} : { metadata: request.metadata },
  });
  const { operation, payment, replayed } = await runFollowUp(context, wanted, RULE);
  return {
    refund: toRefundMessage(operation),
    payment: toPaymentMessage(payment),
    replayed,
    state: toStateMessage(operation.state),
  };
}
