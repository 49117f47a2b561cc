import { CaptureMethod } from '@centra/proto/centra/payment/v1/payment.ts';
import type { InitiateRequest, SaleResponse } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { Context } from '../context.ts';
import { chargeNew } from './charge.ts';
import { readRequest } from './charge-request.ts';

/** Opens the provider's hosted page for a new payment; the same guarantees and refusals as `charge`. */
export async function initiate(context: Context, request: InitiateRequest): Promise<SaleResponse> {
  const kind = request.captureMethod === CaptureMethod.CAPTURE_METHOD_MANUAL ? 'authorize' : 'sale';
  const minutes = request.expiresInMinutes;
  const errors = [
    ...(request.successUrl === '' ? [{ field: 'success_url', reason: 'is missing' }] : []),
    ...(request.cancelUrl === '' ? [{ field: 'cancel_url', reason: 'is missing' }] : []),
    ...(request.successUrl.includes('\0') ? [{ field: 'success_url', reason: 'holds a NUL character' }] : []),
    ...(request.cancelUrl.includes('\0') ? [{ field: 'cancel_url', reason: 'holds a NUL character' }] : []),
    // Stripe's bounds for a Checkout Session (docs.stripe.com/api/checkout/sessions/create), kept for all.
    ...(minutes >= 30 && minutes <= 1440
      ? []
      : [{ field: 'expires_in_minutes', reason: 'is not between 30 and 1440' }]),
  ];
  const wanted = readRequest(kind, { ...request, cardToken: '', returnUrl: '', paymentId: '' }, errors);
  const hosted = { successUrl: request.successUrl, cancelUrl: request.cancelUrl, minutes };
  return await chargeNew(context, { ...wanted, options: { ...wanted.options, hosted } });
}
