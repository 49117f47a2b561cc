import { z } from 'zod';

import { currencyRule } from '../amounts/currencies.ts';
import { checkAmount } from '../amounts/check-amount.ts';
import { previousAttributes } from '../events/previous-attributes.ts';
import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { applyMetadata, expand, integer, metadata, parseParams, text } from '../http/params.ts';
import { errorBody, type ErrorFields } from '../http/stripe-error.ts';
import { behaviourOf } from '../payment-methods/test-cards.ts';
import { heldCharge, raisedDetails, type Held } from './capture-hold.ts';
import {
  findPaymentIntent,
  intentRefusal,
  refuseStatementDescriptor,
  savePaymentIntent,
  unexpectedState,
  type PaymentIntent,
} from './payment-intent.ts';

/** Stripe's limit for one PaymentIntent, declines included. */
const ATTEMPTS_MAX = 10;
/** One step may add 500 US dollars, which is 1000 times the least Stripe charges in any currency, or five times the hold. */
const STEP_MAX_IN_MINIMUMS = 1_000;
const STEP_MAX_IN_HOLDS = 5;

const schema = z.strictObject({
  amount: integer,
  description: text(1_000).optional(),
  expand,
  metadata: metadata.optional(),
  statement_descriptor: text().optional(),
});
type IncrementParams = z.output<typeof schema>;

/** `POST /v1/payment_intents/:id/increment_authorization`: `amount` is the new total. A decline leaves everything as it was. */
export function incrementAuthorization(request: ApiRequest): Answer {
  const params = parseParams(schema, request.params);
  checkExpand('payment_intent', params.expand);
  refuseStatementDescriptor(params.statement_descriptor);
  const record = findPaymentIntent(request);
  checkAmount(params.amount, record.intent.currency);
  checkIncrementable(record.intent);
  const held = { record, charge: heldCharge(request.work, record.intent) };
  checkStep(held, params.amount);
  const declineCode = declineOf(request, held);
  if (declineCode !== undefined) return decline(request, held, params.amount, declineCode);
  const intent = raise(request, held, params);
  return { status: 200, body: expanded(request, 'payment_intent', intent, params.expand) };
}

function checkIncrementable(intent: PaymentIntent): void {
  if (intent.status !== 'requires_capture') {
    const message =
      `This PaymentIntent's authorization could not be incremented because it has a status of ${intent.status}. Only a PaymentIntent with ` +
      'one of the following statuses may be incremented: requires_capture.';
    throw unexpectedState(message, intent);
  }
  if (intent.amount_received > 0)
    throw unexpectedState('A PaymentIntent that was captured can no longer be incremented.', intent);
}

function checkStep({ record, charge }: Held, amount: number): void {
  const { intent } = record;
  if (charge.payment_method_details.card.incremental_authorization.status !== 'available') {
    throw intentRefusal(intent, {
      message:
        'This PaymentIntent is not eligible for incremental authorization. See the charge’s `payment_method_details[card]` ' +
        '`[incremental_authorization]`.',
    });
  }
  if (amount <= intent.amount)
    throw intentRefusal(intent, {
      param: 'amount',
      message: 'The amount must be greater than the currently authorized amount.',
    });
  if ((record.increments ?? 0) >= ATTEMPTS_MAX) {
    throw intentRefusal(intent, {
      message: `The authorization of a PaymentIntent can be incremented at most ${ATTEMPTS_MAX} times, declines included.`,
    });
  }
  const minimum = currencyRule(intent.currency)?.minimum ?? 0;
  if (amount - intent.amount <= Math.max(minimum * STEP_MAX_IN_MINIMUMS, intent.amount * STEP_MAX_IN_HOLDS))
    return;
  throw intentRefusal(intent, {
    code: 'amount_too_large',
    param: 'amount',
    message: 'The amount is more than the authorization can be incremented by at once.',
  });
}

/** The issuer's no: from the card that declines every increment, or from an armed fault. */
function declineOf(request: ApiRequest, { charge }: Held): string | undefined {
  const method = request.mode.paymentMethods.get(charge.payment_method);
  if (method && behaviourOf(method.behaviour).declinesFlexibility) return 'generic_decline';
  const target = { method: request.method, path: request.path };
  return request.context.faults.fire(['increment_declined'], target)?.decline_code;
}

function decline(request: ApiRequest, { record, charge }: Held, amount: number, declineCode: string): Answer {
  const { intent } = savePaymentIntent(request, record, {}, { increments: (record.increments ?? 0) + 1 });
  request.work.effect('authorization.increment_declined', {
    payment_intent: intent.id,
    charge: charge.id,
    amount_new_total: amount,
    currency: intent.currency,
    decline_code: declineCode,
  });
  const error: ErrorFields = {
    type: 'card_error',
    code: 'card_declined',
    decline_code: declineCode,
    message: 'Your card was declined.',
    charge: charge.id,
    payment_intent: intent,
  };
  return { status: 402, body: errorBody(error, request.requestId, request.livemode) };
}

function raise(request: ApiRequest, { record, charge }: Held, params: IncrementParams): PaymentIntent {
  const { amount } = params;
  const { work } = request;
  const merged = applyMetadata(record.intent.metadata, params.metadata);
  work.save({
    type: 'charge',
    value: { ...charge, amount, payment_method_details: raisedDetails(charge, amount) },
  });
  const { intent } = savePaymentIntent(
    request,
    record,
    {
      amount,
      amount_capturable: amount,
      description: params.description === undefined ? record.intent.description : params.description,
      metadata: merged,
    },
    { increments: (record.increments ?? 0) + 1 },
  );
  work.effect('authorization.incremented', {
    payment_intent: intent.id,
    charge: charge.id,
    amount_new_total: amount,
    amount_added: amount - record.intent.amount,
    currency: intent.currency,
    metadata: intent.metadata,
  });
  work.event(
    'payment_intent.amount_capturable_updated',
    { kind: 'payment_intent', id: intent.id },
    previousAttributes(record.intent, intent),
  );
  return intent;
}
