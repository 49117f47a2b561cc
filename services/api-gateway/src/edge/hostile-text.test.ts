import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { longestBlocks } from '@centra/testkit/loop-delay.ts';
import { startTestGateway } from '../testing/gateway-under-test.ts';
import type { TestGateway } from '../testing/gateway-under-test.ts';
import { rawStatus, sendRaw } from '../testing/http-call.ts';
import { startRealAuth } from '../testing/real-auth.ts';
import type { RealAuth } from '../testing/real-auth.ts';
import { GENEROUS } from '../testing/with-upstream.ts';

let auth: RealAuth;
let gateway: TestGateway;
let secret: string;
before(async () => {
  auth = await startRealAuth();
  gateway = await startTestGateway(
    auth,
    {},
    { ...GENEROUS, TRUSTED_PROXIES: '127.0.0.1', LIMIT_UNAUTHENTICATED_PER_MINUTE: '1000000' },
  );
  ({ secret } = await auth.createKey());
});
after(async () => {
  await gateway.close();
  await auth.stop();
});

// As much as fits into the head of a request, which Node limits to 16 KiB.
const LENGTH = 14_000;
const fill = (piece: string): string => piece.repeat(Math.ceil(LENGTH / piece.length)).slice(0, LENGTH);

// What makes patterns try again from every place: long runs of what they begin with, and then not their end.
const HOSTILE = [
  fill('a'),
  `a${fill(' ')}!`,
  fill('0'),
  fill('4242 '),
  fill('4-'),
  fill('%25'),
  fill('%34%32'),
  fill('+'),
  fill('ck_test_'),
  fill('eyJ'),
  fill('eyJa.'),
  fill('cs_test_eyJ'),
  fill(';'),
  fill('a/'),
  fill('x+'),
  fill(':'),
  fill('.'),
  fill(', '),
  fill('https://'),
];

type Place = (text: string) => string;

const head = (target: string, ...headers: string[]): string =>
  [`GET ${target} HTTP/1.1`, 'Host: a', 'Connection: close', ...headers, '', ''].join('\r\n');
const known =
  (name: string): Place =>
  (text) =>
    head('/v1/payments', `Authorization: Bearer ${secret}`, `${name}: ${text}`);

/** Everywhere that the gateway reads what a caller wrote. */
const PLACES: Place[] = [
  (text) => head(`/v1/payments/${text.replaceAll(' ', '')}`),
  (text) => head(`/${text.replaceAll(' ', '')}`),
  (text) => head(`/v1/payments?a=${text.replaceAll(' ', '')}`),
  (text) => head('/v1/payments', `Authorization: ${text}`),
  (text) => head('/v1/payments', `Authorization: Bearer ${text}`),
  (text) => head('/v1/payments', `Authorization: Bearer ck_test_${text}`),
  (text) => head('/v1/payments', `Authorization: Bearer cs_live_eyJ${text}`),
  (text) => head('/v1/payments', `Authorization: Bearer eyJ${text}`),
  known('Idempotency-Key'),
  known('Origin'),
  known('Content-Type'),
  known('X-Request-Id'),
  known('X-Forwarded-For'),
  known('User-Agent'),
  (text) =>
    head('/v1/charge', `Authorization: Bearer ${secret}`, `Content-Type: application/${text}`).replace(
      'GET',
      'POST',
    ),
];

/** 4 MB for each round and so 12 MB in all, each request on a connection of its own. */
async function sendEverywhere(texts: readonly string[]): Promise<void> {
  for (const place of PLACES)
    for (const text of texts) {
      const status = rawStatus(await sendRaw(gateway.port, place(text)));
      // 503: the service behind is not there, and the request had got as far as that.
      assert.ok(
        (status >= 400 && status < 500) || status === 503,
        `${status} for ${place(text).slice(0, 200)}`,
      );
    }
}

test('row 11: hostile text in any place costs the gateway about as much time as plain text of the same length', async () => {
  const plain = HOSTILE.map((text) => 'plain-text-'.repeat(LENGTH).slice(0, text.length));
  const { usualMs, unusualMs } = await longestBlocks(
    async () => await sendEverywhere(plain),
    async () => await sendEverywhere(HOSTILE),
  );
  assert.ok(unusualMs < 2 * usualMs + 50, `blocked for ${unusualMs} ms instead of ${usualMs} ms`);
});
