import type { ApiRequest } from '../http/api-request.ts';
import { StripeError } from '../http/stripe-error.ts';
import { newPaymentMethod } from '../payment-methods/new-payment-method.ts';
import { findPaymentMethod, type PaymentMethodRecord } from '../payment-methods/payment-method.ts';
import type { UpdateParams } from './intent-params.ts';

/** The payment method a request names or spells out; undefined when it does neither. Nothing is saved. */
export function choosePaymentMethod(
  request: ApiRequest,
  params: Pick<UpdateParams, 'payment_method' | 'payment_method_data'>,
): PaymentMethodRecord | undefined {
  if (params.payment_method_data) return newPaymentMethod(request, params.payment_method_data);
  return params.payment_method === undefined ? undefined : findPaymentMethod(request, params.payment_method);
}

/** Without a customer a payment method pays once, unless that payment was to set it up for later. */
export function checkReusable(record: PaymentMethodRecord): void {
  if (!record.usedBy || record.setUp) return;
  const message =
    'The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected account ' +
    'without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, ' +
    'you must attach it to a Customer first.';
  throw new StripeError(
    400,
    { type: 'invalid_request_error', message, param: 'payment_method' },
    { executed: true },
  );
}
