import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { expand, parseParams } from '../http/params.ts';
import {
  findPaymentIntent,
  savePaymentIntent,
  unexpectedState,
  type PaymentIntentRecord,
} from './payment-intent.ts';
import { releaseHold } from './release-hold.ts';

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

/** `POST /v1/payment_intents/:id/cancel`. What is held is released; what was captured before stays, and the payment is then `succeeded`. */
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
  refuseOpenSession(request, record);
  const reason = params.cancellation_reason ?? null;
  const saved =
    intent.status === 'requires_capture'
      ? releaseHold(request.work, record, reason, { expired: false })
      : cancelUnpaid(request, record, reason);
  return { status: 200, body: expanded(request, 'payment_intent', saved.intent, params.expand) };
}

/** Until it is paid, the PaymentIntent of a Checkout Session belongs to the session. */
function refuseOpenSession(request: ApiRequest, { intent }: PaymentIntentRecord): void {
  const session = request.mode.sessionOfIntent.get(intent.id);
  if (session === undefined || !request.mode.openSessions.has(session)) return;
  const message =
    'You cannot cancel this PaymentIntent because it was created by a Checkout Session. Expire the Checkout Session to cancel it: ' +
    '/v1/checkout/sessions/:id/expire.';
  throw unexpectedState(message, intent);
}

function cancelUnpaid(
  request: ApiRequest,
  record: PaymentIntentRecord,
  reason: string | null,
): PaymentIntentRecord {
  const { challenge, intent } = record;
  const saved = savePaymentIntent(
    request,
    record,
    {
      canceled_at: Math.floor(request.nowMs / 1000),
      cancellation_reason: reason,
      next_action: null,
      status: 'canceled',
    },
    { challenge: challenge?.outcome === 'open' ? { ...challenge, outcome: 'failed' } : challenge },
  );
  request.work.effect('payment_intent.canceled', {
    payment_intent: intent.id,
    amount: intent.amount,
    currency: intent.currency,
    metadata: intent.metadata,
  });
  request.work.event('payment_intent.canceled', { kind: 'payment_intent', id: intent.id });
  return saved;
}
