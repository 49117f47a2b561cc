import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { envToLimits, withQuotas } from '../limits.ts';
import type { CountedPer } from '../limits.ts';
import { ROUTES } from '../routes.ts';
import type { Door } from '../routes.ts';
import { clientSecret, createCredentials } from '../testing/credentials.ts';
import type { Credentials } from '../testing/credentials.ts';
import { startTestGateway } from '../testing/gateway-under-test.ts';
import type { TestGateway } from '../testing/gateway-under-test.ts';
import { bearer, call, jsonPost } from '../testing/http-call.ts';
import { startRealAuth } from '../testing/real-auth.ts';
import type { RealAuth } from '../testing/real-auth.ts';
import { createPerson, logIn } from '../testing/real-person.ts';
import { startUpstream } from '../testing/upstream-double.ts';
import type { UpstreamDouble } from '../testing/upstream-double.ts';

const COUNTED: Record<Door, readonly CountedPer[]> = {
  hotel: ['merchant'],
  staff: ['merchant'],
  person: ['person'],
  guest: ['object'],
  public: ['address', 'page'],
};

test('every route is counted for whoever its door knows', () => {
  const limits = envToLimits({});
  for (const { method, path, door, limit } of ROUTES)
    assert.ok(COUNTED[door].includes(limits[limit].per), `${method} ${path}`);
});

describe('a hotel’s quotas in the table', () => {
  const limits = envToLimits({});
  const policy = '"payments";q=7;w=1, "payments-hour";q=10000;w=3600';

  test('replace those of the same name and leave the rest', () => {
    const own = withQuotas(limits, [{ name: 'payments', quota: 7 }]);
    assert.equal(own.payments.policy, policy);
    assert.equal(own.default.policy, limits.default.policy);
    assert.equal(limits.payments.policy, '"payments";q=20;w=1, "payments-hour";q=10000;w=3600');
  });

  test('other names, limits that are not the hotel’s, and quotas out of range change nothing', () => {
    const own = withQuotas(limits, [
      { name: 'logins', quota: 1_000_000 },
      { name: 'unauthenticated', quota: 1_000_000 },
      { name: 'constructor', quota: 5 },
      { name: 'payments', quota: 0 },
      { name: 'default', quota: 1.5 },
      { name: 'admin', quota: 1_000_001 },
    ]);
    assert.deepEqual(own, limits);
    assert.equal(withQuotas(limits, []), limits);
  });
});

describe('who shares a count', () => {
  let auth: RealAuth;
  let upstream: UpstreamDouble;
  let gateway: TestGateway;
  let credentials: Credentials;
  before(async () => {
    auth = await startRealAuth();
    upstream = await startUpstream();
    gateway = await startTestGateway(
      auth,
      { paymentApi: upstream.url },
      { AUTH_URL: upstream.url, TRUSTED_PROXIES: '127.0.0.1', LIMIT_LOGINS_PER_MINUTE: '4' },
    );
    credentials = await createCredentials(auth);
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
    await auth.stop();
  });

  async function remaining(path: string, headers: Record<string, string>): Promise<[number, string]> {
    const answer = await call(gateway.url + path, { headers });
    assert.equal(answer.status, 200, answer.text);
    const [, rest = ''] = /;r=(\d+);/.exec(String(answer.headers['ratelimit'])) ?? [];
    return [Number(rest), String(answer.headers['ratelimit-policy'])];
  }

  test('a person is counted by themselves, whatever token and hotel', async () => {
    const { owner, merchantId } = credentials;
    const other = await createPerson(auth, { merchantId });
    const tokens = [await logIn(auth, owner), await logIn(auth, owner, merchantId)];
    const policies = new Set<string>();
    let least = Number.POSITIVE_INFINITY;
    // Two in one second somewhere: the window is a second long, so the pair is tried until it falls into one.
    for (let round = 0; round < 50 && least > 8; round += 1)
      for (const token of tokens) {
        const [rest, policy] = await remaining('/v1/auth/me', bearer(token));
        policies.add(policy);
        least = Math.min(least, rest);
      }
    assert.ok(least <= 8, `${least}`);
    assert.deepEqual([...policies], ['"person";q=10;w=1']);
    const [rest] = await remaining('/v1/auth/me', bearer(await logIn(auth, other)));
    assert.equal(rest, 9);
  });

  test('a guest is counted by their payment', async () => {
    const { merchantId, objectId, clientSecret: secret } = credentials;
    const path = `/v1/checkout/payments/${objectId}`;
    assert.equal((await remaining(path, bearer(secret)))[1], '"checkout";q=5;w=1');
    const elsewhere = clientSecret(auth, {
      merchantId,
      mode: 'test',
      objectId: toPublicId('pay', newUuid()),
    });
    const answers = await Promise.all(
      Array.from({ length: 12 }, async () => await call(gateway.url + path, { headers: bearer(secret) })),
    );
    assert.ok(answers.some(({ status }) => status === 429));
    assert.equal((await remaining(path, bearer(elsewhere)))[0], 4);
  });

  async function post(path: string, from: string): Promise<number> {
    const options = jsonPost('', {}, { 'x-forwarded-for': from });
    return (await call(gateway.url + path, options)).status;
  }

  test('log-ins of one address count together over all paths, and another address is not affected', async () => {
    const statuses = [];
    for (const path of ['login', 'password/forgot', 'register', 'refresh', 'login', 'verify-email'])
      statuses.push(await post(`/v1/auth/${path}`, '203.0.113.5'));
    assert.deepEqual(statuses, [200, 200, 200, 200, 429, 429]);
    assert.equal(await post('/v1/auth/login', '203.0.113.6'), 200);
  });
});
