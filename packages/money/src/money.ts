import { requireCurrency } from './currency.ts';
import { MoneyError } from './money-error.ts';

/**
 * An exact amount of one currency, in the minor unit of its ISO 4217 exponent: cents for EUR, whole yen for JPY,
 * thousandths for KWD. May be negative (ledger entries); doors that take amounts from outside refuse negatives.
 */
export type Money = { readonly amountMinor: bigint; readonly currency: string };

// Amounts live in PostgreSQL `bigint` columns and protobuf `int64` fields: a sum they cannot hold must not exist.
const AMOUNT_MINOR_MAX = 2n ** 63n - 1n;

/** Builds a Money. Throws `amount_not_integer`, `amount_out_of_range` (beyond ±(2^63−1)) or `unknown_currency`. */
export function money(amountMinor: bigint, currency: string): Money {
  requireBigint(amountMinor);
  if (amountMinor > AMOUNT_MINOR_MAX || amountMinor < -AMOUNT_MINOR_MAX) {
    throw new MoneyError('amount_out_of_range', 'the amount does not fit 64 bits');
  }
  return { amountMinor, currency: requireCurrency(currency) };
}

/** Nothing, in a currency: the start of a sum. */
export function zero(currency: string): Money {
  return money(0n, currency);
}

/** Throws `currency_mismatch`, or `amount_out_of_range` when the sum leaves 64 bits. */
export function add(a: Money, b: Money): Money {
  requireSameCurrency(a, b);
  return money(a.amountMinor + b.amountMinor, a.currency);
}

/** `a − b`; may be negative. Throws as {@link add} does. */
export function subtract(a: Money, b: Money): Money {
  requireSameCurrency(a, b);
  return money(a.amountMinor - b.amountMinor, a.currency);
}

/** The opposite entry. */
export function negate(a: Money): Money {
  requireBigint(a.amountMinor);
  return money(-a.amountMinor, a.currency);
}

/** −1, 0 or 1 as `a` is less than, equal to or more than `b`. Throws `currency_mismatch`: MAD and EUR have no order. */
export function compare(a: Money, b: Money): -1 | 0 | 1 {
  requireSameCurrency(a, b);
  if (a.amountMinor === b.amountMinor) return 0;
  return a.amountMinor < b.amountMinor ? -1 : 1;
}

/**
 * Same amount and same currency. Does not throw on a mismatch, because it is how a provider's report is compared with
 * ours, and there another currency is a finding to alert on.
 */
export function equals(a: Money, b: Money): boolean {
  requireBigint(a.amountMinor);
  requireBigint(b.amountMinor);
  return a.currency === b.currency && a.amountMinor === b.amountMinor;
}

/** True when there is no money in it. */
export function isZero(a: Money): boolean {
  requireBigint(a.amountMinor);
  return a.amountMinor === 0n;
}

/**
 * The amount as a JSON integer. Throws `amount_out_of_range` beyond ±(2^53−1), where a JSON number silently loses
 * its last digit.
 */
export function toJsonAmount(amountMinor: bigint): number {
  requireBigint(amountMinor);
  const amount = Number(amountMinor);
  if (!Number.isSafeInteger(amount)) {
    throw new MoneyError('amount_out_of_range', 'the amount is beyond the integers JSON carries exactly');
  }
  return amount;
}

/**
 * A parsed JSON number as minor units. Throws `amount_not_integer` for fractions, NaN, infinities (JSON `1e400`),
 * minus zero and anything that is not a number, and `amount_out_of_range` for integers beyond ±(2^53−1), which the
 * JSON parser has already rounded. Negative integers pass: whether they make sense is the caller's rule.
 */
export function fromJsonAmount(amount: number): bigint {
  if (typeof amount !== 'number' || !Number.isInteger(amount) || Object.is(amount, -0)) {
    throw new MoneyError('amount_not_integer', 'the amount is not an integer number of minor units');
  }
  if (!Number.isSafeInteger(amount)) {
    throw new MoneyError('amount_out_of_range', 'the amount is beyond the integers JSON carries exactly');
  }
  return BigInt(amount);
}

/** Guards against untyped callers: a number would take part in arithmetic as a float. Throws `amount_not_integer`. */
export function requireBigint(amountMinor: bigint): void {
  if (typeof amountMinor !== 'bigint') {
    throw new MoneyError('amount_not_integer', 'the amount is not a bigint of minor units');
  }
}

function requireSameCurrency(a: Money, b: Money): void {
  requireBigint(a.amountMinor);
  requireBigint(b.amountMinor);
  if (requireCurrency(a.currency) !== requireCurrency(b.currency)) {
    throw new MoneyError(
      'currency_mismatch',
      `amounts in ${a.currency} and ${b.currency} cannot be combined`,
    );
  }
}
