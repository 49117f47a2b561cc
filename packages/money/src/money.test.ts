import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { arbitraryMoney } from './arbitrary-money.ts';
import {
  add,
  compare,
  equals,
  fromJsonAmount,
  isZero,
  money,
  negate,
  subtract,
  toJsonAmount,
  zero,
  type Money,
} from './money.ts';

const sameCurrency = (count: number): fc.Arbitrary<Money[]> =>
  fc
    .tuple(arbitraryMoney(), fc.array(arbitraryMoney(), { minLength: count - 1, maxLength: count - 1 }))
    .map(([first, rest]) => [first, ...rest.map((one) => ({ ...one, currency: first.currency }))]);

test('addition is commutative and associative, and zero changes nothing', () => {
  fc.assert(
    fc.property(sameCurrency(3), ([a, b, c]) => {
      assert.ok(a && b && c);
      assert.deepEqual(add(a, b), add(b, a));
      assert.deepEqual(add(add(a, b), c), add(a, add(b, c)));
      assert.deepEqual(add(a, zero(a.currency)), a);
    }),
  );
});

test('subtraction undoes addition and is adding the opposite', () => {
  fc.assert(
    fc.property(sameCurrency(2), ([a, b]) => {
      assert.ok(a && b);
      assert.deepEqual(subtract(add(a, b), b), a);
      assert.deepEqual(subtract(a, b), add(a, negate(b)));
      assert.ok(isZero(subtract(a, a)));
    }),
  );
});

test('comparison agrees with the sign of the difference, and equals with both fields', () => {
  fc.assert(
    fc.property(sameCurrency(2), ([a, b]) => {
      assert.ok(a && b);
      const difference = subtract(a, b).amountMinor;
      const sign = difference === 0n ? 0 : difference < 0n ? -1 : 1;
      assert.equal(compare(a, b), sign);
      assert.equal(equals(a, b), sign === 0);
    }),
  );
});

test('amounts of two currencies are never summed, subtracted or ordered', () => {
  const dirhams = money(100n, 'MAD');
  const euros = money(100n, 'EUR');
  for (const combine of [add, subtract, compare]) {
    assert.throws(() => combine(dirhams, euros), { name: 'MoneyError', code: 'currency_mismatch' });
  }
  assert.equal(equals(dirhams, euros), false);
});

test('an amount of an unknown currency does not exist', () => {
  assert.throws(() => money(1n, 'XXX'), { code: 'unknown_currency' });
  assert.throws(() => zero('mad'), { code: 'unknown_currency' });
  const smuggled: Money = { amountMinor: 1n, currency: 'ZZZ' };
  assert.throws(() => add(smuggled, smuggled), { code: 'unknown_currency' });
});

test('a sum that a 64-bit column cannot hold is refused', () => {
  const most = money(2n ** 63n - 1n, 'IDR');
  assert.equal(most.amountMinor, 9_223_372_036_854_775_807n);
  assert.throws(() => money(2n ** 63n, 'IDR'), { code: 'amount_out_of_range' });
  assert.throws(() => money(-(2n ** 63n), 'IDR'), { code: 'amount_out_of_range' });
  assert.throws(() => add(most, money(1n, 'IDR')), { code: 'amount_out_of_range' });
  assert.throws(() => subtract(negate(most), money(1n, 'IDR')), { code: 'amount_out_of_range' });
});

test('a JSON amount survives serialisation exactly', () => {
  const max = BigInt(Number.MAX_SAFE_INTEGER);
  fc.assert(
    fc.property(fc.bigInt({ min: -max, max }), (amountMinor) => {
      const parsed: unknown = JSON.parse(JSON.stringify({ amount: toJsonAmount(amountMinor) }));
      assert.ok(typeof parsed === 'object' && parsed !== null && 'amount' in parsed);
      assert.ok(typeof parsed.amount === 'number');
      assert.equal(fromJsonAmount(parsed.amount), amountMinor);
    }),
  );
});

test('JSON amounts beyond 2^53−1 are refused in both directions', () => {
  assert.equal(toJsonAmount(2n ** 53n - 1n), 9_007_199_254_740_991);
  for (const amountMinor of [2n ** 53n, -(2n ** 53n), 2n ** 53n + 1n, 10n ** 400n]) {
    assert.throws(() => toJsonAmount(amountMinor), { code: 'amount_out_of_range' });
  }
  for (const text of ['9007199254740992', '9007199254740993', '-9007199254740992', '1e21']) {
    assert.throws(() => fromJsonAmount(Number(text)), { code: 'amount_out_of_range' }, text);
  }
});

test('JSON amounts that are no integers are refused', () => {
  for (const amount of [1.5, 0.1, 1e-7, NaN, Infinity, Number('1e400'), -Infinity, -0]) {
    assert.throws(() => fromJsonAmount(amount), { code: 'amount_not_integer' }, String(amount));
  }
});
