import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startChild } from '@centra/dev/child.ts';
import type { Child } from '@centra/dev/child.ts';
import { local } from '@centra/dev/plan.ts';
import { clientOf, createHotel } from '@centra/dev/seed.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import { MerchantServiceClient } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { startSimulator } from '@centra/simulator-vault/simulator.ts';
import type { Simulator } from '@centra/simulator-vault/simulator.ts';
import { control, prepareApplication } from '@centra/simulator-vault/testing/prepare-application.ts';
import { freePort } from '@centra/testkit/free-port.ts';
import { pauseMs, waitFor } from '@centra/testkit/pause.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { z } from 'zod';
import { NO_LIMITS } from './no-limits.ts';
import { card, charge, rows, startPlatformUnderTest } from './platform-under-test.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';

// P14: keys rotate without harm.

const CLIENTS_A_HOTEL = 2;
// Rounds of the loop come every second; a loaded machine needs several.
const PATIENCE_MS = 120_000;

let vault: Simulator;
let vaultVariables: Record<string, string>;
let platform: PlatformUnderTest;
let hotels: Hotel[];
let second: Child | undefined;
before(async () => {
  vault = await startSimulator();
  const { roleId, secretId, key } = await prepareApplication(vault);
  const folder = temporaryFolder('e2e-vault');
  const [roleIdFile, secretIdFile] = [join(folder, 'role-id'), join(folder, 'secret-id')];
  writeFileSync(roleIdFile, roleId);
  writeFileSync(secretIdFile, secretId);
  vaultVariables = {
    VAULT_ADDR: vault.url,
    VAULT_TRANSIT_KEY: key,
    VAULT_ROLE_ID_FILE: roleIdFile,
    VAULT_SECRET_ID_FILE: secretIdFile,
    KEY_MAINTENANCE_SECONDS: '1',
  };
  platform = await startPlatformUnderTest({
    env: {
      'api-gateway': NO_LIMITS['api-gateway'] ?? {},
      // Every charge asks for its credentials, so that every charge meets the keys as they are at that moment.
      transaction: { CREDENTIAL_TTL_MS: '0' },
      // As before a move to Vault: the file wraps, Vault is configured, and nothing is taken back from it.
      merchant: { ...vaultVariables, MASTER_KEYS: 'file', REWRAP_AFTER_SECONDS: '86400' },
    },
  });
  hotels = [
    await createHotel(platform, { name: 'Riad Keys', provider: 'stripe' }),
    await createHotel(platform, { name: 'Riad Locks', provider: 'simulator' }),
  ];
});
after(async () => {
  await second?.stop();
  await platform.end();
  await vault.close();
});

test('56: data keys and the master key are replaced under load, and no charge fails', async () => {
  const load = startLoad();
  await load.seen(4);
  assert.deepEqual(await masterKeys(), ['k1']);

  for (let round = 0; round < 3; round += 1) {
    for (const { merchantId } of hotels) await rotate(merchantId);
    await oldKeysDestroyed();
    await load.seen(4);
  }

  // The first replica of a rollout has Vault as its active keyring; the one that serves the load has the file still.
  second = await startSecondMerchant();
  await waitFor(
    'no row to name the file’s key',
    async () => ((await masterKeys()).includes('k1') ? undefined : true),
    PATIENCE_MS,
  );
  assert.deepEqual(await masterKeys(), ['vault:transit/hotel-keys']);
  await load.seen(4);

  await control(vault.url, 'keys/transit/hotel-keys/rotate');
  await waitFor(
    'Vault’s new version to wrap everything',
    async () => ((await wrappedForms()).every((form) => form === 'vault:v2:') ? true : undefined),
    PATIENCE_MS,
  );
  await load.seen(4);

  // What is open serves on while Vault is sealed.
  await control(vault.url, 'seal', { sealed: true });
  await load.seen(4);
  await control(vault.url, 'seal', { sealed: false });

  for (const { merchantId } of hotels) await rotate(merchantId);
  await oldKeysDestroyed();
  await load.seen(4);

  const { asked, failures } = await load.stop();
  assert.deepEqual(failures, []);
  assert.ok(asked >= 32, `${asked} charges are no load`);
  assert.deepEqual(platform.crashes, []);
});

test('the file can leave afterwards: with Vault alone the same hotels are charged', async () => {
  await waitFor(
    'no row to name the file’s key',
    async () => ((await masterKeys()).includes('k1') ? undefined : true),
    PATIENCE_MS,
  );
  await platform.child('merchant').stop();
  await platform.child('merchant').start({ MASTER_KEYS: 'vault', KEYRING_FILE: '' });
  for (const hotel of hotels)
    assert.equal((await charge(platform, hotel, { cardToken: await card(platform, hotel) })).status, 201);
  const unseal = await fetch(`${platform.opsUrls.merchant}/metrics`);
  assert.match(await unseal.text(), /centra_merchant_unseal_failures_total\{[^}]*\} 0/);
});

/** A few clients for each hotel that charge one card after the other until they are stopped. */
function startLoad(): {
  /** Waits until that many more charges have been answered for each hotel. */
  seen(more: number): Promise<void>;
  stop(): Promise<{ asked: number; failures: string[] }>;
} {
  const until = new AbortController();
  const failures: string[] = [];
  const asked = new Map<string, number>();
  const client = async (hotel: Hotel): Promise<void> => {
    while (!until.signal.aborted) {
      const answer = await charge(platform, hotel, { cardToken: await card(platform, hotel) });
      asked.set(hotel.merchantId, (asked.get(hotel.merchantId) ?? 0) + 1);
      if (answer.status !== 201) failures.push(`${answer.status} ${answer.text}`);
      // The two cores are shared with all that is under test.
      await pauseMs(20);
    }
  };
  const clients = hotels.flatMap((hotel) => Array.from({ length: CLIENTS_A_HOTEL }, () => client(hotel)));
  const counts = (): number[] => hotels.map(({ merchantId }) => asked.get(merchantId) ?? 0);
  return {
    async seen(more) {
      const from = counts();
      await waitFor(
        `${more} more charges`,
        async () => (counts().every((count, index) => count >= (from[index] ?? 0) + more) ? true : undefined),
        PATIENCE_MS,
      );
    },
    async stop() {
      until.abort();
      await Promise.all(clients);
      return { asked: counts().reduce((sum, count) => sum + count, 0), failures };
    },
  };
}

async function rotate(merchantId: string): Promise<void> {
  const client = clientOf(platform, 'operator', MerchantServiceClient, {
    address: platform.grpc.merchant,
    server: 'merchant',
  });
  const options = { metadata: callMetadata('req-key-rotation'), deadlineMs: 20_000 };
  try {
    await callUnary(client.rotateDataKey.bind(client), { merchantId }, options);
  } finally {
    client.close();
  }
}

/** Another replica on the same database, with Vault as its active keyring. */
async function startSecondMerchant(): Promise<Child> {
  const { script, env } = platform.plan('merchant');
  const opsPort = await freePort();
  return await startChild({
    name: 'merchant-second',
    script,
    logFolder: platform.logFolder,
    readyUrl: `${local(opsPort)}/ready`,
    env: {
      ...env,
      ...vaultVariables,
      MASTER_KEYS: 'vault',
      REWRAP_AFTER_SECONDS: '0',
      HTTP_PORT: String(await freePort()),
      GRPC_PORT: String(await freePort()),
      OPS_PORT: String(opsPort),
    },
    onCrash: (name, code, signal, lastLines) =>
      platform.crashes.push(`${name} ${signal ?? code}\n${lastLines}`),
  });
}

const keySchema = z.object({
  merchant: z.string(),
  version: z.int(),
  master: z.string(),
  wrapped: z.string(),
});

/** Data keys that are not destroyed. */
async function dataKeys(): Promise<z.infer<typeof keySchema>[]> {
  return await rows(
    platform,
    'merchant',
    `select merchant_id as merchant, version, master_key_id as master, wrapped from data_keys
      where destroyed_at is null`,
    keySchema,
  );
}

async function masterKeys(): Promise<string[]> {
  return [...new Set((await dataKeys()).map(({ master }) => master))].toSorted();
}

async function wrappedForms(): Promise<string[]> {
  return (await dataKeys()).map(({ wrapped }) => /^vault:v\d+:/.exec(wrapped)?.[0] ?? '');
}

/** What an old key sealed is sealed again, and the old key destroyed: each hotel has one key left. */
async function oldKeysDestroyed(): Promise<void> {
  await waitFor(
    'the old data keys to be destroyed',
    async () => {
      const left = await dataKeys();
      return new Set(left.map(({ merchant }) => merchant)).size === left.length ? true : undefined;
    },
    PATIENCE_MS,
  );
}
