import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { Failure, Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { overWith } from '../replies/send-answer.ts';
import type { Answer } from '../replies/send-answer.ts';
import { toDeclineProblem, toPaymentDecline } from '../charges/charge-reply.ts';
import { toFailure, toJson } from './payment.ts';
import type { PaymentJson } from './payment.ts';

// A payment that was stopped while it waited, for example for the guest at the bank, has no failure of its own.
const STOPPED = { code: 'payment_canceled', message: 'The payment was canceled.', retryable: false };

/** The answer to a sale or authorisation: done (201 where it made the payment, else 200), 402 with the reason, or 202. */
export function paidAnswer(payment: PaymentJson, done: 200 | 201): Answer {
  switch (payment.status) {
    case 'processing':
    case 'requires_action':
      return { isOver: false, body: payment };
    case 'authorized':
    case 'partially_captured':
    case 'succeeded':
    case 'partially_refunded':
    case 'refunded':
      return overWith(done, payment, done === 201 ? locationOf(payment) : null);
    case 'failed':
      if (payment.failure === null) throw new Error('transaction sent a failed payment without a reason');
      return overWith(402, toPaymentDecline(payment, payment.failure), null);
    case 'canceled':
      return overWith(402, toPaymentDecline(payment, STOPPED), null);
    case 'created':
      throw new Error('transaction answered a payment that it did not try');
    default:
      return payment.status satisfies never;
  }
}

/** The answer to a payment that was only created: 201. */
export function createdAnswer(payment: PaymentJson): Answer {
  return overWith(201, payment, locationOf(payment));
}

/** What transaction says of an operation on a payment. */
export type FollowedUp = {
  payment?: Payment | undefined;
  state: OperationState;
  failure?: Failure | undefined;
};

/** The answer to a capture, a cancellation or an adjustment: 200, 402 with the reason, or 202 while it is open. */
export function followUpAnswer(
  code: 'capture_declined' | 'cancel_declined' | 'adjustment_declined',
  done: FollowedUp,
): Answer {
  const payment = toJson(required(done.payment, 'payment'));
  switch (done.state) {
    case OperationState.OPERATION_STATE_SUCCEEDED:
      return overWith(200, payment, null);
    case OperationState.OPERATION_STATE_DECLINED: {
      const decline = toFailure(required(done.failure, 'failure'));
      return overWith(402, toDeclineProblem(code, decline, { payment }), null);
    }
    case OperationState.OPERATION_STATE_PREPARED:
    case OperationState.OPERATION_STATE_SENT:
    case OperationState.OPERATION_STATE_UNKNOWN:
      return { isOver: false, body: payment };
    default:
      throw new Error(`transaction sent the operation state ${done.state}`);
  }
}

/** A part that transaction must send. */
export function required<T>(part: T | undefined, name: string): T {
  if (part === undefined) throw new Error(`transaction answered without a ${name}`);
  return part;
}

function locationOf(payment: PaymentJson): string {
  return `/v1/payments/${payment.id}`;
}
