import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { waitFor } from '@centra/testkit/pause.ts';
import { startTestGateway } from '../testing/gateway-under-test.ts';
import type { LogLine, TestGateway } from '../testing/gateway-under-test.ts';
import { bearer, call, jsonPost, sendRaw } from '../testing/http-call.ts';
import { startRealAuth } from '../testing/real-auth.ts';
import type { RealAuth } from '../testing/real-auth.ts';
import { startUpstream } from '../testing/upstream-double.ts';
import type { UpstreamDouble } from '../testing/upstream-double.ts';

// Published test numbers.
const CARD = '4242424242424242';
const SPACED = '5555 5555 5555 4444';

let auth: RealAuth;
let upstream: UpstreamDouble;
let gateway: TestGateway;
let secret: string;
before(async () => {
  auth = await startRealAuth();
  upstream = await startUpstream();
  gateway = await startTestGateway(auth, { paymentApi: upstream.url });
  ({ secret } = await auth.createKey());
});
after(async () => {
  await gateway.close();
  await upstream.close();
  await auth.stop();
});

async function lineOf(requestId: unknown): Promise<LogLine> {
  return await waitFor('the log line', async () =>
    gateway.lines.find((line) => line['requestId'] === requestId && line['message'] === 'request'),
  );
}

test('one line tells a request from door to answer, without its body, query or credential', async () => {
  upstream.answerWith((_request, response) => {
    response.writeHead(201, { 'idempotent-replayed': 'true', 'content-type': 'application/json' });
    response.end('{"secret_answer":1}');
  });
  const options = jsonPost(secret, { secret_field: 1 }, { 'x-request-id': 'request-one' });
  await call(`${gateway.url}/api/v1/charge?secret_query=1`, options);
  const { raw, durationMs, bytes, merchantId, actor, ...line } = await lineOf('request-one');
  assert.deepEqual(line, {
    level: 'info',
    message: 'request',
    requestId: 'request-one',
    method: 'POST',
    route: '/v1/charge',
    path: '/api/v1/charge',
    status: 201,
    address: '127.0.0.1',
    mode: 'test',
    upstream: 'payment-api',
    replayed: true,
  });
  assert.ok(Number(durationMs) > 0);
  assert.ok(Number(bytes) > 100);
  assert.match(String(merchantId), /^[0-9a-f-]{36}$/);
  assert.match(String(actor), /^api_key:key_/);
  for (const hidden of ['secret_field', 'secret_answer', 'secret_query', secret])
    assert.ok(!String(raw).includes(hidden));
  assert.equal(gateway.lines.filter((each) => each['requestId'] === 'request-one').length, 1);
});

describe('row 53: a card number in the URL or the Idempotency-Key is 422, and is nowhere in the log', () => {
  const encoded = CARD.replaceAll(/\d/g, '%3$&');
  const urls: [string, string][] = [
    ['in the path', `/v1/payments/${CARD}`],
    ['with dashes', '/v1/payments/4242-4242-4242-4242'],
    ['in the query', `/v1/payments?booking_reference=${CARD}`],
    ['with spaces', `/v1/payments?q=${SPACED.replaceAll(' ', '%20')}`],
    ['with pluses', `/v1/payments?q=${SPACED.replaceAll(' ', '+')}`],
    ['percent-encoded', `/v1/payments?q=${encoded}`],
    ['encoded twice', `/v1/payments?q=${encoded.replaceAll('%', '%25')}`],
    ['beside a broken encoding', `/v1/payments?q=%E0${encoded}`],
    ['on an unknown path', `/nowhere/${CARD}`],
  ];
  for (const [name, url] of urls)
    test(name, async () => {
      const earlier = upstream.seen.length;
      const answer = await call(gateway.url + url, { headers: bearer(secret) });
      assert.equal(answer.status, 422);
      assert.equal(answer.json['code'], 'card_data_not_allowed');
      assert.equal(upstream.seen.length, earlier);
      const line = await lineOf(answer.headers['x-request-id']);
      assert.equal(line['path'], '[card number]');
      assert.ok(!answer.text.includes('4242') && !String(line['raw']).includes('4242'));
    });

  test('in the Idempotency-Key', async () => {
    const answer = await call(
      `${gateway.url}/v1/charge`,
      jsonPost(secret, {}, { 'idempotency-key': `order ${SPACED}` }),
    );
    assert.equal(answer.status, 422);
    assert.ok(!gateway.lines.some((line) => String(line['raw']).includes('5555')));
  });

  test('a number that is no card passes', async () => {
    const url = `${gateway.url}/v1/payments?booking_reference=4242424242424241`;
    assert.notEqual((await call(url, { headers: bearer(secret) })).status, 422);
  });
});

describe('a key or secret in a path is nowhere in the log', () => {
  const stripeKey = `sk_test_${'51AbCdEf'.repeat(6)}`;
  const paths: [string, () => string][] = [
    ['an API key on an unknown path', () => `/v1/${secret}`],
    ['an API key in the place of an id', () => `/v1/payments/${secret}/capture`],
    ["a provider's key", () => `/v1/payments/${stripeKey}`],
    ['a webhook secret', () => `/v1/webhooks/stripe/whsec_${'0a1b2c3d'.repeat(4)}`],
    ['an API key where a line of the log ends', () => `/v1/${'a'.repeat(200)}/${secret}`],
  ];
  for (const [name, pathOf] of paths)
    test(name, async () => {
      const answer = await call(gateway.url + pathOf(), { headers: bearer(secret) });
      const line = await lineOf(answer.headers['x-request-id']);
      assert.match(String(line['path']), /\[secret\]/);
      for (const hidden of [secret.slice(8), stripeKey.slice(8), '0a1b2c3d'])
        assert.ok(!String(line['raw']).includes(hidden));
    });

  test("a provider's key that is sent as the request's id", async () => {
    const headers = { ...bearer(secret), 'x-request-id': stripeKey };
    const answer = await call(`${gateway.url}/v1/payments`, { headers });
    assert.match(String(answer.headers['x-request-id']), /^req_/);
    assert.ok(!gateway.lines.some((line) => String(line['raw']).includes(stripeKey)));
  });
});

describe('row 55: what a caller sends cannot write a second line or rewrite a screen', () => {
  const cases: [string, string][] = [
    ['encoded CR and LF', '/a%0d%0a{"message":"forged"}'],
    ['ANSI escape', '/a\u001b[2Kforged'],
    ['bidi mark', '/a\u202eforged'],
    ['C1 control', '/a\u009bforged'],
  ];
  for (const [name, path] of cases)
    test(name, async () => {
      const earlier = gateway.lines.length;
      await sendRaw(
        gateway.port,
        Buffer.from(`GET ${path} HTTP/1.1\r\nHost: a\r\nX-User: \u202e\r\nConnection: close\r\n\r\n`, 'utf8'),
      );
      await waitFor('the log line', async () => (gateway.lines.length > earlier ? true : undefined));
      const added = gateway.lines.slice(earlier);
      assert.equal(added.length, 1);
      assert.match(String(added[0]?.['raw']), /^[\x20-\x7e]+$/);
      assert.notEqual(added[0]?.['message'], 'forged');
    });
});

test('a caller that goes away is logged as 499, and the service is told', async () => {
  let closed = false;
  upstream.answerWith((request) => {
    request.socket.once('close', () => (closed = true));
  });
  const abort = new AbortController();
  const headers = { ...bearer(secret), 'x-request-id': 'request-gone' };
  const seen = upstream.seen.length;
  const gone = fetch(`${gateway.url}/v1/payments`, { headers, signal: abort.signal }).catch(() => undefined);
  await waitFor('the request to arrive', async () => (upstream.seen.length > seen ? true : undefined));
  abort.abort();
  await gone;
  const line = await lineOf('request-gone');
  assert.equal(line['status'], 499);
  assert.equal(line['outcome'], undefined);
  await waitFor('the service to see it', async () => (closed ? true : undefined));
});

test('metrics count by route pattern, never by raw path', async () => {
  await call(`${gateway.url}/v1/payments/pay_unique1`, { headers: bearer(secret), method: 'DELETE' });
  await call(`${gateway.url}/nowhere/unique2`, { headers: bearer(secret), method: 'UNLOCK' });
  const { text } = await call(`${gateway.opsUrl}/metrics`);
  const counted = text.split('\n').filter((line) => line.startsWith('centra_request_duration_seconds_count'));
  assert.match(counted.join('\n'), /route="unmatched",method="other",status="404"/);
  assert.ok(!text.includes('unique'));
});
