import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import type { Answer, Bench } from '../test-bench.ts';
import { benchAt, sortedStatuses, startBench, VISA } from '../test-bench.ts';

const cardAnswer = z.strictObject({ card: z.record(z.string(), z.string()) });
const errorAnswer = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    title: z.string(),
    details: z.record(z.string(), z.array(z.string())).optional(),
  }),
});

function submit(bench: Bench, session: string, card: object = VISA, query = ''): Promise<Answer> {
  const body = JSON.stringify({ session_token: session, card });
  return bench.http('POST', `${bench.url}/api/v1/capture_form/submit${query}`, body);
}

const form = (bench: Bench, query: string): Promise<Answer> =>
  bench.http('GET', `${bench.url}/api/v1/capture_form${query}`);

test('the form is a page any site may frame, running only its own script', async (t) => {
  const bench = await startBench(t);
  const page = await form(bench, `?session_token=${await bench.session()}`);
  assert.equal(page.status, 200);
  assert.match(String(page.headers['content-type']), /^text\/html/);
  const policy = String(page.headers['content-security-policy']);
  const nonce = /script-src 'nonce-([^']+)'/.exec(policy)?.[1];
  assert.ok(nonce !== undefined && nonce.length >= 22);
  assert.match(policy, /default-src 'none'/);
  assert.equal(policy.includes('frame-ancestors'), false);
  assert.equal(page.headers['x-frame-options'], undefined);
  assert.equal(page.headers['cache-control'], 'no-store');
  assert.equal(page.headers['referrer-policy'], 'no-referrer');
  assert.ok(page.text.includes(`<script type="module" nonce="${nonce}">`));
  for (const id of ['card_number', 'cardholder_name', 'expiration', 'service_code']) {
    assert.ok(page.text.includes(`id="${id}"`) && page.text.includes(`for="${id}"`), id);
  }
  const again = await form(bench, `?session_token=${await bench.session()}`);
  assert.equal(
    String(again.headers['content-security-policy']).includes(nonce),
    false,
    'the nonce is new each time',
  );
});

test('looking at the form does not spend the session; submitting does', async (t) => {
  const bench = await startBench(t);
  const session = await bench.session();
  assert.equal((await form(bench, `?session_token=${session}`)).status, 200);
  assert.equal((await form(bench, `?session_token=${session}`)).status, 200);
  const answer = await submit(bench, session);
  assert.equal(answer.status, 200);
  const { card } = cardAnswer.parse(answer.json());
  assert.equal(card.card_number, '411111******1111');
  assert.equal((await bench.api('GET', `/cards/${card.card_token}`)).status, 200);
  const spent = await form(bench, `?session_token=${session}`);
  assert.equal(spent.status, 401);
  assert.match(String(spent.headers['content-type']), /^text\/html/);
  assert.match(spent.text, /data-code="unauthorized"/);
});

test('of many submits at once with one session exactly one stores a card', async (t) => {
  const bench = await startBench(t);
  const session = await bench.session();
  const answers = await Promise.all(Array.from({ length: 8 }, () => submit(bench, session)));
  assert.deepEqual(sortedStatuses(answers), [200, ...Array<number>(7).fill(401)]);
  for (const refused of answers.filter((answer) => answer.status === 401)) errorAnswer.parse(refused.json());
  assert.equal((await bench.effects('card.created')).length, 1);
});

test('a refused card spends the session as well, and names its field', async (t) => {
  const bench = await startBench(t);
  const session = await bench.session();
  const refused = await submit(bench, session, { ...VISA, service_code: '' });
  assert.equal(refused.status, 422);
  assert.deepEqual(errorAnswer.parse(refused.json()).error.details, { service_code: ["can't be blank"] });
  assert.equal((await submit(bench, session)).status, 401);
  const malformed = await bench.session();
  assert.equal((await submit(bench, malformed, { card_number: 4 })).status, 400);
  assert.equal((await submit(bench, malformed)).status, 401);
  assert.equal((await bench.effects('card.created')).length, 0);
});

test('only and except limit the card types, in the page and at the submit', async (t) => {
  const bench = await startBench(t);
  const page = await form(bench, `?session_token=${await bench.session()}&only=visa,amex`);
  assert.ok(page.text.includes('"accepted":["visa","amex"]'));
  const except = await form(bench, `?session_token=${await bench.session()}&except=visa`);
  assert.equal(/"accepted":\[[^\]]*"visa"/.test(except.text), false);
  assert.match(except.text, /"accepted":\[[^\]]*"mastercard"/);
  assert.equal((await submit(bench, await bench.session(), VISA, '?only=amex')).status, 422);
  assert.equal((await submit(bench, await bench.session(), VISA, '?except=visa')).status, 422);
  assert.equal((await submit(bench, await bench.session(), VISA, '?only=visa')).status, 200);
  assert.equal((await form(bench, `?session_token=${await bench.session()}&only=cash`)).status, 400);
  assert.equal(
    (await form(bench, `?session_token=${await bench.session()}&only=visa&except=amex`)).status,
    400,
  );
});

test('a session of the other scope, an unknown one and none at all are refused', async (t) => {
  const bench = await startBench(t);
  const other = await bench.session('service_code');
  for (const query of [`?session_token=${other}`, `?session_token=${'0'.repeat(64)}`, '']) {
    assert.equal((await form(bench, query)).status, 401, query);
  }
  assert.equal((await submit(bench, other)).status, 401);
});

test('the card belongs to the account whose session it was', async (t) => {
  const bench = await startBench(t);
  const other = await benchAt(t, bench.url, bench.dataDir);
  const { card } = cardAnswer.parse((await submit(bench, await bench.session())).json());
  assert.equal((await other.api('GET', `/cards/${card.card_token}`)).status, 404);
});

test('an unreadable scope is refused: 422 for an unknown one, 400 for a broken body', async (t) => {
  const bench = await startBench(t);
  assert.equal(
    (await bench.api('POST', '/session_tokens', { session_token: { scope: 'admin' } })).status,
    422,
  );
  assert.equal((await bench.api('POST', '/session_tokens', { scope: 'card' })).status, 400);
});

test('a session lives fifteen minutes on the clock of the simulator', async (t) => {
  const bench = await startBench(t);
  const advance = (ms: number): Promise<Answer> =>
    bench.http('POST', `${bench.url}/_control/clock`, JSON.stringify({ advance_ms: ms }), [
      'content-type',
      'application/json',
    ]);
  const session = await bench.session();
  await advance(14 * 60_000);
  assert.equal((await form(bench, `?session_token=${session}`)).status, 200);
  await advance(61_000);
  assert.equal((await form(bench, `?session_token=${session}`)).status, 401);
  assert.equal((await submit(bench, session)).status, 401);
  const later = await bench.session();
  assert.equal((await submit(bench, later)).status, 200);
});
