import type { Answer, ApiRequest } from '../http/api-request.ts';
import { expanded } from '../http/expand.ts';
import { errorBody, type ErrorFields } from '../http/stripe-error.ts';
import { newId } from '../ids.ts';
import type { PaymentMethodRecord } from '../payment-methods/payment-method.ts';
import { behaviourOf, type ThreeDSecure } from '../payment-methods/test-cards.ts';
import { authenticationDecline, chargeCard, failPayment } from './charge-card.ts';
import {
  savePaymentIntent,
  type Initiation,
  type NextAction,
  type PaymentIntent,
  type PaymentIntentRecord,
} from './payment-intent.ts';

/** A confirmation that passed every check and may begin. */
export type Confirmation = {
  method: PaymentMethodRecord;
  changes: Partial<PaymentIntent>;
  returnUrl: string | null;
  initiation: Initiation;
  errorOnRequiresAction: boolean;
  /** A payment that is accepted now and decided so much later, in milliseconds, as bank debits are. */
  delayedMs?: number | undefined;
};

/** Pays, asks for authentication, or declines. */
export function runConfirmation(
  request: ApiRequest,
  record: PaymentIntentRecord,
  confirmation: Confirmation,
  expand: string[] | undefined,
): Answer {
  const { method, changes } = confirmation;
  const ready: PaymentIntentRecord = {
    ...record,
    challenge: null,
    idempotencyKey: request.work.origin.idempotencyKey,
    initiation: confirmation.initiation,
    intent: {
      ...record.intent,
      ...changes,
      payment_method: method.method.id,
      next_action: null,
      last_payment_error: null,
    },
  };
  if (!mustAuthenticate(ready.intent, method, confirmation.initiation)) {
    const target = { method: request.method, path: request.path };
    const lateMs = confirmation.delayedMs ?? request.context.faults.fire(['settle_late'], target)?.for_ms;
    return lateMs === undefined
      ? answerCharge(request, ready, method, expand)
      : startProcessing(request, ready, lateMs, expand);
  }
  if (confirmation.initiation.offSession) {
    const charged = chargeCard(request.work, ready, method, { decline: authenticationDecline() });
    return declined(request, charged.record, charged.error);
  }
  if (confirmation.errorOnRequiresAction) return refuseAction(request, ready, method);
  return requireAction(request, ready, confirmation.returnUrl, expand);
}

function mustAuthenticate(
  intent: PaymentIntent,
  method: PaymentMethodRecord,
  initiation: Initiation,
): boolean {
  // Orders by mail and telephone are outside strong authentication.
  if (initiation.moto) return false;
  const need: ThreeDSecure = behaviourOf(method.behaviour).threeDSecure;
  const asked = intent.payment_method_options.card.request_three_d_secure;
  switch (need) {
    case 'always':
    case 'required':
      return true;
    case 'unless_set_up':
      return !method.setUp && !initiation.mitExemption;
    case 'supported':
      return asked === 'any' || asked === 'challenge';
    case 'not_enrolled':
      return false;
    default:
      throw new Error(`unknown need ${String(need satisfies never)}`);
  }
}

function answerCharge(
  request: ApiRequest,
  ready: PaymentIntentRecord,
  method: PaymentMethodRecord,
  expand: string[] | undefined,
): Answer {
  const charged = chargeCard(request.work, ready, method, {});
  if (charged.error) return declined(request, charged.record, charged.error);
  return { status: 200, body: expanded(request, 'payment_intent', charged.record.intent, expand) };
}

/** A decline is an HTTP error, and yet the PaymentIntent lives on: the error carries it. */
function declined(request: ApiRequest, record: PaymentIntentRecord, error: ErrorFields | undefined): Answer {
  if (!error) throw new Error(`payment ${record.intent.id} was to be declined and was not`);
  return {
    status: 402,
    body: errorBody({ ...error, payment_intent: record.intent }, request.requestId, request.livemode),
  };
}

function refuseAction(request: ApiRequest, ready: PaymentIntentRecord, method: PaymentMethodRecord): Answer {
  const message =
    "This payment required an authentication action to complete, but `error_on_requires_action` was set. When you're ready, you can upgrade " +
    'your integration to handle actions at https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions.';
  const failed = failPayment(request.work, ready, method, {
    type: 'card_error',
    code: 'authentication_required',
    decline_code: 'authentication_not_handled',
    message,
  });
  return declined(request, failed.record, failed.error);
}

function requireAction(
  request: ApiRequest,
  ready: PaymentIntentRecord,
  returnUrl: string | null,
  expand: string[] | undefined,
): Answer {
  const token = newId('payatt', 32);
  const url = `${request.context.publicUrl()}/3d_secure/${token}`;
  const next_action: NextAction = returnUrl
    ? { type: 'redirect_to_url', redirect_to_url: { return_url: returnUrl, url } }
    : {
        type: 'use_stripe_sdk',
        use_stripe_sdk: { source: newId('src'), stripe_js: url, type: 'three_d_secure_redirect' },
      };
  const challenge = { token, returnUrl, outcome: 'open' as const };
  const saved = savePaymentIntent(request, ready, { next_action, status: 'requires_action' }, { challenge });
  request.work.event('payment_intent.requires_action', { kind: 'payment_intent', id: saved.intent.id });
  return { status: 200, body: expanded(request, 'payment_intent', saved.intent, expand) };
}

/** The payment is accepted and decided later; `settlePayments` picks it up. */
function startProcessing(
  request: ApiRequest,
  ready: PaymentIntentRecord,
  forMs: number,
  expand: string[] | undefined,
): Answer {
  const settlesAtMs = request.nowMs + forMs;
  const saved = savePaymentIntent(
    request,
    ready,
    { processing: { type: 'card', card: {} }, status: 'processing' },
    { settlesAtMs },
  );
  request.work.event('payment_intent.processing', { kind: 'payment_intent', id: saved.intent.id });
  request.context.settlements.plan(request.mode, saved);
  return { status: 200, body: expanded(request, 'payment_intent', saved.intent, expand) };
}
