import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ConfigError } from '@centra/service-kit/env.ts';
import { tlsVariables } from '@centra/testkit/certificates.ts';
import { createServiceKeys } from '@centra/testkit/service-keys.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { testTlsFiles } from '@centra/testkit/test-tls.ts';
import { envToConfig } from './config.ts';
import { writeKeys } from './testing/child-service.ts';

const folder = temporaryFolder('gateway-config');
const KEYS = {
  ...writeKeys('api-gateway', createServiceKeys(), join(folder, 'keys')),
  ...tlsVariables(testTlsFiles('api-gateway')),
};
after(() => rmSync(folder, { recursive: true, force: true }));

test('only the signing key and the certificate must be given', () => {
  const config = envToConfig(KEYS);
  assert.equal(config.httpPort, 8080);
  assert.equal(config.opsPort, 9080);
  assert.equal(config.upstreams['payment-api'].url.href, 'http://127.0.0.1:8004/');
  assert.equal(config.upstreams['payment-api'].timeoutMs, 75_000);
  assert.equal(config.upstreams.auth.timeoutMs, 15_000);
  assert.equal(config.redisUrl, undefined);
  assert.equal(config.publicDocs, false);
  assert.equal(config.trustedProxies, undefined);
  assert.equal(String(config.signingKey), '[redacted]');
});

describe('unsafe values are refused by name', () => {
  const cases: [string, string][] = [
    ['SIGNING_KEY_FILE', '/nowhere'],
    ['TLS_CERT_FILE', ''],
    ['TLS_KEY_FILE', ''],
    ['TLS_CA_FILE', ''],
    ['TLS_RELOAD_MS', '0'],
    ['AUTH_URL', 'ftp://a'],
    ['HTTP_PORT', '70000'],
    ['PAYMENT_API_CONCURRENCY', '0'],
    ['PAYMENT_API_TIMEOUT_MS', 'soon'],
    ['LIMIT_PAYMENTS_PER_SECOND', '0'],
    ['PUBLIC_DOCS', 'yes'],
    ['TRUSTED_PROXIES', 'everyone'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
    ['TRUSTED_PROXIES', '10.0.0.0/'],
    ['TRUSTED_PROXIES', '10.0.0.1,'],
    ['HEALTH_TARGETS', 'http://127.0.0.1/ready'],
    ['HEALTH_TARGETS', 'auth=nowhere'],
    ['DRAIN_DELAY_MS', '60000'],
  ];
  for (const [name, value] of cases)
    test(`${name}=${value}`, () => {
      assert.throws(
        () => envToConfig({ ...KEYS, [name]: value }),
        (error) => error instanceof ConfigError && error.message.includes(name),
      );
    });
});

test('every variable of .env.example is read, and every one that is read is there', async () => {
  const { readFileSync } = await import('node:fs');
  const example = readFileSync(join(import.meta.dirname, '..', '.env.example'), 'utf8');
  const listed = new Set([...example.matchAll(/^#? ?([A-Z_]+)=/gm)].map((match) => match[1] ?? ''));
  const read = new Set<string>();
  envToConfig(
    new Proxy<Record<string, string>>(KEYS, {
      get: (target, name: string) => {
        read.add(name);
        return target[name];
      },
    }),
  );
  // Read by runService, before the configuration.
  read.add('LOG_LEVEL');
  assert.deepEqual([...listed].toSorted(), [...read].toSorted());
});
