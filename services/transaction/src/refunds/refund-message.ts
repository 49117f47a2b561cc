import { RefundStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Refund } from '@centra/proto/centra/payment/v1/payment.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { Operation } from '../operations/operation.ts';

/** A refund on the wire: the operation that gives money back, under its public name. */
export function toRefundMessage(operation: Operation): Refund {
  return {
    refundId: toPublicId('re', operation.id),
    paymentId: toPublicId('pay', operation.payment.id),
    amount: operation.money,
    status: statusOf(operation),
    reason: operation.reason,
    metadata: { ...operation.options.metadata },
    providerReference: operation.providerReference ?? '',
    failure: operation.failure,
    createdAt: operation.createdAt,
    updatedAt: operation.finishedAt ?? operation.createdAt,
  };
}

function statusOf({ state }: Operation): RefundStatus {
  switch (state) {
    case 'succeeded':
      return RefundStatus.REFUND_STATUS_SUCCEEDED;
    case 'declined':
      return RefundStatus.REFUND_STATUS_FAILED;
    case 'prepared':
    case 'sent':
    case 'unknown':
      return RefundStatus.REFUND_STATUS_PENDING;
    default:
      throw new Error(`no refund status for ${String(state satisfies never)}`);
  }
}
