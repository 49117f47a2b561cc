import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createVerifier, readTrustedKeys } from '@centra/service-kit/service-identity.ts';
import { pause } from '@centra/service-kit/loop.ts';
import { BODY_MAX_BYTES } from '@centra/service-kit/http.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { startTestGateway } from '../testing/gateway-under-test.ts';
import type { TestGateway } from '../testing/gateway-under-test.ts';
import { bearer, call, jsonPost, rawStatus, sendRaw } from '../testing/http-call.ts';
import type { Answer } from '../testing/http-call.ts';
import { metric } from '../testing/payment-calls.ts';
import { startRealAuth } from '../testing/real-auth.ts';
import type { RealAuth } from '../testing/real-auth.ts';
import { startUpstream } from '../testing/upstream-double.ts';
import type { Handler, UpstreamDouble } from '../testing/upstream-double.ts';
import { withUpstream } from '../testing/with-upstream.ts';

const WEBHOOK = '/v1/webhooks/stripe/pa_01jd0000000000000000000000';
const CHALLENGE = '/v1/simulator/challenges/ch4llenge_Token-0123456789abcdef';
const SIGNATURE = 't=1772357400,v1=5f0c,v1=aa11,v0=zz';
const received: Handler = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end('{"received":true}');
};
const cut: Handler = (request) => void request.socket.destroy();
const isOpen = async (of: TestGateway): Promise<number> =>
  await metric(of, 'centra_gateway_breaker_state{upstream="payment-api"');

let auth: RealAuth;
let upstream: UpstreamDouble;
let gateway: TestGateway;
before(async () => {
  auth = await startRealAuth();
  upstream = await startUpstream(received);
  gateway = await startTestGateway(auth, { paymentApi: upstream.url });
});
beforeEach(() => upstream.answerWith(received));
after(async () => {
  await gateway.close();
  await upstream.close();
  await auth.stop();
});

const event = (body: string, headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers: {
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'stripe-signature': SIGNATURE,
    ...headers,
  },
  body,
});
const post = async (path: string, body = '{}', headers: Record<string, string> = {}): Promise<Answer> =>
  await call(gateway.url + path, event(body, headers));

describe('a webhook passes as it came', () => {
  const bodies: [string, Buffer][] = [
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0xc3, 0x28, 0x7d])],
    ['white space that no serialiser would write', Buffer.from('\r\n{ "a" :\t1 ,\n\n"b":2}  \n')],
    ['the same key twice, and a number beyond 2^53', Buffer.from('{"a":1,"a":12345678901234567890}')],
    ['a byte order mark', Buffer.from('\uFEFF{}')],
    ['what looks like a card number', Buffer.from('{"number":"4242 4242 4242 4242"}')],
    ['nothing at all', Buffer.alloc(0)],
    ['256 KiB', Buffer.alloc(BODY_MAX_BYTES, '[')],
  ];
  for (const [what, bytes] of bodies)
    for (const framing of ['length', 'chunked'] as const)
      test(`${what}, sent by ${framing}`, async () => {
        const head = `POST ${WEBHOOK} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nStripe-Signature: ${SIGNATURE}\r\n`;
        const chunk = Buffer.concat([
          Buffer.from(`${bytes.length.toString(16)}\r\n`),
          bytes,
          Buffer.from('\r\n'),
        ]);
        const answer = await sendRaw(
          gateway.port,
          framing === 'length'
            ? Buffer.concat([Buffer.from(`${head}Content-Length: ${bytes.length}\r\n\r\n`), bytes])
            : Buffer.concat([
                Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n`),
                ...(bytes.length === 0 ? [] : [chunk]),
                Buffer.from('0\r\n\r\n'),
              ]),
        );
        assert.equal(rawStatus(answer), 200, answer);
        const seen = upstream.seen.at(-1);
        assert.ok(seen !== undefined && seen.bytes.equals(bytes), seen?.body.slice(0, 200));
        assert.equal(seen.headers['stripe-signature'], SIGNATURE);
        assert.equal(seen.url, WEBHOOK);
      });

  test('without a credential, whatever one is sent, and to the address of all accounts too', async () => {
    for (const path of [WEBHOOK, '/v1/stripe/events', `/api${WEBHOOK}`])
      for (const headers of [{}, bearer('ck_test_nonsense'), { authorization: 'Basic x' }])
        assert.equal((await post(path, '{}', headers)).status, 200, path);
    assert.equal(upstream.seen.at(-1)?.headers.authorization, undefined);
  });

  test('whichever JSON type a provider names; 415 for another or none', async () => {
    for (const type of [
      'application/json',
      'application/json;charset=iso-8859-1',
      'Application/Cloudevents+JSON',
    ])
      assert.equal((await post(WEBHOOK, '{}', { 'content-type': type })).status, 200, type);
    const earlier = upstream.seen.length;
    for (const type of ['', 'text/plain', 'application/jsonx', 'application/x-www-form-urlencoded'])
      assert.equal((await post(WEBHOOK, '{}', { 'content-type': type })).status, 415, type);
    assert.equal((await post(WEBHOOK, '{}', { 'content-encoding': 'gzip' })).status, 415);
    assert.equal(upstream.seen.length, earlier);
  });

  test('413 for one byte more than 256 KiB', async () => {
    assert.equal((await post(WEBHOOK, '['.repeat(BODY_MAX_BYTES + 1))).status, 413);
  });

  test('400 for two signatures: services would differ on which counts', async () => {
    const earlier = upstream.seen.length;
    const head = `POST ${WEBHOOK} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n`;
    const answer = await sendRaw(
      gateway.port,
      `${head}Stripe-Signature: ${SIGNATURE}\r\nStripe-Signature: t=1\r\n\r\n{}`,
    );
    assert.equal(rawStatus(answer), 400);
    assert.equal(upstream.seen.length, earlier);
  });

  test('405 for another method and 404 for another spelling', async () => {
    for (const method of ['GET', 'DELETE', 'PATCH', 'PUT']) {
      const answer = await call(gateway.url + WEBHOOK, { method });
      assert.equal(answer.status, 405, method);
      assert.equal(answer.headers.allow, 'POST, OPTIONS');
    }
    for (const path of [
      '/v1/webhooks/stripe',
      '/v1/webhooks/stripe/',
      '/v1/webhooks/paypal/pa_1',
      '/v1/stripe/events/',
    ])
      assert.equal((await post(path)).status, 404, path);
  });
});

describe('who called', () => {
  const FORGED = {
    'x-centra-identity': 'forged',
    'x-centra-client-address': '6.6.6.6',
    'x-forwarded-for': '6.6.6.6',
    'x-merchant-id': 'forged',
    cookie: 'session=forged',
  };

  test('a forged identity ends at the door; the service is told the door and no hotel, not even that of a valid key', async () => {
    const { secret } = await auth.createKey();
    await post(WEBHOOK, '{}', { ...FORGED, ...bearer(secret) });
    const seen = upstream.seen.at(-1)?.headers ?? {};
    assert.deepEqual(Object.keys(seen).toSorted(), [
      'connection',
      'content-length',
      'content-type',
      'host',
      'stripe-signature',
      'x-centra-client-address',
      'x-centra-identity',
      'x-request-id',
    ]);
    assert.ok(!JSON.stringify(seen).includes('forged'), JSON.stringify(seen));
    assert.equal(seen['x-centra-client-address'], '127.0.0.1');
    const token = String(seen['x-centra-identity']);
    const verifier = createVerifier('payment-api', readTrustedKeys(auth.keys.trustedKeys));
    assert.equal(verifier.verifyService(token), 'api-gateway');
    assert.throws(() => verifier.verifyIdentity(token), { code: 'unauthenticated' });
    const elsewhere = createVerifier('merchant', readTrustedKeys(auth.keys.trustedKeys));
    assert.throws(() => elsewhere.verifyService(token), { code: 'unauthenticated' });
  });

  test('a provider’s signature is passed on to no other route', async () => {
    const { secret } = await auth.createKey();
    const headers = { 'stripe-signature': SIGNATURE };
    await call(`${gateway.url}/v1/charge`, jsonPost(secret, {}, headers));
    assert.equal(upstream.seen.at(-1)?.url, '/v1/charge');
    assert.equal(upstream.seen.at(-1)?.headers['stripe-signature'], undefined);
    await call(gateway.url + CHALLENGE, { headers });
    assert.equal(upstream.seen.at(-1)?.url, CHALLENGE);
    assert.equal(upstream.seen.at(-1)?.headers['stripe-signature'], undefined);
  });

  test('no page of another origin may read the answer or is told that it could', async () => {
    const origins = { isAllowed: async () => await Promise.resolve(true) };
    const open = await startTestGateway(auth, { paymentApi: upstream.url }, {}, { origins });
    try {
      const origin = 'https://hotel.example';
      const preflight = { origin, 'access-control-request-method': 'POST' };
      for (const path of [WEBHOOK, CHALLENGE]) {
        const asked = await call(open.url + path, { method: 'OPTIONS', headers: preflight });
        assert.equal(asked.status, 204);
        assert.equal(asked.headers['access-control-allow-origin'], undefined);
      }
      const answer = await call(open.url + WEBHOOK, event('{}', { origin }));
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['access-control-allow-origin'], undefined);
      // The same origin on a route of the hotel's own is let through.
      const own = await call(`${open.url}/v1/charge`, { method: 'OPTIONS', headers: preflight });
      assert.equal(own.headers['access-control-allow-origin'], origin);
    } finally {
      await open.close();
    }
  });
});

describe('limits without a merchant', () => {
  test('429 by account and address, then by address over all accounts; hotels are not touched', async () => {
    const env = { LIMIT_WEBHOOKS_PER_SECOND: '3', LIMIT_PUBLIC_PER_SECOND: '8' };
    await withUpstream(auth, received, env, async (limited) => {
      const { secret } = await auth.createKey();
      const send = async (account: string) =>
        await call(`${limited.url}/v1/webhooks/stripe/${account}`, event('{}'));
      // All at once, so that the windows of one second do not begin anew in between.
      const answers = await Promise.all([
        ...Array.from({ length: 5 }, () => send('pa_one')),
        ...Array.from({ length: 3 }, () => send('pa_two')),
        ...Array.from({ length: 4 }, () => send('pa_three')),
        call(`${limited.url}/v1/payments`, { headers: bearer(secret) }),
      ]);
      const statuses = answers.map(({ status }) => status);
      assert.deepEqual(new Set(statuses.slice(0, 12)), new Set([200, 429]));
      assert.ok(statuses.slice(0, 5).filter((status) => status === 200).length <= 3, statuses.join(' '));
      assert.ok(statuses.filter((status) => status === 429).length >= 4, statuses.join(' '));
      assert.equal(statuses[12], 200);
      const refused = answers.find(({ status }) => status === 429);
      assert.ok(Number(refused?.headers['retry-after']) >= 1);
      const counted = async (limit: string) =>
        await metric(limited, `centra_gateway_limited_total{limit="${limit}"`);
      assert.ok((await counted('webhooks')) + (await counted('public')) >= 4);
    });
  });
});

describe('strangers do not shut the door on hotels', () => {
  test('refused and failing webhooks never open the breaker', async () => {
    const { secret } = await auth.createKey();
    for (const status of [400, 404, 503, 500]) {
      const answerWith: Handler = (request, response) => {
        response.statusCode = request.url === WEBHOOK ? status : 200;
        if (status === 503) response.setHeader('retry-after', '1');
        response.end('{}');
      };
      await withUpstream(auth, answerWith, {}, async (faulty) => {
        const answers = await Promise.all(
          Array.from({ length: 60 }, () => call(faulty.url + WEBHOOK, event('{}'))),
        );
        assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([status]));
        assert.equal(await isOpen(faulty), 0);
        assert.equal((await call(`${faulty.url}/v1/payments`, { headers: bearer(secret) })).status, 200);
      });
    }
  });

  test('bodies that never end hold a quarter of the places at most', async () => {
    await withUpstream(auth, received, { PAYMENT_API_CONCURRENCY: '8' }, async (crowded) => {
      const { secret } = await auth.createKey();
      const head = `POST ${WEBHOOK} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`;
      const sockets = Array.from({ length: 12 }, () => {
        const socket = connect(crowded.port, '127.0.0.1', () => socket.write(head));
        socket.on('error', () => {});
        return socket;
      });
      try {
        // Until the places of strangers are taken, one more of them is let through.
        for (;;) {
          const { status } = await call(crowded.url + WEBHOOK, event('{}'));
          if (status === 503) break;
          assert.equal(status, 200);
          await pause(20);
        }
        assert.equal((await call(`${crowded.url}/v1/payments`, { headers: bearer(secret) })).status, 200);
      } finally {
        for (const socket of sockets) socket.destroy();
      }
    });
  });

  test('a lost answer says to send the same again, and is counted', async () => {
    await withUpstream(auth, cut, {}, async (broken) => {
      const answer = await call(broken.url + WEBHOOK, event('{}'));
      assert.equal(answer.status, 500);
      assert.match(String(answer.json['detail']), /Send the same again/);
      const count = 'centra_gateway_unknown_outcomes_total{route="/v1/webhooks/stripe/:account"';
      assert.equal(await metric(broken, count), 1);
    });
  });
});

describe('a page for people', () => {
  const POLICY = "default-src 'none'; style-src 'sha256-x'";
  const page: Handler = (request, response) => {
    response.writeHead(request.method === 'POST' ? 303 : 200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': POLICY,
      'x-frame-options': 'ALLOWALL',
      ...(request.method === 'POST' ? { location: 'https://hotel.example/done' } : {}),
    });
    response.end('<!doctype html>');
  };

  test('says itself what it may load; every other header of ours stands', async () => {
    upstream.answerWith(page);
    const answer = await call(gateway.url + CHALLENGE);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-security-policy'], POLICY);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(answer.headers['referrer-policy'], 'no-referrer');
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.equal(answer.headers['x-frame-options'], undefined);
  });

  test('no other route can loosen the policy', async () => {
    upstream.answerWith(page);
    const { secret } = await auth.createKey();
    for (const answer of [
      await call(`${gateway.url}/v1/payments`, { headers: bearer(secret) }),
      await post(WEBHOOK),
    ])
      assert.match(String(answer.headers['content-security-policy']), /^default-src 'none'; frame-ancestors/);
  });

  test('a form is passed on as the browser sends it, and the answer leads away', async () => {
    upstream.answerWith(page);
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '14' };
    const answer = await call(gateway.url + CHALLENGE, { method: 'POST', headers, body: 'answer=approve' });
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.location, 'https://hotel.example/done');
    assert.equal(upstream.seen.at(-1)?.body, 'answer=approve');
    const json = { 'content-type': 'application/json', 'content-length': '2' };
    assert.equal(
      (await call(gateway.url + CHALLENGE, { method: 'POST', headers: json, body: '{}' })).status,
      415,
    );
  });

  test('the address, which is the guest’s key to the page, is not in the log', async () => {
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS'])
      await call(`${gateway.url}${CHALLENGE}?x=1`, { method });
    await waitFor('the log line', async () =>
      gateway.lines.some((line) => line['method'] === 'OPTIONS' && line['status'] === 204) ? true : undefined,
    );
    assert.ok(!JSON.stringify(gateway.lines).includes('ch4llenge_Token'));
  });
});
