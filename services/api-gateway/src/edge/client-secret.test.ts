import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { createSigner } from '@centra/service-kit/service-identity.ts';
import type { CheckoutIdentity } from '@centra/service-kit/service-identity.ts';
import { clientSecret } from '../testing/credentials.ts';
import { startTestGateway } from '../testing/gateway-under-test.ts';
import type { TestGateway } from '../testing/gateway-under-test.ts';
import { bearer, call } from '../testing/http-call.ts';
import type { Answer } from '../testing/http-call.ts';
import { startRealAuth } from '../testing/real-auth.ts';
import type { RealAuth } from '../testing/real-auth.ts';
import { startUpstream } from '../testing/upstream-double.ts';
import type { UpstreamDouble } from '../testing/upstream-double.ts';

let auth: RealAuth;
let upstream: UpstreamDouble;
let gateway: TestGateway;
before(async () => {
  auth = await startRealAuth();
  upstream = await startUpstream();
  const limits = { LIMIT_UNAUTHENTICATED_PER_MINUTE: '1000000', LIMIT_CHECKOUT_PER_SECOND: '1000' };
  gateway = await startTestGateway(auth, { paymentApi: upstream.url }, limits);
});
after(async () => {
  await gateway.close();
  await upstream.close();
  await auth.stop();
});

const checkout = (mode: 'test' | 'live' = 'test'): CheckoutIdentity => ({
  merchantId: newUuid(),
  mode,
  objectId: toPublicId('pay', newUuid()),
});

async function look(secret: string, path = '/v1/checkout/payments/pay_1'): Promise<Answer> {
  return await call(gateway.url + path, { headers: bearer(secret) });
}

const signerOf = (service: string) => createSigner(service, auth.keys.privateKeys[service] ?? '');

/** A token by payment-api's own key, with other claims or another header than ours. */
function signed(claims: object, header: object = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const parts = [
    { alg: 'ES256', typ: 'checkout+jwt', kid: 'payment-api', ...header },
    { ...checkout(), iss: 'payment-api', aud: 'api-gateway', iat: now, exp: now + 600, ...claims },
  ];
  const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const key = { key: auth.keys.privateKeys['payment-api'] ?? '', dsaEncoding: 'ieee-p1363' } as const;
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}

test('a client secret opens the guest’s route, in test and live mode', async () => {
  for (const mode of ['test', 'live'] as const)
    assert.equal((await look(clientSecret(auth, checkout(mode)))).status, 200);
  assert.equal((await look(`cs_test_${signed({})}`)).status, 200);
});

describe('rows 21, 22: 401, and nothing reaches the service', () => {
  const now = Math.floor(Date.now() / 1000);
  const day = 86_400;
  const cases: [string, () => string][] = [
    [
      'the other mode in its prefix',
      () => clientSecret(auth, checkout('test')).replace('cs_test_', 'cs_live_'),
    ],
    ['without its prefix', () => clientSecret(auth, checkout()).slice('cs_test_'.length)],
    ['with a letter changed', () => tampered(clientSecret(auth, checkout()))],
    ['with another payment in it', () => withObject(clientSecret(auth, checkout()), 'pay_other')],
    ['expired', () => `cs_test_${signed({ iat: now - 2 * day, exp: now - day })}`],
    ['good for longer than an hour', () => `cs_test_${signed({ exp: now + day })}`],
    ['without an end', () => `cs_test_${signed({ exp: undefined })}`],
    ['from the future', () => `cs_test_${signed({ iat: now + 600, exp: now + 900 })}`],
    ['for another audience', () => `cs_test_${signed({ aud: 'payment-api' })}`],
    ['without a payment', () => `cs_test_${signed({ objectId: undefined })}`],
    ['of another type', () => `cs_test_${signed({}, { typ: 'identity+jwt' })}`],
    ['with a key of its own', () => `cs_test_${signed({}, { jwk: { kty: 'EC' } })}`],
    ['of an unknown key', () => `cs_test_${signed({}, { kid: '../payment-api' })}`],
    ['unsigned', () => `cs_test_${signed({}, { alg: 'none' }).replace(/[^.]+$/, '')}`],
    ['that says to be unsigned', () => `cs_test_${signed({}, { alg: 'none' })}`],
    ['that names another algorithm', () => `cs_test_${signed({}, { alg: 'HS256' })}`],
    ['signed by another service', () => `cs_test_${signerOf('merchant').checkoutToken(checkout(), 600)}`],
    ['a service token', () => `cs_test_${signerOf('payment-api').serviceToken('api-gateway')}`],
  ];
  for (const [name, textOf] of cases)
    test(name, async () => {
      const earlier = upstream.seen.length;
      const answer = await look(textOf());
      assert.equal(answer.status, 401);
      assert.equal(answer.json['code'], 'unauthenticated');
      assert.equal(upstream.seen.length, earlier);
    });
});

test('row 56: in a query it opens nothing, and no log holds it, wherever it stood', async () => {
  const secret = clientSecret(auth, checkout());
  const path = '/v1/checkout/payments/pay_1';
  assert.equal((await call(`${gateway.url}${path}?client_secret=${secret}`)).status, 401);
  await look(secret, `/v1/checkout/payments/${secret}`);
  await look(secret);
  const lines = JSON.stringify(gateway.lines);
  assert.ok(gateway.lines.length >= 3);
  for (const part of [secret, ...secret.split('.').slice(1)]) assert.ok(!lines.includes(part), lines);
});

test('refused client secrets are slowed per address like every other credential', async () => {
  const own = await startTestGateway(auth, {}, { LIMIT_UNAUTHENTICATED_PER_MINUTE: '3' });
  try {
    const statuses = [];
    for (let index = 0; index < 5; index += 1) {
      const headers = bearer(tampered(clientSecret(auth, checkout())));
      statuses.push((await call(`${own.url}/v1/checkout/payments/pay_1`, { headers })).status);
    }
    assert.deepEqual(statuses, [401, 401, 401, 429, 429]);
  } finally {
    await own.close();
  }
});

function tampered(text: string): string {
  // In the middle of the signature: its last letter holds bits that do not count.
  const at = text.length - 20;
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
}

function withObject(secret: string, objectId: string): string {
  const [head, body = '', signature] = secret.split('.');
  const claims: Record<string, unknown> = JSON.parse(Buffer.from(body, 'base64url').toString());
  const changed = Buffer.from(JSON.stringify({ ...claims, objectId })).toString('base64url');
  return [head, changed, signature].join('.');
}
