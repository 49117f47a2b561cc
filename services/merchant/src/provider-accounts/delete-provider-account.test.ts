import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  asCaller,
  connectStripe,
  newCaller,
  newHotel,
  openAccount,
  startTestMerchant,
  stripeKey,
} from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

const PATH = '/v1/provider-accounts';

test('200: it is chosen no more, shown as deleted, and what began with it can still finish', async () => {
  const { merchantId, caller } = await newCaller(service);
  const secret = stripeKey();
  const id = await connectStripe(caller, secret);
  const { body } = await caller.delete(`${PATH}/${id}`).expect(200);
  assert.deepEqual([body.status, body.default, body.credentials.secret_key.set], ['deleted', false, true]);
  assert.notEqual(body.deleted_at, null);
  assert.equal((await caller.get(`${PATH}/${id}`).expect(200)).body.status, 'deleted');
  assert.deepEqual((await caller.get(PATH).expect(200)).body.data, []);
  const selector = { $case: 'accountVersion', value: { providerAccountId: id, version: 1 } } as const;
  assert.deepEqual((await openAccount(service, { merchantId, selector })).credentials, {
    secret_key: secret,
  });
});

test('repeated, also at once, it answers the same and is one change', async () => {
  const { merchantId, caller } = await newCaller(service);
  const id = await connectStripe(caller);
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => caller.delete(`${PATH}/${id}`).expect(200)),
  );
  const again = await caller.delete(`${PATH}/${id}`).expect(200);
  for (const { body } of answers) assert.deepEqual(body, again.body);
  const events = await service.sql(
    `select 1 from audit_events where merchant_id = $1 and action = 'provider_account.deleted'`,
    [merchantId],
  );
  assert.equal(events.length, 1);
});

test('no other account becomes the default by itself; the next connected one does', async () => {
  const { caller } = await newCaller(service);
  const first = await connectStripe(caller);
  const second = await connectStripe(caller);
  await caller.delete(`${PATH}/${first}`).expect(200);
  assert.equal((await caller.get(`${PATH}/${second}`)).body.default, false);
  const third = await connectStripe(caller);
  assert.equal((await caller.get(`${PATH}/${third}`)).body.default, true);
});

test('403 without the scope; 404 for another hotel’s account and another mode’s, which stay active', async () => {
  const merchantId = await newHotel(service);
  const live = asCaller(service, { merchantId, mode: 'live' });
  const liveId = await connectStripe(live, stripeKey('live'));
  const foreign = await newCaller(service);
  const foreignId = await connectStripe(foreign.caller);
  const caller = asCaller(service, { merchantId });
  await caller.delete(`${PATH}/${liveId}`).expect(404);
  await caller.delete(`${PATH}/${foreignId}`).expect(404);
  await caller.delete(`${PATH}/pa_01jd0000000000000000000000`).expect(404);
  await asCaller(service, { merchantId, mode: 'live', scopes: ['provider_accounts:read'] })
    .delete(`${PATH}/${liveId}`)
    .expect(403);
  assert.equal((await live.get(`${PATH}/${liveId}`)).body.status, 'active');
  assert.equal((await foreign.caller.get(`${PATH}/${foreignId}`)).body.status, 'active');
});
