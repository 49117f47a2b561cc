import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { inspect } from 'node:util';
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
  SIGNING_KEY_FILE: file('key.pem', 'PRIVATE canary'),
  TRUSTED_KEYS_FILE: file('keys.json', '{"keys":[]}'),
};

test('the three required variables are enough; everything else has its default', () => {
  const { signingKey, ...config } = envToConfig(required);
  assert.deepEqual(config, {
    isProduction: false,
    host: '127.0.0.1',
    httpPort: 8002,
    grpcPort: 50_055,
    opsPort: 9002,
    databaseUrl: 'postgres://merchant@127.0.0.1/merchant',
    databasePoolMax: 8,
    transactionAddress: '127.0.0.1:50053',
    trustedKeys: '{"keys":[]}',
    keyringFile: '.data/merchant-keyring.json',
    drainHours: 72,
    dataKeyMaxAgeDays: 90,
  });
  assert.equal(signingKey.reveal(), 'PRIVATE canary');
  assert.doesNotMatch(inspect(envToConfig(required), { depth: 5 }), /canary/);
});

describe('no start, naming the variable', () => {
  for (const name of Object.keys(required))
    test(`without ${name}`, () => {
      assert.throws(() => envToConfig({ ...required, [name]: '' }), new RegExp(name));
    });
  const cases: [string, Env][] = [
    ['KEYRING_FILE', { NODE_ENV: 'production' }],
    ['SIGNING_KEY_FILE', { SIGNING_KEY_FILE: join(folder, 'absent') }],
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
  const example = readFileSync(new URL('../.env.example', import.meta.url), 'utf8');
  const shown = [...example.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name ?? '');
  // Read by every service before its own configuration.
  assert.deepEqual(new Set(shown), new Set([...read, 'LOG_LEVEL', 'NODE_ENV']));
});
