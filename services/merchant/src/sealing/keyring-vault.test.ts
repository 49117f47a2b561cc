import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { MerchantServiceClient } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { ask, newSecretId, policyFor } from '@centra/simulator-vault/testing/prepare-application.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { clientAs } from '@centra/testkit/test-tls.ts';
import type { Config } from '../config.ts';
import { maintainDataKeys } from '../provider-accounts/maintain-data-keys.ts';
import type { RunningMerchant } from '../service.ts';
import {
  GRPC,
  connectStripe,
  newCaller,
  openAccount,
  startTestMerchant,
  stripeKey,
} from '../test-service.ts';
import type { Row, TestMerchant } from '../test-service.ts';
import { startTestVault } from './test-vault.ts';
import type { TestVault } from './test-vault.ts';

let vault: TestVault;
let service: TestMerchant;
const replicas: RunningMerchant[] = [];
before(async () => {
  vault = await startTestVault();
  service = await startTestMerchant(undefined, {
    masterKeys: 'vault',
    vault: vault.config,
    rewrapAfterSeconds: 0,
  });
});
after(async () => {
  await service.close();
  await vault.simulator.close();
});
afterEach(async () => {
  await vault.clearFaults();
  await vault.control('seal', { sealed: false });
  for (const replica of replicas.splice(0)) await replica.close();
});

/** A replica of its own configuration, closed after the test. */
async function replicaWith(overrides: Partial<Config>): Promise<TestMerchant> {
  const running = await service.startReplica(overrides);
  replicas.push(running);
  const address = `127.0.0.1:${running.grpcPort}`;
  return {
    ...service,
    service: running,
    client: (caller = 'operator') => clientAs(caller, MerchantServiceClient, address, 'merchant'),
  };
}
/** One that remembers no opened key. */
const forgetful = (): Promise<TestMerchant> => replicaWith({ openedKeySeconds: 0 });

async function connected(): Promise<{ merchantId: string; secret: string }> {
  const { merchantId, caller } = await newCaller(service);
  const secret = stripeKey();
  await connectStripe(caller, secret);
  return { merchantId, secret };
}
const opened = async (by: TestMerchant, merchantId: string): Promise<string | undefined> =>
  (await openAccount(by, { merchantId })).credentials['secret_key'];
const keysOf = (merchantId: string): Promise<Row[]> =>
  service.sql(
    `select version, master_key_id as master, substring(wrapped from '^vault:v[0-9]+') as form
       from data_keys where merchant_id = $1 order by version`,
    [merchantId],
  );
const rewrappingsOf = (merchantId: string): Promise<Row[]> =>
  service.sql(
    `select before->>'master_key' as before, after->>'master_key' as after from audit_events
      where merchant_id = $1 and action = 'data_key.rewrapped' order by seq`,
    [merchantId],
  );
const failuresOf = async (by: TestMerchant): Promise<number> =>
  (await by.service.context.metrics.registry.getSingleMetric('centra_merchant_unseal_failures_total')?.get())
    ?.values[0]?.value ?? 0;
const maintain = async (by: TestMerchant): Promise<void> => {
  while ((await maintainDataKeys(by.service.context)).more);
};
const minimum = (version: number): Promise<unknown> =>
  ask(vault.simulator, 'POST', 'transit/keys/hotel-keys/config', { min_decryption_version: version }, [200]);
const rotateInVault = (): Promise<unknown> => vault.control('keys/transit/hotel-keys/rotate');
const latestVersion = async (): Promise<number> =>
  Number(/v(\d+):$/.exec((await service.service.context.keyring.newest()).startsWith)?.[1]);

test('a data key that Vault wraps names it and its version, and is opened there once for many charges', async () => {
  const { merchantId, secret } = await connected();
  assert.deepEqual(await keysOf(merchantId), [
    { version: 1, master: 'vault:transit/hotel-keys', form: `vault:v${await latestVersion()}` },
  ]);
  const fresh = await replicaWith({});
  const calls = await vault.countOf('transit/decrypt/');
  const all = await Promise.all(Array.from({ length: 20 }, () => opened(fresh, merchantId)));
  assert.deepEqual(new Set(all), new Set([secret]));
  assert.equal((await vault.countOf('transit/decrypt/')) - calls, 1);
});

describe('Vault is away', () => {
  const outages: [string, () => Promise<unknown>, (() => Promise<unknown>)?][] = [
    ['sealed', () => vault.control('seal', { sealed: true })],
    [
      'slow',
      () => vault.control('faults', { fault: 'latency', delay_ms: 30_000, times: 0, path: 'transit/' }),
    ],
    [
      'overloaded',
      () => vault.control('faults', { fault: 'error', status: 429, times: 0, path: 'transit/' }),
    ],
    ['cutting connections', () => vault.control('faults', { fault: 'drop', times: 0 })],
    [
      'refusing by policy',
      () =>
        ask(
          vault.simulator,
          'POST',
          'sys/policies/acl/merchant',
          { policy: policyFor('transit', 'other') },
          [204],
        ),
      () =>
        ask(
          vault.simulator,
          'POST',
          'sys/policies/acl/merchant',
          { policy: policyFor('transit', 'hotel-keys') },
          [204],
        ),
    ],
  ];
  for (const [what, begin, end] of outages)
    test(`${what}: keys that are open go on serving, others are 503 and not counted as altered; it stays ready`, async () => {
      const { merchantId, secret } = await connected();
      assert.equal(await opened(service, merchantId), secret);
      const cold = await forgetful();
      assert.equal(await opened(cold, merchantId), secret);
      const { caller } = await newCaller(service);
      await begin();
      try {
        assert.equal(await opened(service, merchantId), secret);
        await assert.rejects(opened(cold, merchantId), { code: GRPC.UNAVAILABLE });
        const body = { provider: 'stripe', credentials: { secret_key: stripeKey() } };
        await caller.post('/v1/provider-accounts').send(body).expect(503);
        const ready = await fetch(`http://127.0.0.1:${service.service.opsPort}/ready`);
        assert.equal(ready.status, 200);
        assert.equal(await failuresOf(cold), 0);
      } finally {
        await vault.clearFaults();
        await vault.control('seal', { sealed: false });
        await end?.();
      }
      await waitFor('Vault to serve again', async () =>
        opened(cold, merchantId).then(
          (again) => again === secret || undefined,
          () => undefined,
        ),
      );
    });

  test('from the start: not ready until the first log-in, then ready', async () => {
    await vault.control('seal', { sealed: true });
    const late = await replicaWith({});
    const ready = async (): Promise<number> =>
      (await fetch(`http://127.0.0.1:${late.service.opsPort}/ready`)).status;
    assert.equal(await ready(), 503);
    await vault.control('seal', { sealed: false });
    await waitFor('readiness', async () => ((await ready()) === 200 ? true : undefined), 30_000);
  });

  test('tokens gone and the secret id used up: open keys serve until a new secret id is delivered', async () => {
    const { merchantId, secret } = await connected();
    assert.equal(await opened(service, merchantId), secret);
    const cold = await forgetful();
    await vault.control('secret-ids/exhaust');
    await vault.control('tokens/revoke');
    assert.equal(await opened(service, merchantId), secret);
    await assert.rejects(opened(cold, merchantId), { code: GRPC.UNAVAILABLE });
    vault.deliver(await newSecretId(vault.simulator));
    await waitFor('the new secret id', async () =>
      opened(cold, merchantId).then(
        (again) => again === secret || undefined,
        () => undefined,
      ),
    );
  });
});

test('an opened key serves its own text only: a row that was altered is refused though its key is in memory', async () => {
  const { merchantId, secret } = await connected();
  assert.equal(await opened(service, merchantId), secret);
  await service.sql(
    `update data_keys set wrapped = overlay(wrapped placing 'AAAA' from 40) where merchant_id = $1`,
    [merchantId],
  );
  await assert.rejects(opened(service, merchantId), { code: GRPC.INTERNAL });
  await retire(merchantId);
});

describe('a new version of the key in Vault', () => {
  test('wraps again without touching what the data key seals, once, with two replicas at it; the history tells', async () => {
    const { merchantId, secret } = await connected();
    const version = await latestVersion();
    const sealed = (): Promise<Row[]> =>
      service.sql('select sealed_fields from provider_account_versions where merchant_id = $1', [merchantId]);
    const sealedBefore = await sealed();
    await rotateInVault();
    const other = await replicaWith({});
    await Promise.all([maintain(service), maintain(other)]);
    assert.deepEqual(await keysOf(merchantId), [
      { version: 1, master: 'vault:transit/hotel-keys', form: `vault:v${version + 1}` },
    ]);
    assert.deepEqual(await sealed(), sealedBefore);
    assert.deepEqual(await rewrappingsOf(merchantId), [
      {
        before: `vault:transit/hotel-keys v${version}`,
        after: `vault:transit/hotel-keys v${version + 1}`,
      },
    ]);
    assert.equal(await opened(await forgetful(), merchantId), secret);
  });

  test('and the old one disallowed: rows that were wrapped again open, one that was not is 500 and counted until it is allowed', async () => {
    const [moved, left] = [await connected(), await connected()];
    const [{ wrapped: old } = {}] = await service.sql(
      'select wrapped from data_keys where merchant_id = $1',
      [left.merchantId],
    );
    await rotateInVault();
    await maintain(service);
    await service.sql('update data_keys set wrapped = $2 where merchant_id = $1', [left.merchantId, old]);
    await minimum(await latestVersion());
    const cold = await forgetful();
    assert.equal(await opened(cold, moved.merchantId), moved.secret);
    await assert.rejects(opened(cold, left.merchantId), { code: GRPC.INTERNAL });
    assert.ok((await failuresOf(cold)) >= 1);
    await minimum(1);
    assert.equal(await opened(cold, left.merchantId), left.secret);
    await maintain(service);
  });

  test('a key that does not open keeps no other from being wrapped again', async () => {
    const [broken, whole] = [await connected(), await connected()];
    await service.sql(`update data_keys set wrapped = 'vault:v1:AAAA' where merchant_id = $1`, [
      broken.merchantId,
    ]);
    await rotateInVault();
    const failures = await failuresOf(service);
    await maintain(service);
    assert.equal((await keysOf(whole.merchantId))[0]?.['form'], `vault:v${await latestVersion()}`);
    assert.equal((await keysOf(broken.merchantId))[0]?.['form'], 'vault:v1');
    assert.ok((await failuresOf(service)) > failures);
    await retire(broken.merchantId);
  });
});

/** Takes what was broken on purpose out of the way of the tests that follow. */
async function retire(merchantId: string): Promise<void> {
  await service.sql(
    `update provider_account_versions set state = 'destroyed', drains_until = now(), sealed_fields = null, data_key_version = null
      where merchant_id = $1`,
    [merchantId],
  );
  await service.sql('update data_keys set wrapped = null, destroyed_at = now() where merchant_id = $1', [
    merchantId,
  ]);
}

test('another key in Vault takes over; the one before opens for as long as it is named', async () => {
  const { merchantId, secret } = await connected();
  await ask(vault.simulator, 'POST', 'transit/keys/next', {}, [200]);
  const both = policyFor('transit', 'hotel-keys') + policyFor('transit', 'next');
  await ask(vault.simulator, 'POST', 'sys/policies/acl/merchant', { policy: both }, [204]);
  const next = { ...vault.config, transitKey: 'next' };
  const alone = await replicaWith({ vault: next, rewrapAfterSeconds: 3600 });
  await assert.rejects(
    opened(alone, merchantId),
    { code: GRPC.INTERNAL },
    'a row does not say which key is asked',
  );
  const moving = await replicaWith({ vault: { ...next, transitOldKeys: ['hotel-keys'] } });
  assert.equal(await opened(moving, merchantId), secret);
  await maintain(moving);
  assert.equal((await keysOf(merchantId))[0]?.['master'], 'vault:transit/next');
  assert.equal(await opened(alone, merchantId), secret);
  const back = await replicaWith({ vault: { ...vault.config, transitOldKeys: ['next'] } });
  await maintain(back);
});

test('from Vault to a file and back: every row moves, reads never fail, and in the end no row names the one that is left', async () => {
  const { merchantId, secret } = await connected();
  const toFile = await replicaWith({ masterKeys: 'file' });
  assert.equal(await opened(toFile, merchantId), secret);
  await maintain(toFile);
  const named = async (): Promise<unknown[]> =>
    (await service.sql('select distinct master_key_id as id from data_keys where destroyed_at is null')).map(
      ({ id }) => id,
    );
  assert.deepEqual(await named(), ['k1']);
  const withoutVault = await replicaWith({ masterKeys: 'file', vault: undefined });
  assert.equal(await opened(withoutVault, merchantId), secret);
  await maintain(service);
  assert.deepEqual(await named(), ['vault:transit/hotel-keys']);
  const withoutFile = await replicaWith({ keyringFile: undefined, openedKeySeconds: 0 });
  assert.equal(await opened(withoutFile, merchantId), secret);
  await assert.rejects(opened(withoutVault, merchantId), { code: GRPC.INTERNAL }, 'it has no way to Vault');
});
