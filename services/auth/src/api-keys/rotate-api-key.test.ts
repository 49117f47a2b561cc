import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import request from 'supertest';
import { asCaller, startTestAuth, validate } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { addMember, asMember, auditOf, watchChanges } from '../testing-members.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

const DAY_S = 86_400;
const VALID = {
  name: 'Booking engine',
  scopes: ['payments:read', 'payments:write'],
  allowed_addresses: ['203.0.113.7', '2001:db8::/32'],
};

async function newKey(
  fields: object = {},
  merchantId = newUuid(),
): Promise<{
  merchantId: string;
  caller: ReturnType<typeof asCaller>;
  id: string;
  secret: string;
  body: Record<string, unknown>;
}> {
  const caller = asCaller(service, { merchantId });
  const { body, status, text } = await caller.post('/v1/api-keys').send({ ...VALID, ...fields });
  assert.equal(status, 201, text);
  return { merchantId, caller, id: body.id, secret: body.secret, body };
}

const secondsBetween = (from: unknown, to: unknown): number =>
  (Date.parse(String(to)) - Date.parse(String(from))) / 1_000;

test('a new key may do the same from the same places; the old one works for a day and says so at once', async () => {
  const { merchantId, caller, id, secret, body: old } = await newKey();
  const changes = await watchChanges(service);
  const rotated = await caller.post(`/v1/api-keys/${id}/rotate`).send({});
  assert.equal(rotated.status, 201, rotated.text);
  assert.equal(rotated.headers['cache-control'], 'no-store');
  const { secret: newSecret, ...key } = rotated.body;
  assert.notEqual(newSecret, secret);
  assert.deepEqual(
    [key.name, key.mode, key.scopes, key.allowed_addresses, key.expires_at, key.rotated_from],
    [old['name'], old['mode'], old['scopes'], VALID.allowed_addresses, null, id],
  );
  assert.deepEqual((await caller.get(`/v1/api-keys/${key.id}`)).body, key);
  assert.equal((await validate(service, newSecret)).apiKeyId, key.id);
  const answer = await validate(service, secret);
  assert.equal(Math.round(secondsBetween(key.created_at, answer.expiresAt?.toISOString())), DAY_S);
  await waitFor('the announcement', async () =>
    changes.heard.some((each) => each.$case === 'revokedApiKeyId' && each.value === id) ? true : undefined,
  );
  changes.stop();
  const [, created, event] = await auditOf(service, merchantId);
  assert.deepEqual([created?.['action'], created?.['object_id']], ['api_key.created', key.id]);
  const expiresAt = (await caller.get(`/v1/api-keys/${id}`)).body.expires_at;
  assert.deepEqual(
    [event?.['action'], event?.['object_id'], event?.['details']],
    ['api_key.rotated', id, { to: key.id, before: { expires_at: null }, after: { expires_at: expiresAt } }],
  );
});

test('without overlap the old key works no longer', async () => {
  const { caller, id, secret } = await newKey();
  const rotated = await caller.post(`/v1/api-keys/${id}/rotate`).send({ overlap_seconds: 0 });
  assert.equal(rotated.status, 201);
  await assert.rejects(validate(service, secret), { code: grpcStatus.UNAUTHENTICATED });
  await validate(service, rotated.body.secret);
});

test('an old key that expires sooner than the overlap keeps its own end; the new one lives as long as it was meant to', async () => {
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const { caller, id, body: old } = await newKey({ expires_at: expiresAt });
  const rotated = await caller.post(`/v1/api-keys/${id}/rotate`).send({ overlap_seconds: 604_800 });
  assert.equal(rotated.status, 201);
  assert.equal((await caller.get(`/v1/api-keys/${id}`)).body.expires_at, expiresAt);
  const life = secondsBetween(old['created_at'], expiresAt);
  const newLife = secondsBetween(rotated.body.created_at, rotated.body.expires_at);
  assert.ok(Math.abs(life - newLife) < 1, `${life} ${newLife}`);
});

test('a key replaces itself', async () => {
  const merchantId = newUuid();
  const { id, secret } = await newKey({ scopes: ['api_keys:write'] }, merchantId);
  const self = asCaller(service, { merchantId, actor: `api_key:${id}`, scopes: ['api_keys:write'] });
  const rotated = await self.post(`/v1/api-keys/${id}/rotate`).send({ overlap_seconds: 60 });
  assert.equal(rotated.status, 201);
  assert.equal(rotated.body.created_by, `api_key:${id}`);
  await validate(service, secret);
});

test('a person replaces keys of no more than their own permissions', async () => {
  const { merchantId, id } = await newKey();
  const admin = await addMember(service, merchantId, 'admin');
  assert.equal(
    (await asMember(service, merchantId, admin).post(`/v1/api-keys/${id}/rotate`).send({})).status,
    201,
  );
  const narrow = asMember(service, merchantId, admin, ['api_keys:write', 'payments:read']);
  const refused = await narrow.post(`/v1/api-keys/${id}/rotate`).send({});
  assert.deepEqual([refused.status, refused.body.required_scope], [403, 'payments:write']);
  const made = await narrow.post('/v1/api-keys').send({ name: 'Mine', scopes: ['payments:read'] });
  assert.deepEqual([made.status, made.body.created_by], [201, `user:${admin.userId}`]);
  assert.equal((await narrow.post('/v1/api-keys').send(VALID)).status, 403);
});

test('the database lets an expiry come sooner and never later, and keeps addresses and descent', async () => {
  const { merchantId, caller, id } = await newKey();
  await caller.post(`/v1/api-keys/${id}/rotate`).send({});
  const update = (change: string): Promise<unknown> =>
    service.sql(`update api_keys set ${change} where merchant_id = $1 and rotated_from is null`, [
      merchantId,
    ]);
  for (const change of [
    'expires_at = null',
    `expires_at = expires_at + interval '1 second'`,
    `allowed_addresses = '{}'`,
    'rotated_from = id',
  ])
    await assert.rejects(update(change), { code: '42501' }, change);
  await update(`expires_at = expires_at - interval '1 hour'`);
});

describe('refused', () => {
  test('400 for an overlap that is none, is over a week, and for another field', async () => {
    const { merchantId, caller, id } = await newKey();
    for (const body of [
      { overlap_seconds: -1 },
      { overlap_seconds: 604_801 },
      { overlap_seconds: 1.5 },
      { overlap_seconds: '60' },
      { scopes: ['api_keys:write'] },
    ])
      assert.equal((await caller.post(`/v1/api-keys/${id}/rotate`).send(body)).status, 400);
    assert.equal((await service.sql('select from api_keys where merchant_id = $1', [merchantId])).length, 1);
  });

  test('401 without identity; 403 without the permission, and for a scope that the credential lacks', async () => {
    const { merchantId, id, secret } = await newKey();
    const path = `/v1/api-keys/${id}/rotate`;
    assert.equal((await request(service.auth.httpUrl).post(path).send({})).status, 401);
    for (const scopes of [
      ['api_keys:read', ...VALID.scopes],
      ['api_keys:write', 'payments:read'],
    ])
      assert.equal((await asCaller(service, { merchantId, scopes }).post(path).send({})).status, 403);
    assert.equal((await validate(service, secret)).expiresAt, undefined);
  });

  test("404 for another hotel's key, for a live key asked by a test credential, and for one that never was", async () => {
    const theirs = await newKey();
    const merchantId = newUuid();
    const live = await asCaller(service, { merchantId, mode: 'live' }).post('/v1/api-keys').send(VALID);
    const caller = asCaller(service, { merchantId });
    for (const id of [theirs.id, live.body.id, toPublicId('key', newUuid()), 'key_1']) {
      assert.equal((await caller.post(`/v1/api-keys/${id}/rotate`).send({})).status, 404);
      assert.equal((await caller.get(`/v1/api-keys/${id}/usage`)).status, 404);
    }
    for (const secret of [theirs.secret, live.body.secret])
      assert.equal((await validate(service, secret)).expiresAt, undefined);
  });

  test('409 for a revoked and for an expired key, which stay what they are', async () => {
    const { merchantId, caller, id } = await newKey();
    await caller.post(`/v1/api-keys/${id}/rotate`).send({ overlap_seconds: 0 });
    const revoked = await newKey({}, merchantId);
    await caller.delete(`/v1/api-keys/${revoked.id}`);
    for (const each of [id, revoked.id]) {
      const answer = await caller.post(`/v1/api-keys/${each}/rotate`).send({});
      assert.deepEqual([answer.status, answer.body.code], [409, 'state_conflict']);
    }
  });

  test('of many that revoke and rotate at once, no revoked key is left with an heir made after it', async () => {
    for (let round = 0; round < 4; round += 1) {
      const { caller, id, secret } = await newKey();
      const [rotated, revoked] = await Promise.all([
        caller.post(`/v1/api-keys/${id}/rotate`).send({}),
        caller.delete(`/v1/api-keys/${id}`),
      ]);
      assert.equal(revoked.status, 200);
      assert.ok([201, 409].includes(rotated.status), String(rotated.status));
      await assert.rejects(validate(service, secret), { code: grpcStatus.UNAUTHENTICATED });
    }
  });
});

test('addresses are shown, validated and handed to the caller in their canonical form', async () => {
  const { body, secret } = await newKey({
    allowed_addresses: ['203.0.113.0/24', '2001:DB8:0::1/128', '198.51.100.7/32'],
  });
  const canonical = ['203.0.113.0/24', '2001:db8::1', '198.51.100.7'];
  assert.deepEqual(body['allowed_addresses'], canonical);
  assert.deepEqual((await validate(service, secret)).allowedAddresses, canonical);
  const caller = asCaller(service, { merchantId: newUuid() });
  const cases: [string, unknown][] = [
    ['allowed_addresses.0', ['203.0.113.7/24']],
    ['allowed_addresses.1', ['203.0.113.7', 'hotel.example']],
    ['allowed_addresses', ['2001:db8::1', '2001:DB8:0::1']],
    ['allowed_addresses', Array.from({ length: 51 }, (_each, n) => `203.0.113.${n}`)],
    ['allowed_addresses', '203.0.113.7'],
  ];
  for (const [field, addresses] of cases) {
    const answer = await caller.post('/v1/api-keys').send({ ...VALID, allowed_addresses: addresses });
    assert.equal(answer.status, 400);
    assert.equal(answer.body.errors[0].field, field);
  }
});
