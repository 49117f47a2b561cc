import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import type { Answer, Bench, Method } from '../test-bench.ts';
import { attribute, startBench, startTarget } from '../test-bench.ts';

const control = (bench: Bench, method: Method, path: string, body?: unknown): Promise<Answer> =>
  bench.http(method, `${bench.url}/_control${path}`, body === undefined ? undefined : JSON.stringify(body), [
    'content-type',
    'application/json',
  ]);

test('bad input is refused with 400 and words', async (t) => {
  const bench = await startBench(t);
  const wrong: [string, unknown][] = [
    ['/faults', { fault: 'meteor' }],
    ['/faults', { fault: 'answer_late' }],
    ['/faults', { fault: 'error_before', status: 200 }],
    ['/faults', { fault: 'rate_limit', path: '(' }],
    ['/faults', { fault: 'rate_limit', unknown: 1 }],
    ['/clock', { advance_ms: -1 }],
    ['/accounts', { name: 'a', api_key: 'short' }],
    ['/assumptions', { card_mask: 'none' }],
  ];
  for (const [path, body] of wrong) {
    const answer = await control(bench, 'POST', path, body);
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.ok(z.object({ error: z.string().min(5) }).parse(answer.json()));
  }
  assert.equal((await control(bench, 'GET', '/journal?limit=5000')).status, 400);
  assert.equal(
    (await bench.http('POST', `${bench.url}/_control/clock`, '{', ['content-type', 'application/json']))
      .status,
    400,
  );
  assert.equal((await control(bench, 'GET', '/nothing')).status, 404);
});

test('an account with a chosen key can be made again and stays one account', async (t) => {
  const bench = await startBench(t);
  const seed = { name: 'seed', api_key: 'ab'.repeat(16) };
  const first = await control(bench, 'POST', '/accounts', seed);
  const second = await control(bench, 'POST', '/accounts', seed);
  assert.deepEqual([first.status, second.status], [201, 200]);
  assert.deepEqual(first.json(), second.json());
  assert.equal((await control(bench, 'POST', '/accounts', { ...seed, name: 'other' })).status, 409);
});

test('the control shows whether a card still has its CVV', async (t) => {
  const bench = await startBench(t);
  const token = await bench.card();
  const present = async (): Promise<boolean> =>
    z.object({ cvv_present: z.boolean() }).parse((await control(bench, 'GET', `/cards/${token}`)).json())
      .cvv_present;
  assert.equal(await present(), true);
  await bench.api('POST', `/cards/${token}/authorize`);
  assert.equal(await present(), false);
});

test('each assumption can be turned to its other reading', async (t) => {
  const bench = await startBench(t);
  const target = await startTarget(t);
  await control(bench, 'POST', '/assumptions', {
    unauthorized_status: 403,
    spent_session_status: 422,
    session_lifetime_ms: 1000,
    card_mask: 'last4',
    escape_values: false,
    wiped_service_code: 'placeholder',
    delete_card_reply: 'no_content',
  });
  assert.equal((await bench.http('GET', `${bench.url}/api/v1/api_keys`)).status, 403);
  const session = await bench.session();
  await control(bench, 'POST', '/clock', { advance_ms: 1001 });
  assert.equal(
    (await bench.http('GET', `${bench.url}/api/v1/capture_form?session_token=${session}`)).status,
    422,
  );
  const token = await bench.card({ cardholder_name: 'A & B' });
  assert.equal(attribute(await bench.api('GET', `/cards/${token}`), 'card_number'), '************1111');
  await bench.api('POST', `/cards/${token}/authorize`);
  const query = new URLSearchParams({ api_key: bench.apiKey, method: 'post', url: target.url });
  const form = ['content-type', 'application/x-www-form-urlencoded'];
  const body = 'n=%CARDHOLDER_NAME%&c=%SERVICE_CODE%';
  await bench.http('POST', `${bench.url}/api/v1/cards/${token}/send?${query.toString()}`, body, form);
  assert.equal(target.received[0]?.body.toString(), 'n=A & B&c=%SERVICE_CODE%');
  assert.equal((await bench.api('DELETE', `/cards/${token}`)).status, 204);
  await control(bench, 'DELETE', '/assumptions');
  assert.equal((await bench.http('GET', `${bench.url}/api/v1/api_keys`)).status, 401);
});

test('the request line of the journal has method, path, account and status, and no query', async (t) => {
  const bench = await startBench(t);
  const token = await bench.card();
  await bench.http('GET', `${bench.url}/api/v1/cards/4111111111111111?api_key=${bench.apiKey}`);
  const [card, probe] = (await bench.journal('request')).slice(-2);
  const { seq: _seq, at: _at, ...fields } = card ?? { seq: 0, at: '' };
  assert.deepEqual(fields, {
    kind: 'request',
    method: 'POST',
    path: '/api/v1/cards',
    account: bench.accountId,
    idempotency_key: null,
    status: 200,
  });
  assert.equal(probe?.path, '/api/v1/cards/************1111', 'a card number in a path is masked');
  assert.equal(JSON.stringify(await bench.journal()).includes(bench.apiKey), false);
  assert.match(token, /^[0-9a-f]{32}$/);
});
