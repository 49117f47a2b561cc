import type {
  GetPaymentStatusRequest,
  GetPaymentStatusResponse,
} from '@centra/proto/centra/payment/v1/payment.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import type { Context } from '../context.ts';
import { authenticateCall } from './authenticate-call.ts';
import { readPayment } from './read-payment.ts';

/** `PaymentService.GetPaymentStatus` */
export function getPaymentStatusCall(context: Context) {
  return async (request: GetPaymentStatusRequest, call: CallContext): Promise<GetPaymentStatusResponse> => {
    const identity = await authenticateCall(context, call, 'payments:read');
    const payment = await readPayment(context, identity, request.paymentId, call.requestId);
    return {
      paymentId: payment.paymentId,
      status: payment.status,
      amount: payment.amount,
      capturedMinor: payment.capturedMinor,
      refundedMinor: payment.refundedMinor,
      bookingReference: payment.bookingReference,
      updatedAt: payment.updatedAt,
    };
  };
}
