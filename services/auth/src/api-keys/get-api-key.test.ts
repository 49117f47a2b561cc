import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import request from 'supertest';
import { asCaller, createFirstKey, startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

test('a key is read as it was created, without its secret', async () => {
  const caller = asCaller(service, { merchantId: newUuid() });
  const created = await caller.post('/v1/api-keys').send({ name: 'Key', scopes: ['payments:read'] });
  const { secret, ...key } = created.body;
  const answer = await caller.get(`/v1/api-keys/${key.id}`);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.body, key);
  assert.ok(!answer.text.includes(secret));
});

test('401 without identity, 403 without the scope', async () => {
  const { id, merchantId } = await createFirstKey(service);
  assert.equal((await request(service.auth.httpUrl).get(`/v1/api-keys/${id}`)).status, 401);
  const answer = await asCaller(service, { merchantId, scopes: ['api_keys:write'] }).get(
    `/v1/api-keys/${id}`,
  );
  assert.equal(answer.status, 403);
});

describe('404', () => {
  test("another merchant's key, a live key for a test key, and a key that never was answer alike", async () => {
    const theirs = await createFirstKey(service);
    const merchantId = newUuid();
    const live = await asCaller(service, { merchantId, mode: 'live' })
      .post('/v1/api-keys')
      .send({ name: 'Live', scopes: ['payments:read'] });
    const caller = asCaller(service, { merchantId });
    const bodies: object[] = [];
    for (const id of [theirs.id, live.body.id, toPublicId('key', newUuid())]) {
      const answer = await caller.get(`/v1/api-keys/${id}`).set('x-request-id', 'req-same');
      assert.equal(answer.status, 404);
      bodies.push(answer.body);
    }
    assert.deepEqual(bodies[0], bodies[2]);
    assert.deepEqual(bodies[1], bodies[2]);
  });

  for (const id of [
    'x',
    'key_',
    `key_${'8'.repeat(26)}`,
    `pay_${'0'.repeat(26)}`,
    `KEY_${'0'.repeat(26)}`,
    `key_${"'".repeat(26)}`,
  ])
    test(`a malformed id: ${id}`, async () => {
      const caller = asCaller(service, { merchantId: newUuid() });
      assert.equal((await caller.get(`/v1/api-keys/${id}`)).status, 404);
    });

  test('other spellings of the path and other methods reach no route', async () => {
    const { id, merchantId } = await createFirstKey(service);
    const caller = asCaller(service, { merchantId });
    for (const path of [
      `/v1/API-keys/${id}`,
      `/v1/api-keys/${id}/`,
      `//v1/api-keys/${id}`,
      `/v1/api-keys;x/${id}`,
    ])
      assert.equal((await caller.get(path)).status, 404, path);
    assert.equal((await caller.patch(`/v1/api-keys/${id}`).send({ name: 'x' })).status, 404);
  });
});
