import { exponentOf } from './currency.ts';
import { requireBigint, type Money } from './money.ts';
import { MoneyError } from './money-error.ts';

/** Money to decimal text in major units with all decimals of its currency: "1234.50", "500", "-0.05". */
export function formatAmount(value: Money): string {
  return formatUnits(value.amountMinor, exponentOf(value.currency));
}

/** A whole number of units of 10^−exponent as decimal text, by placing the point and never through a float. */
export function formatUnits(units: bigint, exponent: number): string {
  requireBigint(units);
  const sign = units < 0n ? '-' : '';
  const digits = (units < 0n ? -units : units).toString().padStart(exponent + 1, '0');
  if (exponent === 0) return sign + digits;
  const point = digits.length - exponent;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/**
 * For people's eyes only: the locale's symbol, separators and digits, but our decimals. Intl's own decimals are wrong
 * for five currencies (HUF 1234.50 would show as 1235). The text reaches Intl as digits, so no float is involved.
 * Throws `unknown_currency`, or `invalid_locale` for a tag that is no BCP 47 locale.
 */
export function formatForDisplay(value: Money, locale: string): string {
  const digits = exponentOf(value.currency);
  const text = formatAmount(value);
  let format: Intl.NumberFormat;
  try {
    format = new Intl.NumberFormat(locale, {
      style: 'currency',
      currency: value.currency,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
  } catch {
    throw new MoneyError('invalid_locale', 'the locale is not a BCP 47 language tag');
  }
  // formatAmount writes exactly the numeric text this template type describes; the type system cannot see it.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return format.format(text as `${number}`);
}
