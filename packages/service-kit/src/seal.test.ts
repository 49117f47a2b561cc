import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { associatedData } from './associated-data.ts';
import { SealError, seal, unseal } from './seal.ts';

const key = createSecretKey(randomBytes(32));
const bound = associatedData('merchant', 'row', 'field', '1');
const partsOf = (sealed: string): string[] => sealed.split('.');

test('what was sealed opens with the same key and binding, empty and long texts included', () => {
  for (const text of ['', 'sk_test_x', 'ключ €', 'x'.repeat(10_000)])
    assert.equal(unseal(key, seal(key, text, bound), bound).toString('utf8'), text);
});

test('the clear text is not in the sealed one', () => {
  const sealed = seal(key, 'sk_test_canary', bound);
  for (const encoding of ['utf8', 'hex', 'base64', 'base64url'] as const)
    assert.ok(!sealed.includes(Buffer.from('sk_test_canary').toString(encoding)));
});

test('another key, and any other part of the binding, opens nothing', () => {
  const sealed = seal(key, 'secret', bound);
  const others: [string, string, string, string][] = [
    ['other', 'row', 'field', '1'],
    ['merchant', 'other', 'field', '1'],
    ['merchant', 'row', 'other', '1'],
    ['merchant', 'row', 'field', '2'],
    // The same letters, divided otherwise.
    ['merchantr', 'ow', 'field', '1'],
    ['merchant', 'row', 'field1', ''],
  ];
  for (const parts of others)
    assert.throws(() => unseal(key, sealed, associatedData(...parts)), SealError, parts.join(' '));
  assert.throws(() => unseal(key, sealed, associatedData('merchant', 'row', 'field')), SealError);
  assert.throws(() => unseal(key, sealed, Buffer.alloc(0)), SealError);
  assert.throws(() => unseal(createSecretKey(randomBytes(32)), sealed, bound), SealError);
});

test('a tag of 15, 12, 8, 4 or 0 bytes is refused, though Node itself would take a correct short one', () => {
  const [format, nonce, text, tag] = partsOf(seal(key, 'secret', bound));
  const whole = Buffer.from(tag ?? '', 'base64url');
  assert.equal(whole.length, 16);
  for (const length of [15, 12, 8, 4, 0]) {
    const cut = [format, nonce, text, whole.subarray(0, length).toString('base64url')].join('.');
    assert.throws(() => unseal(key, cut, bound), SealError, `${length} bytes`);
  }
});

test('one changed bit anywhere, a cut text, a longer nonce or another form is refused', () => {
  const sealed = seal(key, 'secret', bound);
  const parts = partsOf(sealed);
  for (const index of [1, 2, 3]) {
    const bytes = Buffer.from(parts[index] ?? '', 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const forged = parts.with(index, changed.toString('base64url')).join('.');
      assert.throws(() => unseal(key, forged, bound), SealError, `part ${index} byte ${at}`);
    }
  }
  const text = Buffer.from(parts[2] ?? '', 'base64url');
  const others = [
    parts.with(2, text.subarray(0, 3).toString('base64url')).join('.'),
    parts.with(1, Buffer.alloc(16).toString('base64url')).join('.'),
    parts.with(0, 'v0').join('.'),
    `${sealed}.AAAA`,
    parts.slice(0, 3).join('.'),
    '',
  ];
  for (const other of others) assert.throws(() => unseal(key, other, bound), SealError, other);
});

test('100,000 sealings of one text under one key use 100,000 nonces of 96 bits', () => {
  const count = 100_000;
  const nonces = new Set<string>();
  for (let index = 0; index < count; index += 1) {
    const nonce = partsOf(seal(key, 'x', bound))[1] ?? '';
    nonces.add(nonce);
  }
  assert.equal(nonces.size, count);
  for (const nonce of [...nonces].slice(0, 10)) assert.equal(Buffer.from(nonce, 'base64url').length, 12);
});
