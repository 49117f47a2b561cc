import { PaymentStatus, RefundStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Money } from '@centra/proto/centra/money/v1/money.ts';
import type {
  AdjustRequest,
  CaptureRequest,
  RefundRequest,
  VoidRequest,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { end, newRefund, statusOfSums } from './double-operations.ts';
import type { Operation } from './double-operations.ts';

/** What a provider makes of the next capture, void, adjustment or refund. */
export type FollowUpOutcome = 'succeeded' | 'declined' | 'pending';

/** How an operation goes on: refusals are thrown before it is recorded, `settle` ends it. */
export type Plan = { settle(operation: Operation, outcome: FollowUpOutcome): void };

const REFUSED = { code: 'provider_refused', message: 'The provider says no.', retryable: false };

/** Why nothing can be captured, canceled or adjusted, by name; returns the open hold otherwise. */
function requireHold(payment: Payment): NonNullable<Payment['hold']> {
  if (payment.hold !== undefined) return payment.hold;
  if (payment.status === PaymentStatus.PAYMENT_STATUS_CREATED) throw new AppError('payment_not_paid');
  if (payment.status === PaymentStatus.PAYMENT_STATUS_CANCELED) throw new AppError('payment_canceled');
  if (payment.status === PaymentStatus.PAYMENT_STATUS_FAILED) throw new AppError('payment_has_failed');
  if (payment.capturedMinor === 0n) throw new AppError('payment_in_progress');
  throw new AppError('already_captured');
}

function requireCurrency(payment: Payment, amount: Money | undefined): void {
  if (amount !== undefined && amount.currency !== payment.amount?.currency)
    throw new AppError('currency_mismatch');
}

export function planCapture(payment: Payment, request: CaptureRequest): Plan {
  const hold = requireHold(payment);
  requireCurrency(payment, request.amount);
  const amountMinor = request.amount?.amountMinor ?? hold.capturableMinor;
  if (amountMinor > hold.capturableMinor) throw new AppError('amount_exceeds_hold');
  if (request.keepOpen && !hold.multipleCapture) throw new AppError('not_supported');
  payment.capturePendingMinor += amountMinor;
  hold.capturableMinor -= amountMinor;
  return {
    settle(operation, outcome) {
      if (outcome === 'pending') return;
      payment.capturePendingMinor -= amountMinor;
      if (outcome === 'declined') {
        hold.capturableMinor += amountMinor;
        end(operation, REFUSED);
        return;
      }
      payment.capturedMinor += amountMinor;
      if (!request.keepOpen) payment.hold = undefined;
      payment.status = statusOfSums(payment);
      end(operation, undefined);
    },
  };
}

export function planVoid(payment: Payment, request: VoidRequest): Plan {
  if (payment.status !== PaymentStatus.PAYMENT_STATUS_CREATED) requireHold(payment);
  return {
    settle(operation, outcome) {
      if (outcome === 'pending') return;
      if (outcome === 'declined') {
        end(operation, REFUSED);
        return;
      }
      payment.hold = undefined;
      payment.authorizedMinor = payment.capturedMinor;
      payment.status = statusOfSums(payment);
      payment.cancellationReason = request.reason || 'requested_by_customer';
      end(operation, undefined);
    },
  };
}

export function planAdjust(payment: Payment, request: AdjustRequest): Plan {
  const hold = requireHold(payment);
  requireCurrency(payment, request.amount);
  const total = request.amount?.amountMinor ?? 0n;
  if (total === payment.authorizedMinor) throw new AppError('amount_unchanged');
  const more = total - payment.authorizedMinor;
  return {
    settle(operation, outcome) {
      payment.authorizePendingMinor = outcome === 'pending' && more > 0n ? more : 0n;
      if (outcome === 'pending') return;
      if (outcome === 'declined') {
        end(operation, REFUSED);
        return;
      }
      payment.authorizedMinor = total;
      hold.capturableMinor += more;
      end(operation, undefined);
    },
  };
}

export function planRefund(payment: Payment, request: RefundRequest): Plan & { begin(o: Operation): void } {
  requireCurrency(payment, request.amount);
  if (payment.capturedMinor === 0n) throw new AppError('not_captured');
  if (payment.disputed) throw new AppError('payment_disputed');
  const left = payment.capturedMinor - payment.refundedMinor - payment.refundPendingMinor;
  if (left === 0n) throw new AppError('already_refunded');
  const amountMinor = request.amount?.amountMinor ?? left;
  if (amountMinor > left) throw new AppError('amount_exceeds_captured');
  payment.refundPendingMinor += amountMinor;
  return {
    begin(operation) {
      operation.refund = newRefund(operation, request, amountMinor);
    },
    settle(operation, outcome) {
      const { refund } = operation;
      if (refund === undefined || outcome === 'pending') return;
      payment.refundPendingMinor -= amountMinor;
      refund.updatedAt = new Date();
      refund.providerReference = `ref_${refund.refundId}`;
      if (outcome === 'declined') {
        refund.status = RefundStatus.REFUND_STATUS_FAILED;
        refund.failure = REFUSED;
        end(operation, REFUSED);
        return;
      }
      refund.status = RefundStatus.REFUND_STATUS_SUCCEEDED;
      payment.refundedMinor += amountMinor;
      payment.status = statusOfSums(payment);
      end(operation, undefined);
    },
  };
}
