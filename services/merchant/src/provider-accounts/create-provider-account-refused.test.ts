import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { newUuid } from '@centra/service-kit/ids.ts';
import request from 'supertest';
import {
  asCaller,
  connectStripe,
  everyCredentialWorks,
  newCaller,
  newHotel,
  startTestMerchant,
  stripeKey,
} from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());
beforeEach(() => service.transaction.answerWith(everyCredentialWorks));

const PATH = '/v1/provider-accounts';
const accountsOf = (merchantId: string) =>
  service.sql('select id from provider_accounts where merchant_id = $1', [merchantId]);

describe('400', () => {
  const good = { provider: 'stripe', credentials: { secret_key: 'sk_test_canaryABCDEF' } };
  const cases: [string, object, string][] = [
    ['an unknown provider', { ...good, provider: 'bitcoin' }, 'provider'],
    ['no credentials', { provider: 'stripe' }, 'credentials'],
    ['a missing field', { ...good, credentials: {} }, 'credentials.secret_key'],
    [
      'an unknown field',
      { provider: 'stripe', credentials: { ...good.credentials, url: 'x' } },
      'credentials.url',
    ],
    [
      'a secret of the wrong shape',
      { ...good, credentials: { secret_key: 'hunter2' } },
      'credentials.secret_key',
    ],
    [
      'a publishable key as secret key',
      { ...good, credentials: { secret_key: 'pk_test_ABCDEFGH' } },
      'credentials.secret_key',
    ],
    [
      'an API key as webhook secret',
      { ...good, credentials: { ...good.credentials, webhook_secret: 'sk_test_ABCDEFGH' } },
      'credentials.webhook_secret',
    ],
    [
      'a secret key as publishable key',
      { ...good, credentials: { ...good.credentials, publishable_key: 'sk_test_ABCDEFGH' } },
      'credentials.publishable_key',
    ],
    [
      'a secret with a line break',
      { ...good, credentials: { secret_key: 'sk_test_canaryABCDEF\n' } },
      'credentials.secret_key',
    ],
    ['a secret that is a number', { ...good, credentials: { secret_key: 1 } }, 'credentials.secret_key'],
    [
      'a secret of 600 characters',
      { ...good, credentials: { secret_key: `sk_test_${'a'.repeat(592)}` } },
      'credentials.secret_key',
    ],
    ['a short vault key', { provider: 'vaultera', credentials: { api_key: 'abc' } }, 'credentials.api_key'],
    [
      'credentials for the simulator',
      { provider: 'simulator', credentials: { secret_key: 'x' } },
      'credentials.secret_key',
    ],
    ['a caller-chosen host', { ...good, base_url: 'http://169.254.169.254' }, 'base_url'],
    ['a caller-chosen merchant', { ...good, merchant_id: newUuid() }, 'merchant_id'],
    ['a caller-chosen status', { ...good, status: 'active' }, 'status'],
    ['an unknown mode', { ...good, mode: 'both' }, 'mode'],
    ['an empty name', { ...good, name: ' ' }, 'name'],
    ['a name with an escape sequence', { ...good, name: 'Desk \u001b[31m' }, 'name'],
    ['default as text', { ...good, default: 'yes' }, 'default'],
  ];
  for (const [what, body, field] of cases)
    test(`${what}, naming ${field} and asking no provider`, async () => {
      const { merchantId, caller } = await newCaller(service);
      const asked = service.transaction.asked.length;
      const refused = await caller.post(PATH).send(body).expect(400);
      assert.equal(refused.body.code, 'validation_failed');
      assert.deepEqual(
        refused.body.errors.map((error: { field: string }) => error.field),
        [field],
      );
      assert.doesNotMatch(refused.text, /canary|hunter2/);
      assert.equal(service.transaction.asked.length, asked);
      assert.deepEqual(await accountsOf(merchantId), []);
    });

  test('the simulator in live mode, naming mode', async () => {
    const live = asCaller(service, { merchantId: await newHotel(service), mode: 'live' });
    const refused = await live.post(PATH).send({ provider: 'simulator', credentials: {} }).expect(400);
    assert.equal(refused.body.errors[0].field, 'mode');
  });

  test('a prototype key, a repeated key, a query parameter', async () => {
    const { caller } = await newCaller(service);
    const raw = (text: string) => caller.post(PATH).set('content-type', 'application/json').send(text);
    const proto = await raw('{"provider":"stripe","credentials":{"__proto__":{"secret_key":"x"}}}').expect(
      400,
    );
    assert.equal(proto.body.code, 'malformed_json');
    await raw('{"provider":"stripe","provider":"simulator","credentials":{}}').expect(400);
    await caller.post(`${PATH}?mode=live`).send(good).expect(400);
  });
});

describe('401 and 403', () => {
  test('no identity, a service token as identity, an identity for another audience', async () => {
    const url = `http://127.0.0.1:${service.service.httpPort}`;
    const gateway = service.signer('api-gateway');
    const identity = {
      merchantId: newUuid(),
      mode: 'test',
      actor: 'a',
      scopes: ['provider_accounts:write'],
    } as const;
    const tokens = [gateway.serviceToken('merchant'), gateway.identityToken('auth', identity), 'garbage'];
    await request(url).post(PATH).send({}).expect(401);
    for (const token of tokens)
      await request(url).post(PATH).set('x-centra-identity', token).send({}).expect(401);
    const forged = service.signer('payment-api').identityToken('merchant', identity);
    await request(url).post(PATH).set('x-centra-identity', forged).send({}).expect(401);
  });

  test('without the scope, written into the history', async () => {
    const merchantId = await newHotel(service);
    const reader = asCaller(service, { merchantId, scopes: ['provider_accounts:read'] });
    const refused = await reader.post(PATH).send({}).expect(403);
    assert.equal(refused.body.required_scope, 'provider_accounts:write');
    const [event] = await service.sql(
      `select actor, address, after from audit_events where merchant_id = $1 and action = 'access.denied'`,
      [merchantId],
    );
    assert.deepEqual(event, {
      actor: 'api_key:key_01jd0000000000000000000000',
      address: '203.0.113.7',
      after: { method: 'POST', required_scope: 'provider_accounts:write' },
    });
  });

  test('a test key that asks for live mode', async () => {
    const { merchantId, caller } = await newCaller(service);
    const body = { provider: 'stripe', mode: 'live', credentials: { secret_key: stripeKey('live') } };
    await caller.post(PATH).send(body).expect(403);
    assert.deepEqual(await accountsOf(merchantId), []);
  });
});

test('404 for a merchant that is not registered', async () => {
  const caller = asCaller(service, { merchantId: newUuid() });
  await caller.post(PATH).send({ provider: 'simulator', credentials: {} }).expect(404);
});

test('405, 413 and 415 for a wrong method, a huge body and a body that is not JSON', async () => {
  const { caller } = await newCaller(service);
  const refused = await caller.put(PATH).send({}).expect(405);
  assert.equal(refused.headers['allow'], 'GET, POST');
  await caller
    .post(PATH)
    .send({ name: 'x'.repeat(256 * 1024) })
    .expect(413);
  await caller.post(PATH).type('form').send('provider=stripe').expect(415);
});

test('409 for the 101st account', async () => {
  const { merchantId, caller } = await newCaller(service);
  await connectStripe(caller);
  await service.sql(
    `with source as (select gen_random_uuid() as id from generate_series(1, 99)),
     accounts as (insert into provider_accounts (merchant_id, id, provider, kind, mode, name)
       select $1, id, 'simulator', 'card_provider', 'test', 'Filler' from source)
     insert into provider_account_versions (merchant_id, provider_account_id, version, plain_fields, secret_marks, sealed_fields)
       select $1, id, 1, '{}', '{}', '{}' from source`,
    [merchantId],
  );
  await caller.post(PATH).send({ provider: 'simulator', credentials: {} }).expect(409);
  assert.equal((await accountsOf(merchantId)).length, 100);
});
