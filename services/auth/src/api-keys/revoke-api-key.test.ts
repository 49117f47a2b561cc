import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid } from '@centra/service-kit/ids.ts';
import { status as grpcStatus } from '@grpc/grpc-js';
import request from 'supertest';
import { asCaller, createFirstKey, startTestAuth, validate } from '../test-service.ts';
import type { FirstKey, TestAuth } from '../test-service.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

const revocations = (key: FirstKey): Promise<Record<string, unknown>[]> =>
  service.sql(`select * from audit_events where merchant_id = $1 and action = 'api_key.revoked'`, [
    key.merchantId,
  ]);

test('a revoked key works no longer, and a repeat answers the same with no second audit event', async () => {
  const key = await createFirstKey(service);
  const caller = asCaller(service, { merchantId: key.merchantId });
  const first = await caller.delete(`/v1/api-keys/${key.id}`).set('x-request-id', 'req-revoke');
  assert.equal(first.status, 200);
  assert.equal(first.body.id, key.id);
  assert.ok(Date.parse(first.body.revoked_at) > 0);
  await assert.rejects(validate(service, key.secret), { code: grpcStatus.UNAUTHENTICATED });

  const second = await caller.delete(`/v1/api-keys/${key.id}`);
  assert.equal(second.status, 200);
  assert.deepEqual(second.body, first.body);
  const events = await revocations(key);
  assert.equal(events.length, 1);
  const { object_id, request_id, address, actor } = events[0] ?? {};
  assert.deepEqual([object_id, request_id, address], [key.id, 'req-revoke', '203.0.113.7']);
  assert.equal(actor, 'api_key:key_01jd0000000000000000000000');
});

test('of many that revoke at once one does, and all get the same answer', async () => {
  for (let round = 0; round < 3; round += 1) {
    const key = await createFirstKey(service);
    const caller = asCaller(service, { merchantId: key.merchantId });
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => caller.delete(`/v1/api-keys/${key.id}`)),
    );
    for (const answer of answers) {
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.body, answers[0]?.body);
    }
    assert.equal((await revocations(key)).length, 1);
  }
});

test('the database keeps a revocation final and what a key may do unchanged', async () => {
  const key = await createFirstKey(service);
  await asCaller(service, { merchantId: key.merchantId }).delete(`/v1/api-keys/${key.id}`);
  for (const change of [
    'revoked_at = null, revoked_by = null',
    `scopes = '{all}'`,
    `mode = 'live'`,
    'merchant_id = gen_random_uuid()',
  ])
    await assert.rejects(
      service.sql(`update api_keys set ${change} where merchant_id = $1`, [key.merchantId]),
      { code: '42501' },
      change,
    );
});

test('a live key revokes a test key', async () => {
  const key = await createFirstKey(service);
  const answer = await asCaller(service, { merchantId: key.merchantId, mode: 'live' }).delete(
    `/v1/api-keys/${key.id}`,
  );
  assert.equal(answer.status, 200);
});

describe('refused', () => {
  test('401 without identity and 403 without the scope leave the key working', async () => {
    const key = await createFirstKey(service);
    assert.equal((await request(service.auth.httpUrl).delete(`/v1/api-keys/${key.id}`)).status, 401);
    const reader = asCaller(service, { merchantId: key.merchantId, scopes: ['api_keys:read'] });
    assert.equal((await reader.delete(`/v1/api-keys/${key.id}`)).status, 403);
    assert.equal((await validate(service, key.secret)).apiKeyId, key.id);
  });

  test("404 for another merchant's key, for a live key asked by a test key, and for a malformed id", async () => {
    const key = await createFirstKey(service);
    const stranger = asCaller(service, { merchantId: newUuid(), mode: 'live' });
    assert.equal((await stranger.delete(`/v1/api-keys/${key.id}`)).status, 404);
    assert.equal((await stranger.delete('/v1/api-keys/nonsense')).status, 404);
    const live = await asCaller(service, { merchantId: key.merchantId, mode: 'live' })
      .post('/v1/api-keys')
      .send({ name: 'Live', scopes: ['payments:read'] });
    const tester = asCaller(service, { merchantId: key.merchantId });
    assert.equal((await tester.delete(`/v1/api-keys/${live.body.id}`)).status, 404);
    assert.equal((await validate(service, key.secret)).apiKeyId, key.id);
    assert.equal((await validate(service, live.body.secret)).apiKeyId, live.body.id);
    assert.deepEqual(await revocations(key), []);
  });
});
