import { allocate } from '@centra/money/allocate.ts';
import { divideRounded } from '@centra/money/round.ts';
import type { RoundingMode } from '@centra/money/round.ts';
import { memberOf } from './pricing.ts';
import type { HotelPricing } from './pricing.ts';

export type Rounding = {
  currency: string;
  rule: RoundingMode;
  /** Whether each line is rounded, or their exact sum once. */
  per: 'line' | 'total';
};

/** How shares of this currency are rounded: by the currency's own rule, or the hotel's. */
export function roundingOf(pricing: HotelPricing, currency: string): Rounding {
  const { rule, per } = pricing.rounding;
  return { currency, rule: memberOf(pricing.currencies, currency)?.rounding ?? rule, per };
}

/** An exact fraction of minor units; the denominator is positive. */
export type Fraction = { numerator: bigint; denominator: bigint };

/**
 * Exact shares as whole minor units, one per line, which always add up to their rounded whole. Per line, each is rounded by
 * itself; per total, the exact sum is rounded once and handed out by largest remainder in proportion to the shares.
 */
export function roundShares(shares: readonly Fraction[], rounding: Rounding): bigint[] {
  if (rounding.per === 'line')
    return shares.map(({ numerator, denominator }) => divideRounded(numerator, denominator, rounding.rule));
  const denominator = leastCommonMultiple(shares.map((share) => share.denominator));
  const numerators = shares.map((share) => share.numerator * (denominator / share.denominator));
  const sum = numerators.reduce((all, numerator) => all + numerator, 0n);
  const whole = divideRounded(sum, denominator, rounding.rule);
  return allocateBy(whole, numerators, rounding.currency);
}

/** Splits a whole in proportion to weights; where all of them are zero there is nothing to give. */
export function allocateBy(whole: bigint, weights: readonly bigint[], currency: string): bigint[] {
  if (weights.every((weight) => weight === 0n)) return weights.map(() => 0n);
  return allocate({ amountMinor: whole, currency }, weights).map((part) => part.amountMinor);
}

function leastCommonMultiple(numbers: readonly bigint[]): bigint {
  return numbers.reduce((all, number) => (all * number) / greatestCommonDivisor(all, number), 1n);
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, a % b);
}
