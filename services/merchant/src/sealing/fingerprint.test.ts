import assert from 'node:assert/strict';
import { createHash, createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { fingerprintOf } from './fingerprint.ts';

test('equal secrets have equal fingerprints under one key, and others under another', () => {
  const [a, b] = [createSecretKey(randomBytes(32)), createSecretKey(randomBytes(32))];
  assert.equal(fingerprintOf(a, 'sk_test_x'), fingerprintOf(a, 'sk_test_x'));
  assert.notEqual(fingerprintOf(a, 'sk_test_x'), fingerprintOf(a, 'sk_test_y'));
  assert.notEqual(fingerprintOf(a, 'sk_test_x'), fingerprintOf(b, 'sk_test_x'));
  assert.match(fingerprintOf(a, 'sk_test_x'), /^[0-9a-f]{16}$/);
});

test('it cannot be recomputed without the key, nor with the data key used as it is', () => {
  const key = createSecretKey(randomBytes(32));
  const print = fingerprintOf(key, 'sk_test_x');
  const plain = createHash('sha256').update('sk_test_x').digest('hex');
  const underived = createHmac('sha256', key).update('sk_test_x').digest('hex');
  for (const guess of [plain, underived]) assert.ok(!guess.includes(print));
});
