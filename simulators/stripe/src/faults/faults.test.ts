import assert from 'node:assert/strict';
import { test } from 'node:test';

import { errorOf, startRig, until } from '../testing/rig.ts';

const params = {
  amount: 2_500,
  currency: 'eur',
  payment_method: 'pm_card_visa',
  allowed_payment_method_types: ['card'],
  confirm: true,
};
const form = 'amount=2500&currency=eur&payment_method=pm_card_visa&payment_method_types[]=card&confirm=true';
const key = { 'idempotency-key': 'a' };

test('act_then_drop: everything happens and no reply comes; the same key then tells the result', async (t) => {
  const { call, arm, effects } = await startRig(t);
  await arm({ fault: 'act_then_drop', method: 'POST', path: '/v1/payment_intents' });
  await assert.rejects(call('POST', '/v1/payment_intents', form, key));
  assert.equal((await effects('charge.succeeded')).length, 1);
  const retried = await call('POST', '/v1/payment_intents', form, key);
  assert.deepEqual([retried.status, retried.headers['idempotent-replayed']], [200, 'true']);
  assert.equal((await effects('charge.succeeded')).length, 1);
});

test('drop_before_act: nothing happens and no reply comes; the same key then charges', async (t) => {
  const { call, arm, effects } = await startRig(t);
  await arm({ fault: 'drop_before_act' });
  await assert.rejects(call('POST', '/v1/payment_intents', form, key));
  assert.deepEqual(await effects(), []);
  const retried = await call('POST', '/v1/payment_intents', form, key);
  assert.deepEqual([retried.status, retried.headers['idempotent-replayed']], [200, undefined]);
});

test("the SDK's hidden retry after a dropped connection meets its own key and charges once", async (t) => {
  const { stripe, arm, effects } = await startRig(t);
  await arm({ fault: 'act_then_drop' });
  assert.equal((await stripe.paymentIntents.create(params)).status, 'succeeded');
  assert.equal((await effects('charge.succeeded')).length, 1);
});

test('answer_late: it has happened long before the reply', async (t) => {
  const { client, arm, effects, stripe } = await startRig(t);
  await arm({ fault: 'answer_late', delay_ms: 2_000 });
  const late = await errorOf(
    client(undefined, { timeout: 300 }).paymentIntents.create(params, { idempotencyKey: 'a' }),
  );
  assert.equal(late.type, 'StripeConnectionError');
  await until('the charge', async () =>
    (await effects('charge.succeeded')).length === 1 ? true : undefined,
  );
  assert.equal((await stripe.paymentIntents.create(params, { idempotencyKey: 'a' })).status, 'succeeded');
  assert.equal((await effects('charge.succeeded')).length, 1);
});

test('error_before: a 5xx without an effect, kept under the key only when told so', async (t) => {
  const { call, arm, effects } = await startRig(t);
  await arm({ fault: 'error_before', status: 503 });
  const failed = await call('POST', '/v1/payment_intents', form, key);
  assert.deepEqual([failed.status, failed.body.error?.['type']], [503, 'api_error']);
  assert.deepEqual(await effects(), []);
  assert.equal((await call('POST', '/v1/payment_intents', form, key)).status, 200);
  await arm({ fault: 'error_before', stored: true });
  const other = { 'idempotency-key': 'b' };
  const first = await call('POST', '/v1/payment_intents', form, other);
  const second = await call('POST', '/v1/payment_intents', form, other);
  assert.deepEqual(
    [first.status, second.status, second.text, second.headers['idempotent-replayed']],
    [500, 500, first.text, 'true'],
  );
  assert.equal((await effects('charge.succeeded')).length, 1);
});

test('error_after: the effect stands; a 500 is kept under the key, a 502 from in front is not', async (t) => {
  const { call, arm, effects } = await startRig(t);
  await arm({ fault: 'error_after', status: 500 });
  const first = await call('POST', '/v1/payment_intents', form, key);
  assert.deepEqual([first.status, first.headers['stripe-should-retry']], [500, 'false']);
  const second = await call('POST', '/v1/payment_intents', form, key);
  assert.deepEqual([second.status, second.text], [500, first.text]);
  await arm({ fault: 'error_after', status: 502 });
  const other = { 'idempotency-key': 'b' };
  assert.equal((await call('POST', '/v1/payment_intents', form, other)).status, 502);
  assert.equal((await call('POST', '/v1/payment_intents', form, other)).status, 200);
  assert.equal((await effects('charge.succeeded')).length, 2);
});

test('rate_limit, lock_timeout, idempotency_in_use and revoked_credential refuse without an effect', async (t) => {
  const { call, arm, effects } = await startRig(t);
  for (const [fault, status, code] of [
    ['rate_limit', 429, 'rate_limit'],
    ['lock_timeout', 429, 'lock_timeout'],
    ['idempotency_in_use', 409, 'idempotency_key_in_use'],
    ['revoked_credential', 401, 'api_key_expired'],
  ] as const) {
    await arm({ fault });
    const refused = await call('POST', '/v1/payment_intents', form, key);
    assert.deepEqual([refused.status, refused.body.error?.['code']], [status, code]);
  }
  assert.deepEqual(await effects(), []);
});

test('the SDK retries a lock timeout, because Stripe says it should', async (t) => {
  const { client, arm, effects } = await startRig(t);
  await arm({ fault: 'lock_timeout' });
  assert.equal(
    (await client(undefined, { maxNetworkRetries: 1 }).paymentIntents.create(params)).status,
    'succeeded',
  );
  assert.equal((await effects('charge.succeeded')).length, 1);
});

test('slow_drip: the reply comes in small pieces, which the SDK does not count as a timeout', async (t) => {
  const { call, client, arm } = await startRig(t);
  await arm({ fault: 'slow_drip', bytes_per_second: 4_000 });
  const startedMs = performance.now();
  const dripped = await call('POST', '/v1/payment_intents', form, key);
  assert.equal(dripped.status, 200);
  assert.equal(dripped.body['object'], 'payment_intent');
  assert.ok(performance.now() - startedMs > (dripped.text.length / 4_000) * 500);
  await arm({ fault: 'slow_drip', bytes_per_second: 1_500 });
  assert.equal((await client(undefined, { timeout: 500 }).paymentIntents.create(params)).status, 'succeeded');
});

test('truncated_body: the headers are whole and the body is cut, which the SDK calls a connection error', async (t) => {
  const { stripe, arm, effects } = await startRig(t);
  await arm({ fault: 'truncated_body', times: 2 });
  const cut = await errorOf(stripe.paymentIntents.create(params, { idempotencyKey: 'a' }));
  assert.equal(cut.type, 'StripeConnectionError');
  assert.equal((await effects('charge.succeeded')).length, 1);
});

test('stale_get: a read shows the payment as it was, and a write sees the truth', async (t) => {
  const { stripe, arm, control } = await startRig(t);
  const created = await stripe.paymentIntents.create({ ...params, confirm: false });
  await control('POST', '/clock', { advance_ms: 10_000 });
  await stripe.paymentIntents.confirm(created.id);
  await arm({ fault: 'stale_get', for_ms: 5_000, path: '^/v1/payment_intents/pi_', times: 2 });
  assert.equal((await stripe.paymentIntents.retrieve(created.id)).status, 'requires_confirmation');
  assert.equal(
    (await errorOf(stripe.paymentIntents.confirm(created.id))).code,
    'payment_intent_unexpected_state',
  );
  await control('POST', '/clock', { advance_ms: 5_000 });
  assert.equal((await stripe.paymentIntents.retrieve(created.id)).status, 'succeeded');
  assert.equal((await stripe.paymentIntents.retrieve(created.id)).status, 'succeeded');
});

test('not_found_after_create: a young payment is absent from reads, lists and search', async (t) => {
  const { stripe, arm, control } = await startRig(t);
  const old = await stripe.paymentIntents.create({ ...params, metadata: { order: 'o-1' } });
  await control('POST', '/clock', { advance_ms: 60_000 });
  const young = await stripe.paymentIntents.create({ ...params, metadata: { order: 'o-1' } });
  await arm({ fault: 'not_found_after_create', for_ms: 30_000, times: 0 });
  assert.equal((await errorOf(stripe.paymentIntents.retrieve(young.id))).statusCode, 404);
  assert.equal((await stripe.paymentIntents.retrieve(old.id)).id, old.id);
  assert.deepEqual(
    (await stripe.paymentIntents.list()).data.map(({ id }) => id),
    [old.id],
  );
  assert.deepEqual(
    (await stripe.paymentIntents.search({ query: "metadata['order']:'o-1'" })).data.map(({ id }) => id),
    [old.id],
  );
  await control('POST', '/clock', { advance_ms: 30_000 });
  assert.equal((await stripe.paymentIntents.retrieve(young.id)).status, 'succeeded');
});

test('forget_keys: a key older than the limit charges again', async (t) => {
  const { call, arm, control, effects } = await startRig(t);
  const first = await call('POST', '/v1/payment_intents', form, key);
  await arm({ fault: 'forget_keys', after_ms: 10_000, times: 0 });
  assert.equal((await call('POST', '/v1/payment_intents', form, key)).text, first.text);
  await control('POST', '/clock', { advance_ms: 10_000 });
  assert.notEqual((await call('POST', '/v1/payment_intents', form, key)).body['id'], first.body['id']);
  assert.equal((await effects('charge.succeeded')).length, 2);
});

test('settle_late: a payment stays in processing and is decided later, also after a restart', async (t) => {
  const rig = await startRig(t);
  await rig.arm({ fault: 'settle_late', for_ms: 60_000, times: 2 });
  const paid = await rig.stripe.paymentIntents.create(params);
  const declined = await rig.stripe.paymentIntents.create({
    ...params,
    payment_method: 'pm_card_chargeDeclined',
  });
  assert.deepEqual([paid.status, declined.status], ['processing', 'processing']);
  assert.deepEqual(await rig.effects('charge.succeeded'), []);
  await rig.restart();
  await rig.control('POST', '/clock', { advance_ms: 60_000 });
  const statusOf = async (id: string) => (await rig.stripe.paymentIntents.retrieve(id)).status;
  await until('the settlements', async () =>
    (await statusOf(paid.id)) === 'succeeded' && (await statusOf(declined.id)) === 'requires_payment_method'
      ? true
      : undefined,
  );
  assert.equal((await rig.effects('charge.succeeded')).length, 1);
});

test('a fault fires as often as it was told, only where it matches, and is counted', async (t) => {
  const { call, control, arm } = await startRig(t);
  await arm({ fault: 'rate_limit', method: 'GET', path: '/v1/balance', times: 2 });
  assert.equal((await call('GET', '/v1/account')).status, 200);
  assert.deepEqual(
    [
      (await call('GET', '/v1/balance')).status,
      (await call('GET', '/v1/balance')).status,
      (await call('GET', '/v1/balance')).status,
    ],
    [429, 429, 200],
  );
  const { body } = await control('GET', '/faults');
  assert.match(JSON.stringify(body), /"fired":2,"exhausted":true/);
  await arm({ fault: 'rate_limit', path: '/v1/payment_intents/[^/]+/confirm$', times: 0 });
  assert.equal((await call('POST', '/v1/payment_intents/pi_x/confirm')).status, 429);
  assert.equal((await call('GET', '/v1/payment_intents/pi_x')).status, 404);
  await control('DELETE', '/faults');
  assert.equal((await call('POST', '/v1/payment_intents/pi_x/confirm')).status, 404);
});

test('a fault with a probability fires the same way for the same seed', async (t) => {
  const { call, control, arm } = await startRig(t);
  const run = async (seed: number) => {
    await control('DELETE', '/faults');
    await arm({ fault: 'rate_limit', times: 0, probability: 0.5, seed });
    const statuses: number[] = [];
    for (let at = 0; at < 40; at += 1) statuses.push((await call('GET', '/v1/balance')).status);
    return statuses.join();
  };
  const first = await run(7);
  assert.equal(await run(7), first);
  assert.notEqual(await run(8), first);
  assert.match(first, /200.*429|429.*200/);
});

test('400: a control request that makes no sense is refused with words', async (t) => {
  const { control } = await startRig(t);
  const bad: [string, unknown][] = [
    ['/faults', { fault: 'explode' }],
    ['/faults', { fault: 'answer_late' }],
    ['/faults', { fault: 'rate_limit', times: -1 }],
    ['/faults', { fault: 'rate_limit', path: '(' }],
    ['/faults', { fault: 'rate_limit', probability: 2 }],
    ['/faults', { fault: 'error_before', status: 404 }],
    ['/accounts', { secret_key: 'nonsense' }],
    ['/accounts', {}],
    ['/clock', { advance_ms: -1 }],
  ];
  for (const [path, body] of bad) {
    const answer = await control('POST', path, body);
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.match(JSON.stringify(answer.body), /"error":".+"/);
  }
  assert.equal((await control('GET', '/journal?after=x')).status, 400);
});
