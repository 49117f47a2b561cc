import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { arbitraryAmount } from './arbitrary-money.ts';
import { exponentOf } from './currency.ts';
import { equals, money, type Money } from './money.ts';
import {
  fromProviderDecimal,
  fromProviderMinor,
  toProviderDecimal,
  toProviderMinor,
} from './provider-amount.ts';
import {
  AMOUNT_RULES,
  type AmountProvider,
  type DecimalProvider,
  type IntegerProvider,
} from './provider-rules.ts';

const INTEGER_PROVIDERS: IntegerProvider[] = ['stripe', 'payzone_gateway', 'tempo', 'simulator'];
const DECIMAL_PROVIDERS: DecimalProvider[] = ['paypal', 'payzone_paywall', 'cmi'];

for (const provider of INTEGER_PROVIDERS) {
  test(`the round trip through ${provider} is the identity for every amount it can write, in every currency it takes`, () => {
    forEachCurrency(provider, (value) => {
      const units = toProviderMinor(provider, value);
      assert.deepEqual(fromProviderMinor(provider, units, value.currency), value);
    });
  });
}

for (const provider of DECIMAL_PROVIDERS) {
  test(`the round trip through ${provider} is the identity for every amount it can write, in every currency it takes`, () => {
    forEachCurrency(provider, (value) => {
      const text = toProviderDecimal(provider, value);
      assert.deepEqual(fromProviderDecimal(provider, text, value.currency), value);
    });
  });
}

test('the round trip through a JSON number is exact, as Payzone C answers', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 12n - 1n }), (amountMinor) => {
      const value = money(amountMinor, 'MAD');
      const parsed: unknown = JSON.parse(`{"amount":${toProviderDecimal('payzone_paywall', value)}}`);
      assert.ok(typeof parsed === 'object' && parsed !== null && 'amount' in parsed);
      assert.ok(equals(fromProviderDecimal('payzone_paywall', String(parsed.amount), 'MAD'), value));
    }),
    { numRuns: 1000 },
  );
});

/**
 * Runs the property over every currency of the provider. Amounts are drawn among those the provider can write, by its
 * documented step (one unit of ours, or its coarser one), so that no run is lost to refusals.
 */
function forEachCurrency(provider: AmountProvider, property: (value: Money) => void): void {
  const { currencies } = AMOUNT_RULES[provider];
  for (const currency of currencies) {
    const step = stepOf(provider, currency);
    // Six digits of units fit every provider, ISK's two extra zeros included.
    const count = arbitraryAmount({ min: 0n, max: 999_999n / step });
    fc.assert(
      fc.property(count, (steps) => property(money(steps * step, currency))),
      { numRuns: 40 },
    );
  }
}

/** The documented smallest step in our minor units, written out apart from the rules under test. */
function stepOf(provider: AmountProvider, currency: string): bigint {
  if (provider === 'stripe' && currency === 'MGA') return 100n;
  if (provider === 'stripe' && exponentOf(currency) === 3) return 10n;
  if (provider === 'paypal' && (currency === 'HUF' || currency === 'TWD')) return 100n;
  return 1n;
}
