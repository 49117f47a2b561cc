import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { createServiceKeys } from '@centra/testkit/service-keys.ts';
import { ConfigError } from './env.ts';
import { createSigner, readTrustedKeys } from './service-identity.ts';

const pem = createServiceKeys(['auth']).privateKeys['auth'] ?? '';

test('a set that is damaged, private or on another curve stops the start with a clear word', () => {
  const point = { ...createPublicKey(pem).export({ format: 'jwk' }), kid: 'auth' };
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' });
  const sets: Record<string, string> = {
    empty: '',
    'no JSON': '{',
    'no set': '[]',
    'keys that are no list': '{"keys":{}}',
    'a key without kid': JSON.stringify({ keys: [{ ...point, kid: undefined }] }),
    'a private key': JSON.stringify({
      keys: [{ ...createPrivateKey(pem).export({ format: 'jwk' }), kid: 'auth' }],
    }),
    'another curve': JSON.stringify({ keys: [{ ...p384, kid: 'auth' }] }),
    'a symmetric key': JSON.stringify({ keys: [{ kty: 'oct', k: 'AAAA', kid: 'auth' }] }),
    'a point that is not on the curve': JSON.stringify({ keys: [{ ...point, x: point.y }] }),
    'two keys of one name': JSON.stringify({ keys: [point, point] }),
    null: '{"keys":[null]}',
  };
  for (const [what, text] of Object.entries(sets))
    assert.throws(() => readTrustedKeys(text), ConfigError, what);
});

test('a signing key that could not sign ES256 stops the start', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  });
  for (const text of ['', 'no key', rsa.toString(), p384.toString()])
    assert.throws(() => createSigner('auth', text), ConfigError);
});
