import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { allocate, splitEvenly } from './allocate.ts';
import { arbitraryMoney } from './arbitrary-money.ts';
import { money } from './money.ts';

const amounts = (parts: { amountMinor: bigint }[]): bigint[] => parts.map((part) => part.amountMinor);

const arbitraryWeights = fc
  .array(fc.oneof(fc.bigInt({ min: 0n, max: 5n }), fc.bigInt({ min: 0n, max: 10n ** 12n })), {
    minLength: 1,
    maxLength: 40,
  })
  .filter((weights) => weights.some((weight) => weight > 0n));

test('the units left over go to the largest remainders, the earlier part first', () => {
  const expected: [bigint, bigint[], bigint[]][] = [
    [100n, [1n, 1n, 1n], [34n, 33n, 33n]],
    [101n, [1n, 1n, 1n], [34n, 34n, 33n]],
    [1n, [1n, 1n, 1n], [1n, 0n, 0n]],
    [0n, [1n, 2n], [0n, 0n]],
    [5n, [3n, 7n], [2n, 3n]],
    [10n, [0n, 1n, 0n], [0n, 10n, 0n]],
    [100n, [50n, 30n, 20n], [50n, 30n, 20n]],
    // Shares 0.71, 1.43, 2.86: the two units lost go to the third and the first.
    [5n, [1n, 2n, 4n], [1n, 1n, 3n]],
    [-100n, [1n, 1n, 1n], [-34n, -33n, -33n]],
    [7n, [1n], [7n]],
  ];
  for (const [whole, weights, parts] of expected) {
    assert.deepEqual(
      amounts(allocate(money(whole, 'MAD'), weights)),
      parts,
      `${whole} by ${weights.join(':')}`,
    );
  }
});

test('parts sum to the whole, each within one unit of its exact share, and no weight means no money', () => {
  fc.assert(
    fc.property(arbitraryMoney(), arbitraryWeights, (whole, weights) => {
      const parts = allocate(whole, weights);
      const total = weights.reduce((sum, weight) => sum + weight, 0n);
      assert.equal(parts.length, weights.length);
      assert.equal(
        amounts(parts).reduce((sum, part) => sum + part, 0n),
        whole.amountMinor,
      );
      for (const [index, part] of parts.entries()) {
        const weight = weights[index] ?? 0n;
        const off = part.amountMinor * total - whole.amountMinor * weight;
        assert.ok(off < total && off > -total);
        assert.equal(part.currency, whole.currency);
        if (weight === 0n) assert.equal(part.amountMinor, 0n);
      }
    }),
    { numRuns: 500 },
  );
});

test('no part that lost more of its share than another goes without the extra unit the other got', () => {
  fc.assert(
    fc.property(arbitraryMoney({ min: 0n, max: 10n ** 9n }), arbitraryWeights, (whole, weights) => {
      const total = weights.reduce((sum, weight) => sum + weight, 0n);
      const shares = allocate(whole, weights).map((part, index) => {
        const product = whole.amountMinor * (weights[index] ?? 0n);
        return { lost: product % total, extra: part.amountMinor - product / total };
      });
      // Sorted by what they lost, the earlier first, the extra units form an unbroken run at the front.
      const extras = shares
        .map((share, index) => ({ ...share, index }))
        .toSorted((a, b) => (a.lost === b.lost ? a.index - b.index : a.lost > b.lost ? -1 : 1))
        .map((share) => share.extra);
      assert.deepEqual(
        extras,
        extras.toSorted((a, b) => Number(b - a)),
      );
    }),
    { numRuns: 500 },
  );
});

test('a refund is split as the mirror of its charge, and twice the same way', () => {
  fc.assert(
    fc.property(arbitraryMoney(), arbitraryWeights, (whole, weights) => {
      const charge = amounts(allocate(whole, weights));
      const refund = amounts(allocate(money(-whole.amountMinor, whole.currency), weights));
      assert.deepEqual(
        refund,
        charge.map((part) => -part),
      );
      assert.deepEqual(amounts(allocate(whole, weights)), charge);
    }),
  );
});

test('an even split differs by one unit at most, larger parts first', () => {
  fc.assert(
    fc.property(
      arbitraryMoney({ min: 0n, max: 10n ** 12n }),
      fc.integer({ min: 1, max: 400 }),
      (whole, count) => {
        const parts = amounts(splitEvenly(whole, count));
        const [first = 0n] = parts;
        const last = parts.at(-1) ?? 0n;
        assert.equal(parts.length, count);
        assert.ok(first - last <= 1n);
        assert.deepEqual(
          parts,
          parts.toSorted((a, b) => Number(b - a)),
        );
        assert.equal(
          parts.reduce((sum, part) => sum + part, 0n),
          whole.amountMinor,
        );
      },
    ),
  );
});

test('weights that cannot share anything out are refused', () => {
  const whole = money(100n, 'MAD');
  for (const weights of [[], [0n], [0n, 0n], [-1n, 2n], Array.from({ length: 10_001 }, () => 1n)]) {
    assert.throws(() => allocate(whole, weights), { code: 'invalid_weights' });
  }
  for (const parts of [0, -1, 1.5, NaN, 10_001]) {
    assert.throws(() => splitEvenly(whole, parts), { code: 'invalid_weights' });
  }
});
