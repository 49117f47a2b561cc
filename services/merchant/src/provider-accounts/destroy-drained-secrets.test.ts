import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fromServiceError } from '@centra/service-kit/grpc.ts';
import { connectStripe, newCaller, openAccount, startTestMerchant, stripeKey } from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';
import { destroyDrainedSecrets } from './destroy-drained-secrets.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

const PATH = '/v1/provider-accounts';
const versionsOf = (merchantId: string) =>
  service.sql(
    `select version, state, sealed_fields is null as erased, data_key_version
       from provider_account_versions where merchant_id = $1 order by version`,
    [merchantId],
  );
const moveDrainTime = (merchantId: string, interval: string) =>
  service.sql(
    `update provider_account_versions set drains_until = now() + $2::interval where merchant_id = $1 and state = 'draining'`,
    [merchantId, interval],
  );
const openFirst = (merchantId: string, id: string) => {
  const selector = { $case: 'accountVersion', value: { providerAccountId: id, version: 1 } } as const;
  return openAccount(service, { merchantId, selector });
};

test('a replaced secret opens until its time is over by the database’s clock, and is erased after', async () => {
  const { merchantId, caller } = await newCaller(service);
  const secret = stripeKey();
  const id = await connectStripe(caller, secret);
  await caller
    .post(`${PATH}/${id}/rotate`)
    .send({ credentials: { secret_key: stripeKey() } })
    .expect(200);
  await moveDrainTime(merchantId, '5 minutes');
  await destroyDrainedSecrets(service.service.context);
  assert.deepEqual((await openFirst(merchantId, id)).credentials, { secret_key: secret });

  await moveDrainTime(merchantId, '-1 second');
  await destroyDrainedSecrets(service.service.context);
  assert.deepEqual(await versionsOf(merchantId), [
    { version: 1, state: 'destroyed', erased: true, data_key_version: null },
    { version: 2, state: 'active', erased: false, data_key_version: 1 },
  ]);
  await assert.rejects(openFirst(merchantId, id), (error) => fromServiceError(error).code === 'not_found');
  const [event] = await service.sql(
    `select actor, object_id, after from audit_events where merchant_id = $1 and action = 'provider_account.secrets_destroyed'`,
    [merchantId],
  );
  assert.deepEqual(event, { actor: 'service:merchant', object_id: id, after: { version: 1 } });
});

test('a deleted account keeps its last four and fingerprint, and says that the secret is gone', async () => {
  const { merchantId, caller } = await newCaller(service);
  const id = await connectStripe(caller);
  const { body: shown } = await caller.delete(`${PATH}/${id}`).expect(200);
  await moveDrainTime(merchantId, '-1 second');
  await destroyDrainedSecrets(service.service.context);
  const { body } = await caller.get(`${PATH}/${id}`).expect(200);
  assert.deepEqual(body.credentials.secret_key, { ...shown.credentials.secret_key, set: false });
});

test('four replicas at once destroy each secret once, whatever the batch', async () => {
  const hotels = await Promise.all(Array.from({ length: 6 }, () => newCaller(service)));
  for (const { merchantId, caller } of hotels) {
    const id = await connectStripe(caller);
    for (let count = 0; count < 3; count += 1)
      await caller
        .post(`${PATH}/${id}/rotate`)
        .send({ credentials: { secret_key: stripeKey() } })
        .expect(200);
    await moveDrainTime(merchantId, '-1 second');
  }
  const { context } = service.service;
  await Promise.all(Array.from({ length: 4 }, () => destroyDrainedSecrets(context)));
  for (const { merchantId } of hotels) {
    const states = (await versionsOf(merchantId)).map((row) => row['state']);
    assert.deepEqual(states, ['destroyed', 'destroyed', 'destroyed', 'active']);
    const events = await service.sql(
      `select (after->>'version')::int as version from audit_events
        where merchant_id = $1 and action = 'provider_account.secrets_destroyed' order by 1`,
      [merchantId],
    );
    assert.deepEqual(events, [{ version: 1 }, { version: 2 }, { version: 3 }]);
  }
});
