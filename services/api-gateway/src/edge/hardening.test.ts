import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { waitFor } from '@centra/testkit/pause.ts';
import { startTestGateway } from '../testing/gateway-under-test.ts';
import type { TestGateway } from '../testing/gateway-under-test.ts';
import { bearer, call, jsonPost, rawStatus, sendRaw } from '../testing/http-call.ts';
import { startRealAuth } from '../testing/real-auth.ts';
import type { RealAuth } from '../testing/real-auth.ts';
import { startUpstream } from '../testing/upstream-double.ts';
import type { UpstreamDouble } from '../testing/upstream-double.ts';

let auth: RealAuth;
let upstream: UpstreamDouble;
let gateway: TestGateway;
let secret: string;
before(async () => {
  auth = await startRealAuth();
  upstream = await startUpstream();
  gateway = await startTestGateway(auth, { paymentApi: upstream.url, merchant: upstream.url });
  ({ secret } = await auth.createKey());
});
after(async () => {
  await gateway.close();
  await upstream.close();
  await auth.stop();
});

/** The refusal must be ours, in our words, and nothing may have reached a service. */
async function assertRawRefusal(bytes: string, status: number): Promise<void> {
  const earlier = upstream.seen.length;
  const answer = await sendRaw(gateway.port, bytes);
  assert.equal(rawStatus(answer), status, answer.slice(0, 200));
  assert.match(answer, /content-type: application\/problem\+json/i);
  assert.match(answer, /x-request-id: req_/i);
  assert.match(answer, /x-content-type-options: nosniff/i);
  assert.match(answer, /connection: close/i);
  assert.equal(upstream.seen.length, earlier, 'it reached a service');
}

const HEAD = `POST /v1/charge HTTP/1.1\r\nHost: a\r\n`;

describe('row 1: messages that two parsers could read differently are 400 and end the connection', () => {
  const cases: [string, string][] = [
    [
      'Content-Length with Transfer-Encoding',
      `${HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['two Content-Lengths', `${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`],
    ['space before the colon', `${HEAD}Content-Length : 2\r\n\r\n{}`],
    ['obs-fold', `${HEAD}X-A: 1\r\n  2\r\nContent-Length: 2\r\n\r\n{}`],
    ['bare LF', `POST /v1/charge HTTP/1.1\nHost: a\nContent-Length: 2\n\n{}`],
    ['unknown Transfer-Encoding', `${HEAD}Transfer-Encoding: gzip\r\n\r\n{}`],
    [
      'double Transfer-Encoding',
      `${HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    ],
    ['Content-Length -1', `${HEAD}Content-Length: -1\r\n\r\n{}`],
    ['Content-Length +1', `${HEAD}Content-Length: +1\r\n\r\n{`],
    [
      'chunk size of junk',
      `${HEAD}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
    ],
  ];
  for (const [name, bytes] of cases) test(name, async () => await assertRawRefusal(bytes, 400));

  test('no Host', async () => {
    const answer = await sendRaw(gateway.port, 'GET /health HTTP/1.1\r\n\r\n');
    assert.equal(rawStatus(answer), 400);
  });

  test('a second request hidden in a refused one is never read', async () => {
    const hidden = 'GET /health HTTP/1.1\r\nHost: a\r\n\r\n';
    const answer = await sendRaw(
      gateway.port,
      `${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}${hidden}`,
    );
    assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1);
  });
});

test('row 2: a 20 KB header is 431', async () => {
  await assertRawRefusal(`GET /health HTTP/1.1\r\nHost: a\r\nX-Big: ${'a'.repeat(20_480)}\r\n\r\n`, 431);
});

describe('row 3: two Host headers and absolute targets are 400', () => {
  const close = 'Connection: close\r\n\r\n';
  const cases: [string, string][] = [
    ['two Host headers', `GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n${close}`],
    ['two Host headers that agree', `GET /health HTTP/1.1\r\nHost: a\r\nhost: a\r\n${close}`],
    ['absolute target', `GET http://169.254.169.254/ HTTP/1.1\r\nHost: a\r\n${close}`],
    ['absolute target with our path', `GET http://a/health HTTP/1.1\r\nHost: a\r\n${close}`],
    ['asterisk', `OPTIONS * HTTP/1.1\r\nHost: a\r\n${close}`],
    [
      'two credentials',
      `GET /v1/payments HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n${close}`,
    ],
    [
      'two Idempotency-Keys',
      `GET /v1/payments HTTP/1.1\r\nHost: a\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\n${close}`,
    ],
  ];
  for (const [name, bytes] of cases) test(name, async () => await assertRawRefusal(bytes, 400));
});

describe('row 4: TRACE and CONNECT are 405 with Allow', () => {
  for (const [name, bytes] of [
    ['TRACE', 'TRACE /v1/payments HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['CONNECT', 'CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: a\r\n\r\n'],
  ] as const)
    test(name, async () => {
      await assertRawRefusal(bytes, 405);
      assert.match(await sendRaw(gateway.port, bytes), /allow: GET, HEAD, POST, DELETE, OPTIONS/i);
    });

  test('Upgrade is ignored: the request is answered as any other', async () => {
    const head = `Host: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n`;
    const answer = await sendRaw(gateway.port, `GET /v1/payments HTTP/1.1\r\n${head}\r\n`);
    assert.equal(rawStatus(answer), 401);
  });
});

const url = (): string => `${gateway.url}/v1/charge`;

describe('row 5: bodies', () => {
  test('a declared length over 256 KiB is 413 at once, before the body and before any credential', async () => {
    await assertRawRefusal(`${HEAD}Content-Type: application/json\r\nContent-Length: 262145\r\n\r\n`, 413);
  });

  test('exactly 256 KiB passes, whole', async () => {
    const text = 'a'.repeat(262_142);
    const answer = await call(url(), jsonPost(secret, text));
    assert.equal(answer.status, 200);
    assert.equal(upstream.seen.at(-1)?.body, JSON.stringify(text));
  });

  test('a chunked body over 256 KiB is 413, and the request to the service is cut', async () => {
    const { cut, seen } = { cut: upstream.cut, seen: upstream.seen.length };
    const head = `${HEAD}Authorization: Bearer ${secret}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const chunk = `10000\r\n${'a'.repeat(0x10000)}\r\n`;
    const answer = await sendRaw(gateway.port, head + chunk.repeat(5));
    assert.equal(rawStatus(answer), 413, answer.slice(0, 200));
    await waitFor('the service to see the cut', async () => (upstream.cut > cut ? true : undefined));
    assert.equal(upstream.seen.length, seen);
  });

  test('a chunked body under the limit passes, whole', async () => {
    const head = `${HEAD}Authorization: Bearer ${secret}\r\nContent-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const answer = await sendRaw(gateway.port, `${head}5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n`);
    assert.equal(rawStatus(answer), 200, answer);
    assert.equal(upstream.seen.at(-1)?.body, '{"a":1}');
  });

  for (const [name, headers] of Object.entries({
    'no content type': {},
    'text/plain': { 'content-type': 'text/plain' },
    form: { 'content-type': 'application/x-www-form-urlencoded' },
    'another charset': { 'content-type': 'application/json; charset=utf-16' },
    'a look-alike': { 'content-type': 'application/json-patch+json' },
    gzip: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    'identity encoding': { 'content-type': 'application/json', 'content-encoding': 'identity' },
  }))
    test(`415: ${name}`, async () => {
      const earlier = upstream.seen.length;
      const answer = await call(url(), {
        method: 'POST',
        headers: { ...bearer(secret), ...headers },
        body: '{}',
      });
      assert.equal(answer.status, 415);
      assert.equal(answer.json['code'], 'unsupported_media_type');
      assert.equal(upstream.seen.length, earlier);
    });

  test('a charset of utf-8 is taken', async () => {
    const headers = { 'content-type': 'application/json; charset=UTF-8' };
    assert.equal((await call(url(), jsonPost(secret, {}, headers))).status, 200);
  });

  test('a body where none belongs is 400', async () => {
    const answer = await call(`${gateway.url}/v1/payments`, {
      headers: { ...bearer(secret), 'content-length': '2' },
      body: '{}',
    });
    assert.equal(answer.status, 400);
  });

  test('a body that may be left out may be left out', async () => {
    const path = '/v1/provider-accounts/pa_01jd0000000000000000000000/test';
    const answer = await call(gateway.url + path, { method: 'POST', headers: bearer(secret) });
    assert.equal(answer.status, 200);
  });
});

describe('row 9: whoever sends slowly is answered 408 within 15 s', { concurrency: true }, () => {
  const cases: [string, () => string][] = [
    ['headers', () => 'GET /v1/payments HTTP/1.1\r\nHost: a\r\nX-Slow: '],
    [
      'body',
      () =>
        `${HEAD}Authorization: Bearer ${secret}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`,
    ],
  ];
  for (const [name, bytes] of cases)
    test(`slow ${name}`, async () => {
      const socket = connect(gateway.port, '127.0.0.1');
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
      // A byte each second: the connection is never idle.
      const drip = setInterval(() => socket.writable && socket.write(' '), 1_000);
      socket.write(bytes());
      socket.on('error', () => {});
      await once(socket, 'close');
      clearInterval(drip);
      assert.equal(rawStatus(text), 408, text.slice(0, 300));
      assert.match(text, /"code":"request_timeout"/);
    });
});
