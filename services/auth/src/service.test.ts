import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { startFaultProxy, targetOf } from '@centra/testkit/fault-proxy.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { asCaller, createFirstKey, startTestAuth, validate } from './test-service.ts';
import type { TestAuth } from './test-service.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

test('while the database is away nobody is told that a key is wrong: 503, UNAVAILABLE, not ready; then all is well again', async () => {
  const proxy = await startFaultProxy({ targets: [targetOf(service.config.databaseUrl)] });
  const replica = await service.startReplica({}, { databaseUrl: proxy.through(service.config.databaseUrl) });
  const key = await createFirstKey(service);
  const caller = asCaller(service, { merchantId: key.merchantId }, replica);
  const ready = async (): Promise<number> =>
    (await fetch(`http://127.0.0.1:${replica.opsPort}/ready`)).status;
  const works = async (): Promise<true | undefined> => ((await ready()) === 200 ? true : undefined);
  await waitFor('readiness', works);
  await validate(service, key.secret, replica);
  await caller.get(`/v1/api-keys/${key.id}`).expect(200);

  proxy.set({ kind: 'refuse' });
  await assert.rejects(validate(service, key.secret, replica), { code: grpcStatus.UNAVAILABLE });
  for (const answer of [
    await caller.get('/v1/api-keys'),
    await caller.get(`/v1/api-keys/${key.id}`),
    await caller.delete(`/v1/api-keys/${key.id}`),
    await caller.post('/v1/api-keys').send({ name: 'Key', scopes: ['payments:read'] }),
  ]) {
    assert.equal(answer.status, 503, answer.text);
    assert.equal(answer.headers['retry-after'], '1');
    assert.ok(!/ECONN|terminated|127\.0\.0\.1|select/i.test(answer.text), 'no word of the inside');
  }
  assert.equal(await ready(), 503);

  proxy.clear();
  await waitFor('readiness', works);
  assert.equal((await validate(service, key.secret, replica)).apiKeyId, key.id);
  await caller.get(`/v1/api-keys/${key.id}`).expect(200);
  await replica.close();
  await proxy.close();
});
