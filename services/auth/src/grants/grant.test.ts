import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BUILT_IN_ROLES } from '@centra/service-kit/permissions.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { startRedisServer } from '@centra/testkit/redis-server.ts';
import type { RedisServer } from '@centra/testkit/redis-server.ts';
import type { Auth } from '../service.ts';
import { startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { signAccessToken } from '../tokens/access-token.ts';
import { startTokenParts, validateToken } from '../tokens/test-tokens.ts';
import type { TokenParts } from '../tokens/test-tokens.ts';
import { OF_MEMBER, OF_SESSION, change, countOf, grantAt, memberWithToken } from './test-grants.ts';
import { insertMember } from './test-member.ts';

let redis: RedisServer;
let service: TestAuth;
let parts: TokenParts;
/** Two that share one Redis, and one that has none. */
let replicas: { one: Auth; two: Auth; alone: Auth };
before(async () => {
  redis = await startRedisServer();
  service = await startTestAuth();
  parts = await startTokenParts(service);
  replicas = {
    one: await service.startReplica({}, { redisUrl: redis.url }),
    two: await service.startReplica({}, { redisUrl: redis.url }),
    alone: service.auth,
  };
  // A replica that has just started does not hear of changes yet, and remembers nothing.
  const somebody = await memberWithToken(service, parts);
  for (const replica of Object.values(replicas))
    await waitFor('a grant to be remembered', async () => {
      await grantAt(service, replica, somebody.token);
      return (await countOf(replica, 'hit')) > 0 ? true : undefined;
    });
});
after(async () => {
  await parts.close();
  await service.close();
  await redis.stop();
});

const MANAGER = BUILT_IN_ROLES.manager.join(' ');
const STAFF = BUILT_IN_ROLES.staff.join(' ');

test('a role of the hotel’s own allows what it lists, and nothing that no longer exists', async () => {
  const permissions = ['payments:read', 'minibar:open'];
  const { token } = await memberWithToken(service, parts, { permissions });
  assert.equal(await grantAt(service, replicas.one, token), 'payments:read');
});

test('a token for no hotel says whether the session stands, and allows nothing', async () => {
  const member = await insertMember(service);
  const { token } = await signAccessToken(parts, { ...member, merchantId: undefined, mode: 'live' });
  const answer = await validateToken(service, token, replicas.one);
  assert.deepEqual([answer.merchantId, answer.permissions, answer.barrier], ['', [], 0]);
  await change(
    service,
    member,
    `update sessions set ended_at = now(), ended_reason = 'revoked' where ${OF_SESSION}`,
    'session',
  );
  await becomes(replicas.one, token, 'refused 16');
});

test('an answer is never good for longer than the session', async () => {
  const member = await memberWithToken(service, parts);
  const soon = `update sessions set expires_at = now() + interval '60 seconds' where ${OF_SESSION}`;
  await change(service, member, soon, 'nothing');
  const { expiresAt } = await validateToken(service, member.token, replicas.one);
  assert.ok(expiresAt !== undefined && expiresAt.getTime() < Date.now() + 90_000);
});

test('somebody of another hotel has nothing at this one', async () => {
  const [member, other] = [await insertMember(service), await insertMember(service)];
  const { token } = await signAccessToken(parts, { ...member, merchantId: other.merchantId, mode: 'test' });
  assert.equal(await grantAt(service, replicas.one, token), 'refused 16');
});

test('the session of another person is not theirs', async () => {
  const [member, other] = [await insertMember(service), await insertMember(service, { role: 'owner' })];
  const { token } = await signAccessToken(parts, { ...other, sessionId: member.sessionId, mode: 'test' });
  assert.equal(await grantAt(service, replicas.one, token), 'refused 16');
});

test('replicas share what they remember: what one has read the other does not read again', async () => {
  const member = await waitFor('a grant that is shared', async () => {
    const someone = await memberWithToken(service, parts);
    assert.equal(await grantAt(service, replicas.one, someone.token), MANAGER);
    // Nobody is told of this change, which no action of ours can bring about: only so is a remembered answer seen.
    await change(
      service,
      someone,
      `update members set built_in_role = 'staff' where ${OF_MEMBER}`,
      'nothing',
    );
    const isShared = (await grantAt(service, replicas.two, someone.token)) === MANAGER;
    // A machine under load may have been too slow for Redis; then nothing was remembered.
    return isShared ? someone : undefined;
  });
  assert.equal(await grantAt(service, replicas.alone, member.token), STAFF);
});

type Case = [
  what: string,
  statement: string,
  kind: 'session' | 'member' | 'merchant',
  then: string,
  permissions?: readonly string[],
];
const end = (reason: string): string =>
  `update sessions set ended_at = now(), ended_reason = '${reason}' where ${OF_SESSION}`;
const cases: Case[] = [
  ['the end of the session', end('logged_out'), 'session', 'refused 16'],
  ['a password that is reset', end('password_reset'), 'session', 'refused 16'],
  ['removal from the hotel', `delete from members where ${OF_MEMBER}`, 'member', 'refused 16'],
  ['suspension', `update members set suspended_at = now() where ${OF_MEMBER}`, 'member', 'barrier 1'],
  ['another role', `update members set built_in_role = 'staff' where ${OF_MEMBER}`, 'member', STAFF],
  [
    'a cut of the hotel’s own role',
    `update roles set permissions = '{payments:read}' where merchant_id = $3`,
    'merchant',
    'payments:read',
    ['payments:read', 'payments:write'],
  ],
  [
    'suspension of the hotel',
    `insert into merchant_access (merchant_id, suspended_at, suspended_reason) values ($3, now(), 'fraud')`,
    'merchant',
    'barrier 1',
  ],
  [
    'the hotel’s demand for a second factor',
    `insert into merchant_access (merchant_id, second_factor_required) values ($3, true)`,
    'merchant',
    'barrier 2',
  ],
];

describe('row 25: each change bites at every replica within 5 s', () => {
  for (const [what, statement, kind, then, permissions] of cases)
    test(what, async () => {
      const member = await memberWithToken(service, parts, permissions === undefined ? {} : { permissions });
      const first = permissions?.join(' ') ?? MANAGER;
      for (const replica of Object.values(replicas))
        for (let times = 0; times < 2; times += 1)
          assert.equal(await grantAt(service, replica, member.token), first);
      await change(service, member, statement, kind);
      for (const replica of Object.values(replicas)) await becomes(replica, member.token, then);
      for (const replica of Object.values(replicas))
        assert.equal(await grantAt(service, replica, member.token), then, 'and it stays so');
    });
});

test('a second factor that the session proved opens the hotel again', async () => {
  const member = await memberWithToken(service, parts);
  const demand = `insert into merchant_access (merchant_id, second_factor_required) values ($3, true)`;
  await change(service, member, demand, 'merchant');
  await becomes(replicas.one, member.token, 'barrier 2');
  await change(service, member, `update sessions set factor_at = now() where ${OF_SESSION}`, 'session');
  await becomes(replicas.one, member.token, MANAGER);
});

async function becomes(replica: Auth, token: string, wanted: string): Promise<void> {
  const seen = async (): Promise<true | undefined> =>
    (await grantAt(service, replica, token)) === wanted ? true : undefined;
  await waitFor(wanted, seen, 5_000);
}
