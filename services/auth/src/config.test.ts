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

const ENV = { DATABASE_URL: 'postgres://auth@localhost/auth', TRUSTED_KEYS_FILE: keysFile };

test('the two variables without default are enough', () => {
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
    HTTP_PORT: '70000',
    DATABASE_POOL_MAX: '0',
    USAGE_FLUSH_INTERVAL_MS: 'soon',
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
