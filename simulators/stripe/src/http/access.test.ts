import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SECRET_KEY, errorOf, fieldOf, startRig } from '../testing/rig.ts';

const card = {
  amount: 5_000,
  currency: 'eur',
  payment_method: 'pm_card_visa',
  allowed_payment_method_types: ['card'],
};

test('401: no key, an unknown key and a revoked key are told apart, and no key is repeated in full', async (t) => {
  const { call, control, account } = await startRig(t);
  const none = await call('GET', '/v1/balance', undefined, { authorization: '' });
  assert.deepEqual([none.status, none.body.error?.['type']], [401, 'invalid_request_error']);
  assert.match(String(none.body.error?.['message']), /^You did not provide an API key/);
  const unknown = await call('GET', '/v1/balance', undefined, {
    authorization: 'Bearer sk_test_abcdefghijklmnop',
  });
  assert.equal(unknown.status, 401);
  assert.equal(unknown.body.error?.['message'], `Invalid API Key provided: sk_test_${'*'.repeat(12)}mnop`);
  await control('POST', `/accounts/${account}/revoke_key`, { secret_key: SECRET_KEY });
  const revoked = await call('GET', '/v1/balance');
  assert.deepEqual([revoked.status, revoked.body.error?.['code']], [401, 'api_key_expired']);
  assert.ok(!revoked.text.includes(SECRET_KEY));
});

test('a key is taken as a Bearer token and as the user of Basic authentication', async (t) => {
  const { call } = await startRig(t);
  const basic = `Basic ${Buffer.from(`${SECRET_KEY}:`).toString('base64')}`;
  assert.equal((await call('GET', '/v1/balance', undefined, { authorization: basic })).status, 200);
  assert.equal(
    (await call('GET', '/v1/balance', undefined, { authorization: `Digest ${SECRET_KEY}` })).status,
    401,
  );
});

test('a revoked key stays revoked after a restart, and the account can get another', async (t) => {
  const rig = await startRig(t);
  await rig.control('POST', `/accounts/${rig.account}/revoke_key`, {});
  await rig.restart();
  assert.equal((await errorOf(rig.stripe.balance.retrieve())).statusCode, 401);
  await rig.control('POST', '/accounts', { id: rig.account, secret_key: 'sk_test_rotatedkey2' });
  assert.equal((await rig.client('sk_test_rotatedkey2').accounts.retrieveCurrent()).id, rig.account);
});

test('403: a restricted key does what it may and nothing else; writing includes reading', async (t) => {
  const { client, control, account, effects } = await startRig(t);
  await control('POST', '/accounts', {
    id: account,
    secret_key: 'rk_test_writer1',
    permissions: ['rak_payment_intent_write'],
  });
  await control('POST', '/accounts', {
    id: account,
    secret_key: 'rk_test_reader1',
    permissions: ['rak_payment_intent_read'],
  });
  const made = await client('rk_test_writer1').paymentIntents.create(card);
  assert.equal((await client('rk_test_reader1').paymentIntents.retrieve(made.id)).id, made.id);
  assert.equal((await client('rk_test_writer1').paymentIntents.retrieve(made.id)).id, made.id);
  const refused = await errorOf(client('rk_test_reader1').paymentIntents.confirm(made.id));
  assert.deepEqual([refused.statusCode, refused.type], [403, 'StripePermissionError']);
  assert.match(refused.message, /rak_payment_intent_write/);
  assert.equal((await errorOf(client('rk_test_writer1').balance.retrieve())).statusCode, 403);
  const connect = await errorOf(client().balance.retrieve({}, { stripeAccount: 'acct_other' }));
  assert.deepEqual([connect.statusCode, connect.code], [403, 'account_invalid']);
  assert.deepEqual(await effects('charge.succeeded'), []);
});

test('404: objects of another account are as absent as objects that never were', async (t) => {
  const { client, control, stripe } = await startRig(t);
  await control('POST', '/accounts', { secret_key: 'sk_test_otherhotel1' });
  const other = client('sk_test_otherhotel1');
  const paid = await stripe.paymentIntents.create({ ...card, confirm: true, metadata: { order: 'o-1' } });
  const [event] = (await stripe.events.list()).data;
  assert.ok(event);
  const reads = [
    (id: string) => other.paymentIntents.retrieve(id),
    (id: string) => other.paymentIntents.confirm(id),
    (id: string) => other.paymentIntents.cancel(id),
    (id: string) => other.paymentIntents.update(id, { description: 'x' }),
  ];
  for (const read of reads) {
    const [foreign, missing] = [await errorOf(read(paid.id)), await errorOf(read('pi_missing'))];
    assert.deepEqual([foreign.statusCode, foreign.code, foreign.param], [404, 'resource_missing', 'intent']);
    assert.equal(foreign.message.replace(paid.id, 'pi_missing'), missing.message);
  }
  assert.equal((await errorOf(other.charges.retrieve(fieldOf(paid, 'latest_charge')))).statusCode, 404);
  assert.equal(
    (await errorOf(other.paymentMethods.retrieve(fieldOf(paid, 'payment_method')))).statusCode,
    404,
  );
  assert.equal((await errorOf(other.events.retrieve(event.id))).statusCode, 404);
  assert.deepEqual((await other.paymentIntents.list()).data, []);
  assert.deepEqual((await other.paymentIntents.search({ query: "metadata['order']:'o-1'" })).data, []);
});

test("404: an unknown URL is answered in Stripe's words", async (t) => {
  const { call } = await startRig(t);
  for (const [method, path] of [
    ['GET', '/v1/nothing'],
    ['DELETE', '/v1/payment_intents'],
    ['POST', '/v1/balance'],
    ['GET', '/'],
  ] as const) {
    const { status, body } = await call(method, path);
    assert.equal(status, 404);
    assert.equal(body.error?.['type'], 'invalid_request_error');
    assert.ok(String(body.error?.['message']).startsWith(`Unrecognized request URL (${method}: ${path}).`));
  }
});

test('a body that is no form, or too large, is refused', async (t) => {
  const { call, effects } = await startRig(t);
  const json = await call('POST', '/v1/payment_intents', '{"amount":500}', {
    'content-type': 'application/json',
  });
  assert.deepEqual([json.status, json.body.error?.['type']], [400, 'invalid_request_error']);
  for (const form of [
    'a[b=1',
    'a[b][c][d][e][f][g][h][i]=1',
    'a=%zz',
    'a=1&a[b]=2',
    Array.from({ length: 1_001 }, (_, at) => `a${at}=1`).join('&'),
  ]) {
    assert.equal((await call('POST', '/v1/payment_intents', form)).status, 400, form.slice(0, 40));
  }
  const large = await call('POST', '/v1/payment_intents', `description=${'x'.repeat(1_100_000)}`);
  assert.deepEqual([large.status, large.body.error?.['type']], [413, 'invalid_request_error']);
  assert.deepEqual(await effects(), []);
});

test('the journal records every request, without bodies, queries or keys', async (t) => {
  const { call, control, account } = await startRig(t);
  await call('GET', '/v1/payment_intents/search?query=secretquery');
  await call('GET', '/v1/nothing');
  await call('GET', '/v1/balance', undefined, { authorization: 'Bearer sk_test_unknownkey' });
  const { body } = await control('GET', '/journal?kind=request');
  const text = JSON.stringify(body);
  const lines: { entries: { path: string; status: number; account: string | null }[] } = JSON.parse(text);
  assert.deepEqual(
    lines.entries.map(({ path, status, account: who }) => [path, status, who]),
    [
      ['/v1/payment_intents/search', 400, account],
      ['/v1/nothing', 404, null],
      ['/v1/balance', 401, null],
    ],
  );
  assert.ok(!/secretquery|sk_test_/.test(text));
});
