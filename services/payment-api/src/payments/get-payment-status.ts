import type { RequestHandler } from 'express';
import type {
  GetPaymentStatusRequest,
  GetPaymentStatusResponse,
} from '@centra/proto/centra/payment/v1/payment.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { contextOf, identityOf, refuseQuery } from '@centra/service-kit/http.ts';
import type { Context } from '../context.ts';
import { pathIdOf } from '../path-id.ts';
import { authenticateCall } from './authenticate-call.ts';
import { paymentSchema, toJson } from './payment.ts';
import { readPayment } from './read-payment.ts';

/** What a booking engine asks again and again: how far a payment is, and nothing personal. */
export const paymentStatusAnswerSchema = paymentSchema
  .pick({
    id: true,
    status: true,
    amount: true,
    currency: true,
    amount_authorized: true,
    amount_captured: true,
    amount_refunded: true,
    amount_capture_pending: true,
    amount_refund_pending: true,
    booking_reference: true,
    updated_at: true,
  })
  .meta({ id: 'PaymentStatus', description: 'How far a payment is' });

/** `GET /v1/payments/:id/status` */
export function getPaymentStatus(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    refuseQuery(request);
    const id = pathIdOf(request, 'pay');
    const payment = await readPayment(context, identityOf(request), id, contextOf(request).requestId);
    // Strips what the answer does not have, and keeps the order of the schema.
    response.json(paymentStatusAnswerSchema.parse(toJson(payment)));
  };
}

/** `PaymentService.GetPaymentStatus` */
export function getPaymentStatusCall(context: Context) {
  return async (request: GetPaymentStatusRequest, call: CallContext): Promise<GetPaymentStatusResponse> => {
    const identity = await authenticateCall(context, call, 'payments:read');
    const payment = await readPayment(context, identity, request.paymentId, call.requestId);
    return {
      paymentId: payment.paymentId,
      status: payment.status,
      amount: payment.amount,
      authorizedMinor: payment.authorizedMinor,
      capturedMinor: payment.capturedMinor,
      refundedMinor: payment.refundedMinor,
      capturePendingMinor: payment.capturePendingMinor,
      refundPendingMinor: payment.refundPendingMinor,
      bookingReference: payment.bookingReference,
      updatedAt: payment.updatedAt,
    };
  };
}
