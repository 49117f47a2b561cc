import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SCOPES } from '@centra/service-kit/permissions.ts';
import { ROUTES } from '../routes.ts';
import { createCredentials, opening } from '../testing/credentials.ts';
import type { Credentials } from '../testing/credentials.ts';
import { startTestGateway } from '../testing/gateway-under-test.ts';
import type { TestGateway } from '../testing/gateway-under-test.ts';
import { bearer, call, rawStatus, sendRaw } from '../testing/http-call.ts';
import { startRealAuth } from '../testing/real-auth.ts';
import type { RealAuth } from '../testing/real-auth.ts';
import { createPerson, logIn } from '../testing/real-person.ts';
import { pathWithId, requestTo } from '../testing/route-call.ts';
import { startUpstream } from '../testing/upstream-double.ts';
import type { UpstreamDouble } from '../testing/upstream-double.ts';

let auth: RealAuth;
let paymentApi: UpstreamDouble;
let merchant: UpstreamDouble;
let authHttp: UpstreamDouble;
let gateway: TestGateway;
let secret: string;
let credentials: Credentials;
/** Of a person whose role allows nothing but reading and making payments. */
let staffToken: string;
before(async () => {
  auth = await startRealAuth();
  [paymentApi, merchant, authHttp] = [await startUpstream(), await startUpstream(), await startUpstream()];
  const urls = { paymentApi: paymentApi.url, merchant: merchant.url };
  gateway = await startTestGateway(auth, urls, {
    AUTH_URL: authHttp.url,
    LIMIT_ADMIN_PER_SECOND: '1000',
    LIMIT_PERSON_PER_SECOND: '1000',
  });
  credentials = await createCredentials(auth);
  ({ secret } = credentials.key);
  const { merchantId } = credentials;
  staffToken = await logIn(auth, await createPerson(auth, { merchantId, role: 'staff' }), merchantId);
});
after(async () => {
  await gateway.close();
  await Promise.all([paymentApi.close(), merchant.close(), authHttp.close()]);
  await auth.stop();
});

const ID = 'pay_01jd0000000000000000000000';
describe('every route reaches its service, and only that one', () => {
  for (const route of ROUTES)
    test(`${route.method} ${route.path}`, async () => {
      const path = `${pathWithId(route)}?limit=2&x=%20y`;
      const doubles = { 'payment-api': paymentApi, merchant, auth: authHttp };
      const earlier = Object.values(doubles).map((double) => double.seen.length);
      const answer = await call(gateway.url + path, requestTo(route, opening(route.door, credentials)));
      assert.equal(answer.status, 200);
      const later = Object.values(doubles).map((double) => double.seen.length);
      assert.equal(
        later.reduce((sum, each) => sum + each),
        earlier.reduce((sum, each) => sum + each) + 1,
      );
      const seen = doubles[route.upstream].seen.at(-1);
      assert.deepEqual(
        { method: seen?.method, url: seen?.url, body: seen?.body },
        { method: route.method, url: path, body: route.body === 'none' ? '' : '{"a":1}' },
      );
    });

  for (const route of ROUTES.filter(({ door }) => door === 'hotel' || door === 'staff'))
    test(`${route.method} ${route.path} without its scope is 403 and reaches nothing`, async () => {
      const scopes = SCOPES.filter((scope) => scope !== route.scope);
      const text = route.door === 'staff' ? staffToken : (await auth.createKey({ scopes })).secret;
      const earlier = paymentApi.seen.length + merchant.seen.length + authHttp.seen.length;
      const answer = await call(gateway.url + pathWithId(route), requestTo(route, text, '{}'));
      assert.equal(answer.status, 403);
      assert.equal(answer.json['required_scope'], route.scope);
      assert.equal(paymentApi.seen.length + merchant.seen.length + authHttp.seen.length, earlier);
    });
});

test('/api/v1 is an alias of /v1', async () => {
  const answer = await call(`${gateway.url}/api/v1/payments/${ID}?a=1`, { headers: bearer(secret) });
  assert.equal(answer.json['url'], `/v1/payments/${ID}?a=1`);
});

test('HEAD is GET without a body', async () => {
  const answer = await call(`${gateway.url}/v1/payments`, { method: 'HEAD', headers: bearer(secret) });
  assert.equal(answer.status, 200);
  assert.equal(answer.text, '');
  assert.equal(paymentApi.seen.at(-1)?.method, 'HEAD');
});

describe('row 10: another spelling of a path is 404 and reaches nothing', () => {
  const spellings = [
    '//v1/payments',
    '/v1//payments',
    '/v1/payments/',
    '/V1/payments',
    '/v1/Payments',
    '/v1/payments;x',
    '/v1/payments;x=1/' + ID,
    '/v1/payments%2F' + ID,
    '/v1%2fpayments',
    '/v1/%70ayments',
    '/v1/payments/%2e%2e/session',
    '/v1/payments/../session',
    '/v1/./payments',
    '/v1/payments/' + ID + '/x',
    '/v1/payments/' + ID + '%00',
    '/v1/payments/' + 'a'.repeat(65),
    '/v1/payments\\' + ID,
    '/v1/payments/:id',
    '/api/v1/api/v1/payments',
    '/api//v1/payments',
    '/API/v1/payments',
    '/api/v2/payments',
    '/v1/charges',
    '/v1',
    '/',
    '/v1/payments#a',
    '/HEALTH',
    '/health/',
    '/metrics',
    '/ready',
  ];
  for (const path of spellings)
    test(path, async () => {
      const earlier = paymentApi.seen.length + merchant.seen.length + authHttp.seen.length;
      const head = `Host: a\r\nAuthorization: Bearer ${secret}\r\nConnection: close\r\n`;
      assert.equal(rawStatus(await sendRaw(gateway.port, `GET ${path} HTTP/1.1\r\n${head}\r\n`)), 404);
      assert.equal(paymentApi.seen.length + merchant.seen.length + authHttp.seen.length, earlier);
    });
});

describe('405 names the methods that the path takes', () => {
  const cases: [string, string, string][] = [
    ['GET', '/v1/charge', 'POST, OPTIONS'],
    ['PUT', '/v1/payments', 'GET, HEAD, POST, OPTIONS'],
    ['PATCH', `/v1/provider-accounts/${ID}`, 'GET, HEAD, DELETE, POST, OPTIONS'],
    ['DELETE', '/v1/provider-accounts', 'POST, GET, HEAD, OPTIONS'],
    ['POST', '/health', 'GET, HEAD'],
  ];
  for (const [method, path, allow] of cases)
    test(`${method} ${path}`, async () => {
      const answer = await call(gateway.url + path, { method, headers: bearer(secret) });
      assert.equal(answer.status, 405);
      assert.equal(answer.headers.allow, allow);
      assert.equal(answer.json['code'], 'method_not_allowed');
    });
});

test('the security headers stand on answers and on refusals alike', async () => {
  for (const path of ['/v1/payments', '/nothing', '/health']) {
    const { headers } = await call(gateway.url + path, { headers: bearer(secret) });
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.match(headers['strict-transport-security'] ?? '', /max-age=\d{8}/, path);
    assert.equal(headers['cache-control'], 'no-store', path);
    assert.match(
      String(headers['content-security-policy']),
      /default-src 'none'.*frame-ancestors 'none'/,
      path,
    );
    assert.equal(headers['referrer-policy'], 'no-referrer', path);
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin', path);
    assert.equal(headers.vary, 'Origin', path);
    assert.ok(headers['permissions-policy'], path);
    assert.equal(headers['x-powered-by'], undefined, path);
  }
});

test('a service may say something else about caching, and nothing about our other headers', async () => {
  paymentApi.answerWith((_request, response) => {
    response.writeHead(200, {
      'cache-control': 'private, max-age=5',
      'x-content-type-options': 'other',
      'x-powered-by': 'Someone',
      server: 'someone',
      'x-internal-host': '10.0.0.7',
      'set-cookie': 'a=1',
      'access-control-allow-origin': '*',
      'idempotent-replayed': 'true',
    });
    response.end('{}');
  });
  const { headers } = await call(`${gateway.url}/v1/payments`, { headers: bearer(secret) });
  assert.equal(headers['cache-control'], 'private, max-age=5');
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['idempotent-replayed'], 'true');
  for (const name of [
    'x-powered-by',
    'server',
    'x-internal-host',
    'set-cookie',
    'access-control-allow-origin',
  ])
    assert.equal(headers[name], undefined, name);
});
