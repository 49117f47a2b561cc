import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { AppError } from '@centra/service-kit/errors.ts';
import { publicCall, refusedTokens } from '../testing/public-call.ts';
import { newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Answer, Stand } from '../testing/start-with-doubles.ts';

const RETURN_URL = 'https://hotel.example/paid?booking=BK-1&x=%20y#top';

let stand: Stand;
let count = 0;
before(async () => {
  stand = await startWithDoubles();
});
after(async () => await stand.close());

const newChallenge = (
  changes: { bookingReference?: string; over?: boolean; amountMinor?: bigint; currency?: string } = {},
) => {
  count += 1;
  const token = `challenge_Token-${String(count).padStart(8, '0')}`;
  const { amountMinor = 1_234_550n, currency = 'EUR', bookingReference = 'BK-1', over = false } = changes;
  const card = { brand: 'visa', last4: '3184', expiryMonth: 12, expiryYear: 2030 };
  const challenge = { bookingReference, amount: { amountMinor, currency }, card, over };
  stand.transaction.operators.challenges.set(token, { challenge, returnUrl: RETURN_URL });
  return token;
};
const pathOf = (token: string): string => `/v1/simulator/challenges/${token}`;
const show = async (token: string): Promise<Answer> => await publicCall(stand, pathOf(token));
const choose = async (token: string, form: string, headers: Record<string, string> = {}): Promise<Answer> =>
  await publicCall(stand, pathOf(token), {
    method: 'POST',
    body: Buffer.from(form),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });
const answered = () => stand.transaction.operators.answered;

describe('GET', () => {
  test('200: what is paid, by which card, for which booking, and three ways to go on', async () => {
    const answer = await show(newChallenge());
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8');
    assert.equal(answer.headers['cache-control'], 'no-store');
    const html = answer.bytes.toString();
    for (const text of ['€12,345.50', 'Visa ending in 3184', 'BK-1', 'Simulated bank', 'no real money'])
      assert.ok(html.includes(text), text);
    const buttons = [...html.matchAll(/<button [^>]*name="answer" value="(\w+)">/g)].map(
      ([, value]) => value,
    );
    assert.deepEqual(buttons, ['approve', 'decline', 'cancel']);
    assert.match(html, /<html lang="en">/);
    assert.match(html, /<meta name="viewport"/);
    assert.equal(html.match(/<h1>/g)?.length, 1);
  });

  test('amounts are written with their own currency’s decimals', async () => {
    const yen = await show(newChallenge({ amountMinor: 1_500n, currency: 'JPY' }));
    assert.ok(yen.bytes.includes('¥1,500<'));
    const dinar = await show(newChallenge({ amountMinor: 1_500n, currency: 'KWD' }));
    assert.ok(dinar.bytes.includes('1.500'));
  });

  test('the policy allows the page’s own style and nothing else: no script, no image, no frame', async () => {
    const answer = await show(newChallenge());
    const html = answer.bytes.toString();
    const style = /<style>([^]*)<\/style>/.exec(html)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    assert.equal(
      answer.headers['content-security-policy'],
      `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self' https: http:; base-uri 'none'; frame-ancestors 'none'`,
    );
    assert.doesNotMatch(html, /<script|<img|<link|<iframe|\son\w+=|\sstyle=|https?:/i);
  });

  test('in production the form leads to https only', async () => {
    const strict = await stand.startAnother({ production: true });
    try {
      const answer = await publicCall(stand, pathOf(newChallenge()), { port: strict.httpPort });
      assert.match(String(answer.headers['content-security-policy']), /form-action 'self' https:;/);
    } finally {
      await strict.close();
    }
  });

  test('what a hotel wrote is text and never markup', async () => {
    const evil = `"><script>alert(1)</script>'&<b>`;
    const html = (await show(newChallenge({ bookingReference: evil }))).bytes.toString();
    assert.ok(!html.includes('<script') && !html.includes('<b>'));
    assert.ok(html.includes('&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;&amp;&lt;b&gt;'));
  });

  test('one that is over says so and offers nothing', async () => {
    const answer = await show(newChallenge({ over: true }));
    assert.equal(answer.status, 200);
    assert.ok(answer.bytes.includes('This is over') && !answer.bytes.includes('<button'));
  });
});

describe('POST', () => {
  for (const [choice, approve] of [
    ['approve', true],
    ['decline', false],
    ['cancel', false],
  ] as const)
    test(`303: ${choice}, and the guest goes where the hotel wants them`, async () => {
      const token = newChallenge();
      const answer = await choose(token, `answer=${choice}`);
      assert.equal(answer.status, 303);
      assert.equal(answer.headers.location, RETURN_URL);
      assert.deepEqual(answered().at(-1), { challengeToken: token, approve });
    });

  test('400: no choice, another one, two, or anything beside it; nothing is answered', async () => {
    const token = newChallenge();
    const earlier = answered().length;
    for (const form of [
      '',
      'answer=',
      'answer=yes',
      'answer=approve&answer=decline',
      'answer=approve&amount=1',
      'approve',
      '__proto__=approve',
      '{"answer":"approve"}',
    ]) {
      const answer = await choose(token, form);
      assert.deepEqual([answer.status, answer.json()['code']], [400, 'validation_failed'], form);
    }
    assert.equal((await publicCall(stand, `${pathOf(token)}?answer=approve`)).status, 400);
    assert.equal(answered().length, earlier);
  });

  test('409 in words: it was answered before; the second answer changes nothing', async () => {
    const token = newChallenge();
    assert.equal((await choose(token, 'answer=decline')).status, 303);
    const earlier = answered().length;
    const again = await choose(token, 'answer=approve');
    assert.equal(again.status, 409);
    assert.ok(again.bytes.includes('This is over'));
    assert.equal(answered().length, earlier);
  });

  test('413 and 415', async () => {
    const token = newChallenge();
    assert.equal((await choose(token, `answer=approve&x=${'y'.repeat(2_000)}`)).status, 413);
    assert.equal(
      (await choose(token, '{"answer":"approve"}', { 'content-type': 'application/json' })).status,
      415,
    );
    assert.equal((await choose(token, 'answer=approve', { 'content-type': 'text/plain' })).status, 415);
  });
});

describe('of both', () => {
  test('401: whatever does not come in by the gateway’s door, a hotel’s identity too', async () => {
    const token = newChallenge();
    for (const [what, given] of refusedTokens(stand)) {
      const headers = given === undefined ? {} : { 'x-centra-identity': given };
      assert.equal((await stand.call(pathOf(token), { as: null, headers })).status, 401, what);
    }
    assert.equal((await stand.call(pathOf(token), { as: newMerchant() })).status, 401);
  });

  test('404 as a page: an unknown token and what can be none', async () => {
    for (const token of [
      'challenge_Token-unknown-0001',
      'short',
      'a'.repeat(65),
      'with%20blank0000000000',
      `${'a'.repeat(20)}.`,
    ]) {
      const shown = await show(token);
      assert.equal(shown.status, 404, token);
      assert.equal(shown.headers['content-type'], 'text/html; charset=utf-8');
      assert.ok(shown.bytes.includes('There is nothing here'));
      assert.equal((await choose(token, 'answer=approve')).status, 404, token);
    }
  });

  test('405: another method', async () => {
    const answer = await publicCall(stand, pathOf(newChallenge()), { method: 'DELETE' });
    assert.deepEqual([answer.status, answer.headers.allow], [405, 'GET, POST']);
  });

  test('503 as a page, with Retry-After', async () => {
    const token = newChallenge();
    for (const ask of [() => show(token), () => choose(token, 'answer=approve')]) {
      stand.transaction.operators.faults.push(new AppError('unavailable'));
      const answer = await ask();
      assert.equal(answer.status, 503);
      assert.ok(Number(answer.headers['retry-after']) >= 1);
      assert.ok(answer.bytes.includes('Nothing was changed'));
    }
  });
});
