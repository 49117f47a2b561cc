import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { after, before, describe, mock, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { createPool } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { DEADLINE_MS, asCaller, createFirstKey, startTestAuth, validate } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

test('a valid key answers with its merchant, mode, scopes and expiry', async () => {
  const expiresAt = new Date(Date.now() + 3_600_000);
  const key = await createFirstKey(service, { mode: Mode.MODE_LIVE, scopes: ['payments:read'], expiresAt });
  assert.match(key.secret, /^ck_live_/);
  assert.deepEqual(await validate(service, key.secret), {
    apiKeyId: key.id,
    merchantId: key.merchantId,
    mode: Mode.MODE_LIVE,
    scopes: ['payments:read'],
    expiresAt,
    allowedAddresses: [],
    suspended: false,
  });
  const forever = await createFirstKey(service);
  assert.equal((await validate(service, forever.secret)).expiresAt, undefined);
});

type Cause = [name: string, secret: () => Promise<string>];

const CAUSES: Cause[] = [
  ['no key', async () => ''],
  ['garbage', async () => 'garbage'],
  ['a public id', async () => toPublicId('key', newUuid())],
  ['a million letters', async () => `ck_test_${'a'.repeat(1_000_000)}`],
  ['an unknown id', async () => `ck_test_${toPublicId('key', newUuid()).slice(4)}_${'a'.repeat(43)}`],
  ['a wrong secret', async () => `${(await createFirstKey(service)).secret.slice(0, -43)}${'a'.repeat(43)}`],
  ['a secret one letter short', async () => (await createFirstKey(service)).secret.slice(0, -1)],
  ['a secret one letter long', async () => `${(await createFirstKey(service)).secret}a`],
  [
    'the other mode before it',
    async () => (await createFirstKey(service)).secret.replace('ck_test', 'ck_live'),
  ],
  ['a revoked key', revokedKey],
  ['an expired key', expiredKey],
];

async function revokedKey(): Promise<string> {
  const key = await createFirstKey(service);
  await asCaller(service, { merchantId: key.merchantId }).delete(`/v1/api-keys/${key.id}`).expect(200);
  return key.secret;
}

async function expiredKey(): Promise<string> {
  const key = await createFirstKey(service, { expiresAt: new Date(Date.now() + 3_600_000) });
  assert.equal((await validate(service, key.secret)).apiKeyId, key.id);
  await service.sql(
    `update api_keys set created_at = now() - interval '2 hours', expires_at = now() - interval '1 second'
     where merchant_id = $1`,
    [key.merchantId],
  );
  return key.secret;
}

async function refusalOf(replica: TestAuth, secret: string): Promise<ServiceError> {
  return await validate(replica, secret).then(
    () => assert.fail('it was accepted'),
    (error: ServiceError) => error,
  );
}

test('every refusal is the same UNAUTHENTICATED, to the byte', async () => {
  const answers = new Map<string, string[]>();
  for (const [name, makeSecret] of CAUSES) {
    const error = await refusalOf(service, await makeSecret());
    assert.equal(error.code, grpcStatus.UNAUTHENTICATED, name);
    const trailer = error.metadata.get('centra-error-bin')[0];
    assert.ok(trailer instanceof Buffer, name);
    const seen = JSON.stringify([
      error.details,
      trailer.toString('hex'),
      Object.keys(error.metadata.getMap()).toSorted(),
    ]);
    answers.set(seen, [...(answers.get(seen) ?? []), name]);
  }
  assert.equal(answers.size, 1, JSON.stringify([...answers.values()]));
});

test('every refusal costs the same steps as a valid key: one hash, one lookup, one comparison in constant time', async () => {
  const pool = createPool({
    url: service.config.databaseUrl,
    max: 2,
    applicationName: 'observed',
    log: createLog('auth', 'silent'),
  });
  const replica = await service.startReplica({ pool }, { usageFlushIntervalMs: 60_000 });
  const valid = await createFirstKey(service);
  const secrets: [string, string][] = [['a valid key', valid.secret]];
  for (const [name, makeSecret] of CAUSES) secrets.push([name, await makeSecret()]);
  for (const [name, secret] of secrets) {
    const steps = await observeSteps(pool, () => validate(service, secret, replica).catch(() => undefined));
    assert.deepEqual(steps, ['createHash sha256', 'query validate-api-key', 'timingSafeEqual 32 32'], name);
  }
});

/** Watches the real functions do their work; nothing is replaced. */
async function observeSteps(pool: Pool, act: () => Promise<unknown>): Promise<string[]> {
  const steps: string[] = [];
  const { createHash, timingSafeEqual } = crypto;
  const query = pool.query.bind(pool);
  mock.method(crypto, 'createHash', (algorithm: string) => {
    steps.push(`createHash ${algorithm}`);
    return createHash(algorithm);
  });
  mock.method(crypto, 'timingSafeEqual', (a: Uint8Array, b: Uint8Array) => {
    steps.push(`timingSafeEqual ${a.length} ${b.length}`);
    return timingSafeEqual(a, b);
  });
  mock.method(pool, 'query', (statement: { name: string; text: string; values: unknown[] }) => {
    steps.push(`query ${statement.name}`);
    return query(statement);
  });
  syncBuiltinESMExports();
  try {
    await act();
  } finally {
    mock.restoreAll();
    syncBuiltinESMExports();
  }
  return steps;
}

// Inside each test the process believes in another date; the tokens of both sides follow it, the database does not.
const believing = async (offsetMs: number, act: () => Promise<void>): Promise<void> => {
  const realNow = Date.now();
  mock.timers.enable({ apis: ['Date'], now: realNow + offsetMs });
  const ticking = setInterval(() => mock.timers.setTime(Date.now() + 100), 100);
  try {
    await act();
  } finally {
    clearInterval(ticking);
    mock.timers.reset();
  }
};
const EIGHT_DAYS_MS = 8 * 86_400_000;

describe('expiry is decided by the database', () => {
  test('a service whose clock is 8 days ahead still takes a key that expires in an hour', async () => {
    const key = await createFirstKey(service, { expiresAt: new Date(Date.now() + 3_600_000) });
    await believing(EIGHT_DAYS_MS, async () => {
      assert.equal((await validate(service, key.secret)).apiKeyId, key.id);
    });
  });

  test('a service whose clock is 8 days behind refuses a key that expired a second ago', async () => {
    const secret = await expiredKey();
    await believing(-EIGHT_DAYS_MS, async () => {
      assert.equal((await refusalOf(service, secret)).code, grpcStatus.UNAUTHENTICATED);
    });
  });
});

const call = async (caller: string, secret: string): Promise<unknown> => {
  const client = service.client(caller);
  const metadata = callMetadata('req-caller');
  return await callUnary(
    client.validateApiKey.bind(client),
    { secret },
    { metadata, deadlineMs: DEADLINE_MS },
  );
};

describe('callers', () => {
  test('only the gateway and payment-api may ask', async () => {
    const { secret } = await createFirstKey(service);
    for (const allowed of ['api-gateway', 'payment-api']) await call(allowed, secret);
    for (const other of ['merchant', 'transaction', 'operator', 'auth'])
      await assert.rejects(call(other, secret), { code: grpcStatus.PERMISSION_DENIED }, other);
  });
});
