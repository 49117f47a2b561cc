import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createVerifier, readTrustedKeys } from '@centra/service-kit/service-identity.ts';
import { ROUTES } from '../routes.ts';
import type { Door, Route, UpstreamName } from '../routes.ts';
import { createCredentials } from '../testing/credentials.ts';
import type { Credentials } from '../testing/credentials.ts';
import { startTestGateway } from '../testing/gateway-under-test.ts';
import type { TestGateway } from '../testing/gateway-under-test.ts';
import { call } from '../testing/http-call.ts';
import type { Answer } from '../testing/http-call.ts';
import { startRealAuth } from '../testing/real-auth.ts';
import type { RealAuth } from '../testing/real-auth.ts';
import { pathWithId, requestTo } from '../testing/route-call.ts';
import { startUpstream } from '../testing/upstream-double.ts';
import type { UpstreamDouble } from '../testing/upstream-double.ts';

// Out of the way: hundreds of requests from one address, most of them refused.
const LIMITS = Object.fromEntries(
  ['DEFAULT', 'PAYMENTS', 'ADMIN', 'PERSON', 'CHECKOUT', 'PAGES', 'PUBLIC', 'WEBHOOKS']
    .map((name) => [`LIMIT_${name}_PER_SECOND`, '1000000'])
    .concat([
      ['LIMIT_LOGINS_PER_MINUTE', '1000000'],
      ['LIMIT_UNAUTHENTICATED_PER_MINUTE', '1000000'],
    ]),
);

let auth: RealAuth;
let upstream: UpstreamDouble;
let gateway: TestGateway;
let credentials: Credentials;
before(async () => {
  auth = await startRealAuth();
  upstream = await startUpstream();
  const urls = { paymentApi: upstream.url, merchant: upstream.url };
  gateway = await startTestGateway(auth, urls, { AUTH_URL: upstream.url, ...LIMITS });
  credentials = await createCredentials(auth);
});
after(async () => {
  await gateway.close();
  await upstream.close();
  await auth.stop();
});

type Shown = 'key' | 'token' | 'tokenForNoHotel' | 'clientSecret' | 'nothing' | 'garbage';

const textOf: Record<Shown, () => string | undefined> = {
  key: () => credentials.key.secret,
  token: () => credentials.token,
  tokenForNoHotel: () => credentials.tokenForNoHotel,
  clientSecret: () => credentials.clientSecret,
  nothing: () => undefined,
  garbage: () => 'eyJnYXJiYWdlIjoxfQ.eyJnYXJiYWdlIjoxfQ.Z2FyYmFnZQ',
};

const OPEN = { key: 200, token: 200, tokenForNoHotel: 200, clientSecret: 200, nothing: 200, garbage: 200 };
const SHUT = { key: 401, token: 401, tokenForNoHotel: 401, clientSecret: 401, nothing: 401, garbage: 401 };
const EXPECTED: Record<Door, Record<Shown, number>> = {
  hotel: { ...SHUT, key: 200, token: 200, tokenForNoHotel: 403 },
  staff: { ...SHUT, token: 200, tokenForNoHotel: 403 },
  person: { ...SHUT, token: 200, tokenForNoHotel: 200 },
  guest: { ...SHUT, clientSecret: 200 },
  public: OPEN,
};

async function show(route: Route, shown: Shown): Promise<Answer> {
  return await call(gateway.url + pathWithId(route), requestTo(route, textOf[shown]()));
}

describe('rows 20, 22, 26: each route takes its own kinds of credential, and every other one is the same 401', () => {
  for (const route of ROUTES)
    test(`${route.method} ${route.path} (${route.door})`, async () => {
      for (const shown of [
        'key',
        'token',
        'tokenForNoHotel',
        'clientSecret',
        'nothing',
        'garbage',
      ] as const) {
        const earlier = upstream.seen.length;
        const answer = await show(route, shown);
        const expected = EXPECTED[route.door][shown];
        assert.equal(answer.status, expected, `${shown}: ${answer.text}`);
        assert.equal(upstream.seen.length, earlier + (expected === 200 ? 1 : 0), shown);
        if (expected === 401) assertUnauthenticated(answer);
        if (expected === 403) assert.match(String(answer.json['detail']), /merchant_id/);
      }
    });
});

function assertUnauthenticated(answer: Answer): void {
  assert.equal(answer.headers['www-authenticate'], 'Bearer');
  const { request_id: _id, ...rest } = answer.json;
  assert.deepEqual(rest, {
    type: 'urn:centra-payments:error:unauthenticated',
    title: 'A valid credential is needed.',
    status: 401,
    code: 'unauthenticated',
  });
}

const first = (door: Door): Route => {
  const route = ROUTES.find((each) => each.door === door);
  if (route === undefined) throw new Error(`no route behind ${door}`);
  return route;
};
const verifierOf = (name: UpstreamName) => createVerifier(name, readTrustedKeys(auth.keys.trustedKeys));
const tokenSeen = (): string => String(upstream.seen.at(-1)?.headers['x-centra-identity']);

describe('what the service gets', () => {
  test('of an API key and of a person at the hotel: hotel, mode, actor and what they may do', async () => {
    const { merchantId, key, owner } = credentials;
    const route = first('hotel');
    const verifier = verifierOf(route.upstream);
    await show(route, 'key');
    const byKey = verifier.verifyIdentity(tokenSeen());
    assert.deepEqual(
      { ...byKey, scopes: byKey.scopes.length > 0 },
      { merchantId, mode: 'test', actor: `api_key:${key.id}`, scopes: true },
    );
    await show(route, 'token');
    const { sessionId, ...rest } = verifier.verifyIdentity(tokenSeen());
    assert.match(String(sessionId), /^ses_[0-9a-z]{26}$/);
    assert.deepEqual(
      { ...rest, scopes: rest.scopes.includes('users:write') },
      { merchantId, mode: 'test', actor: `user:${owner.userId}`, scopes: true },
    );
  });

  test('of a person for themselves: who and by which session, whatever hotel; it is no identity at a hotel', async () => {
    const route = first('person');
    const verifier = verifierOf(route.upstream);
    await show(route, 'token');
    const user = verifier.verifyUser(tokenSeen());
    assert.equal(user.userId, credentials.owner.userId);
    assert.match(user.sessionId, /^ses_[0-9a-z]{26}$/);
    assert.throws(() => verifier.verifyIdentity(tokenSeen()));
  });

  test('of a guest: the one payment, and no scope at all', async () => {
    const { merchantId, objectId } = credentials;
    const route = first('guest');
    await show(route, 'clientSecret');
    assert.deepEqual(verifierOf(route.upstream).verifyIdentity(tokenSeen()), {
      merchantId,
      mode: 'test',
      actor: `checkout:${objectId}`,
      scopes: [],
      objectId,
    });
  });

  test('of anyone: only that the request came through this door, whatever was shown', async () => {
    const route = first('public');
    for (const shown of ['nothing', 'key', 'token', 'clientSecret'] as const) {
      await show(route, shown);
      const verifier = verifierOf(route.upstream);
      assert.equal(verifier.verifyService(tokenSeen()), 'api-gateway');
      assert.throws(() => verifier.verifyIdentity(tokenSeen()));
    }
  });

  test('never the credential itself', async () => {
    for (const [door, shown] of [
      ['hotel', 'key'],
      ['staff', 'token'],
      ['person', 'token'],
      ['guest', 'clientSecret'],
    ] as const) {
      await show(first(door), shown);
      const text = String(textOf[shown]());
      assert.ok(!JSON.stringify(upstream.seen.at(-1)).includes(text), door);
      assert.ok(!JSON.stringify(gateway.lines).includes(text), door);
    }
  });
});

async function userAgentSeen(path: string, given: string, credential: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${credential}`, 'user-agent': given };
  assert.equal((await call(gateway.url + path, { headers })).status, 200);
  return upstream.seen.at(-1)?.headers['user-agent'];
}

describe('the browser of a person', () => {
  const me = { method: 'GET', path: '/v1/auth/me' };

  test('is told to auth, shortened and without what moves a cursor', async () => {
    const { token } = credentials;
    assert.equal(await userAgentSeen(me.path, 'Mozilla/5.0 (X11)', token), 'Mozilla/5.0 (X11)');
    assert.equal(await userAgentSeen(me.path, 'a\tb\u0085c', token), 'abc');
    assert.equal(await userAgentSeen(me.path, 'x'.repeat(5_000), token), 'x'.repeat(200));
  });

  test('is told to no other service', async () => {
    assert.equal(await userAgentSeen('/v1/payments', 'Mozilla/5.0', credentials.key.secret), undefined);
  });
});
