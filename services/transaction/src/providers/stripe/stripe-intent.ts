import type { Money } from '@centra/money/money.ts';
import { z } from 'zod';
import { failureOf } from '../failure.ts';
import type { CardSummary, HoldTerms, Outcome } from '../provider.ts';
import { allowanceMinor, failureOfCodes, isSameMoney } from './stripe-mapping.ts';

// Every part that is missing or of another kind reads as undefined, and then decides nothing. Stripe's lists of values
// are open, so nothing here is an enumeration.
const text = z.string().optional().catch(undefined);
const units = z.int().nonnegative().optional().catch(undefined);
const seconds = z.int().positive().max(8_640_000_000_000).optional().catch(undefined);
const flag = z.boolean().optional().catch(undefined);
const feature = z.object({ status: text }).optional().catch(undefined);
const metadata = z.record(z.string(), z.string()).optional().catch(undefined);

const chargeCardSchema = z.object({
  amount_authorized: units,
  brand: text,
  last4: text,
  exp_month: units,
  exp_year: units,
  capture_before: seconds,
  incremental_authorization: feature,
  multicapture: feature,
  overcapture: z.object({ status: text, maximum_amount_capturable: units }).optional().catch(undefined),
  network_transaction_id: text,
});

const chargeSchema = z.object({
  id: text,
  amount: units,
  amount_captured: units,
  amount_refunded: units,
  disputed: flag,
  paid: flag,
  payment_method_details: z
    .object({ card: chargeCardSchema.optional().catch(undefined) })
    .optional()
    .catch(undefined),
});

const intentSchema = z.object({
  id: z.string().min(1).max(255),
  status: text,
  amount: units,
  amount_capturable: units,
  amount_received: units,
  currency: text,
  cancellation_reason: text,
  last_payment_error: z.object({ code: text, decline_code: text }).nullish().catch(undefined),
  next_action: z
    .object({ redirect_to_url: z.object({ url: text }).nullish().catch(undefined) })
    .nullish()
    .catch(undefined),
  /** An object only where it was expanded. */
  latest_charge: chargeSchema.optional().catch(undefined),
  metadata,
});

export type Intent = z.infer<typeof intentSchema>;
export type Charge = z.infer<typeof chargeSchema>;

/** A payment intent as far as it can be read; undefined for what has not even an id. */
export function readIntent(value: unknown): Intent | undefined {
  return intentSchema.safeParse(value).data;
}

/** What may be shown of the card that was charged. */
export function cardOf(intent: Intent): CardSummary | undefined {
  const card = intent.latest_charge?.payment_method_details?.card;
  const { brand, last4, exp_month: expiryMonth, exp_year: expiryYear } = card ?? {};
  if (brand === undefined || last4 === undefined || expiryMonth === undefined || expiryYear === undefined)
    return undefined;
  return { brand, last4, expiryMonth, expiryYear };
}

/** What the hold allows, from the charge itself: what was asked for `if_available` is only there when it says so. */
export function holdTermsOf(intent: Intent): HoldTerms {
  const card = intent.latest_charge?.payment_method_details?.card;
  const authorized = card?.amount_authorized ?? intent.amount ?? 0;
  const over = card?.overcapture;
  const most = over?.status === 'available' ? (over.maximum_amount_capturable ?? 0) : 0;
  return {
    expiresAt: card?.capture_before === undefined ? undefined : new Date(card.capture_before * 1_000),
    multipleCapture: card?.multicapture?.status === 'available',
    incremental: card?.incremental_authorization?.status === 'available',
    overcaptureMinor: allowanceMinor(most - authorized, intent.currency ?? ''),
  };
}

export type Expected = { money: Money; captureMethod: 'automatic' | 'manual' };

/**
 * Where a payment intent stands, as an outcome of the sale or authorisation that made it. Money that differs from what we
 * asked for is never believed. Total: whatever the value is, it never throws.
 */
export function outcomeOfIntent(value: unknown, expected: Expected): Outcome {
  const intent = readIntent(value);
  if (intent === undefined) return { kind: 'unknown', reason: 'Stripe answered without a payment intent' };
  const providerReference = intent.id;
  const known = cardOf(intent);
  const card = known === undefined ? {} : { card: known };
  switch (intent.status) {
    case 'succeeded':
    case 'requires_capture':
      return settledOutcome(intent, expected, card);
    case 'requires_action': {
      const redirectUrl = intent.next_action?.redirect_to_url?.url;
      return redirectUrl === undefined
        ? { kind: 'unknown', providerReference, reason: 'Stripe asks for an action without a redirect' }
        : { kind: 'requires_action', providerReference, redirectUrl, ...card };
    }
    case 'requires_payment_method': {
      const last = intent.last_payment_error;
      // We create and confirm in one call, so an intent that was not tried yet is an old reading of it.
      if (last === null || last === undefined)
        return { kind: 'unknown', providerReference, reason: 'Stripe says it was not tried yet' };
      return {
        kind: 'declined',
        providerReference,
        failure: failureOfCodes(last.code, last.decline_code),
        ...card,
      };
    }
    case 'canceled':
      return {
        kind: 'declined',
        providerReference,
        failure: failureOf(
          intent.cancellation_reason === 'abandoned' ? 'authentication_abandoned' : 'not_charged',
        ),
        ...card,
      };
    default:
      // Processing, requires_confirmation, and every status we do not know decide nothing.
      return { kind: 'unknown', providerReference, reason: `Stripe says ${String(intent.status)}` };
  }
}

function settledOutcome(intent: Intent, expected: Expected, card: { card?: CardSummary }): Outcome {
  const providerReference = intent.id;
  const networkId = intent.latest_charge?.payment_method_details?.card?.network_transaction_id;
  const network = networkId === undefined ? {} : { networkTransactionId: networkId };
  const received = intent.amount_received;
  if (expected.captureMethod === 'automatic') {
    if (intent.status !== 'succeeded')
      return { kind: 'unknown', providerReference, reason: `Stripe says ${intent.status}` };
    return isSameMoney(received, intent.currency, expected.money)
      ? { kind: 'succeeded', providerReference, ...card, ...network }
      : mismatch(providerReference, 'collected', received, intent.currency);
  }
  const held = heldUnits(intent);
  return isSameMoney(held, intent.currency, expected.money)
    ? { kind: 'succeeded', providerReference, ...card, ...network, hold: holdTermsOf(intent) }
    : mismatch(providerReference, 'holds', held, intent.currency);
}

/**
 * What was authorised. While the hold is open it must be what can be captured and what was: an intent whose parts do not
 * add up is not read as a hold. Somebody who captured in Stripe's dashboard has not undone the authorisation.
 */
function heldUnits(intent: Intent): number | undefined {
  if (intent.status === 'succeeded')
    return intent.latest_charge?.payment_method_details?.card?.amount_authorized ?? intent.amount;
  if (intent.amount_capturable === undefined) return undefined;
  return intent.amount_capturable + (intent.amount_received ?? 0);
}

/** Stripe names another amount than ours: nobody may believe either until a person has looked. */
export function mismatch(
  providerReference: string,
  verb: string,
  amount: number | undefined,
  currency: string | undefined,
): Outcome {
  return {
    kind: 'unknown',
    providerReference,
    reason: `mismatch: Stripe ${verb} ${amount ?? 'no amount'} ${currency ?? ''}`.trimEnd(),
  };
}
