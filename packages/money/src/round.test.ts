import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { arbitraryAmount, arbitraryMoney } from './arbitrary-money.ts';
import { CURRENCY_CODES, exponentOf } from './currency.ts';
import { money } from './money.ts';
import { applyBasisPoints, convert, divideRounded, type RoundingMode } from './round.ts';

const MODES: RoundingMode[] = ['half-up', 'half-even', 'down'];

test('ties, and only ties, tell the modes apart', () => {
  //  numerator, denominator, half-up, half-even, down
  const expected: [bigint, bigint, bigint, bigint, bigint][] = [
    [5n, 10n, 1n, 0n, 0n],
    [15n, 10n, 2n, 2n, 1n],
    [25n, 10n, 3n, 2n, 2n],
    [35n, 10n, 4n, 4n, 3n],
    [-5n, 10n, -1n, 0n, 0n],
    [-15n, 10n, -2n, -2n, -1n],
    [-25n, 10n, -3n, -2n, -2n],
    [24n, 10n, 2n, 2n, 2n],
    [26n, 10n, 3n, 3n, 2n],
    [-26n, 10n, -3n, -3n, -2n],
    [1n, 3n, 0n, 0n, 0n],
    [2n, 3n, 1n, 1n, 0n],
    [3n, 2n, 2n, 2n, 1n],
    [1n, 2n, 1n, 0n, 0n],
    [6n, 3n, 2n, 2n, 2n],
    [0n, 7n, 0n, 0n, 0n],
  ];
  for (const [numerator, denominator, halfUp, halfEven, down] of expected) {
    const results = MODES.map((mode) => divideRounded(numerator, denominator, mode));
    assert.deepEqual(results, [halfUp, halfEven, down], `${numerator}/${denominator}`);
  }
});

// The reference works on the exact rational: of the two integers around it, take the nearer, and on equal distance the
// one the mode names. It shares no arithmetic with the code under test beyond comparison.
function reference(numerator: bigint, denominator: bigint, mode: RoundingMode): bigint {
  let floor = numerator / denominator;
  while (floor * denominator > numerator) floor -= 1n;
  const below = numerator - floor * denominator;
  if (below === 0n) return floor;
  const ceiling = floor + 1n;
  const above = ceiling * denominator - numerator;
  const towardsZero = numerator < 0n ? ceiling : floor;
  if (mode === 'down') return towardsZero;
  if (below !== above) return below < above ? floor : ceiling;
  if (mode === 'half-even') return floor % 2n === 0n ? floor : ceiling;
  return towardsZero === floor ? ceiling : floor;
}

test('every mode agrees with exact rational arithmetic', () => {
  const numerator = arbitraryAmount({ min: -(10n ** 40n), max: 10n ** 40n });
  // Small even denominators make ties common.
  const denominator = fc.oneof(fc.bigInt({ min: 1n, max: 12n }), fc.bigInt({ min: 1n, max: 10n ** 20n }));
  fc.assert(
    fc.property(numerator, denominator, fc.constantFrom(...MODES), (n, d, mode) => {
      assert.equal(divideRounded(n, d, mode), reference(n, d, mode));
    }),
    { numRuns: 3000 },
  );
});

test('the modes treat a refund as the mirror of its charge', () => {
  fc.assert(
    fc.property(
      arbitraryAmount({ min: 0n, max: 10n ** 15n }),
      fc.bigInt({ min: 1n, max: 1000n }),
      fc.constantFrom(...MODES),
      (n, d, mode) => assert.equal(divideRounded(-n, d, mode), -divideRounded(n, d, mode)),
    ),
  );
});

test('a division by zero or less is refused', () => {
  for (const denominator of [0n, -1n]) {
    assert.throws(() => divideRounded(1n, denominator, 'down'), { code: 'invalid_divisor' });
  }
});

test('basis points take their share and round once', () => {
  const expected: [bigint, number, RoundingMode, bigint][] = [
    [10_000n, 250, 'half-up', 250n],
    [1n, 5000, 'half-up', 1n],
    [1n, 5000, 'half-even', 0n],
    [1n, 5000, 'down', 0n],
    [3n, 5000, 'half-even', 2n],
    [-1n, 5000, 'half-up', -1n],
    [12_345n, 290, 'half-up', 358n],
    [12_345n, 290, 'down', 358n],
    [12_399n, 290, 'down', 359n],
    [12_399n, 290, 'half-up', 360n],
    [999n, 0, 'half-up', 0n],
    [999n, 10_000, 'half-up', 999n],
    [100n, 1_000_000, 'half-up', 10_000n],
  ];
  for (const [amountMinor, bps, mode, share] of expected) {
    const actual = applyBasisPoints(money(amountMinor, 'MAD'), bps, mode);
    assert.deepEqual(actual, money(share, 'MAD'), `${bps} bps of ${amountMinor}, ${mode}`);
  }
  for (const bps of [-1, 2.5, NaN, Infinity, 1_000_001]) {
    assert.throws(() => applyBasisPoints(money(1n, 'MAD'), bps, 'down'), { code: 'invalid_basis_points' });
  }
});

test('conversion crosses exponents exactly', () => {
  const expected: [bigint, string, string, string, RoundingMode, bigint][] = [
    [10_000n, 'EUR', 'MAD', '10.85', 'half-even', 108_500n],
    [100n, 'USD', 'JPY', '149.505', 'half-even', 150n],
    [200n, 'USD', 'JPY', '149.25', 'half-even', 298n],
    [200n, 'USD', 'JPY', '149.25', 'half-up', 299n],
    [200n, 'USD', 'JPY', '149.75', 'half-even', 300n],
    [200n, 'USD', 'JPY', '149.75', 'down', 299n],
    [500n, 'JPY', 'KWD', '0.00205', 'half-even', 1025n],
    [1n, 'JPY', 'KWD', '0.0015', 'half-even', 2n],
    [1n, 'JPY', 'KWD', '0.0025', 'half-even', 2n],
    [1n, 'JPY', 'KWD', '0.0025', 'half-up', 3n],
    [5124n, 'KWD', 'MAD', '32.4', 'half-up', 16_602n],
    [-100n, 'USD', 'JPY', '149.505', 'half-up', -150n],
    [123n, 'EUR', 'EUR', '1.000', 'half-even', 123n],
  ];
  for (const [amountMinor, from, to, rate, mode, result] of expected) {
    const actual = convert(money(amountMinor, from), to, rate, mode);
    assert.deepEqual(actual, money(result, to), `${amountMinor} ${from} to ${to} at ${rate}, ${mode}`);
  }
});

test('conversion is never off by more than half a minor unit, nor by one when rounding down', () => {
  const rate = fc.record({
    whole: fc.bigInt({ min: 0n, max: 99_999n }),
    decimals: fc.string({ unit: fc.constantFrom(...'0123456789'.split('')), minLength: 1, maxLength: 9 }),
  });
  fc.assert(
    fc.property(
      arbitraryMoney({ min: -(10n ** 10n), max: 10n ** 10n }),
      fc.constantFrom(...CURRENCY_CODES),
      rate,
      fc.constantFrom(...MODES),
      (value, to, { whole, decimals }, mode) => {
        fc.pre(value.currency !== to && BigInt(whole.toString() + decimals) > 0n);
        const result = convert(value, to, `${whole}.${decimals}`, mode).amountMinor;
        // exact = amount * rate * 10^(eTo − eFrom), compared over one common denominator.
        const denominator = 10n ** BigInt(decimals.length + exponentOf(value.currency));
        const exact = value.amountMinor * BigInt(whole.toString() + decimals) * 10n ** BigInt(exponentOf(to));
        const off = result * denominator - exact;
        const distance = off < 0n ? -off : off;
        if (mode === 'down') assert.ok(distance < denominator);
        else assert.ok(2n * distance <= denominator);
      },
    ),
    { numRuns: 1000 },
  );
});

test('a rate that is not a positive plain decimal is refused', () => {
  const refused = [
    '',
    '0',
    '0.0',
    '-1',
    '+1',
    '1e3',
    '.5',
    '1.',
    '01',
    '1,5',
    'NaN',
    'Infinity',
    ' 1',
    '1\n',
    '١',
  ];
  for (const rate of [...refused, '1'.repeat(13), `0.${'1'.repeat(19)}`]) {
    assert.throws(() => convert(money(1n, 'EUR'), 'MAD', rate, 'half-even'), { code: 'invalid_rate' }, rate);
  }
  assert.throws(() => convert(money(1n, 'EUR'), 'EUR', '1.01', 'half-even'), { code: 'invalid_rate' });
  assert.throws(() => convert(money(1n, 'EUR'), 'XXX', '1', 'half-even'), { code: 'unknown_currency' });
});
