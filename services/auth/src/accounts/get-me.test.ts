import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fromPublicId, newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { BUILT_IN_ROLES } from '@centra/service-kit/permissions.ts';
import { asCaller, startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { asAnyone, asPerson, logIn, registerVerified } from '../testing-accounts.ts';
import { meSchema } from './get-me.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

type Membership = { role?: string; roleId?: string; suspended?: boolean };

async function makeMember(userId: string, merchantId: string, wanted: Membership): Promise<void> {
  await service.sql(
    `insert into members (merchant_id, user_id, built_in_role, role_id, suspended_at)
     values ($1, $2, $3, $4, case when $5::boolean then now() end)`,
    [
      merchantId,
      fromPublicId('usr', userId),
      wanted.role ?? null,
      wanted.roleId ?? null,
      wanted.suspended ?? false,
    ],
  );
}

describe('200', () => {
  test('a new account, and the session that asks', async () => {
    const registered = await registerVerified(service, { locale: 'ar', name: 'أمينة حداد' });
    const own = await logIn(service, registered);
    const answer = await asPerson(service, own).get('/v1/auth/me');
    assert.equal(answer.status, 200);
    assert.deepEqual(meSchema.strict().parse(answer.body), {
      id: registered.userId,
      email: registered.email,
      name: 'أمينة حداد',
      locale: 'ar',
      second_factor: false,
      session_id: own.sessionId,
      merchant_id: null,
      mode: 'test',
      memberships: [],
      has_more_memberships: false,
    });
  });

  test('where the person works and what they may do there, and nobody else’s', async () => {
    const [registered, colleague] = [await registerVerified(service), await registerVerified(service)];
    const own = await logIn(service, registered);
    const [first, second, third, foreign] = [newUuid(), newUuid(), newUuid(), newUuid()];
    const roleId = newUuid();
    await service.sql(
      `insert into roles (merchant_id, id, name, permissions) values ($1, $2, 'Night desk', $3)`,
      [second, roleId, ['payments:read', 'no_longer:known']],
    );
    await makeMember(own.userId, first, { role: 'manager' });
    await makeMember(own.userId, second, { roleId });
    await makeMember(own.userId, third, { role: 'staff', suspended: true });
    await makeMember(colleague.userId, first, { role: 'owner' });
    await makeMember(colleague.userId, foreign, { role: 'owner' });
    await service.sql(
      `insert into merchant_access (merchant_id, suspended_at, suspended_reason) values ($1, now(), 'unpaid')`,
      [second],
    );
    const { body } = await asPerson(service, own).get('/v1/auth/me').expect(200);
    meSchema.strict().parse(body);
    assert.deepEqual(body.memberships, [
      {
        merchant_id: toPublicId('mer', first),
        role: 'manager',
        role_name: 'Manager',
        permissions: BUILT_IN_ROLES.manager,
        suspended: false,
      },
      {
        merchant_id: toPublicId('mer', second),
        role: toPublicId('rol', roleId),
        role_name: 'Night desk',
        permissions: ['payments:read'],
        suspended: true,
      },
      {
        merchant_id: toPublicId('mer', third),
        role: 'staff',
        role_name: 'Staff',
        permissions: BUILT_IN_ROLES.staff,
        suspended: true,
      },
    ]);
    assert.equal(body.has_more_memberships, false);
  });

  test('a hundred hotels at most, and it says that there are more', async () => {
    const own = await logIn(service, await registerVerified(service));
    await service.sql(
      `insert into members (merchant_id, user_id, built_in_role)
       select gen_random_uuid(), $1, 'staff' from generate_series(1, 101)`,
      [fromPublicId('usr', own.userId)],
    );
    const { body } = await asPerson(service, own).get('/v1/auth/me').expect(200);
    assert.deepEqual([body.memberships.length, body.has_more_memberships], [100, true]);
  });
});

test('401: a session that ended, another person’s session, a hotel’s key, nobody', async () => {
  const [registered, other] = [await registerVerified(service), await registerVerified(service)];
  const own = await logIn(service, registered);
  const foreign = await logIn(service, other);
  const ask = async (person: { userId: string; sessionId: string }): Promise<number> =>
    (await asPerson(service, person).get('/v1/auth/me')).status;
  assert.equal(await ask(own), 200);
  assert.equal(await ask({ ...own, sessionId: foreign.sessionId }), 401);
  await service.sql(`update sessions set ended_at = now(), ended_reason = 'revoked' where id = $1`, [
    fromPublicId('ses', own.sessionId),
  ]);
  assert.equal(await ask(own), 401);
  assert.equal((await asCaller(service, { merchantId: newUuid() }).get('/v1/auth/me')).status, 401);
  assert.equal((await asAnyone(service).get('/v1/auth/me')).status, 401);
});
