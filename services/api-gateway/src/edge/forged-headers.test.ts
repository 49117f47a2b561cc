import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createVerifier, readTrustedKeys } from '@centra/service-kit/service-identity.ts';
import { startTestGateway } from '../testing/gateway-under-test.ts';
import type { TestGateway } from '../testing/gateway-under-test.ts';
import { bearer, call, jsonPost } from '../testing/http-call.ts';
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
  gateway = await startTestGateway(auth, { paymentApi: upstream.url, merchant: upstream.url });
});
after(async () => {
  await gateway.close();
  await upstream.close();
  await auth.stop();
});

const FORGED = {
  'x-centra-identity': 'forged',
  'x-centra-client-address': '6.6.6.6',
  'x-centra-anything': 'forged',
  'x-user-id': 'forged',
  'x-user-roles': 'owner',
  'x-hotel-id': 'forged',
  'x-merchant-id': 'forged',
  'x-forwarded-for': '6.6.6.6',
  'x-forwarded-host': 'forged',
  'x-forwarded-proto': 'forged',
  forwarded: 'for=6.6.6.6',
  'x-real-ip': '6.6.6.6',
  cookie: 'session=forged',
  'x-http-method-override': 'DELETE',
};

describe('row 13: what a caller says about itself ends at the door', () => {
  test('the service sees the gateway-signed identity and nothing of what was forged', async () => {
    const key = await auth.createKey({ scopes: ['payments:read'] });
    const headers = { ...FORGED, ...bearer(key.secret), accept: 'application/json' };
    assert.equal((await call(`${gateway.url}/v1/payments`, { headers })).status, 200);
    const seen = upstream.seen.at(-1)?.headers ?? {};
    assert.ok(!JSON.stringify(seen).includes('forged'), JSON.stringify(seen));
    assert.ok(!JSON.stringify(seen).includes('6.6.6.6'), JSON.stringify(seen));
    assert.deepEqual(Object.keys(seen).toSorted(), [
      'accept',
      'connection',
      'host',
      'x-centra-client-address',
      'x-centra-identity',
      'x-request-id',
    ]);
    const verifier = createVerifier('payment-api', readTrustedKeys(auth.keys.trustedKeys));
    assert.deepEqual(verifier.verifyIdentity(String(seen['x-centra-identity'])), {
      merchantId: key.merchantId,
      mode: 'test',
      actor: `api_key:${key.id}`,
      scopes: ['payments:read'],
    });
    assert.equal(seen['x-centra-client-address'], '127.0.0.1');
  });

  test('the identity is meant for the one service that it is sent to', async () => {
    const { secret } = await auth.createKey();
    await call(`${gateway.url}/v1/providers`, { headers: bearer(secret) });
    const token = String(upstream.seen.at(-1)?.headers['x-centra-identity']);
    const keys = readTrustedKeys(auth.keys.trustedKeys);
    assert.throws(() => createVerifier('payment-api', keys).verifyIdentity(token));
    assert.equal(createVerifier('merchant', keys).verifyIdentity(token).mode, 'test');
  });

  test('without a credential no forged header gets in', async () => {
    const earlier = upstream.seen.length;
    assert.equal((await call(`${gateway.url}/v1/payments`, { headers: FORGED })).status, 401);
    assert.equal(upstream.seen.length, earlier);
  });

  test('a header that the caller wants treated as hop-by-hop is ours all the same', async () => {
    const { secret } = await auth.createKey();
    const headers = { ...bearer(secret), connection: 'close, x-centra-identity, x-request-id' };
    assert.equal((await call(`${gateway.url}/v1/payments`, { headers })).status, 200);
    assert.ok(upstream.seen.at(-1)?.headers['x-centra-identity']);
  });

  test('the key of idempotency and the body travel untouched; the credential does not', async () => {
    const { secret } = await auth.createKey();
    await call(
      `${gateway.url}/v1/charge`,
      jsonPost(secret, { amount: 1 }, { 'idempotency-key': 'a key, with "signs" ~' }),
    );
    const seen = upstream.seen.at(-1);
    assert.equal(seen?.headers['idempotency-key'], 'a key, with "signs" ~');
    assert.equal(seen?.headers.authorization, undefined);
    assert.equal(seen?.body, '{"amount":1}');
    assert.ok(!JSON.stringify(seen).includes(secret));
  });
});

describe('the request id', () => {
  const cases: [string, string | undefined, boolean][] = [
    ['a plain one is kept', 'booking-4711_a', true],
    ['a short one is replaced', 'abc', false],
    ['one with other signs is replaced', 'abcdefgh ijkl', false],
    ['a card number is replaced', '4242424242424242', false],
    ['a missing one is made', undefined, false],
  ];
  for (const [name, given, kept] of cases)
    test(name, async () => {
      const { secret } = await auth.createKey();
      const headers = { ...bearer(secret), ...(given === undefined ? {} : { 'x-request-id': given }) };
      const answer = await call(`${gateway.url}/v1/payments`, { headers });
      const id = String(answer.headers['x-request-id']);
      if (kept) assert.equal(id, given);
      else assert.match(id, /^req_[0-9a-z]{26}$/);
      assert.equal(upstream.seen.at(-1)?.headers['x-request-id'], id);
      assert.ok(gateway.lines.some((line) => line['requestId'] === id && line['status'] === 200));
    });
});

describe('behind trusted proxies the last untrusted hop is the caller', () => {
  let behind: TestGateway;
  before(async () => {
    behind = await startTestGateway(
      auth,
      { paymentApi: upstream.url },
      { TRUSTED_PROXIES: '127.0.0.0/8, 10.1.0.0/16, fd00::/8' },
    );
  });
  after(() => behind.close());
  const cases: [string | undefined, string][] = [
    ['203.0.113.7', '203.0.113.7'],
    ['6.6.6.6, 203.0.113.7', '203.0.113.7'],
    ['6.6.6.6, 203.0.113.7, 10.1.2.3', '203.0.113.7'],
    ['203.0.113.7, fd00::1, 10.1.2.3', '203.0.113.7'],
    ['2001:db8::7', '2001:db8::7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['10.1.2.3', '10.1.2.3'],
    ['garbage', '127.0.0.1'],
    ['6.6.6.6, garbage, 10.1.2.3', '10.1.2.3'],
    [undefined, '127.0.0.1'],
  ];
  for (const [given, expected] of cases)
    test(`X-Forwarded-For: ${given ?? '(none)'} is ${expected}`, async () => {
      const { secret } = await auth.createKey();
      const headers = { ...bearer(secret), ...(given === undefined ? {} : { 'x-forwarded-for': given }) };
      await call(`${behind.url}/v1/payments`, { headers });
      assert.equal(upstream.seen.at(-1)?.headers['x-centra-client-address'], expected);
    });
});
