import * as fc from 'fast-check';
import { CURRENCY_CODES } from './currency.ts';
import type { Money } from './money.ts';

// For property tests only, ours and those of the services: fast-check is a development dependency.

/** Small, human, and 64-bit-edge amounts, so that ties, carries and limits all occur. */
export function arbitraryAmount(bounds: { min: bigint; max: bigint }): fc.Arbitrary<bigint> {
  const clamp = (n: bigint): bigint => (n < bounds.min ? bounds.min : n > bounds.max ? bounds.max : n);
  return fc.oneof(
    fc.bigInt({ min: -1000n, max: 1000n }).map(clamp),
    fc.bigInt({ min: -(10n ** 10n), max: 10n ** 10n }).map(clamp),
    fc.bigInt(bounds),
  );
}

/** Any Money of any currency; both signs unless told otherwise. */
export function arbitraryMoney(bounds = { min: -(10n ** 15n), max: 10n ** 15n }): fc.Arbitrary<Money> {
  return fc
    .tuple(arbitraryAmount(bounds), fc.constantFrom(...CURRENCY_CODES))
    .map(([amountMinor, currency]) => ({ amountMinor, currency }));
}
