import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { createPool } from '@centra/service-kit/database.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { BUILT_IN_ROLES } from '@centra/service-kit/permissions.ts';
import { startFaultProxy, targetOf } from '@centra/testkit/fault-proxy.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { startRedisServer } from '@centra/testkit/redis-server.ts';
import type { RedisServer } from '@centra/testkit/redis-server.ts';
import { Redis } from 'ioredis';
import type { Auth } from '../service.ts';
import { startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { startTokenParts } from '../tokens/test-tokens.ts';
import type { TokenParts } from '../tokens/test-tokens.ts';
import { OF_MEMBER, OF_SESSION, change, countOf, grantAt, memberWithToken } from './test-grants.ts';
import type { MemberWithToken } from './test-grants.ts';

const MANAGER = BUILT_IN_ROLES.manager.join(' ');
const END = `update sessions set ended_at = now(), ended_reason = 'revoked' where ${OF_SESSION}`;

let server: RedisServer;
let redis: Redis;
let service: TestAuth;
let parts: TokenParts;
let replica: Auth;
before(async () => {
  server = await startRedisServer();
  redis = connect();
  service = await startTestAuth();
  parts = await startTokenParts(service);
});
beforeEach(async () => {
  replica = await service.startReplica({}, { redisUrl: server.url });
});
afterEach(() => replica.close());
after(async () => {
  redis.disconnect();
  await parts.close();
  await service.close();
  await server.stop();
});

function connect(): Redis {
  const client = new Redis(server.url, { retryStrategy: () => 100 });
  client.on('error', () => {});
  return client;
}

const keyOf = ({ sessionId, merchantId }: MemberWithToken): string => `grant:${sessionId}:${merchantId}`;

/** Somebody whose grant lies in Redis, and is used from there. */
async function rememberedMember(
  options: Parameters<typeof memberWithToken>[2] = {},
  at: Auth = replica,
): Promise<MemberWithToken & { value: string }> {
  const member = await memberWithToken(service, parts, options);
  const value = await waitFor('the grant in Redis', async () => {
    await grantAt(service, at, member.token);
    return (await redis.get(keyOf(member))) ?? undefined;
  });
  return { ...member, value };
}

async function becomes(at: Auth, { token }: MemberWithToken, wanted: string): Promise<void> {
  await waitFor(
    wanted,
    async () => ((await grantAt(service, at, token)) === wanted ? true : undefined),
    5_000,
  );
}

describe('what was read before a change and comes to Redis after its notice', () => {
  test('is used neither by a replica that heard the notice, nor by one that started later', async () => {
    const member = await rememberedMember();
    await change(service, member, END, 'session');
    await becomes(replica, member, 'refused 16');
    const later = await service.startReplica({}, { redisUrl: server.url });
    // The second one remembers by now, so that it would use what it finds.
    await rememberedMember({}, later);
    for (let times = 0; times < 3; times += 1) {
      await redis.set(keyOf(member), member.value, 'PX', 60_000);
      for (const each of [replica, later])
        assert.equal(await grantAt(service, each, member.token), 'refused 16');
    }
    assert.ok((await countOf(replica, 'stale')) >= 3);
    assert.ok((await countOf(later, 'stale')) >= 3);
    await later.close();
  });
});

describe('whoever writes to Redis lets nobody in', () => {
  const forgeries: [what: string, forge: (own: string, owners: string) => string][] = [
    ['an owner’s grant in one’s own place', (_own, owners) => owners],
    ['one’s own with more in it', (own) => own.replace('"permissions":[', '"permissions":["users:write",')],
    ['one’s own with a later time', (own) => own.replace(/"read_at":\d+/, '"read_at":9999999999999')],
    ['no code', (own) => own.slice(own.indexOf('.') + 1)],
    ['an empty code', (own) => own.slice(own.indexOf('.'))],
    ['a code of zeros', (own) => `${Buffer.alloc(32).toString('base64url')}${own.slice(own.indexOf('.'))}`],
    ['a code cut short', (own) => own.slice(0, 20) + own.slice(own.indexOf('.'))],
    ['nothing', () => ''],
    ['noise', () => '\u0000\uFFFF.{"permissions":'],
  ];
  for (const [what, forge] of forgeries)
    test(what, async () => {
      const [staff, owner] = [
        await rememberedMember({ role: 'staff' }),
        await rememberedMember({ role: 'owner' }),
      ];
      const forged = await countOf(replica, 'forged');
      await redis.set(keyOf(staff), forge(staff.value, owner.value), 'PX', 60_000);
      assert.equal(await grantAt(service, replica, staff.token), BUILT_IN_ROLES.staff.join(' '));
      assert.equal(await countOf(replica, 'forged'), forged + 1);
    });

  test('another kind of value', async () => {
    const member = await rememberedMember();
    await redis.del(keyOf(member));
    await redis.lpush(keyOf(member), member.value);
    assert.equal(await grantAt(service, replica, member.token), MANAGER);
  });
});

describe('Redis fails, and nobody is logged out or let in by it', () => {
  test('it is emptied', async () => {
    const member = await rememberedMember();
    await redis.flushall();
    assert.equal(await grantAt(service, replica, member.token), MANAGER);
  });

  test('it hangs: answers come from Postgres, without waiting for it each time; it goes on, and is used again', async () => {
    const member = await rememberedMember();
    process.kill(server.pid, 'SIGSTOP');
    try {
      await change(
        service,
        member,
        `update members set built_in_role = 'staff' where ${OF_MEMBER}`,
        'member',
      );
      await becomes(replica, member, BUILT_IN_ROLES.staff.join(' '));
      const startedAt = performance.now();
      for (let times = 0; times < 50; times += 1)
        assert.equal(await grantAt(service, replica, member.token), BUILT_IN_ROLES.staff.join(' '));
      // A quarter of a second each would be more than twelve.
      assert.ok(performance.now() - startedAt < 8_000);
      assert.ok((await countOf(replica, 'away')) > 0);
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
    await rememberedMember();
    assert.equal(await grantAt(service, replica, member.token), BUILT_IN_ROLES.staff.join(' '));
  });

  test('it is killed, comes back empty, and then with what it knew long ago', async () => {
    const [standing, ended] = [await rememberedMember(), await rememberedMember()];
    await server.kill9();
    assert.equal(await grantAt(service, replica, standing.token), MANAGER);
    await change(service, ended, END, 'session');
    await becomes(replica, ended, 'refused 16');
    server = await startRedisServer(server.port);
    redis.disconnect();
    redis = connect();
    for (const { value, ...member } of [standing, ended]) await redis.set(keyOf({ ...member }), value);
    await rememberedMember();
    assert.equal(await grantAt(service, replica, standing.token), MANAGER);
    assert.equal(await grantAt(service, replica, ended.token), 'refused 16');
    const later = await service.startReplica({}, { redisUrl: server.url });
    await rememberedMember({}, later);
    assert.equal(await grantAt(service, later, ended.token), 'refused 16');
    await later.close();
  });
});

describe('changes are not heard, and nothing that is remembered is used', () => {
  test('a change that is told while the LISTEN connection is cut bites all the same', async () => {
    const member = await rememberedMember();
    await service.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'auth-revocations' and datname = current_database()`,
    );
    await change(service, member, END, 'session');
    await becomes(replica, member, 'refused 16');
    // Heard again: what was read before is still not used.
    await rememberedMember();
    await redis.set(keyOf(member), member.value, 'PX', 60_000);
    assert.equal(await grantAt(service, replica, member.token), 'refused 16');
  });

  test('and so does one while that connection is silent', async () => {
    const proxy = await startFaultProxy({ targets: [targetOf(service.config.databaseUrl)] });
    const log = createLog('auth', 'silent');
    // Queries go straight to Postgres; only what is pushed goes through the proxy.
    const pool = createPool({ url: service.config.databaseUrl, max: 2, applicationName: 'auth', log });
    const cut = await service.startReplica(
      { pool },
      { redisUrl: server.url, databaseUrl: proxy.through(service.config.databaseUrl) },
    );
    const member = await rememberedMember({}, cut);
    proxy.set({ kind: 'half-open' });
    await change(service, member, END, 'session');
    await becomes(cut, member, 'refused 16');
    await redis.set(keyOf(member), member.value, 'PX', 60_000);
    assert.equal(await grantAt(service, cut, member.token), 'refused 16');
    proxy.clear();
    await cut.close();
    await proxy.close();
  });

  test('a notice that is not understood forgets everything', async () => {
    const member = await rememberedMember();
    await change(service, member, END, 'nothing');
    await service.sql(`select pg_notify('revocations', '{"kind":"of a later release"}')`);
    await becomes(replica, member, 'refused 16');
  });
});
