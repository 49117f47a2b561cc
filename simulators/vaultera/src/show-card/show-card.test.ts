import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Bench } from '../test-bench.ts';
import { benchAt, sortedStatuses, startBench } from '../test-bench.ts';

const show = (bench: Bench, query: Record<string, string>): Promise<Answer> =>
  bench.http('GET', `${bench.url}/api/v1/show_card?${new URLSearchParams(query).toString()}`);

const reveal = (bench: Bench, card_token: string, service_code_token: string): Promise<Answer> =>
  bench.http(
    'POST',
    `${bench.url}/api/v1/show_card/reveal`,
    JSON.stringify({ card_token, service_code_token }),
  );

test('the page shows the card once per session, escaped, without the CVV in it', async (t) => {
  const bench = await startBench(t);
  const card_token = await bench.card({ cardholder_name: '<script>"x"</script>', service_code: '907' });
  const query = {
    card_token,
    session_token: await bench.session(),
    service_code_token: await bench.session('service_code'),
  };
  const page = await show(bench, query);
  assert.equal(page.status, 200);
  assert.match(page.text, /4111 1111 1111 1111/);
  assert.match(page.text, /&#60;script&#62;/);
  assert.match(page.text, /id="reveal"/);
  assert.equal(/\b907\b/.test(page.text), false);
  assert.equal((await show(bench, query)).status, 401);
  assert.equal((await bench.effects('card.viewed')).length, 1);
});

test('of two reveals at once one gets the CVV, and it is wiped', async (t) => {
  const bench = await startBench(t);
  const card = await bench.card();
  const tokens = await Promise.all([bench.session('service_code'), bench.session('service_code')]);
  const answers = await Promise.all(tokens.map((token) => reveal(bench, card, token)));
  assert.deepEqual(sortedStatuses(answers), [200, 404]);
  assert.deepEqual(answers.find((answer) => answer.status === 200)?.json(), { service_code: '123' });
  assert.equal((await bench.effects('cvv.wiped')).length, 1);
  assert.equal((await bench.api('GET', `/cards/${card}`)).text.includes('service_code'), false);
  const page = await show(bench, { card_token: card, session_token: await bench.session() });
  assert.match(page.text, /Not stored/);
});

test('a reveal needs a service_code session of the same account', async (t) => {
  const bench = await startBench(t);
  const other = await benchAt(t, bench.url, bench.dataDir);
  const card = await bench.card();
  assert.equal((await reveal(bench, card, await bench.session('card'))).status, 401);
  assert.equal((await reveal(bench, card, await other.session('service_code'))).status, 404);
  assert.equal((await show(bench, { card_token: card, session_token: await other.session() })).status, 404);
  assert.equal((await bench.effects('cvv.wiped')).length, 0);
  assert.equal((await reveal(bench, card, await bench.session('service_code'))).status, 200);
});
