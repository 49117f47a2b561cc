import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromServiceError } from '@centra/service-kit/grpc.ts';
import {
  connectStripe,
  newCaller,
  nothingIsOpen,
  openAccount,
  startTestMerchant,
  stripeKey,
} from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';
import { destroyDrainedSecrets } from './destroy-drained-secrets.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());
afterEach(() => service.transaction.useWith(nothingIsOpen));

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

const postponements = (merchantId: string) =>
  service.sql(
    `select object_id, actor, after from audit_events
      where merchant_id = $1 and action = 'provider_account.destruction_postponed' order by seq`,
    [merchantId],
  );
const minutesLeft = (merchantId: string) =>
  service.sql(
    `select state, round(extract(epoch from drains_until - now()) / 60)::int as minutes
       from provider_account_versions where merchant_id = $1 and state = 'draining'`,
    [merchantId],
  );

test('a version that something still needs stays, is looked at again in ten minutes, and goes once nothing does', async () => {
  const { merchantId, caller } = await newCaller(service);
  const secret = stripeKey();
  const id = await connectStripe(caller, secret);
  await caller.delete(`${PATH}/${id}`).expect(200);
  for (const use of [
    { openOperations: 1, openHolds: 0 },
    { openOperations: 0, openHolds: 1 },
  ]) {
    service.transaction.useWith(() => use);
    await moveDrainTime(merchantId, '-1 second');
    await destroyDrainedSecrets(service.service.context);
    assert.deepEqual(await minutesLeft(merchantId), [{ state: 'draining', minutes: 10 }]);
    assert.deepEqual((await openFirst(merchantId, id)).credentials, { secret_key: secret });
  }
  // Said once, at the first look.
  assert.deepEqual(await postponements(merchantId), [
    {
      object_id: id,
      actor: 'service:merchant',
      after: { version: 1, open_operations: 1, open_holds: 0 },
    },
  ]);
  service.transaction.useWith(nothingIsOpen);
  // Not before its next look is due.
  await destroyDrainedSecrets(service.service.context);
  assert.equal((await versionsOf(merchantId))[0]?.['state'], 'draining');
  await moveDrainTime(merchantId, '-1 second');
  await destroyDrainedSecrets(service.service.context);
  assert.deepEqual(await versionsOf(merchantId), [
    { version: 1, state: 'destroyed', erased: true, data_key_version: null },
  ]);
});

test('the question names the hotel, the account and the version', async () => {
  const { merchantId, caller } = await newCaller(service);
  await connectStripe(caller);
  const id = await connectStripe(caller);
  await caller
    .post(`${PATH}/${id}/rotate`)
    .send({ credentials: { secret_key: stripeKey() } })
    .expect(200);
  const asked: unknown[] = [];
  service.transaction.useWith((request) => {
    asked.push(request);
    return { openOperations: 0, openHolds: 0 };
  });
  await moveDrainTime(merchantId, '-1 second');
  await destroyDrainedSecrets(service.service.context);
  const [account] = await service.sql(
    `select id from provider_accounts where merchant_id = $1 and current_version = 2`,
    [merchantId],
  );
  assert.deepEqual(asked, [{ merchantId, providerAccountId: account?.['id'], version: 1 }]);
});

test('while the transaction service cannot be asked nothing is destroyed, and the history says so once', async () => {
  const hotels = await Promise.all(Array.from({ length: 12 }, () => newCaller(service)));
  for (const { merchantId, caller } of hotels) {
    await caller.delete(`${PATH}/${await connectStripe(caller)}`).expect(200);
    await moveDrainTime(merchantId, '-1 second');
  }
  let asked = 0;
  service.transaction.useWith(() => {
    asked += 1;
    throw new AppError('unavailable', { retryAfterSeconds: 1 });
  });
  await destroyDrainedSecrets(service.service.context);
  // Not once for each version: the first refusals are word enough.
  assert.ok(asked <= 8, String(asked));
  for (const { merchantId } of hotels) {
    assert.deepEqual(await minutesLeft(merchantId), [{ state: 'draining', minutes: 10 }]);
    await moveDrainTime(merchantId, '-1 second');
  }
  await destroyDrainedSecrets(service.service.context);
  for (const { merchantId } of hotels) assert.equal((await postponements(merchantId)).length, 1);
  const metrics = await service.service.context.metrics.registry.metrics();
  assert.match(metrics, /centra_merchant_destructions_postponed_total\{[^}]*reason="unanswered"[^}]*\} 24/);
});

test('what is needed of one hotel keeps nothing of another', async () => {
  const [needed, free] = [await newCaller(service), await newCaller(service)];
  for (const { merchantId, caller } of [needed, free]) {
    await caller.delete(`${PATH}/${await connectStripe(caller)}`).expect(200);
    await moveDrainTime(merchantId, '-1 second');
  }
  service.transaction.useWith(({ merchantId }) => ({
    openOperations: merchantId === needed.merchantId ? 1_000 : 0,
    openHolds: 0,
  }));
  await destroyDrainedSecrets(service.service.context);
  assert.equal((await versionsOf(needed.merchantId))[0]?.['state'], 'draining');
  assert.equal((await versionsOf(free.merchantId))[0]?.['state'], 'destroyed');
});

test('the newest version of a deleted account opens as version 0 until its secrets are destroyed, by that way only', async () => {
  const { merchantId, caller } = await newCaller(service);
  const id = await connectStripe(caller);
  const newest = stripeKey();
  await caller
    .post(`${PATH}/${id}/rotate`)
    .send({ credentials: { secret_key: newest } })
    .expect(200);
  const open = (version: number) => {
    const selector = { $case: 'accountVersion', value: { providerAccountId: id, version } } as const;
    return openAccount(service, { merchantId, selector });
  };
  assert.deepEqual([(await open(0)).version, (await open(0)).credentials], [2, { secret_key: newest }]);
  await caller.delete(`${PATH}/${id}`).expect(200);
  assert.deepEqual([(await open(0)).version, (await open(0)).credentials], [2, { secret_key: newest }]);
  const current = { $case: 'providerAccountId', value: id } as const;
  await assert.rejects(
    openAccount(service, { merchantId, selector: current }),
    (error) => fromServiceError(error).code === 'provider_account_missing',
  );
  await moveDrainTime(merchantId, '-1 second');
  await destroyDrainedSecrets(service.service.context);
  await assert.rejects(open(0), (error) => fromServiceError(error).code === 'not_found');
});
