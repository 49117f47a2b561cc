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
    trustedKeys: '{"keys":[]}',
    tls: { certFile: 'merchant.crt', keyFile: 'merchant.key', caFile: 'ca.crt', reloadMs: 30_000 },
    keyringFile: '.data/merchant-keyring.json',
    drainHours: 72,
    dataKeyMaxAgeDays: 90,
  });
});

describe('no start, naming the variable', () => {
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
