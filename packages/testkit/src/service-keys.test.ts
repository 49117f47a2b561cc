import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSigner, createVerifier, readTrustedKeys } from '@centra/service-kit/service-identity.ts';
import { SIGNERS, createServiceKeys } from './service-keys.ts';

test('every signer’s key signs what the set of public keys verifies', () => {
  const keys = createServiceKeys();
  const verifier = createVerifier('auth', readTrustedKeys(keys.trustedKeys));
  for (const name of SIGNERS) {
    const token = createSigner(name, keys.privateKeys[name] ?? '').serviceToken('auth');
    assert.equal(verifier.verifyService(token), name);
  }
});

test('keys are fresh each time, and the set holds no private part', () => {
  const [one, other] = [createServiceKeys(['auth']), createServiceKeys(['auth'])];
  assert.notEqual(one.privateKeys['auth'], other.privateKeys['auth']);
  assert.deepEqual(Object.keys(one.privateKeys), ['auth']);
  assert.doesNotMatch(one.trustedKeys, /"d":/);
});
