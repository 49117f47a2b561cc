import assert from 'node:assert/strict';
import { test } from 'node:test';

import { errorOf, startRig } from '../testing/rig.ts';

const form = 'amount=2500&currency=eur&payment_method=pm_card_visa&payment_method_types[]=card&confirm=true';
const declining = form.replace('pm_card_visa', 'pm_card_chargeDeclined');
const key = (value: string) => ({ 'idempotency-key': value });
const DAY_MS = 24 * 60 * 60 * 1_000;

test('the same key and parameters return the first answer byte for byte and charge once', async (t) => {
  const { call, effects } = await startRig(t);
  const first = await call('POST', '/v1/payment_intents', form, key('a'));
  const second = await call('POST', '/v1/payment_intents', form, key('a'));
  const reordered = await call(
    'POST',
    '/v1/payment_intents',
    form.split('&').toReversed().join('&'),
    key('a'),
  );
  assert.deepEqual(
    [first.status, second.status, second.text, reordered.text],
    [200, 200, first.text, first.text],
  );
  assert.deepEqual(
    [first.headers['idempotent-replayed'], second.headers['idempotent-replayed']],
    [undefined, 'true'],
  );
  assert.equal(second.headers['original-request'], first.headers['request-id']);
  assert.equal(second.headers['idempotency-key'], 'a');
  assert.equal((await effects('charge.succeeded')).length, 1);
});

test('a decline is kept under its key, and a new key tries again', async (t) => {
  const { call, stripe, effects } = await startRig(t);
  const first = await call('POST', '/v1/payment_intents', declining, key('a'));
  const second = await call('POST', '/v1/payment_intents', declining, key('a'));
  assert.deepEqual([first.status, second.status, second.text], [402, 402, first.text]);
  assert.equal((await effects('charge.failed')).length, 1);
  const intent = await stripe.paymentIntents.create({
    amount: 2_500,
    currency: 'eur',
    allowed_payment_method_types: ['card'],
  });
  const confirm = (payment_method: string, idempotencyKey: string) =>
    stripe.paymentIntents.confirm(intent.id, { payment_method }, { idempotencyKey });
  await errorOf(confirm('pm_card_chargeDeclined', 'try-1'));
  assert.equal((await errorOf(confirm('pm_card_chargeDeclined', 'try-1'))).statusCode, 402);
  assert.equal((await confirm('pm_card_visa', 'try-2')).status, 'succeeded');
});

test('a key used with other parameters or on another path is refused, also after a success', async (t) => {
  const { call, effects } = await startRig(t);
  const { body } = await call('POST', '/v1/payment_intents', form, key('a'));
  const others: [string, string][] = [
    ['/v1/payment_intents', form.replace('2500', '2501')],
    ['/v1/payment_intents', `${form}&description=x`],
    ['/v1/payment_methods', form],
    [`/v1/payment_intents/${String(body['id'])}`, form],
  ];
  for (const [path, other] of others) {
    const refused = await call('POST', path, other, key('a'));
    assert.deepEqual([refused.status, refused.body.error?.['type']], [400, 'idempotency_error'], path);
    assert.match(
      String(refused.body.error?.['message']),
      /^Keys for idempotent requests can only be used with the same parameters/,
    );
  }
  assert.equal((await effects('charge.succeeded')).length, 1);
});

test('of many at once with one key, one runs and the others get 409 until it is done', async (t) => {
  const { call, effects } = await startRig(t, { latencyMs: 150 });
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => call('POST', '/v1/payment_intents', form, key('a'))),
  );
  const fresh = answers.filter(({ status, headers }) => status === 200 && !headers['idempotent-replayed']);
  const refused = answers.filter(({ status }) => status === 409);
  assert.equal(fresh.length, 1);
  assert.ok(refused.length > 0, 'at least one request met the running one');
  for (const { body, headers } of refused) {
    assert.deepEqual(
      [body.error?.['type'], body.error?.['code']],
      ['idempotency_error', 'idempotency_key_in_use'],
    );
    assert.equal(headers['stripe-should-retry'], 'true');
  }
  const later = await call('POST', '/v1/payment_intents', form, key('a'));
  assert.deepEqual([later.status, later.text], [200, fresh[0]?.text]);
  assert.equal((await effects('charge.succeeded')).length, 1);
});

test('the SDK retries a 409 by itself and ends with the one result', async (t) => {
  const { client, effects } = await startRig(t, { latencyMs: 100 });
  const stripe = client(undefined, { maxNetworkRetries: 5 });
  const params = {
    amount: 2_500,
    currency: 'eur',
    payment_method: 'pm_card_visa',
    allowed_payment_method_types: ['card'],
    confirm: true,
  };
  const paid = await Promise.all(
    [1, 2, 3].map(() => stripe.paymentIntents.create(params, { idempotencyKey: 'a' })),
  );
  assert.equal(new Set(paid.map(({ id }) => id)).size, 1);
  assert.equal((await effects('charge.succeeded')).length, 1);
});

test('what is refused before execution leaves the key free', async (t) => {
  const { call, arm, control, account, effects } = await startRig(t);
  const spoiled = ['amount=abc&currency=eur', `${form}&colour=red`, 'amount=1&currency=eur'];
  for (const other of spoiled)
    assert.equal((await call('POST', '/v1/payment_intents', other, key('a'))).status, 400);
  const unknownCaller = { ...key('a'), authorization: 'Bearer sk_test_unknown' };
  assert.equal((await call('POST', '/v1/payment_intents', form, unknownCaller)).status, 401);
  for (const [fault, status] of [
    ['rate_limit', 429],
    ['revoked_credential', 401],
    ['lock_timeout', 429],
  ] as const) {
    await arm({ fault });
    assert.equal((await call('POST', '/v1/payment_intents', form, key('a'))).status, status);
  }
  const paid = await call('POST', '/v1/payment_intents', form, key('a'));
  assert.deepEqual([paid.status, paid.headers['idempotent-replayed']], [200, undefined]);
  await control('POST', `/accounts/${account}/revoke_key`, {});
  assert.equal((await call('POST', '/v1/payment_intents', form, key('a'))).status, 401);
  assert.equal((await effects('charge.succeeded')).length, 1);
});

test('a refusal by the state of the payment is an execution, and is kept', async (t) => {
  const { stripe } = await startRig(t);
  const empty = await stripe.paymentIntents.create({
    amount: 2_500,
    currency: 'eur',
    allowed_payment_method_types: ['card'],
  });
  const confirm = () => stripe.paymentIntents.confirm(empty.id, {}, { idempotencyKey: 'a' });
  assert.equal((await errorOf(confirm())).code, 'payment_intent_unexpected_state');
  await stripe.paymentIntents.update(empty.id, { payment_method: 'pm_card_visa' });
  const replayed = await errorOf(confirm());
  assert.deepEqual(
    [replayed.code, replayed.headers?.['idempotent-replayed']],
    ['payment_intent_unexpected_state', 'true'],
  );
});

test('keys of different accounts and modes are different keys', async (t) => {
  const { client, control, account, effects } = await startRig(t);
  await control('POST', '/accounts', { secret_key: 'sk_test_otherhotel1' });
  await control('POST', '/accounts', { id: account, secret_key: 'sk_live_samehotel1' });
  const ids = new Set<string>();
  for (const secret of [undefined, 'sk_test_otherhotel1', 'sk_live_samehotel1']) {
    const made = await client(secret).paymentIntents.create(
      { amount: 2_500, currency: 'eur' },
      { idempotencyKey: 'a' },
    );
    ids.add(made.id);
  }
  assert.equal(ids.size, 3);
  assert.equal((await effects('payment_intent.created')).length, 3);
});

test('a key is remembered for 24 hours and then charges again', async (t) => {
  const { call, control, effects } = await startRig(t);
  const first = await call('POST', '/v1/payment_intents', form, key('a'));
  await control('POST', '/clock', { advance_ms: DAY_MS - 60_000 });
  assert.equal((await call('POST', '/v1/payment_intents', form, key('a'))).text, first.text);
  await control('POST', '/clock', { advance_ms: 60_000 });
  const later = await call('POST', '/v1/payment_intents', form, key('a'));
  assert.notEqual(later.body['id'], first.body['id']);
  assert.equal((await effects('charge.succeeded')).length, 2);
});

test('keys, the clock and every object survive a restart', async (t) => {
  const rig = await startRig(t);
  const first = await rig.call('POST', '/v1/payment_intents', form, key('a'));
  await rig.control('POST', '/clock', { advance_ms: DAY_MS - 60_000 });
  await rig.restart();
  const replayed = await rig.call('POST', '/v1/payment_intents', form, key('a'));
  assert.deepEqual([replayed.text, replayed.headers['idempotent-replayed']], [first.text, 'true']);
  assert.equal((await rig.stripe.paymentIntents.retrieve(String(first.body['id']))).status, 'succeeded');
  await rig.control('POST', '/clock', { advance_ms: 60_000 });
  assert.equal(
    (await rig.call('POST', '/v1/payment_intents', 'amount=800&currency=eur', key('a'))).status,
    200,
  );
  assert.equal((await rig.effects('charge.succeeded')).length, 1);
});

test('keys count on POST only and may have 255 characters', async (t) => {
  const { call } = await startRig(t);
  assert.equal((await call('GET', '/v1/balance', undefined, key('a'))).status, 200);
  assert.equal((await call('GET', '/v1/account', undefined, key('a'))).status, 200);
  assert.equal((await call('POST', '/v1/payment_intents', form, key('k'.repeat(255)))).status, 200);
  assert.equal((await call('POST', '/v1/payment_intents', form, key('k'.repeat(256)))).status, 400);
});
