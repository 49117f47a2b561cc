import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid } from '@centra/service-kit/ids.ts';
import request from 'supertest';
import { asCaller, startTestAuth, validate } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { SCOPES } from '@centra/service-kit/permissions.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

const VALID = { name: 'Booking engine', scopes: ['payments:read', 'payments:write'] };

test('a new key is shown once, works, and is stored as a hash with its audit event', async () => {
  const merchantId = newUuid();
  const caller = asCaller(service, { merchantId });
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
  const created = await caller
    .post('/v1/api-keys')
    .set('x-request-id', 'req-create')
    .send({ ...VALID, expires_at: expiresAt });
  assert.equal(created.status, 201);
  assert.equal(created.headers['cache-control'], 'no-store');
  const { secret, ...key } = created.body;
  assert.match(secret, /^ck_test_[0-9a-z]{26}_[A-Za-z0-9_-]{43}$/);
  assert.equal(key.id, `key_${secret.split('_')[2]}`);
  assert.equal(key.last4, secret.slice(-4));
  assert.equal(key.expires_at, expiresAt);
  assert.deepEqual([key.name, key.mode, key.scopes], [VALID.name, 'test', VALID.scopes]);
  assert.deepEqual([key.revoked_at, key.last_used_at], [null, null]);
  assert.equal(key.created_by, 'api_key:key_01jd0000000000000000000000');

  const answer = await validate(service, secret);
  assert.deepEqual([answer.merchantId, answer.apiKeyId, answer.scopes], [merchantId, key.id, VALID.scopes]);

  const events = await service.sql('select * from audit_events where merchant_id = $1', [merchantId]);
  assert.equal(events.length, 1);
  const { action, actor, object_id, request_id, address, details } = events[0] ?? {};
  assert.deepEqual([action, actor, object_id], ['api_key.created', key.created_by, key.id]);
  assert.deepEqual([request_id, address], ['req-create', '203.0.113.7']);
  assert.deepEqual(details, {
    name: VALID.name,
    mode: 'test',
    scopes: VALID.scopes,
    expires_at: expiresAt,
    allowed_addresses: [],
  });
});

test('each scope is granted alone, so that refunds and settling by hand can be kept from a booking engine’s key', async () => {
  const merchantId = newUuid();
  const caller = asCaller(service, { merchantId });
  for (const scope of SCOPES) {
    const created = await caller.post('/v1/api-keys').send({ name: scope, scopes: [scope] });
    assert.equal(created.status, 201, scope);
    assert.deepEqual((await validate(service, created.body.secret)).scopes, [scope]);
  }
  assert.ok(
    ['refunds:write', 'operations:read', 'operations:settle'].every((each) =>
      SCOPES.some((scope) => scope === each),
    ),
  );
  const narrow = asCaller(service, { merchantId, scopes: ['api_keys:write', 'payments:write'] });
  for (const scope of ['refunds:write', 'operations:settle']) {
    const refused = await narrow.post('/v1/api-keys').send({ name: 'More', scopes: [scope] });
    assert.equal(refused.status, 403, scope);
  }
});

test('no table holds the secret of a key, in any spelling', async () => {
  const created = await asCaller(service, { merchantId: newUuid() }).post('/v1/api-keys').send(VALID);
  const secret: string = created.body.secret;
  await validate(service, secret);
  const part = secret.slice(-43);
  const bytes = Buffer.from(part, 'base64url');
  const spellings = [
    part,
    bytes.toString('hex'),
    Buffer.from(part).toString('hex'),
    Buffer.from(secret).toString('base64'),
  ];
  const tables = await service.sql(`select tablename from pg_tables where schemaname = 'public'`);
  let rowCount = 0;
  for (const { tablename } of tables)
    for (const { line } of await service.sql(`select row::text as line from "${String(tablename)}" as row`)) {
      rowCount += 1;
      for (const spelling of spellings)
        assert.ok(!String(line).includes(spelling), `${String(tablename)} holds it`);
    }
  assert.ok(tables.length >= 3 && rowCount >= 2, 'something was searched');
});

test('secrets of 256 bits from the system differ in every key', async () => {
  const caller = asCaller(service, { merchantId: newUuid() });
  const parts = new Set<string>();
  for (let count = 0; count < 5; count += 1) {
    const { body } = await caller.post('/v1/api-keys').send(VALID);
    parts.add(body.secret.slice(-43));
    assert.equal(Buffer.from(body.secret.slice(-43), 'base64url').length, 32);
  }
  assert.equal(parts.size, 5);
});

test('a live key makes live and test keys, by default its own mode', async () => {
  const caller = asCaller(service, { merchantId: newUuid(), mode: 'live' });
  const modes: unknown[] = [];
  for (const mode of [undefined, 'live', 'test']) {
    const { status, body } = await caller.post('/v1/api-keys').send({ ...VALID, mode });
    assert.equal(status, 201);
    modes.push(body.mode, body.secret.slice(0, 8));
  }
  assert.deepEqual(modes, ['live', 'ck_live_', 'live', 'ck_live_', 'test', 'ck_test_']);
});

describe('400', () => {
  const cases: [string, string, object][] = [
    ['an unknown field', 'merchant_id', { ...VALID, merchant_id: newUuid() }],
    ['no name', 'name', { scopes: VALID.scopes }],
    ['an empty name', 'name', { ...VALID, name: '' }],
    ['a name of 101 characters', 'name', { ...VALID, name: 'x'.repeat(101) }],
    ['a name with a line break', 'name', { ...VALID, name: 'a\nb' }],
    ['a name that turns the writing direction', 'name', { ...VALID, name: 'a\u202eb' }],
    ['no scopes', 'scopes', { name: VALID.name, scopes: [] }],
    ['an unknown scope', 'scopes.0', { ...VALID, scopes: ['payments:everything'] }],
    ['a repeated scope', 'scopes', { ...VALID, scopes: ['payments:read', 'payments:read'] }],
    ['an unknown mode', 'mode', { ...VALID, mode: 'production' }],
    ['a time without zone', 'expires_at', { ...VALID, expires_at: '2099-01-01T00:00:00' }],
    ['an expiry in the past', 'expires_at', { ...VALID, expires_at: '2020-01-01T00:00:00Z' }],
  ];
  for (const [what, field, body] of cases)
    test(`${what} is refused by name and stores nothing`, async () => {
      const merchantId = newUuid();
      const answer = await asCaller(service, { merchantId }).post('/v1/api-keys').send(body);
      assert.equal(answer.status, 400);
      assert.equal(answer.body.code, 'validation_failed');
      assert.deepEqual(
        answer.body.errors.map((error: { field: string }) => error.field),
        [field],
      );
      assert.deepEqual(await service.sql('select 1 from api_keys where merchant_id = $1', [merchantId]), []);
    });
});

describe('401', () => {
  test('without the identity that the gateway signs', async () => {
    assert.equal((await request(service.auth.httpUrl).post('/v1/api-keys').send(VALID)).status, 401);
  });

  test('with an identity that another service signed, or that is meant for another', async () => {
    const identity = {
      merchantId: newUuid(),
      mode: 'live',
      actor: 'api_key:x',
      scopes: ['api_keys:write'],
    } as const;
    const forged = service.signer('payment-api').identityToken('auth', identity);
    const misdirected = service.signer('api-gateway').identityToken('merchant', identity);
    for (const token of [forged, misdirected]) {
      const answer = await request(service.auth.httpUrl)
        .post('/v1/api-keys')
        .set('x-centra-identity', token)
        .send(VALID);
      assert.equal(answer.status, 401);
    }
  });
});

describe('403', () => {
  const cases: [string, { mode?: 'test' | 'live'; scopes?: string[] }, object][] = [
    [
      'a key without api_keys:write makes none',
      { scopes: ['api_keys:read', 'payments:read', 'payments:write'] },
      VALID,
    ],
    ['a key grants no scope that it lacks', { scopes: ['api_keys:write', 'payments:read'] }, VALID],
    ['a test key makes no live key', { mode: 'test' }, { ...VALID, mode: 'live' }],
  ];
  for (const [what, caller, body] of cases)
    test(`${what}, and the attempt is in the audit trail`, async () => {
      const merchantId = newUuid();
      const answer = await asCaller(service, { merchantId, ...caller })
        .post('/v1/api-keys')
        .send(body);
      assert.equal(answer.status, 403);
      assert.equal(answer.body.code, 'forbidden');
      assert.deepEqual(await service.sql('select 1 from api_keys where merchant_id = $1', [merchantId]), []);
      const events = await service.sql('select action, object_id from audit_events where merchant_id = $1', [
        merchantId,
      ]);
      assert.deepEqual(events, [{ action: 'access.denied', object_id: '/v1/api-keys' }]);
    });
});

describe('409', () => {
  test('the 101st usable key is refused, also when many ask at once for the last place; revoking makes room', async () => {
    // Several rounds: the first one may be spread out in time by connections that are still being made.
    for (let round = 0; round < 5; round += 1) {
      const merchantId = newUuid();
      const caller = asCaller(service, { merchantId });
      await service.sql(
        `insert into api_keys (merchant_id, id, name, mode, scopes, secret_hash, last4, created_by)
         select $1, gen_random_uuid(), 'filler', 'test', '{payments:read}', sha256(n::text::bytea), 'abcd', 'test'
         from generate_series(1, 99) as n`,
        [merchantId],
      );
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => caller.post('/v1/api-keys').send(VALID)),
      );
      const statuses = answers.map((answer) => String(answer.status)).toSorted();
      assert.deepEqual(statuses, ['201', '409', '409', '409', '409', '409']);
      const made = answers.find((answer) => answer.status === 201);
      assert.equal((await caller.delete(`/v1/api-keys/${made?.body.id}`)).status, 200);
      assert.equal((await caller.post('/v1/api-keys').send(VALID)).status, 201);
    }
  });
});

test('a body that is not JSON is 415, and one that holds a card number 422', async () => {
  const caller = asCaller(service, { merchantId: newUuid() });
  assert.equal((await caller.post('/v1/api-keys').type('text/plain').send('x')).status, 415);
  assert.equal(
    (await caller.post('/v1/api-keys').send({ ...VALID, name: '4242 4242 4242 4242' })).status,
    422,
  );
});
