import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startFaultProxy } from '@centra/testkit/fault-proxy.ts';
import { startRedisServer } from '@centra/testkit/redis-server.ts';
import { startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { newEmail, registerVerified } from '../testing-accounts.ts';
import { accountHashOf } from './login-guard.ts';
import { tryPassword } from './test-logins.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

describe('the minute of one address at one account', () => {
  test('holds five log-ins, right ones too; other addresses and accounts are not held up', async () => {
    const replica = await service.startReplica({}, { loginsPerMinute: 5 });
    const { email, password } = await registerVerified(service);
    for (let count = 0; count < 5; count += 1)
      assert.equal((await tryPassword(service, email, password, '203.0.113.7', replica)).status, 200);
    const limited = await tryPassword(service, email, password, '203.0.113.7', replica);
    assert.deepEqual([limited.status, limited.code], [429, 'too_many_attempts']);
    assert.ok(limited.retryAfter !== undefined && limited.retryAfter > 0 && limited.retryAfter <= 60);
    assert.equal((await tryPassword(service, email, password, '203.0.113.8', replica)).status, 200);
    assert.equal((await tryPassword(service, newEmail(), 'wrong', '203.0.113.7', replica)).status, 401);
    await replica.close();
  });

  test('is counted in Redis for all replicas; while Redis is away each counts for itself and nobody is shut out', async () => {
    const redis = await startRedisServer();
    const config = { redisUrl: redis.url, loginsPerMinute: 3 };
    const replicas = [
      await service.startReplica({}, config),
      await service.startReplica({}, config),
    ] as const;
    try {
      const shared = await registerVerified(service);
      const { email, password } = shared;
      for (const replica of [replicas[0], replicas[1], replicas[0]])
        assert.equal((await tryPassword(service, email, password, '203.0.113.7', replica)).status, 200);
      assert.equal((await tryPassword(service, email, password, '203.0.113.7', replicas[1])).status, 429);
      await redis.kill9();
      const alone = await registerVerified(service);
      for (let count = 0; count < 3; count += 1)
        assert.equal(
          (await tryPassword(service, alone.email, alone.password, '203.0.113.7', replicas[0])).status,
          200,
        );
      assert.equal(
        (await tryPassword(service, alone.email, alone.password, '203.0.113.7', replicas[0])).status,
        429,
      );
    } finally {
      for (const replica of replicas) await replica.close();
      await redis.stop();
    }
  });

  test('counts here while Redis does not answer; the lock does not depend on it', async () => {
    const redis = await startRedisServer();
    const proxy = await startFaultProxy({ targets: [{ host: '127.0.0.1', port: redis.port }] });
    const replica = await service.startReplica(
      {},
      { redisUrl: `redis://127.0.0.1:${proxy.port}`, loginsPerMinute: 7 },
    );
    try {
      const person = await registerVerified(service);
      assert.equal(
        (await tryPassword(service, person.email, person.password, '203.0.113.7', replica)).status,
        200,
      );
      proxy.set({ kind: 'half-open' });
      for (let count = 0; count < 5; count += 1)
        assert.equal((await tryPassword(service, person.email, 'wrong', '203.0.113.7', replica)).status, 401);
      assert.equal(
        (await tryPassword(service, person.email, person.password, '203.0.113.7', replica)).status,
        429,
      );
      const [guard] = await service.sql(
        'select locked_until > now() as locked from login_guards where account_hash = $1',
        [accountHashOf(person.email)],
      );
      assert.equal(guard?.['locked'], true);
    } finally {
      await replica.close();
      await proxy.close();
      await redis.stop();
    }
  });
});
