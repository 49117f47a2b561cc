import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { arbitraryMoney } from './arbitrary-money.ts';
import { exponentOf } from './currency.ts';
import { formatAmount, formatForDisplay } from './format-amount.ts';
import { money } from './money.ts';

test('minor units become decimal text with all decimals of the currency', () => {
  const expected: [bigint, string, string][] = [
    [123_450n, 'MAD', '1234.50'],
    [1n, 'MAD', '0.01'],
    [0n, 'MAD', '0.00'],
    [-5n, 'MAD', '-0.05'],
    [500n, 'JPY', '500'],
    [0n, 'JPY', '0'],
    [-7n, 'JPY', '-7'],
    [5n, 'BHD', '0.005'],
    [5120n, 'KWD', '5.120'],
    [2n ** 63n - 1n, 'EUR', '92233720368547758.07'],
  ];
  for (const [amountMinor, currency, text] of expected) {
    assert.equal(formatAmount(money(amountMinor, currency)), text);
  }
});

test('the text of any amount has the decimals of its currency and the digits of its minor units', () => {
  fc.assert(
    fc.property(arbitraryMoney(), (value) => {
      const [whole = '', decimals = ''] = formatAmount(value).split('.');
      assert.equal(decimals.length, exponentOf(value.currency));
      assert.equal(BigInt(whole + decimals), value.amountMinor);
    }),
  );
});

test('display keeps our decimals where Intl would drop them', () => {
  assert.equal(plain(123_450n, 'HUF', 'en'), 'HUF 1,234.50');
  assert.equal(plain(1_234_500n, 'IQD', 'en'), 'IQD 1,234.500');
  assert.equal(plain(123_450n, 'MAD', 'fr-MA'), '1.234,50 MAD');
  assert.equal(plain(123_450n, 'EUR', 'fr'), '1 234,50 €');
  assert.equal(plain(500n, 'JPY', 'en'), '¥500');
  assert.equal(plain(-123_450n, 'USD', 'en'), '-$1,234.50');
});

test('display loses no digit of amounts a float cannot hold', () => {
  assert.equal(formatForDisplay(money(2n ** 63n - 1n, 'USD'), 'en'), '$92,233,720,368,547,758.07');
});

test('a tag that is no locale, and a code that is no currency, are refused by name', () => {
  assert.throws(() => formatForDisplay(money(1n, 'EUR'), 'not a locale'), { code: 'invalid_locale' });
  assert.throws(() => formatForDisplay({ amountMinor: 1n, currency: 'XXX' }, 'en'), {
    code: 'unknown_currency',
  });
});

/** The display text with every kind of space written as a plain one. */
function plain(amountMinor: bigint, currency: string, locale: string): string {
  return formatForDisplay(money(amountMinor, currency), locale).replaceAll(/[\s\u00a0\u202f]/g, ' ');
}
