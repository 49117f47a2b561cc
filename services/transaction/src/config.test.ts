import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ConfigError } from '@centra/service-kit/env.ts';
import type { Env } from '@centra/service-kit/env.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { envToConfig } from './config.ts';

let folder: string;
let required: Env;

before(() => {
  folder = temporaryFolder('transaction-config');
  const file = join(folder, 'key');
  writeFileSync(file, 'a key');
  required = {
    DATABASE_URL: 'postgres://transaction@db/transaction',
    TLS_CERT_FILE: 'transaction.crt',
    TLS_KEY_FILE: 'transaction.key',
    TLS_CA_FILE: 'ca.crt',
  };
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('with the required variables alone every other one has the default that .env.example names', () => {
  const example = new Map(
    readFileSync(join(import.meta.dirname, '..', '.env.example'), 'utf8')
      .split('\n')
      .filter((line) => /^[A-Z]/.test(line))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const),
  );
  const given = Object.fromEntries([...example].filter(([, value]) => value !== ''));
  const { failpoint: _a, ...fromExample } = envToConfig({ ...given, ...required });
  const { failpoint: _b, ...fromDefaults } = envToConfig(required);
  assert.deepEqual(fromExample, fromDefaults);
  assert.deepEqual(
    [...example]
      .filter(([, value]) => value === '')
      .map(([name]) => name)
      .toSorted(),
    Object.keys(required).toSorted(),
  );
});

test('a missing or unsafe variable keeps the service from starting, by name', () => {
  const cases: [change: Env, named: string][] = [
    [{ DATABASE_URL: '' }, 'DATABASE_URL'],
    [{ TLS_CERT_FILE: undefined }, 'TLS_CERT_FILE'],
    [{ TLS_KEY_FILE: '' }, 'TLS_KEY_FILE'],
    [{ TLS_CA_FILE: undefined }, 'TLS_CA_FILE'],
    [{ TLS_RELOAD_MS: '0' }, 'TLS_RELOAD_MS'],
    [{ GRPC_PORT: '70000' }, 'GRPC_PORT'],
    [{ PROVIDER_TIMEOUT_MS: '99' }, 'PROVIDER_TIMEOUT_MS'],
    [{ PROVIDER_TIMEOUT_MS: '1e3' }, 'PROVIDER_TIMEOUT_MS'],
    [{ SWEEP_INTERVAL_MS: '0' }, 'SWEEP_INTERVAL_MS'],
    [{ STRIPE_API_URL: 'not a url' }, 'STRIPE_API_URL'],
    [{ PAYPAL_API_URL: 'api-m.paypal.com' }, 'PAYPAL_API_URL'],
    [{ NODE_ENV: 'production', TEMPO_RPC_URL: 'http://rpc.tempo.xyz' }, 'tempo'],
    [{ NODE_ENV: 'production', CMI_TEST_API_URL: 'http://testpayment.cmi.co.ma' }, 'cmi'],
    // A sale makes two calls: a lease that ends before them would be taken over for nothing.
    [{ OPERATION_LEASE_MS: '60000' }, 'OPERATION_LEASE_MS'],
    [{ NODE_ENV: 'production', STRIPE_API_URL: 'http://api.stripe.com' }, 'stripeApiUrl'],
    [{ NODE_ENV: 'production', VAULTERA_BASE_URL: 'http://vault.example' }, 'vaulteraBaseUrl'],
    [{ NODE_ENV: 'production', FAILPOINT: 'sale.after-provider' }, 'FAILPOINT must not be set in production'],
    [{ FAILPOINT: 'sale.after-everything' }, 'FAILPOINT must be one of sale.before-write-1, '],
  ];
  for (const [change, named] of cases)
    assert.throws(
      () => envToConfig({ ...required, ...change }),
      (error) => error instanceof ConfigError && error.message.includes(named),
      JSON.stringify(change),
    );
});

test('a failpoint that is not armed does nothing', () => {
  envToConfig({ ...required, FAILPOINT: 'sale.after-provider' }).failpoint('sale.before-write-1');
});
