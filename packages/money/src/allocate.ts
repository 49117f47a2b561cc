import { money, requireBigint, type Money } from './money.ts';
import { MoneyError } from './money-error.ts';

// A year of nights in 27 rooms: no booking is split finer, and sorting so many takes milliseconds.
const PARTS_MAX = 10_000;

/**
 * Splits an amount in proportion to integer weights (nights, guests, or the prices of the lines) by largest remainder:
 * each part gets its exact share rounded towards zero, and the units left over go one each to the parts that lost the
 * largest fraction, the earlier part first on a tie. So parts always sum to the whole, each is within one unit of its
 * exact share, a zero weight gets nothing, and the same input gives the same parts everywhere.
 * A negative amount is split as its opposite and negated, so a refund mirrors its charge.
 * Throws `invalid_weights` unless there are 1 to 10,000 non-negative bigint weights with a positive sum.
 */
export function allocate(whole: Money, weights: readonly bigint[]): Money[] {
  requireBigint(whole.amountMinor);
  const total = sumOfWeights(weights);
  const amount = whole.amountMinor < 0n ? -whole.amountMinor : whole.amountMinor;
  const shares = weights.map((weight, index) => ({
    index,
    units: (amount * weight) / total,
    remainder: (amount * weight) % total,
  }));
  const leftOver = amount - shares.reduce((sum, share) => sum + share.units, 0n);
  const byLoss = shares.toSorted((a, b) => compareBigint(b.remainder, a.remainder) || a.index - b.index);
  // Fewer than one unit was lost per part, so the left-over is below the number of parts and fits a number.
  for (const share of byLoss.slice(0, Number(leftOver))) share.units += 1n;
  const sign = whole.amountMinor < 0n ? -1n : 1n;
  return shares.map((share) => money(sign * share.units, whole.currency));
}

/**
 * Splits an amount in equal parts; the first parts carry the units left over: 100 in 3 is 34, 33, 33.
 * Throws `invalid_weights` unless `parts` is an integer from 1 to 10,000.
 */
export function splitEvenly(whole: Money, parts: number): Money[] {
  if (!Number.isInteger(parts) || parts < 1 || parts > PARTS_MAX) throw invalidWeights();
  return allocate(
    whole,
    Array.from({ length: parts }, () => 1n),
  );
}

function sumOfWeights(weights: readonly bigint[]): bigint {
  if (weights.length > PARTS_MAX) throw invalidWeights();
  let total = 0n;
  for (const weight of weights) {
    if (typeof weight !== 'bigint' || weight < 0n) throw invalidWeights();
    total += weight;
  }
  if (total === 0n) throw invalidWeights();
  return total;
}

function compareBigint(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function invalidWeights(): MoneyError {
  return new MoneyError(
    'invalid_weights',
    `an amount splits in 1 to ${PARTS_MAX} parts with a positive total weight`,
  );
}
