import {
  fromProviderCurrency,
  fromProviderMinor,
  toProviderCurrency,
  toProviderMinor,
} from '@centra/money/provider-amount.ts';
import type { Money } from '@centra/money/money.ts';
import { MoneyError } from '@centra/money/money-error.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { failureOf } from '../failure.ts';
import type { Failure, FailureCode } from '../failure.ts';
import type { Attempt, ChargeAttempt } from '../provider.ts';

/** An amount as the SDK sends it. Safe: Stripe's longest amounts have 12 digits, far below 2^53. */
export function unitsOf(money: Money): number {
  return Number(toProviderMinor('stripe', money));
}

/** Whether Stripe's integer and currency are this money. Anything missing is not. */
export function isSameMoney(units: number | undefined, currency: string | undefined, money: Money): boolean {
  return (
    units !== undefined &&
    BigInt(units) === toProviderMinor('stripe', money) &&
    currency === toProviderCurrency('stripe', money.currency)
  );
}

/** Money as Stripe tells it; undefined when it is none of ours, or finer than our minor unit. */
export function moneyOf(units: number | undefined, currency: string | undefined): Money | undefined {
  if (units === undefined || currency === undefined) return undefined;
  try {
    return fromProviderMinor('stripe', BigInt(units), fromProviderCurrency('stripe', currency));
  } catch (error) {
    if (error instanceof MoneyError) return undefined;
    throw error;
  }
}

// The coarsest amounts Stripe takes are multiples of 100 units (ISK).
const STEPS = [1n, 10n, 100n];

/** The same, rounded down to what can be charged at all: for allowances, which Stripe computes as a percentage. */
export function allowanceMinor(units: number, currency: string): bigint {
  if (units <= 0) return 0n;
  for (const step of STEPS) {
    const money = moneyOf(Number(BigInt(units) - (BigInt(units) % step)), currency);
    if (money !== undefined) return money.amountMinor;
  }
  return 0n;
}

// The statement shows the account's own prefix, an asterisk, a space and the suffix: 22 characters in all. The prefix is the
// hotel's setting at Stripe, of 2 to 10 characters, and is not told to us (docs.stripe.com/get-started/account/statement-descriptors).
const SUFFIX_MAX = 10;
// Stripe refuses a suffix without a Latin letter, or with any of these.
const SUFFIX = /^(?=.*[A-Za-z])[^<>\\'"*]+$/;

/**
 * What the guest reads on their statement, cut so that it fits behind any prefix; nothing where Stripe would not take what
 * is left. Pure, as the key of a charge demands.
 */
export function descriptorParams({ statementDescriptor = '' }: Pick<ChargeAttempt, 'statementDescriptor'>): {
  statement_descriptor_suffix?: string;
} {
  const suffix = statementDescriptor.slice(0, SUFFIX_MAX).trim();
  return SUFFIX.test(suffix) ? { statement_descriptor_suffix: suffix } : {};
}

/** Our references, shown in Stripe's dashboard and found by its search. Values may have 500 characters at Stripe. */
export function metadataOf(
  attempt: Pick<Attempt, 'operationId' | 'paymentId' | 'bookingReference' | 'account'>,
): {
  centra_operation: string;
  centra_payment: string;
  /** Whose webhook secret checks an event that comes to the address of all hotels. */
  centra_account: string;
  booking_reference: string;
} {
  return {
    centra_operation: attempt.operationId,
    centra_payment: attempt.paymentId,
    centra_account: toPublicId('pa', attempt.account.id),
    booking_reference: attempt.bookingReference,
  };
}

// Stripe's decline codes (docs.stripe.com/declines/codes) and error codes in our words. A code that is not here is a
// plain decline: the list is open on their side.
export const STRIPE_CODES: ReadonlyMap<string, FailureCode> = new Map<string, FailureCode>(
  Object.entries({
    insufficient_funds: 'insufficient_funds',
    lost_card: 'lost_card',
    stolen_card: 'stolen_card',
    pickup_card: 'stolen_card',
    expired_card: 'expired_card',
    incorrect_cvc: 'incorrect_cvc',
    invalid_cvc: 'incorrect_cvc',
    incorrect_number: 'incorrect_number',
    invalid_number: 'incorrect_number',
    invalid_expiry_month: 'invalid_expiry',
    invalid_expiry_year: 'invalid_expiry',
    processing_error: 'processing_error',
    try_again_later: 'try_again_later',
    issuer_not_available: 'try_again_later',
    reenter_transaction: 'try_again_later',
    authentication_required: 'authentication_required',
    payment_intent_authentication_failure: 'authentication_failed',
    fraudulent: 'suspected_fraud',
    merchant_blacklist: 'suspected_fraud',
    card_not_supported: 'card_not_supported',
    currency_not_supported: 'card_not_supported',
    transaction_not_allowed: 'card_not_supported',
  } as const),
);

/** The more exact of the two codes that we know. */
export function failureOfCodes(
  code: string | null | undefined,
  declineCode: string | null | undefined,
): Failure {
  const known = STRIPE_CODES.get(declineCode ?? '') ?? STRIPE_CODES.get(code ?? '') ?? 'card_declined';
  return failureOf(known);
}
