import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError } from '@centra/service-kit/env.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { envToConfig } from './config.ts';

const folder = temporaryFolder('auth-config');
const keysFile = join(folder, 'trusted-keys.json');
writeFileSync(keysFile, '{"keys":[]}');
test.after(() => rmSync(folder, { recursive: true, force: true }));

const TLS = { TLS_CERT_FILE: 'auth.crt', TLS_KEY_FILE: 'auth.key', TLS_CA_FILE: 'ca.crt' };
const ENV = {
  DATABASE_URL: 'postgres://auth@localhost/auth',
  TRUSTED_KEYS_FILE: keysFile,
  KEYRING_FILE: 'keyring.json',
  ...TLS,
};

test('the variables without default are enough', () => {
  const config = envToConfig(ENV);
  assert.deepEqual(
    [config.host, config.httpPort, config.grpcPort, config.opsPort],
    ['127.0.0.1', 8001, 50051, 9001],
  );
  assert.equal(config.trustedKeys, '{"keys":[]}');
});

test('a missing or unsafe variable stops the start and is named', () => {
  for (const [name, value] of Object.entries({
    DATABASE_URL: undefined,
    TRUSTED_KEYS_FILE: join(folder, 'absent'),
    TLS_CERT_FILE: undefined,
    TLS_KEY_FILE: '',
    TLS_CA_FILE: undefined,
    TLS_RELOAD_MS: '0',
    HTTP_PORT: '70000',
    DATABASE_POOL_MAX: '0',
    USAGE_FLUSH_INTERVAL_MS: 'soon',
    KEYRING_FILE: undefined,
    BCRYPT_COST: '9',
    ACCESS_TOKEN_TTL_S: '86401',
    TOKEN_ALGORITHM: 'none',
    SIGNING_KEY_ROTATION_DAYS: '0',
    LIMIT_LOGINS_PER_MINUTE: '0',
    SMTP_URL: 'https://mail.example',
    DASHBOARD_URL: 'dashboard',
  }))
    assert.throws(
      () => envToConfig({ ...ENV, [name]: value }),
      (error) => error instanceof ConfigError && error.message.startsWith(name),
    );
});

test('.env.example lists every variable that is read', () => {
  const read = new Set<string>();
  envToConfig(new Proxy({ ...ENV }, { get: (env, name: keyof typeof ENV) => (read.add(name), env[name]) }));
  const listed = readFileSync(join(import.meta.dirname, '..', '.env.example'), 'utf8').matchAll(
    /^#? ?([A-Z_]+)=/gm,
  );
  const names = new Set([...listed].map((match) => match[1]));
  for (const name of read) assert.ok(names.has(name), `${name} is not in .env.example`);
  assert.ok(read.size >= 8);
});

test('a secret for HS256 is at least as long as its hash, and asked for only then', () => {
  const secretFile = join(folder, 'secret');
  writeFileSync(secretFile, 'x'.repeat(31));
  const hs256 = { ...ENV, TOKEN_ALGORITHM: 'HS256' };
  assert.throws(() => envToConfig(hs256), /TOKEN_SECRET_FILE/);
  assert.throws(() => envToConfig({ ...hs256, TOKEN_SECRET_FILE: secretFile }), /at least 32 bytes/);
  writeFileSync(secretFile, 'x'.repeat(32));
  assert.equal(envToConfig({ ...hs256, TOKEN_SECRET_FILE: secretFile }).tokens.algorithm, 'HS256');
  assert.equal(envToConfig(ENV).tokens.secret, undefined);
});

test('production does not start without a mail server', () => {
  assert.throws(() => envToConfig({ ...ENV, NODE_ENV: 'production' }), /SMTP_URL/);
  const config = envToConfig({ ...ENV, NODE_ENV: 'production', SMTP_URL: 'smtps://mail.example' });
  assert.equal(config.mail.smtpUrl?.reveal(), 'smtps://mail.example');
});
