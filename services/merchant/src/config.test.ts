import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ConfigError } from '@centra/service-kit/env.ts';
import type { Env } from '@centra/service-kit/env.ts';
import { envToConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'centra-merchant-config-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const required: Env = {
  DATABASE_URL: 'postgres://merchant@127.0.0.1/merchant',
  TRUSTED_KEYS_FILE: file('keys.json', '{"keys":[]}'),
  TLS_CERT_FILE: 'merchant.crt',
  TLS_KEY_FILE: 'merchant.key',
  TLS_CA_FILE: 'ca.crt',
};

test('the required variables are enough; everything else has its default', () => {
  assert.deepEqual(envToConfig(required), {
    isProduction: false,
    host: '127.0.0.1',
    httpPort: 8002,
    grpcPort: 50_055,
    opsPort: 9002,
    databaseUrl: 'postgres://merchant@127.0.0.1/merchant',
    databasePoolMax: 8,
    transactionAddress: '127.0.0.1:50053',
    authAddress: '127.0.0.1:50051',
    trustedKeys: '{"keys":[]}',
    tls: { certFile: 'merchant.crt', keyFile: 'merchant.key', caFile: 'ca.crt', reloadMs: 30_000 },
    masterKeys: 'file',
    keyringFile: '.data/merchant-keyring.json',
    vault: undefined,
    openedKeySeconds: 300,
    drainHours: 72,
    dataKeyMaxAgeDays: 90,
    rewrapAfterSeconds: 3600,
    keyMaintenanceSeconds: 600,
    webhookTrustedTargets: [],
  });
});

const withVault: Env = {
  ...required,
  VAULT_ADDR: 'https://vault.example:8200',
  VAULT_TRANSIT_KEY: 'hotel-keys',
  VAULT_ROLE_ID_FILE: 'role-id',
  VAULT_SECRET_ID_FILE: 'secret-id',
};

test('with Vault no keyring file is needed, in production too; a file beside it is read as well, and either may wrap', () => {
  const production = { ...withVault, NODE_ENV: 'production' };
  const { masterKeys, keyringFile, vault } = envToConfig(production);
  assert.deepEqual([masterKeys, keyringFile], ['vault', undefined]);
  assert.deepEqual(vault, {
    address: 'https://vault.example:8200',
    nodes: [],
    namespace: undefined,
    transitMount: 'transit',
    transitKey: 'hotel-keys',
    transitOldKeys: [],
    authMount: 'approle',
    roleIdFile: 'role-id',
    secretIdFile: 'secret-id',
    secretIdWrapped: false,
    caFile: undefined,
    timeoutMs: 5_000,
  });
  const both = envToConfig({ ...production, KEYRING_FILE: 'keyring.json' });
  assert.deepEqual([both.masterKeys, both.keyringFile], ['vault', 'keyring.json']);
  const back = envToConfig({ ...production, KEYRING_FILE: 'keyring.json', MASTER_KEYS: 'file' });
  assert.deepEqual([back.masterKeys, back.vault?.transitKey], ['file', 'hotel-keys']);
});

test('webhook receivers of a developer are trusted as they are named', () => {
  const { webhookTrustedTargets } = envToConfig({
    ...required,
    WEBHOOK_TRUSTED_TARGETS: '127.0.0.1:3000, localhost:3001',
  });
  assert.deepEqual(webhookTrustedTargets, ['127.0.0.1:3000', 'localhost:3001']);
});

describe('no start, naming the variable', () => {
  const vaultCases: [string, Env][] = [
    ['VAULT_ADDR', { VAULT_ADDR: 'http://vault.example:8200', NODE_ENV: 'production' }],
    ['VAULT_ADDR', { VAULT_ADDR: 'https://vault.example/v1' }],
    ['VAULT_ADDR', { VAULT_ADDR: 'https://token@vault.example' }],
    ['VAULT_ADDR', { VAULT_ADDR: '', MASTER_KEYS: 'vault' }],
    ['VAULT_NODES', { VAULT_NODES: 'https://a.example,http://b.example', NODE_ENV: 'production' }],
    ['VAULT_TRANSIT_KEY', { VAULT_TRANSIT_KEY: '' }],
    ['VAULT_TRANSIT_KEY', { VAULT_TRANSIT_KEY: '../keys' }],
    ['VAULT_TRANSIT_OLD_KEYS', { VAULT_TRANSIT_OLD_KEYS: 'old, ../keys' }],
    ['VAULT_TRANSIT_MOUNT', { VAULT_TRANSIT_MOUNT: 'a/b' }],
    ['VAULT_ROLE_ID_FILE', { VAULT_ROLE_ID_FILE: '' }],
    ['VAULT_SECRET_ID_FILE', { VAULT_SECRET_ID_FILE: '' }],
    ['VAULT_TIMEOUT_MS', { VAULT_TIMEOUT_MS: '60000' }],
    ['KEYRING_FILE', { MASTER_KEYS: 'file', NODE_ENV: 'production' }],
    ['MASTER_KEYS', { MASTER_KEYS: 'both' }],
    ['REWRAP_AFTER_SECONDS', { REWRAP_AFTER_SECONDS: '-1' }],
    ['KEY_MAINTENANCE_SECONDS', { KEY_MAINTENANCE_SECONDS: '0' }],
  ];
  for (const [name, env] of vaultCases)
    test(`with Vault and ${JSON.stringify(env)}`, () => {
      assert.throws(
        () => envToConfig({ ...withVault, ...env }),
        (error) => error instanceof ConfigError && error.message.includes(name),
      );
    });
  for (const name of Object.keys(required))
    test(`without ${name}`, () => {
      assert.throws(() => envToConfig({ ...required, [name]: '' }), new RegExp(name));
    });
  const cases: [string, Env][] = [
    ['KEYRING_FILE', { NODE_ENV: 'production' }],
    ['TRUSTED_KEYS_FILE', { TRUSTED_KEYS_FILE: join(folder, 'absent') }],
    ['HTTP_PORT', { HTTP_PORT: '65536' }],
    ['GRPC_PORT', { GRPC_PORT: 'http' }],
    ['CREDENTIAL_DRAIN_HOURS', { CREDENTIAL_DRAIN_HOURS: '0' }],
    ['DATA_KEY_MAX_AGE_DAYS', { DATA_KEY_MAX_AGE_DAYS: '1.5' }],
    ['DATABASE_POOL_MAX', { DATABASE_POOL_MAX: '1000' }],
    ['WEBHOOK_TRUSTED_TARGETS', { WEBHOOK_TRUSTED_TARGETS: 'http://127.0.0.1:3000/' }],
    ['WEBHOOK_TRUSTED_TARGETS', { WEBHOOK_TRUSTED_TARGETS: '127.0.0.1' }],
    [
      'WEBHOOK_TRUSTED_TARGETS',
      { WEBHOOK_TRUSTED_TARGETS: '127.0.0.1:3000', NODE_ENV: 'production', KEYRING_FILE: 'keyring.json' },
    ],
  ];
  for (const [name, env] of cases)
    test(`with ${JSON.stringify(env)}`, () => {
      assert.throws(
        () => envToConfig({ ...required, ...env }),
        (error) => error instanceof ConfigError && error.message.includes(name),
      );
    });
});

test('.env.example names every variable that is read, and no other', () => {
  const source = readFileSync(new URL('config.ts', import.meta.url), 'utf8');
  const read = [...source.matchAll(/env, '([A-Z_]+)'/g)].map(([, name]) => name ?? '');
  const tls = ['TLS_CERT_FILE', 'TLS_KEY_FILE', 'TLS_CA_FILE', 'TLS_RELOAD_MS'];
  const example = readFileSync(new URL('../.env.example', import.meta.url), 'utf8');
  const shown = [...example.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name ?? '');
  // Read by every service before its own configuration.
  assert.deepEqual(new Set(shown), new Set([...read, ...tls, 'LOG_LEVEL', 'NODE_ENV']));
});
