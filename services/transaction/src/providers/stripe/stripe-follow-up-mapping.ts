import type { Money } from '@centra/money/money.ts';
import { toProviderCurrency } from '@centra/money/provider-amount.ts';
import { failureOf } from '../failure.ts';
import type { Failure, FailureCode } from '../failure.ts';
import type { FollowUpAttempt, Lookup, Outcome } from '../provider.ts';
import type { ErrorFacts } from './stripe-errors.ts';
import { holdTermsOf, mismatch, readIntent } from './stripe-intent.ts';
import type { Intent } from './stripe-intent.ts';
import { isSameMoney, moneyOf } from './stripe-mapping.ts';

// All of these are total: whatever Stripe answers, none throws, and what cannot be read is unknown.

/** What is asked about: the money, and our totals before it. */
export type Asked = Pick<FollowUpAttempt, 'operationId' | 'money' | 'before'>;

const UNREADABLE: Outcome = { kind: 'unknown', reason: 'Stripe answered without a payment intent' };

/**
 * What a capture's own answer says. It holds everything captured so far, also by others at the same time, so at least our
 * part must be in it: Stripe captures exactly what it was asked for, or refuses.
 */
export function outcomeOfCapture(value: unknown, asked: Asked): Outcome {
  const intent = readIntent(value);
  if (intent === undefined) return UNREADABLE;
  const providerReference = intent.id;
  const received = receivedMinor(intent, asked.money);
  if (intent.status === 'processing') return { kind: 'pending', providerReference };
  if (intent.status !== 'succeeded' && intent.status !== 'requires_capture')
    return { kind: 'unknown', providerReference, reason: `Stripe says ${String(intent.status)}` };
  if (received === undefined || received < asked.before.capturedMinor + asked.money.amountMinor)
    return mismatch(providerReference, 'collected', intent.amount_received, intent.currency);
  return { kind: 'succeeded', providerReference, amountMinor: asked.money.amountMinor };
}

/** What a void's own answer says: the hold is gone and nothing was taken by it. */
export function outcomeOfVoid(value: unknown, asked: Asked): Outcome {
  const intent = readIntent(value);
  if (intent === undefined) return UNREADABLE;
  return isReleased(intent, asked)
    ? { kind: 'succeeded', providerReference: intent.id }
    : {
        kind: 'unknown',
        providerReference: intent.id,
        reason: `Stripe says ${String(intent.status)} after a void`,
      };
}

/** What an adjustment's own answer says: the hold is of the new total. */
export function outcomeOfAdjustment(value: unknown, asked: Asked): Outcome {
  const intent = readIntent(value);
  if (intent === undefined) return UNREADABLE;
  const providerReference = intent.id;
  if (intent.status !== 'requires_capture')
    return { kind: 'unknown', providerReference, reason: `Stripe says ${String(intent.status)}` };
  if (!isSameMoney(intent.amount, intent.currency, asked.money))
    return mismatch(providerReference, 'holds', intent.amount, intent.currency);
  return {
    kind: 'succeeded',
    providerReference,
    amountMinor: asked.money.amountMinor,
    hold: holdTermsOf(intent),
  };
}

/**
 * Whether a capture happened, from where the payment stands. Ours left its id; without it only an unmoved total proves
 * that it did not happen. Anything else may be a capture of somebody else's, or ours below a later one.
 */
export function foundCapture(value: unknown, asked: Asked): Lookup {
  const intent = readIntent(value);
  if (intent === undefined) return UNREADABLE;
  const providerReference = intent.id;
  const received = receivedMinor(intent, asked.money);
  if (received === undefined)
    return mismatch(providerReference, 'collected', intent.amount_received, intent.currency);
  if (intent.metadata?.['centra_capture'] === asked.operationId) return outcomeOfCapture(intent, asked);
  if (received !== asked.before.capturedMinor)
    return {
      kind: 'unknown',
      providerReference,
      reason: 'Stripe collected something under another reference than this capture',
    };
  switch (intent.status) {
    case 'requires_capture':
    case 'succeeded':
      return { kind: 'absent' };
    case 'canceled':
      return ended(intent);
    default:
      return { kind: 'unknown', providerReference, reason: `Stripe says ${String(intent.status)}` };
  }
}

/** Whether a void happened. A hold that ended by itself is as gone as a voided one. */
export function foundVoid(value: unknown, asked: Asked): Lookup {
  const intent = readIntent(value);
  if (intent === undefined) return UNREADABLE;
  const providerReference = intent.id;
  if (isReleased(intent, asked)) return { kind: 'succeeded', providerReference };
  if (intent.status === 'requires_capture') return { kind: 'absent' };
  const received = receivedMinor(intent, asked.money);
  if (intent.status === 'succeeded' && received !== undefined && received > asked.before.capturedMinor)
    return { kind: 'declined', providerReference, failure: failureOf('already_captured') };
  return { kind: 'unknown', providerReference, reason: `Stripe says ${String(intent.status)}` };
}

/** Whether an adjustment happened: the hold is either of the new total or still of the old one. */
export function foundAdjustment(value: unknown, asked: Asked): Lookup {
  const intent = readIntent(value);
  if (intent === undefined) return UNREADABLE;
  if (intent.status === 'canceled') return ended(intent);
  const before = { amountMinor: asked.before.authorizedMinor, currency: asked.money.currency };
  if (intent.status === 'requires_capture' && moneyEquals(intent, before)) return { kind: 'absent' };
  return outcomeOfAdjustment(intent, asked);
}

/** Gone without our doing: nothing more can be captured or raised on it, so what we asked for did not happen. */
function ended(intent: Intent): Lookup {
  return {
    kind: 'declined',
    providerReference: intent.id,
    failure: failureOf(isExpiry(intent.cancellation_reason) ? 'hold_expired' : 'canceled'),
  };
}

/** Canceled; or, of a hold captured in part, ended with exactly what was captured before. */
function isReleased(intent: Intent, asked: Asked): boolean {
  if (intent.status === 'canceled') return true;
  return (
    intent.status === 'succeeded' &&
    asked.before.capturedMinor > 0n &&
    receivedMinor(intent, asked.money) === asked.before.capturedMinor
  );
}

/** Stripe ends a hold by itself with `expired` (docs: a payment intent's cancellation_reason) or `automatic`. */
export function isExpiry(cancellationReason: string | undefined): boolean {
  return cancellationReason === 'expired' || cancellationReason === 'automatic';
}

/** What Stripe collected so far; undefined in another currency than ours, or when it does not say. */
function receivedMinor(intent: Intent, money: Money): bigint | undefined {
  if (intent.currency !== toProviderCurrency('stripe', money.currency)) return undefined;
  return moneyOf(intent.amount_received, intent.currency)?.amountMinor;
}

function moneyEquals(intent: Intent, money: Money): boolean {
  const stated = moneyOf(intent.amount, intent.currency);
  return stated?.amountMinor === money.amountMinor && stated.currency === money.currency;
}

// Stripe's refusals of what follows a payment (docs.stripe.com/error-codes) in our words.
export const STRIPE_REFUSALS: ReadonlyMap<string, FailureCode> = new Map<string, FailureCode>(
  Object.entries({
    charge_expired_for_capture: 'hold_expired',
    capture_charge_authorization_expired: 'hold_expired',
    charge_already_captured: 'already_captured',
    charge_already_refunded: 'already_refunded',
    charge_disputed: 'disputed',
    refund_disputed_payment: 'disputed',
    amount_too_large: 'amount_refused',
    amount_too_small: 'amount_refused',
    invalid_charge_amount: 'amount_refused',
    parameter_invalid_integer: 'amount_refused',
  } as const),
);

const GENERIC = {
  capture: 'capture_refused',
  void: 'release_refused',
  refund: 'refund_refused',
  adjust: 'adjustment_refused',
} as const satisfies Record<FollowUpAttempt['kind'], FailureCode>;

/** The reason of an explicit refusal; one we do not know is named after what was asked. */
export function refusalOf(kind: FollowUpAttempt['kind'], facts: ErrorFacts): Failure {
  const known = STRIPE_REFUSALS.get(facts.code ?? '');
  if (known !== undefined) return failureOf(known);
  return facts.code === 'payment_intent_unexpected_state'
    ? failureOf(reasonOfState(kind, facts.intent))
    : failureOf(GENERIC[kind]);
}

/** Why the state it is in does not allow it; for a refund only that it does not. */
function reasonOfState(kind: FollowUpAttempt['kind'], intent: ErrorFacts['intent']): FailureCode {
  if (kind === 'refund' || intent === undefined) return GENERIC[kind];
  if (intent.status === 'canceled') return isExpiry(intent.cancellationReason) ? 'hold_expired' : 'canceled';
  return intent.status === 'succeeded' ? 'already_captured' : GENERIC[kind];
}
