import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import {
  asCaller,
  connectStripe,
  newCaller,
  newHotel,
  startTestMerchant,
  stripeKey,
} from '../test-service.ts';
import type { Caller, TestMerchant } from '../test-service.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

const PATH = '/v1/provider-accounts';
const events = (merchantId: string, action: string) =>
  service.sql(
    `select object_id, before, after from audit_events where merchant_id = $1 and action = $2 order by seq`,
    [merchantId, action],
  );
const isDefault = async (caller: Caller, id: string): Promise<boolean> =>
  (await caller.get(`${PATH}/${id}`).expect(200)).body.default;

describe('200', () => {
  test('a hotel with several accounts of one provider names them, and moves the default between them at once', async () => {
    const { merchantId, caller } = await newCaller(service);
    const [first, second] = [await connectStripe(caller), await connectStripe(caller)];
    const { body } = await caller
      .post(`${PATH}/${second}`)
      .send({ name: '  Restaurant  ', default: true })
      .expect(200);
    assert.deepEqual([body.id, body.name, body.default], [second, 'Restaurant', true]);
    assert.equal(await isDefault(caller, first), false);
    assert.deepEqual(await events(merchantId, 'provider_account.default_replaced'), [
      { object_id: first, before: { default: true }, after: { default: false } },
    ]);
    const [event] = await events(merchantId, 'provider_account.updated');
    assert.equal(event?.['object_id'], second);
    assert.deepEqual(
      [event?.['before'], event?.['after']].map((each) => z.object({ name: z.string() }).parse(each).name),
      ['Stripe', 'Restaurant'],
    );
  });

  test('of eight that ask to be the default at once one is, and there is never none', async () => {
    const { merchantId, caller } = await newCaller(service);
    const ids: string[] = [];
    for (let count = 0; count < 8; count += 1) ids.push(await connectStripe(caller));
    await Promise.all(
      ids.map(async (id) => await caller.post(`${PATH}/${id}`).send({ default: true }).expect(200)),
    );
    const defaults = await service.sql(
      `select count(*)::int as count from provider_accounts where merchant_id = $1 and is_default`,
      [merchantId],
    );
    assert.deepEqual(defaults, [{ count: 1 }]);
  });

  test('each kind keeps its own default', async () => {
    const { caller } = await newCaller(service);
    const stripe = await connectStripe(caller);
    const vault = await caller
      .post(PATH)
      .send({ provider: 'vaultera', credentials: { api_key: '0'.repeat(32) } })
      .expect(201);
    await caller
      .post(`${PATH}/${String(vault.body.id)}`)
      .send({ default: true })
      .expect(200);
    assert.equal(await isDefault(caller, stripe), true);
  });

  test('what is so already is answered and not written down', async () => {
    const { merchantId, caller } = await newCaller(service);
    const id = await connectStripe(caller);
    for (const change of [{}, { name: 'Stripe' }, { default: true }])
      await caller.post(`${PATH}/${id}`).send(change).expect(200);
    assert.deepEqual(await events(merchantId, 'provider_account.updated'), []);
  });
});

describe('refused', () => {
  test('400 for an empty, long or forged name, for taking the default away, and for anything else', async () => {
    const { caller } = await newCaller(service);
    const id = await connectStripe(caller);
    const changes = [
      { name: '' },
      { name: 'x'.repeat(101) },
      { name: 'a\u202eb' },
      { name: null },
      { default: false },
      { mode: 'live' },
      { credentials: { secret_key: stripeKey() } },
      { status: 'deleted' },
      { api_url: 'http://10.0.0.1' },
    ];
    for (const change of changes) await caller.post(`${PATH}/${id}`).send(change).expect(400);
    assert.equal((await caller.get(`${PATH}/${id}`)).body.name, 'Stripe');
  });

  test('403 without the permission to write', async () => {
    const { merchantId, caller } = await newCaller(service);
    const id = await connectStripe(caller);
    const reader = asCaller(service, { merchantId, scopes: ['provider_accounts:read'] });
    await reader.post(`${PATH}/${id}`).send({ name: 'x' }).expect(403);
  });

  test('404 for another hotel’s account, a live one asked for with a test key, and an unknown one', async () => {
    const { merchantId, caller } = await newCaller(service);
    const id = await connectStripe(caller);
    const live = asCaller(service, { merchantId, mode: 'live' });
    const liveId = await connectStripe(live, stripeKey('live'));
    const other = asCaller(service, { merchantId: await newHotel(service) });
    await other.post(`${PATH}/${id}`).send({ name: 'x' }).expect(404);
    await caller.post(`${PATH}/${liveId}`).send({ name: 'x' }).expect(404);
    await caller.post(`${PATH}/pa_unknown`).send({ name: 'x' }).expect(404);
    await live.post(`${PATH}/${id}`).send({ name: 'By the live key' }).expect(200);
  });

  test('409 for a deleted account', async () => {
    const { caller } = await newCaller(service);
    const id = await connectStripe(caller);
    await caller.delete(`${PATH}/${id}`).expect(200);
    const { body } = await caller.post(`${PATH}/${id}`).send({ default: true }).expect(409);
    assert.equal(body.code, 'state_conflict');
  });
});
