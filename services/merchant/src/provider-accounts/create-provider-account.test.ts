import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
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

describe('201', () => {
  test('credentials that the provider accepts are stored and shown as last four and fingerprint only', async () => {
    const { merchantId, caller } = await newCaller(service);
    const secret = stripeKey();
    const publishable = 'pk_test_visibleABC123';
    const created = await caller
      .post(PATH)
      .send({
        provider: 'stripe',
        name: 'Front desk',
        credentials: { secret_key: secret, publishable_key: publishable },
      })
      .expect(201);
    const { id, created_at: createdAt, updated_at: updatedAt, credentials, ...rest } = created.body;
    assert.match(id, /^pa_[0-9a-z]{26}$/);
    assert.equal(created.headers['location'], `${PATH}/${id}`);
    assert.equal(created.headers['cache-control'], 'no-store');
    assert.equal(createdAt, updatedAt);
    assert.deepEqual(rest, {
      object: 'provider_account',
      provider: 'stripe',
      kind: 'card_provider',
      mode: 'test',
      name: 'Front desk',
      default: true,
      status: 'active',
      version: 1,
      webhook_path: `/v1/webhooks/stripe/${id}`,
      last_test: null,
      deleted_at: null,
    });
    const { fingerprint, ...mark } = credentials.secret_key;
    assert.match(fingerprint, /^[0-9a-f]{16}$/);
    assert.deepEqual(mark, { set: true, last4: secret.slice(-4) });
    assert.deepEqual(credentials.publishable_key, { set: true, value: publishable });
    assert.ok(!created.text.includes(secret));
    const asked = service.transaction.asked.at(-1);
    assert.deepEqual(asked, {
      provider: 'stripe',
      mode: Mode.MODE_TEST,
      credentials: { secret_key: secret, publishable_key: publishable },
    });
    assert.equal((await accountsOf(merchantId)).length, 1);
  });

  test('the other providers connect too: a card vault with its key, the simulator with nothing', async () => {
    const { caller } = await newCaller(service);
    const apiKey = '0123456789abcdef0123456789ABCDEF';
    const vault = await caller
      .post(PATH)
      .send({ provider: 'vaultera', credentials: { api_key: apiKey } })
      .expect(201);
    assert.deepEqual(
      [vault.body.kind, vault.body.default, vault.body.name],
      ['card_vault', true, 'Vaultera'],
    );
    assert.equal(vault.body.credentials.api_key.last4, 'CDEF');
    const simulator = await caller.post(PATH).send({ provider: 'simulator', credentials: {} }).expect(201);
    assert.deepEqual(
      [simulator.body.kind, simulator.body.default, simulator.body.credentials],
      ['card_provider', true, {}],
    );
  });

  test('the first account of a kind and mode is the default, a later one only when asked', async () => {
    const { merchantId, caller } = await newCaller(service);
    const first = await connectStripe(caller);
    const second = await connectStripe(caller);
    const isDefault = async (id: string): Promise<boolean> =>
      (await caller.get(`${PATH}/${id}`)).body.default;
    assert.deepEqual([await isDefault(first), await isDefault(second)], [true, false]);
    const third = await connectStripe(caller, stripeKey(), { default: true });
    assert.deepEqual(
      [await isDefault(first), await isDefault(second), await isDefault(third)],
      [false, false, true],
    );
    const actions = await service.sql('select action from audit_events where merchant_id = $1 order by seq', [
      merchantId,
    ]);
    assert.deepEqual(
      actions.map((row) => row['action']),
      [
        'merchant.created',
        'data_key.added',
        'provider_account.created',
        'provider_account.created',
        'provider_account.default_replaced',
        'provider_account.created',
      ],
    );
  });

  test('of eight first accounts connected at once exactly one is the default, also when each asks to be', async () => {
    for (const more of [{}, { default: true }]) {
      const { merchantId, caller } = await newCaller(service);
      const ids = await Promise.all(
        Array.from({ length: 8 }, () => connectStripe(caller, stripeKey(), more)),
      );
      assert.equal(new Set(ids).size, 8);
      const defaults = await service.sql(
        'select id from provider_accounts where merchant_id = $1 and is_default',
        [merchantId],
      );
      assert.equal(defaults.length, 1);
      const keys = await service.sql(
        'select version, uses::int as uses from data_keys where merchant_id = $1',
        [merchantId],
      );
      assert.deepEqual(keys, [{ version: 1, uses: 8 }]);
    }
  });

  test('a live key connects live accounts by default and test accounts when asked', async () => {
    const merchantId = await newHotel(service);
    const live = asCaller(service, { merchantId, mode: 'live' });
    const own = await live
      .post(PATH)
      .send({ provider: 'stripe', credentials: { secret_key: stripeKey('live') } })
      .expect(201);
    assert.deepEqual([own.body.mode, own.body.default], ['live', true]);
    const inTest = await connectStripe(live, stripeKey('test'), { mode: 'test' });
    const shown = await live.get(`${PATH}/${inTest}`).expect(200);
    assert.deepEqual([shown.body.mode, shown.body.default], ['test', true]);
  });

  test('equal secrets of one hotel have one fingerprint, of two hotels two', async () => {
    const secret = stripeKey();
    const [a, b] = [await newCaller(service), await newCaller(service)];
    const body = { provider: 'stripe', credentials: { secret_key: secret } };
    const print = async (caller: typeof a.caller): Promise<string> =>
      (await caller.post(PATH).send(body).expect(201)).body.credentials.secret_key.fingerprint;
    const first = await print(a.caller);
    assert.equal(await print(a.caller), first);
    assert.notEqual(await print(b.caller), first);
  });
});
