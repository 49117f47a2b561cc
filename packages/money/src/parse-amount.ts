import { exponentOf } from './currency.ts';
import { money, type Money } from './money.ts';
import { MoneyError } from './money-error.ts';

// 19 digits of a 64-bit amount, a point, and room for leading "0." forms; longer text is refused unread.
const AMOUNT_TEXT_LENGTH_MAX = 32;

// ASCII digits only, no sign, no exponent, no separator, no leading zero, a digit on both sides of the point.
const PLAIN_DECIMAL = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/;

/**
 * Decimal text in major units ("1234.5", "1234.50", "500") to Money. The text may have fewer decimals than the
 * currency, never more, not even zeros: "10.000" EUR may be a thousands separator.
 * Throws `unknown_currency`, `amount_malformed`, `too_many_decimals` or `amount_out_of_range`.
 */
export function parseAmount(text: string, currency: string): Money {
  return money(parseUnits(text, exponentOf(currency)), currency);
}

/**
 * Decimal text to a whole number of units of 10^−exponent, by moving digits and never through a float
 * (1.005 * 100 is 100.49999999999999). Throws `amount_malformed` or `too_many_decimals`.
 */
export function parseUnits(text: string, exponent: number): bigint {
  if (typeof text !== 'string' || text.length > AMOUNT_TEXT_LENGTH_MAX) throw malformed();
  const match = PLAIN_DECIMAL.exec(text);
  if (match === null) throw malformed();
  const [, whole = '', decimals = ''] = match;
  if (decimals.length > exponent) {
    throw new MoneyError('too_many_decimals', `the amount has more than ${exponent} decimals`);
  }
  return BigInt(whole + decimals.padEnd(exponent, '0'));
}

function malformed(): MoneyError {
  return new MoneyError('amount_malformed', 'the amount is not plain decimal digits with at most one point');
}
