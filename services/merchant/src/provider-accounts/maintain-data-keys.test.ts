import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { connectStripe, newCaller, openAccount, startTestMerchant, stripeKey } from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';
import { openCredentials } from './sealed-credentials.ts';
import { maintainDataKeys } from './maintain-data-keys.ts';
import { asMerchant } from '../tenant.ts';
import { loadSealed } from './load-sealed.ts';
import { resealCredentials } from './reseal-credentials.ts';
import { keyringSchema } from '@centra/service-kit/keyring.ts';
import { destroyUnusedDataKeys, rotateDataKeys } from '../sealing/rotate-data-keys.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

const PATH = '/v1/provider-accounts';
const newBody = () => ({ provider: 'stripe', credentials: { secret_key: stripeKey() } });
const keysOf = (merchantId: string) =>
  service.sql(
    `select version, master_key_id as master, wrapped is null as destroyed from data_keys where merchant_id = $1 order by version`,
    [merchantId],
  );
const keyVersionsOf = async (merchantId: string): Promise<unknown[]> =>
  (
    await service.sql(
      'select data_key_version as v from provider_account_versions where merchant_id = $1 order by version',
      [merchantId],
    )
  ).map((row) => row['v']);
const makeOld = (merchantId: string) =>
  service.sql(`update data_keys set created_at = now() - interval '91 days' where merchant_id = $1`, [
    merchantId,
  ]);
const opened = async (merchantId: string): Promise<string | undefined> =>
  (await openAccount(service, { merchantId })).credentials['secret_key'];

test('step by step: the new key seals, the old one still opens, and it is destroyed only when it seals nothing', async () => {
  const { context } = service.service;
  const { merchantId, caller } = await newCaller(service);
  const [first, second] = [stripeKey(), stripeKey()];
  const id = await connectStripe(caller, first);
  await rotateDataKeys(context);
  assert.equal((await keysOf(merchantId)).length, 1, 'a young key stays');

  await makeOld(merchantId);
  await rotateDataKeys(context);
  assert.deepEqual(await keysOf(merchantId), [
    { version: 1, master: 'k1', destroyed: false },
    { version: 2, master: 'k1', destroyed: false },
  ]);
  assert.equal(await opened(merchantId), first);
  await caller
    .post(`${PATH}/${id}/rotate`)
    .send({ credentials: { secret_key: second } })
    .expect(200);
  assert.deepEqual(await keyVersionsOf(merchantId), [1, 2]);
  await destroyUnusedDataKeys(context);
  assert.equal((await keysOf(merchantId))[0]?.['destroyed'], false, 'it still seals version 1');

  const { fingerprint } = (await caller.get(`${PATH}/${id}`)).body.credentials.secret_key;
  await resealCredentials(context);
  assert.deepEqual(await keyVersionsOf(merchantId), [2, 2]);
  await destroyUnusedDataKeys(context);
  assert.deepEqual(await keysOf(merchantId), [
    { version: 1, master: 'k1', destroyed: true },
    { version: 2, master: 'k1', destroyed: false },
  ]);
  assert.equal(await opened(merchantId), second);
  assert.equal((await caller.get(`${PATH}/${id}`)).body.credentials.secret_key.fingerprint, fingerprint);
  const selector = { $case: 'accountVersion', value: { providerAccountId: id, version: 1 } } as const;
  assert.equal((await openAccount(service, { merchantId, selector })).credentials['secret_key'], first);
  const events = await service.sql(
    `select action, after from audit_events where merchant_id = $1 and action like 'data_key.%' order by seq`,
    [merchantId],
  );
  assert.deepEqual(events, [
    { action: 'data_key.added', after: { version: 1 } },
    { action: 'data_key.added', after: { version: 2 } },
    { action: 'data_key.destroyed', after: { version: 1 } },
  ]);
});

test('a much used key is replaced long before sealing is refused', async () => {
  const { merchantId, caller } = await newCaller(service);
  await connectStripe(caller);
  await service.sql('update data_keys set uses = 1073741824 where merchant_id = $1', [merchantId]);
  await maintainDataKeys(service.service.context);
  assert.deepEqual(
    (await keysOf(merchantId)).map((row) => row['destroyed']),
    [true, false],
  );
});

test('at the limit of the counter sealing is refused, also for two at once; one use less is taken', async () => {
  const { merchantId, caller } = await newCaller(service);
  await connectStripe(caller);
  await service.sql('update data_keys set uses = 2147483646 where merchant_id = $1', [merchantId]);
  const answers = await Promise.all([1, 2].map(() => caller.post(PATH).send(newBody())));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201, 503]));
  await caller.post(PATH).send(newBody()).expect(503);
  const [key] = await service.sql('select uses::text as uses from data_keys where merchant_id = $1', [
    merchantId,
  ]);
  assert.deepEqual(key, { uses: '2147483647' });
  await assert.rejects(
    service.sql('update data_keys set uses = 2147483648 where merchant_id = $1', [merchantId]),
    {
      code: '23514',
    },
  );
});

test('keys are replaced under load by two replicas at once, and every read is right', async () => {
  const { context } = service.service;
  const { merchantId, caller } = await newCaller(service);
  const id = await connectStripe(caller);
  let secret = stripeKey();
  await caller
    .post(`${PATH}/${id}/rotate`)
    .send({ credentials: { secret_key: secret } })
    .expect(200);
  for (let round = 0; round < 8; round += 1) {
    await makeOld(merchantId);
    const next = stripeKey();
    const earlier = secret;
    const [, , reads, rotated] = await Promise.all([
      maintainDataKeys(context),
      maintainDataKeys(context),
      Promise.all(Array.from({ length: 4 }, () => opened(merchantId))),
      caller.post(`${PATH}/${id}/rotate`).send({ credentials: { secret_key: next } }),
    ]);
    for (const read of reads) assert.ok(read === earlier || read === next);
    // 503 is honest too: its key was destroyed between choosing and using it, and nothing was stored.
    assert.ok(rotated.status === 200 || rotated.status === 503, String(rotated.status));
    secret = rotated.status === 200 ? next : earlier;
    assert.equal(await opened(merchantId), secret);
  }
  const broken = await service.sql(
    `select 1 from provider_account_versions v join data_keys k on k.merchant_id = v.merchant_id and k.version = v.data_key_version
      where v.merchant_id = $1 and k.destroyed_at is not null`,
    [merchantId],
  );
  assert.deepEqual(broken, []);
  assert.ok((await keysOf(merchantId)).length >= 8);
});

test('a new master key takes over: data keys stay and are wrapped again, and the old master key can leave the keyring', async () => {
  const { merchantId, caller } = await newCaller(service);
  const secret = stripeKey();
  await connectStripe(caller, secret);
  const file = service.config.keyringFile;
  const keyring = keyringSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const k2 = randomBytes(32).toString('base64');
  const both = `${file}.both`;
  writeFileSync(both, JSON.stringify({ active: 'k2', keys: { ...keyring.keys, k2 } }));
  const replica = await service.startReplica({ keyringFile: both });
  try {
    await maintainDataKeys(replica.context);
    assert.deepEqual(
      await keysOf(merchantId),
      [{ version: 1, master: 'k1', destroyed: false }],
      'replicas may still disagree on which master key is active',
    );
    await service.sql(`update data_keys set wrapped_at = now() - interval '61 minutes'`);
    // Other tests' keys are due as well; rounds are bounded.
    while ((await maintainDataKeys(replica.context)).more);
    assert.deepEqual(await keysOf(merchantId), [{ version: 1, master: 'k2', destroyed: false }]);
    // One that still has the old key as its active one does not take it back at once.
    const wrapped = await service.sql('select wrapped from data_keys where merchant_id = $1', [merchantId]);
    while ((await maintainDataKeys(service.service.context)).more);
    assert.deepEqual(
      await service.sql('select wrapped from data_keys where merchant_id = $1', [merchantId]),
      wrapped,
    );
  } finally {
    await replica.close();
  }
  const alone = `${file}.alone`;
  writeFileSync(alone, JSON.stringify({ active: 'k2', keys: { k2 } }));
  const later = await service.startReplica({ keyringFile: alone });
  try {
    const [account] = await service.sql('select id from provider_accounts where merchant_id = $1', [
      merchantId,
    ]);
    const id = String(account?.['id']);
    const row = await asMerchant(later.context, merchantId, (tx) => loadSealed(tx, { merchantId, id }, 1));
    assert.equal((await openCredentials(later.context, row)).secrets['secret_key']?.reveal(), secret);
  } finally {
    await later.close();
  }
  const [event] = await service.sql(
    `select actor, before, after from audit_events where merchant_id = $1 and action = 'data_key.rewrapped'`,
    [merchantId],
  );
  assert.deepEqual(event, {
    actor: 'service:merchant',
    before: { version: 1, master_key: 'k1' },
    after: { version: 1, master_key: 'k2' },
  });
  // Back, for the tests that follow and know k1 only.
  writeFileSync(both, JSON.stringify({ active: 'k1', keys: { ...keyring.keys, k2 } }));
  const back = await service.startReplica({ keyringFile: both, rewrapAfterSeconds: 0 });
  while ((await maintainDataKeys(back.context)).more);
  await back.close();
});

test('a value that does not open keeps no other from being sealed again, and its key is kept', async () => {
  const { context } = service.service;
  const [broken, whole] = [await newCaller(service), await newCaller(service)];
  await connectStripe(broken.caller);
  await connectStripe(whole.caller);
  await service.sql(
    `update provider_account_versions set sealed_fields = '{"secret_key":"v1.AAAA.AAAA.AAAA"}' where merchant_id = $1`,
    [broken.merchantId],
  );
  await makeOld(broken.merchantId);
  await makeOld(whole.merchantId);
  await maintainDataKeys(context);
  assert.deepEqual(await keyVersionsOf(whole.merchantId), [2]);
  assert.deepEqual(await keyVersionsOf(broken.merchantId), [1]);
  assert.deepEqual(
    (await keysOf(broken.merchantId)).map((row) => row['destroyed']),
    [false, false],
  );
});
