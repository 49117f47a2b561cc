import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { z } from 'zod';
import type { Answer, Bench, TargetServer } from '../test-bench.ts';
import { startBench, startTarget, VISA } from '../test-bench.ts';
import { FaultBook, faultSchema } from './fault-book.ts';

const createCard = (bench: Bench): Promise<Answer> => bench.api('POST', '/cards', { card: VISA });
const created = async (bench: Bench): Promise<number> => (await bench.effects('card.created')).length;

function send(bench: Bench, token: string, target: TargetServer): Promise<Answer> {
  const query = new URLSearchParams({ api_key: bench.apiKey, method: 'post', url: `${target.url}/charge` });
  const headers = ['content-type', 'application/x-www-form-urlencoded'];
  return bench.http(
    'POST',
    `${bench.url}/api/v1/cards/${token}/send?${query.toString()}`,
    'cvc=%SERVICE_CODE%',
    headers,
  );
}

test('act_then_drop acts fully and cuts the connection', async (t) => {
  const bench = await startBench(t);
  await bench.arm({ fault: 'act_then_drop', path: '/api/v1/cards' });
  await assert.rejects(createCard(bench));
  assert.equal(await created(bench), 1);
  assert.equal((await createCard(bench)).status, 200, 'it fires once');
});

test('drop_before_act cuts the connection and does nothing', async (t) => {
  const bench = await startBench(t);
  await bench.arm({ fault: 'drop_before_act' });
  await assert.rejects(createCard(bench));
  assert.equal(await created(bench), 0);
  const [line] = (await bench.journal('request')).slice(-1);
  assert.deepEqual([line?.fault, line?.status], ['drop_before_act', null]);
});

test('answer_late acts at once and answers after the delay', async (t) => {
  const bench = await startBench(t);
  await bench.arm({ fault: 'answer_late', delay_ms: 400 });
  const startedMs = performance.now();
  const pending = createCard(bench);
  assert.equal((await pending).status, 200);
  assert.ok(performance.now() - startedMs >= 390);
  assert.equal(await created(bench), 1);
});

test('error_before answers 5xx without an effect, error_after with it', async (t) => {
  const bench = await startBench(t);
  await bench.arm({ fault: 'error_before', status: 503 });
  assert.equal((await createCard(bench)).status, 503);
  assert.equal(await created(bench), 0);
  await bench.arm({ fault: 'error_after' });
  assert.equal((await createCard(bench)).status, 500);
  assert.equal(await created(bench), 1);
});

test('rate_limit answers 429, with Retry-After when told', async (t) => {
  const bench = await startBench(t);
  await bench.arm({ fault: 'rate_limit', times: 2, retry_after_seconds: 7 });
  for (const _ of [1, 2]) {
    const answer = await createCard(bench);
    assert.deepEqual([answer.status, answer.headers['retry-after']], [429, '7']);
  }
  assert.equal((await createCard(bench)).status, 200);
  assert.equal(await created(bench), 1);
});

test('slow_drip gives the whole reply, slowly', async (t) => {
  const bench = await startBench(t);
  await bench.arm({ fault: 'slow_drip', bytes_per_second: 600 });
  const startedMs = performance.now();
  const answer = await createCard(bench);
  assert.equal(answer.status, 200);
  assert.equal(z.object({ data: z.object({ type: z.string() }) }).parse(answer.json()).data.type, 'card');
  assert.ok(performance.now() - startedMs >= (answer.bytes.length / 600) * 1000 * 0.7);
});

test('truncated_body gives valid headers, half of the body and then hangs up', async (t) => {
  const bench = await startBench(t);
  await bench.arm({ fault: 'truncated_body' });
  await assert.rejects(createCard(bench), /other side closed|terminated|aborted|ECONNRESET/i);
  assert.equal(await created(bench), 1);
});

test('revoked_credential answers 401 to a good key', async (t) => {
  const bench = await startBench(t);
  await bench.arm({ fault: 'revoked_credential' });
  const answer = await createCard(bench);
  assert.equal(answer.status, 401);
  assert.deepEqual(answer.json(), { errors: { code: 'unauthorized', title: 'Unauthorized' } });
  assert.equal(await created(bench), 0);
});

test('card_not_found answers 404 to requests for a card only', async (t) => {
  const bench = await startBench(t);
  await bench.arm({ fault: 'card_not_found' });
  const token = await bench.card();
  const missing = await bench.api('GET', `/cards/${token}`);
  assert.equal(missing.status, 404);
  assert.match(missing.text, /resource_not_found/);
  assert.equal((await bench.api('GET', `/cards/${token}`)).status, 200);
});

test('target_acts_then_timeout reaches the target and answers 504', async (t) => {
  const bench = await startBench(t);
  const target = await startTarget(t);
  const token = await bench.card();
  await bench.arm({ fault: 'target_acts_then_timeout', delay_ms: 50 });
  const answer = await send(bench, token, target);
  assert.equal(answer.status, 504);
  assert.match(answer.text, /gateway_timeout/);
  assert.equal(target.received.length, 1);
  const [sent] = await bench.effects('card.sent');
  assert.equal(sent?.inner_status, 200, 'the journal knows what the target answered');
});

test('target_acts_then_drop reaches the target and cuts the connection', async (t) => {
  const bench = await startBench(t);
  const target = await startTarget(t);
  const token = await bench.card();
  await bench.arm({ fault: 'target_acts_then_drop' });
  await assert.rejects(send(bench, token, target));
  assert.equal(target.received.length, 1);
  assert.equal((await bench.effects('card.sent')).length, 1);
});

test('cvv_wiped sends an empty CVV and leaves the stored one', async (t) => {
  const bench = await startBench(t);
  const target = await startTarget(t);
  const token = await bench.card();
  await bench.arm({ fault: 'cvv_wiped' });
  await send(bench, token, target);
  await send(bench, token, target);
  assert.deepEqual(
    target.received.map(({ body }) => body.toString()),
    ['cvc=', 'cvc=123'],
  );
});

test('html_error answers 502 with an HTML body, without the effect or with it', async (t) => {
  const bench = await startBench(t);
  for (const [act, cards] of [
    [false, 0],
    [true, 1],
  ] as const) {
    await bench.arm({ fault: 'html_error', act });
    const answer = await createCard(bench);
    assert.equal(answer.status, 502);
    assert.equal(answer.headers['content-type'], 'text/html');
    assert.match(answer.text, /<h1>502 Bad Gateway<\/h1>/);
    assert.equal(await created(bench), cards);
  }
});

test('session_rejected refuses a good session: as a page to the form, as an error to the submit', async (t) => {
  const bench = await startBench(t);
  const session = await bench.session();
  await bench.arm({ fault: 'session_rejected', times: 2 });
  const page = await bench.http('GET', `${bench.url}/api/v1/capture_form?session_token=${session}`);
  assert.equal(page.status, 401);
  assert.match(page.text, /^<!doctype html>/);
  const body = JSON.stringify({ session_token: session, card: VISA });
  const refused = await bench.http('POST', `${bench.url}/api/v1/capture_form/submit`, body);
  assert.equal(refused.status, 401);
  assert.match(refused.text, /^\{"error":/);
  assert.equal(await created(bench), 0);
});

test('a fault meets only its method and path, given as prefix or as expression', async (t) => {
  const bench = await startBench(t);
  await bench.arm({ fault: 'error_before', method: 'delete', path: '^/api/v1/cards/[0-9a-f]+$' });
  const token = await bench.card();
  assert.equal((await bench.api('GET', `/cards/${token}`)).status, 200);
  assert.equal((await bench.api('POST', `/cards/${token}/authorize`)).status, 200);
  assert.equal((await bench.api('DELETE', `/cards/${token}`)).status, 500);
  assert.equal((await bench.api('DELETE', `/cards/${token}`)).status, 200);
});

test('times 0 fires until cleared, and the list counts how often', async (t) => {
  const bench = await startBench(t);
  await bench.arm({ fault: 'error_before', times: 0 });
  for (const _ of [1, 2, 3]) assert.equal((await createCard(bench)).status, 500);
  const listed = await bench.http('GET', `${bench.url}/_control/faults`);
  const shape = z.object({
    faults: z.array(z.object({ fault: z.string(), fired: z.number(), armed: z.boolean() })),
  });
  assert.deepEqual(shape.parse(listed.json()).faults, [{ fault: 'error_before', fired: 3, armed: true }]);
  assert.equal((await bench.http('DELETE', `${bench.url}/_control/faults`)).status, 204);
  assert.equal((await createCard(bench)).status, 200);
});

function run(seed: number): boolean[] {
  const book = new FaultBook();
  book.arm(faultSchema.parse({ fault: 'error_before', probability: 0.3, seed, times: 0 }));
  return Array.from({ length: 200 }, () => book.claim('GET', '/x', []) !== undefined);
}

test('a seeded probability fires the same requests in every run', () => {
  assert.deepEqual(run(7), run(7));
  assert.notDeepEqual(run(7), run(8));
  const fired = run(7).filter(Boolean).length;
  assert.ok(fired > 30 && fired < 90, `${fired} of 200`);
});
