import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createAuthority } from '@centra/testkit/certificates.ts';
import { ConfigError } from './env.ts';
import { checkTls, envTls, readTlsFiles, serviceNameOf } from './tls.ts';

const authority = createAuthority();
const own = authority.issue('auth');
const whole = { ...own, ca: authority.cert };
const past = { notBefore: new Date(Date.now() - 20_000), notAfter: new Date(Date.now() - 10_000) };

test('files that fit each other are taken, and say when they expire', () => {
  const notAfter = new Date(Date.UTC(2101, 0, 2, 3, 4, 5));
  const { cert, key } = authority.issue('auth', { notAfter });
  assert.deepEqual(checkTls({ cert, key, ca: authority.cert }, 'auth').expiresAt, notAfter);
  const both = createAuthority().cert + authority.cert;
  assert.equal(checkTls({ ...whole, ca: both }, 'auth').context.ca, both);
});

describe('files that do not fit are refused, and their content is not told', () => {
  const other = createAuthority();
  const cases: [what: string, change: Partial<typeof whole>, reason: RegExp][] = [
    ['half a certificate', { cert: own.cert.slice(0, 300) }, /no certificate/],
    ['an empty certificate', { cert: '' }, /no certificate/],
    [
      'garbage as a certificate',
      { cert: own.cert.replace(/[\w+/]{40}/, 'x'.repeat(40)) },
      /not a cert|not the key|no auth/,
    ],
    ['half a key', { key: own.key.slice(0, 60) }, /not the key/],
    ['an empty key', { key: '' }, /not the key/],
    ['another key', { key: authority.issue('auth').key }, /not the key/],
    ['no authority', { ca: '' }, /TLS_CA_FILE holds no certificate/],
    ['half an authority', { ca: authority.cert.slice(0, 300) }, /TLS_CA_FILE holds no certificate/],
    ['another authority', { ca: other.cert }, /no authority/],
    [
      'another authority of the same name',
      { ca: createAuthority({ like: authority.cert }).cert },
      /no authority/,
    ],
    ['the certificate of another service', authority.issue('merchant'), /not a certificate of auth/],
    ['a certificate without a name', authority.issue('auth', { uris: [] }), /not a certificate of auth/],
    ['an expired certificate', authority.issue('auth', past), /expired/],
  ];
  for (const [what, change, reason] of cases)
    test(what, () => {
      assert.throws(
        () => checkTls({ ...whole, ...change }, 'auth'),
        (error) =>
          error instanceof ConfigError && reason.test(error.message) && !error.message.includes('-----'),
      );
    });
});

describe('a name is exactly one SPIFFE id of ours', () => {
  const cases: [text: string | undefined, name: string | undefined][] = [
    ['URI:spiffe://centra.payments/auth', 'auth'],
    ['DNS:x, URI:spiffe://centra.payments/payment-api, IP Address:127.0.0.1', 'payment-api'],
    [undefined, undefined],
    ['', undefined],
    ['DNS:auth', undefined],
    ['URI:spiffe://centra.payments/', undefined],
    ['URI:spiffe://centra.payments/a/b', undefined],
    ['URI:spiffe://centra.payments/auth ', undefined],
    ['URI:spiffe://centra.payments/Auth', undefined],
    ['URI:spiffe://centra.payments/auth?x', undefined],
    ['URI:spiffe://centra.payments.evil/auth', undefined],
    ['URI:spiffe://evil/centra.payments/auth', undefined],
    ['URI:SPIFFE://centra.payments/auth', undefined],
    ['uri:spiffe://centra.payments/auth', undefined],
    [`URI:spiffe://centra.payments/${'a'.repeat(64)}`, undefined],
    ['URI:spiffe://centra.payments/auth, URI:spiffe://centra.payments/auth', undefined],
    ['URI:spiffe://centra.payments/auth, URI:https://x', undefined],
    ['DNS:"x, URI:spiffe://centra.payments/auth"', undefined],
    ['URI:"spiffe://centra.payments/auth"', undefined],
    ['URI:spiffe://centra.payments/auth, DNS:"a, b"', undefined],
  ];
  for (const [text, name] of cases) test(String(text), () => assert.equal(serviceNameOf(text), name));
});

test('each of the three variables is required, the interval has a default, and a missing file is refused', () => {
  const env = { TLS_CERT_FILE: '/a', TLS_KEY_FILE: '/b', TLS_CA_FILE: '/c' };
  assert.deepEqual(envTls(env), { certFile: '/a', keyFile: '/b', caFile: '/c', reloadMs: 30_000 });
  for (const name of Object.keys(env)) assert.throws(() => envTls({ ...env, [name]: '' }), new RegExp(name));
  for (const wrong of ['0', '49', '3600001', 'soon'])
    assert.throws(() => envTls({ ...env, TLS_RELOAD_MS: wrong }), /TLS_RELOAD_MS/);
  assert.throws(() => readTlsFiles(envTls(env)), ConfigError);
});
