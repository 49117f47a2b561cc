import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '@centra/testkit/seeded.ts';
import { permutationsOf, quantile, sampleOf } from './orders.ts';

test('every order comes once', () => {
  const orders = permutationsOf(['a', 'b', 'c', 'd']);
  assert.equal(orders.length, 24);
  assert.equal(new Set(orders.map((order) => order.join(''))).size, 24);
  assert.deepEqual(permutationsOf([]), [[]]);
});

test('a sample has no order twice, is the same for the same seed, and is all when there are no more', () => {
  const orders = permutationsOf([1, 2, 3]);
  const sample = sampleOf(orders, 4, seeded(7));
  assert.equal(new Set(sample.map(String)).size, 4);
  assert.deepEqual(sampleOf(orders, 4, seeded(7)), sample);
  assert.equal(sampleOf(orders, 100, seeded(7)).length, 6);
});

test('a quantile is one of the values', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.equal(quantile(values, 0.99), 100);
  assert.equal(quantile(values, 0.5), 51);
  assert.equal(quantile([], 0.99), 0);
});
