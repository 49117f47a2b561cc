import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { arbitraryMoney } from './arbitrary-money.ts';
import { formatAmount } from './format-amount.ts';
import { parseAmount } from './parse-amount.ts';

test('decimal text becomes exact minor units', () => {
  const expected: [string, string, bigint][] = [
    ['1234.50', 'MAD', 123_450n],
    ['1234.5', 'MAD', 123_450n],
    ['1234', 'MAD', 123_400n],
    ['0.01', 'MAD', 1n],
    ['0', 'MAD', 0n],
    ['500', 'JPY', 500n],
    ['5.124', 'KWD', 5124n],
    ['0.005', 'BHD', 5n],
    // The products that floats get wrong: 1.005 * 1000, 4.35 * 100, 1.15 * 100, 19.99 * 100.
    ['1.005', 'KWD', 1005n],
    ['4.35', 'EUR', 435n],
    ['1.15', 'EUR', 115n],
    ['19.99', 'EUR', 1999n],
    ['90071992547409.93', 'EUR', 9_007_199_254_740_993n],
    ['92233720368547758.07', 'EUR', 2n ** 63n - 1n],
  ];
  for (const [text, currency, amountMinor] of expected) {
    assert.deepEqual(parseAmount(text, currency), { amountMinor, currency }, `${text} ${currency}`);
  }
});

test('more decimals than the currency has are refused, even zeros', () => {
  const refused: [string, string][] = [
    ['10.000', 'EUR'],
    ['0.001', 'EUR'],
    ['500.0', 'JPY'],
    ['5.1240', 'KWD'],
  ];
  for (const [text, currency] of refused) {
    assert.throws(() => parseAmount(text, currency), { code: 'too_many_decimals' }, `${text} ${currency}`);
  }
});

test('anything but plain digits with one point is refused', () => {
  const refused = [
    ['', ' ', '.', '.5', '5.', '1.2.3', '00', '01', '007.50', '0x10', '0b1', '1n'],
    ['1e3', '1E3', '1e-2', '+1', '-1', '-0', '−1', '1-', '(1)'],
    ['1,234.50', '1234,50', '1 234', '1\u00a0234', '1\u202f234', '1_000', "1'000"],
    ['NaN', 'Infinity', 'null', 'undefined', '[]', '1.50 MAD', '$1', ' 1', '1 ', '1\n', '\t1', '1\u0000'],
    // Arabic-Indic, extended Arabic-Indic, Devanagari and full-width digits, and an Arabic decimal separator.
    ['١٢٣', '۱۲۳', '१२३', '１２３', '1٫5'],
    ['9'.repeat(33), `0.${'0'.repeat(40)}`, '1'.repeat(1_000_000)],
  ].flat();
  for (const text of refused) {
    assert.throws(
      () => parseAmount(text, 'MAD'),
      { code: 'amount_malformed' },
      JSON.stringify(text.slice(0, 40)),
    );
  }
});

test('an amount beyond 64 bits and an unknown currency are refused', () => {
  assert.throws(() => parseAmount('92233720368547758.08', 'EUR'), { code: 'amount_out_of_range' });
  assert.throws(() => parseAmount('1', 'XXX'), { code: 'unknown_currency' });
});

test('parsing what was formatted gives the same money, in every currency', () => {
  fc.assert(
    fc.property(arbitraryMoney({ min: 0n, max: 2n ** 63n - 1n }), (value) => {
      assert.deepEqual(parseAmount(formatAmount(value), value.currency), value);
    }),
    { numRuns: 1000 },
  );
});

test('text is either refused by name or means exactly what its digits say', () => {
  const almostDecimal = fc.string({ unit: fc.constantFrom(...'0123456789.,-+eE '.split('')), maxLength: 12 });
  let accepted = 0;
  fc.assert(
    fc.property(almostDecimal, (text) => {
      try {
        const { amountMinor } = parseAmount(text, 'MAD');
        accepted += 1;
        // Up to 12 characters a float of cents is exact, so it may serve as the second opinion.
        assert.equal(amountMinor, BigInt(Math.round(Number(text) * 100)));
        assert.match(text, /^[0-9]+(\.[0-9]{1,2})?$/);
      } catch (error) {
        assert.ok(error instanceof Error && error.name === 'MoneyError', String(error));
      }
    }),
    { numRuns: 3000 },
  );
  assert.ok(accepted > 0);
});
