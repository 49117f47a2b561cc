import type { RequestHandler } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, identityOf, refuseQuery } from '@centra/service-kit/http.ts';
import type { Context } from '../context.ts';
import { pathIdOf } from '../path-id.ts';
import { paymentSchema, toJson } from '../payments/payment.ts';
import { readPayment } from '../payments/read-payment.ts';

/** What the page of a guest needs: nothing about other people, the hotel's bookkeeping or its provider. */
export const checkoutPaymentSchema = paymentSchema
  .pick({
    id: true,
    status: true,
    amount: true,
    currency: true,
    booking_reference: true,
    description: true,
    next_action: true,
  })
  .meta({ id: 'CheckoutPayment', description: 'What a guest may see of their payment' });

/** `GET /v1/checkout/payments/:id`. Any other payment than the client secret's own is 404, whoever's it is. */
export function getCheckoutPayment(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    refuseQuery(request);
    const id = pathIdOf(request, 'pay');
    const identity = identityOf(request);
    if (identity.objectId !== id) throw new AppError('not_found');
    const payment = await readPayment(context, identity, id, contextOf(request).requestId);
    // Strips what the answer does not have, and keeps the order of the schema.
    response.json(checkoutPaymentSchema.parse(toJson(payment)));
  };
}
