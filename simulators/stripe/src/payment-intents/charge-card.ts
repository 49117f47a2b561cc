import type { Account } from '../accounts/account.ts';
import { ALL_CARD_FEATURES, CARD_FEATURES, type CardFeature } from '../charges/card-features.ts';
import type { Charge, ThreeDSecureResult } from '../charges/charge.ts';
import { followPayment } from '../checkout-sessions/follow-payment.ts';
import { newCharge } from '../charges/new-charge.ts';
import { docUrl, type ErrorFields } from '../http/stripe-error.ts';
import type { PaymentMethodRecord } from '../payment-methods/payment-method.ts';
import { behaviourOf, type Decline } from '../payment-methods/test-cards.ts';
import type { Work } from '../store/work.ts';
import {
  savePaymentIntent,
  type PaymentError,
  type PaymentIntent,
  type PaymentIntentRecord,
} from './payment-intent.ts';

export type Charged = { record: PaymentIntentRecord; error?: ErrorFields };

/** Asks the issuer. The only place that takes money at once, and so the only one that journals `charge.succeeded`. */
export function chargeCard(
  work: Work,
  ready: PaymentIntentRecord,
  method: PaymentMethodRecord,
  how: { decline?: Decline; threeDSecure?: ThreeDSecureResult },
): Charged {
  const { intent } = ready;
  const behaviour = behaviourOf(method.behaviour);
  const decline = how.decline ?? behaviour.decline;
  const manual = intent.capture_method === 'manual';
  const charge = newCharge({
    amount: intent.amount,
    currency: intent.currency,
    description: intent.description,
    livemode: intent.livemode,
    metadata: intent.metadata,
    paymentIntent: intent.id,
    receiptEmail: intent.receipt_email,
    statementDescriptorSuffix: intent.statement_descriptor_suffix,
    transferGroup: intent.transfer_group,
    method: method.method,
    cvcGiven: method.cvcGiven,
    behaviour,
    decline,
    manual,
    threeDSecure: how.threeDSecure ?? null,
    features: usableFeatures(work.account, intent),
    merchantInitiated: ready.initiation?.offSession === true || ready.initiation?.mitExemption === true,
    moto: ready.initiation?.moto ?? false,
    now: Math.floor(work.nowMs / 1000),
  });
  work.save({ type: 'charge', value: charge });
  if (decline) return recordDecline(work, ready, method, charge, decline);
  recordMoney(work, intent, charge, ready.idempotencyKey);
  work.save({
    type: 'payment_method',
    value: { ...method, usedBy: intent.id, setUp: method.setUp || intent.setup_future_usage !== null },
  });
  const record = manual ? markCapturable(work, ready, charge) : markSucceeded(work, ready, charge);
  followPayment(work, record.intent);
  return { record };
}

/** A card that wants authentication while the cardholder is away. */
export function authenticationDecline(): Decline {
  return {
    code: 'authentication_required',
    declineCode: 'authentication_required',
    message: 'Your card was declined. This transaction requires authentication.',
    outcome: 'issuer_declined',
    networkDeclineCode: '1A',
  };
}

/** Back to the start with the reason kept; the payment method is released. */
export function failPayment(
  work: Work,
  ready: PaymentIntentRecord,
  method: PaymentMethodRecord,
  error: ErrorFields,
  charge?: Charge,
): Charged {
  const fields = { ...error, payment_method: method.method, ...(charge ? { charge: charge.id } : {}) };
  const last_payment_error: PaymentError = {
    ...fields,
    code: error.code ?? 'processing_error',
    doc_url: docUrl(error.code ?? 'processing_error'),
  };
  const record = savePaymentIntent(
    { work },
    ready,
    {
      last_payment_error,
      latest_charge: charge?.id ?? ready.intent.latest_charge,
      next_action: null,
      payment_method: null,
      processing: null,
      status: 'requires_payment_method',
    },
    { settlesAtMs: null },
  );
  work.event('payment_intent.payment_failed', { kind: 'payment_intent', id: record.intent.id });
  followPayment(work, record.intent);
  return { record, error: fields };
}

function recordMoney(work: Work, intent: PaymentIntent, charge: Charge, idempotencyKey: string | null): void {
  const facts = {
    payment_intent: intent.id,
    charge: charge.id,
    amount: charge.amount,
    currency: charge.currency,
    // After 3-D Secure the browser finishes what this key began.
    idempotency_key: idempotencyKey,
    metadata: intent.metadata,
    statement_descriptor_suffix: charge.statement_descriptor_suffix,
  };
  work.effect(charge.captured ? 'charge.succeeded' : 'authorization.succeeded', facts);
  work.event('charge.succeeded', { kind: 'charge', id: charge.id });
}

function recordDecline(
  work: Work,
  ready: PaymentIntentRecord,
  method: PaymentMethodRecord,
  charge: Charge,
  decline: Decline,
): Charged {
  work.effect('charge.failed', {
    payment_intent: ready.intent.id,
    charge: charge.id,
    amount: charge.amount,
    currency: charge.currency,
    idempotency_key: ready.idempotencyKey,
    code: decline.code,
    decline_code: decline.declineCode ?? null,
  });
  work.event('charge.failed', { kind: 'charge', id: charge.id });
  const error: ErrorFields = {
    type: 'card_error',
    code: decline.code,
    message: decline.message,
    ...(decline.declineCode ? { decline_code: decline.declineCode } : {}),
    ...(decline.adviceCode ? { advice_code: decline.adviceCode } : {}),
    ...(decline.networkDeclineCode ? { network_decline_code: decline.networkDeclineCode } : {}),
  };
  return failPayment(work, ready, method, error, charge);
}

function markSucceeded(work: Work, ready: PaymentIntentRecord, charge: Charge): PaymentIntentRecord {
  const record = savePaymentIntent(
    { work },
    ready,
    {
      amount_received: charge.amount,
      latest_charge: charge.id,
      next_action: null,
      processing: null,
      status: 'succeeded',
    },
    { settlesAtMs: null },
  );
  work.event('payment_intent.succeeded', { kind: 'payment_intent', id: record.intent.id });
  return record;
}

function markCapturable(work: Work, ready: PaymentIntentRecord, charge: Charge): PaymentIntentRecord {
  const record = savePaymentIntent(
    { work },
    ready,
    {
      amount_capturable: charge.amount,
      latest_charge: charge.id,
      next_action: null,
      processing: null,
      status: 'requires_capture',
    },
    { settlesAtMs: null },
  );
  work.event('payment_intent.amount_capturable_updated', { kind: 'payment_intent', id: record.intent.id });
  return record;
}

/** What the payment asked for and the account has; whether the card has it is the charge's to say. */
function usableFeatures(
  account: Account | undefined,
  { payment_method_options: { card } }: PaymentIntent,
): Set<CardFeature> {
  const switchedOn = account?.cardFeatures ?? ALL_CARD_FEATURES;
  return new Set(
    CARD_FEATURES.filter((feature) => switchedOn[feature] && card[`request_${feature}`] === 'if_available'),
  );
}
