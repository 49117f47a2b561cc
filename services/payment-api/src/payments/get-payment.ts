import type { RequestHandler } from 'express';
import type { GetPaymentRequest, Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { refuseCardData } from '@centra/service-kit/card-data.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { contextOf, identityOf, refuseQuery } from '@centra/service-kit/http.ts';
import type { Context } from '../context.ts';
import { authenticateCall } from './authenticate-call.ts';
import { toJson } from './payment.ts';
import { readPayment } from './read-payment.ts';

/** `GET /v1/payments/:id` */
export function getPayment(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    refuseQuery(request);
    const { id } = request.params;
    refuseCardData(id, 'id');
    const payment = await readPayment(context, identityOf(request), id, contextOf(request).requestId);
    response.json(toJson(payment));
  };
}

/** `PaymentService.GetPayment` */
export function getPaymentCall(context: Context) {
  return async (request: GetPaymentRequest, call: CallContext): Promise<Payment> => {
    const identity = await authenticateCall(context, call, 'payments:read');
    return await readPayment(context, identity, request.paymentId, call.requestId);
  };
}
