import { exponentOf } from './currency.ts';
import { money, requireBigint, type Money } from './money.ts';
import { MoneyError } from './money-error.ts';

/**
 * How the part below one unit is settled.
 * - `half-up`: to the nearest, ties away from zero. Prices, fees and taxes (the usual commercial rule).
 * - `half-even`: to the nearest, ties to the even unit. Ledger exchange, where ties must not add up to a bias.
 * - `down`: towards zero. Amounts that must never exceed their exact value.
 */
export type RoundingMode = 'half-up' | 'half-even' | 'down';

// 1,000,000 basis points are 10,000 %: above any fee or tax, below any number typed in the wrong unit by 10^6.
const BASIS_POINTS_MAX = 1_000_000;

// Twelve whole digits and eighteen decimals exceed every quoted pair in both directions (USD/IRR, IRR/BHD).
const RATE_DECIMAL = /^(0|[1-9][0-9]{0,11})(?:\.([0-9]{1,18}))?$/;

/**
 * `numerator / denominator` rounded to an integer. The numerator may be negative; modes are symmetric around zero.
 * Throws `invalid_divisor` unless the denominator is positive.
 */
export function divideRounded(numerator: bigint, denominator: bigint, mode: RoundingMode): bigint {
  requireBigint(numerator);
  if (typeof denominator !== 'bigint' || denominator <= 0n) {
    throw new MoneyError('invalid_divisor', 'the divisor is not a positive integer');
  }
  const quotient = numerator / denominator;
  const remainder = numerator % denominator;
  const twice = remainder < 0n ? -2n * remainder : 2n * remainder;
  if (!roundsAway(quotient, twice - denominator, mode)) return quotient;
  return numerator < 0n ? quotient - 1n : quotient + 1n;
}

/**
 * A share of an amount: 250 basis points are 2.5 %. Rounded once, at the end.
 * Throws `invalid_basis_points` unless `bps` is an integer from 0 to 1,000,000.
 */
export function applyBasisPoints(value: Money, bps: number, mode: RoundingMode): Money {
  requireBigint(value.amountMinor);
  if (!Number.isInteger(bps) || Object.is(bps, -0) || bps < 0 || bps > BASIS_POINTS_MAX) {
    throw new MoneyError('invalid_basis_points', `basis points are an integer from 0 to ${BASIS_POINTS_MAX}`);
  }
  return money(divideRounded(value.amountMinor * BigInt(bps), 10_000n, mode), value.currency);
}

/**
 * Converts at `rate` units of `toCurrency` per one unit of the amount's currency (major units, as rates are quoted),
 * given as decimal text. Everything is multiplied before the one division, so the result is off by less than one
 * minor unit, and by at most half of one in the `half-` modes.
 * Throws `invalid_rate` for a rate that is not a positive plain decimal (12 whole digits, 18 decimals at most), or
 * that is not 1 between a currency and itself.
 */
export function convert(value: Money, toCurrency: string, rate: string, mode: RoundingMode): Money {
  requireBigint(value.amountMinor);
  const fromScale = 10n ** BigInt(exponentOf(value.currency));
  const toScale = 10n ** BigInt(exponentOf(toCurrency));
  const { digits, scale } = parseRate(rate);
  if (value.currency === toCurrency && digits !== scale) {
    throw new MoneyError('invalid_rate', 'the rate between a currency and itself is 1');
  }
  const amountMinor = divideRounded(value.amountMinor * digits * toScale, fromScale * scale, mode);
  return money(amountMinor, toCurrency);
}

/** Whether the truncated quotient moves one unit away from zero; `overHalf` is 2·|remainder| − denominator. */
function roundsAway(quotient: bigint, overHalf: bigint, mode: RoundingMode): boolean {
  switch (mode) {
    case 'half-up':
      return overHalf >= 0n;
    case 'half-even':
      return overHalf > 0n || (overHalf === 0n && quotient % 2n !== 0n);
    case 'down':
      return false;
    default:
      throw new TypeError(`unknown rounding mode ${String(mode satisfies never)}`);
  }
}

function parseRate(rate: string): { digits: bigint; scale: bigint } {
  const match = typeof rate === 'string' ? RATE_DECIMAL.exec(rate) : null;
  if (match === null) throw new MoneyError('invalid_rate', 'the rate is not a plain positive decimal');
  const [, whole = '', decimals = ''] = match;
  const digits = BigInt(whole + decimals);
  if (digits === 0n) throw new MoneyError('invalid_rate', 'the rate is zero');
  return { digits, scale: 10n ** BigInt(decimals.length) };
}
