import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { expand, parseParams } from '../http/params.ts';
import {
  findPaymentIntent,
  savePaymentIntent,
  unexpectedState,
  type PaymentIntent,
} from './payment-intent.ts';

const CANCELABLE = [
  'requires_payment_method',
  'requires_capture',
  'requires_confirmation',
  'requires_action',
  'processing',
];

const schema = z.strictObject({
  cancellation_reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer', 'abandoned']).optional(),
  expand,
});

/** `POST /v1/payment_intents/:id/cancel`. A held amount is released. */
export function cancelPaymentIntent(request: ApiRequest): Answer {
  const params = parseParams(schema, request.params);
  checkExpand('payment_intent', params.expand);
  const record = findPaymentIntent(request);
  const { intent } = record;
  // A payment that is being decided is rarely cancelable at Stripe; here it is not, so that it cannot be charged afterwards.
  if (!CANCELABLE.includes(intent.status) || intent.status === 'processing') {
    const message =
      `You cannot cancel this PaymentIntent because it has a status of ${intent.status}. Only a PaymentIntent with one of the following ` +
      `statuses may be canceled: ${CANCELABLE.join(', ')}.`;
    throw unexpectedState(message, intent);
  }
  if (intent.status === 'requires_capture') releaseHold(request, intent);
  const saved = savePaymentIntent(
    request,
    record,
    {
      amount_capturable: 0,
      canceled_at: Math.floor(request.nowMs / 1000),
      cancellation_reason: params.cancellation_reason ?? null,
      next_action: null,
      status: 'canceled',
    },
    {
      challenge:
        record.challenge?.outcome === 'open' ? { ...record.challenge, outcome: 'failed' } : record.challenge,
    },
  );
  request.work.effect('payment_intent.canceled', {
    payment_intent: intent.id,
    amount: intent.amount,
    currency: intent.currency,
    metadata: intent.metadata,
  });
  request.work.event('payment_intent.canceled', { kind: 'payment_intent', id: intent.id });
  return { status: 200, body: expanded(request, 'payment_intent', saved.intent, params.expand) };
}

/** Stripe shows the released hold as a refund of the whole uncaptured charge. */
function releaseHold(request: ApiRequest, intent: PaymentIntent): void {
  const charge = intent.latest_charge ? request.mode.charges.get(intent.latest_charge) : undefined;
  if (!charge) return;
  request.work.save({ type: 'charge', value: { ...charge, amount_refunded: charge.amount, refunded: true } });
  request.work.effect('authorization.released', {
    payment_intent: intent.id,
    charge: charge.id,
    amount: charge.amount,
    currency: charge.currency,
  });
  request.work.event('charge.refunded', { kind: 'charge', id: charge.id });
}
