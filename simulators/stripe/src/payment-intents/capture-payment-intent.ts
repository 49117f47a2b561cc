import { z } from 'zod';

import type { Charge } from '../charges/charge.ts';
import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { applyMetadata, boolean, expand, integer, metadata, parseParams, text } from '../http/params.ts';
import { captureHold, heldCharge } from './capture-hold.ts';
import {
  checkStatementSuffix,
  findPaymentIntent,
  intentRefusal,
  refuseStatementDescriptor,
  unexpectedState,
  type PaymentIntent,
  type PaymentIntentRecord,
} from './payment-intent.ts';

/** Stripe's limit for one PaymentIntent. */
const CAPTURES_MAX = 50;

const schema = z.strictObject({
  amount_to_capture: integer.optional(),
  expand,
  final_capture: boolean.optional(),
  metadata: metadata.optional(),
  statement_descriptor: text().optional(),
  statement_descriptor_suffix: text(100).optional(),
});

/** `POST /v1/payment_intents/:id/capture`. What a final capture leaves is released. */
export function capturePaymentIntent(request: ApiRequest): Answer {
  const params = parseParams(schema, request.params);
  checkExpand('payment_intent', params.expand);
  refuseStatementDescriptor(params.statement_descriptor);
  const suffix = checkStatementSuffix(params.statement_descriptor_suffix);
  const record = findPaymentIntent(request);
  checkCapturable(record.intent);
  const charge = heldCharge(request.work, record.intent);
  checkWindow(request, record.intent, charge);
  const amount = params.amount_to_capture ?? record.intent.amount_capturable;
  const isFinal = params.final_capture ?? true;
  checkAmount(record, charge, amount, isFinal);
  const changes = {
    metadata: applyMetadata(record.intent.metadata, params.metadata),
    statement_descriptor_suffix: suffix ?? record.intent.statement_descriptor_suffix,
  };
  const saved = captureHold(request.work, { record, charge }, { amount, isFinal, changes });
  return { status: 200, body: expanded(request, 'payment_intent', saved.intent, params.expand) };
}

function checkCapturable(intent: PaymentIntent): void {
  if (intent.status === 'requires_capture') return;
  if (intent.status === 'succeeded') {
    const message =
      intent.capture_method === 'manual'
        ? 'The remaining amount on this PaymentIntent could not be captured because the remainder of the authorized amount has been released.'
        : 'This PaymentIntent could not be captured because it has already been captured.';
    throw unexpectedState(message, intent);
  }
  const message =
    `This PaymentIntent could not be captured because it has a status of ${intent.status}. Only a PaymentIntent with one of the following ` +
    'statuses may be captured: requires_capture.';
  throw unexpectedState(message, intent);
}

/** The hold has run out and its payment is about to be canceled. */
function checkWindow(request: ApiRequest, intent: PaymentIntent, charge: Charge): void {
  const captureBefore = charge.payment_method_details.card.capture_before;
  if (captureBefore === undefined || request.nowMs < captureBefore * 1000) return;
  throw intentRefusal(intent, {
    code: 'charge_expired_for_capture',
    message:
      'This charge cannot be captured because its authorization has expired. Charges must be captured within the window that ' +
      '`capture_before` shows.',
  });
}

function checkAmount(record: PaymentIntentRecord, charge: Charge, amount: number, isFinal: boolean): void {
  const { intent } = record;
  const { multicapture, overcapture } = charge.payment_method_details.card;
  if (!isFinal && multicapture.status !== 'available') {
    const message =
      '`final_capture` can only be false when multicapture is available for this PaymentIntent. See the charge’s ' +
      '`payment_method_details[card][multicapture]`.';
    throw intentRefusal(intent, { param: 'final_capture', message });
  }
  if (amount < 0)
    throw intentRefusal(intent, { param: 'amount_to_capture', message: 'Invalid non-negative integer' });
  // Nothing but the end of a payment that was captured in part is a capture of nothing.
  if (amount === 0 && !(isFinal && intent.amount_received > 0)) {
    const message = 'This value must be greater than or equal to 1.';
    throw intentRefusal(intent, { code: 'parameter_invalid_integer', param: 'amount', message });
  }
  const most = isFinal
    ? Math.max(intent.amount_capturable, overcapture.maximum_amount_capturable - intent.amount_received)
    : intent.amount_capturable;
  if (amount > most) {
    const message =
      'The payment could not be captured because the requested capture amount is greater than the amount you can capture for this ' +
      'charge. Contact us via https://support.stripe.com/contact/ for help.';
    throw intentRefusal(intent, { code: 'amount_too_large', message });
  }
  if (amount > 0 && (record.captures ?? 0) >= CAPTURES_MAX) {
    throw intentRefusal(intent, {
      message: `A PaymentIntent can be captured at most ${CAPTURES_MAX} times.`,
    });
  }
}
