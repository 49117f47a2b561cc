import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from './seeded.ts';

const draw = (seed: number): number[] => {
  const { between } = seeded(seed);
  return Array.from({ length: 50 }, () => between(1, 1_000));
};

test('the same seed gives the same numbers, and another seed others', () => {
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
});

test('every number lies within its bounds, and both bounds are drawn', () => {
  const { between } = seeded(1);
  const drawn = new Set(Array.from({ length: 1_000 }, () => between(-1, 3)));
  assert.deepEqual(
    [...drawn].toSorted((a, b) => a - b),
    [-1, 0, 1, 2, 3],
  );
});

test('a fork is a stream of its own that does not move its parent', () => {
  const [one, other] = [seeded(5), seeded(5)];
  other.fork('faults').fraction();
  assert.equal(one.fraction(), other.fraction());
  assert.equal(one.fork('faults').fraction(), other.fork('faults').fraction());
  assert.notEqual(one.fork('faults').fraction(), one.fork('load').fraction());
});
