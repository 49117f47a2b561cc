import { z } from 'zod';

import type { Charge } from '../charges/charge.ts';
import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { applyMetadata, expand, integer, metadata, parseParams, requiredText } from '../http/params.ts';
import { invalidParameter, resourceMissing, StripeError } from '../http/stripe-error.ts';
import { refundCharge } from './refund-charge.ts';

const schema = z.strictObject({
  amount: integer.optional(),
  charge: requiredText(255).optional(),
  expand,
  metadata: metadata.optional(),
  payment_intent: requiredText(255).optional(),
  reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer']).optional(),
});
type RefundParams = z.output<typeof schema>;

/** `POST /v1/refunds`, of a charge or of the charge of a PaymentIntent. */
export function createRefund(request: ApiRequest): Answer {
  const params = parseParams(schema, request.params);
  checkExpand('refund', params.expand);
  if (params.charge === undefined && params.payment_intent === undefined) {
    throw invalidParameter(
      'One of the following params should be provided for this request: payment_intent or charge.',
    );
  }
  const given = applyMetadata({}, params.metadata);
  const refund = refundCharge(request.work, chargeToRefund(request, params), {
    amount: params.amount,
    metadata: given,
    reason: params.reason ?? null,
    settleMs: request.context.config.refundSettleMs,
  });
  return { status: 200, body: expanded(request, 'refund', refund, params.expand) };
}

function chargeToRefund(request: ApiRequest, params: RefundParams): Charge {
  const { mode } = request;
  const { charge: chargeId, payment_intent: intentId } = params;
  const named = chargeId === undefined ? undefined : mode.charges.get(chargeId);
  // Stripe names a parameter `id` here that no request has.
  if (chargeId !== undefined && !named) throw resourceMissing('charge', chargeId, 'id', 404);
  if (intentId === undefined) {
    if (named) return named;
    throw new Error('a refund names neither a charge nor a payment');
  }
  const intent = mode.paymentIntents.get(intentId)?.intent;
  if (!intent) throw resourceMissing('payment_intent', intentId, 'payment_intent', 404);
  if (named && named.payment_intent !== intentId) {
    const message = `The charge ${named.id} does not belong to the PaymentIntent ${intentId}.`;
    throw new StripeError(
      400,
      { type: 'invalid_request_error', message, param: 'charge' },
      { executed: true },
    );
  }
  const latest = intent.latest_charge === null ? undefined : mode.charges.get(intent.latest_charge);
  const charge = named ?? latest;
  if (charge) return charge;
  const message = `This PaymentIntent (${intentId}) does not have a successful charge to refund.`;
  throw new StripeError(400, { type: 'invalid_request_error', message }, { executed: true });
}
