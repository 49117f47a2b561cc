import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { BUILT_IN_ROLES, PERMISSIONS, isBuiltInRole } from '@centra/service-kit/permissions.ts';
import { DEADLINE_MS, startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { addMember, addPerson, asMember, auditOf, setMember } from '../testing-members.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

async function isAllowed(userId: string, merchantId: string, permission: string): Promise<boolean> {
  const client = service.client('payment-api');
  const { allowed } = await callUnary(
    client.checkPermission.bind(client),
    { userId, merchantId, permission },
    { metadata: callMetadata('req-check'), deadlineMs: DEADLINE_MS },
  );
  return allowed;
}

test('a person becomes a member by id or by address in any spelling, once, with one audit event', async () => {
  const merchantId = newUuid();
  const [byId, byEmail] = [await addPerson(service), await addPerson(service)];
  for (let time = 0; time < 2; time += 1) {
    assert.equal(await setMember(service, merchantId, { userId: byId.userId }, 'owner'), byId.userId);
    assert.equal(
      await setMember(
        service,
        merchantId,
        { email: ` ${byEmail.email.toUpperCase()}` },
        'staff',
        `user:${byId.userId}`,
      ),
      byEmail.userId,
    );
  }
  assert.deepEqual(await auditOf(service, merchantId), [
    {
      action: 'member.added',
      actor: 'service:operator',
      object_id: byId.userId,
      details: { after: { role: 'owner' } },
    },
    {
      action: 'member.added',
      actor: `user:${byId.userId}`,
      object_id: byEmail.userId,
      details: { after: { role: 'staff' } },
    },
  ]);
});

test('another role replaces the first and leaves a suspension as it is', async () => {
  const merchantId = newUuid();
  const owner = await addMember(service, merchantId, 'owner');
  const staff = await addMember(service, merchantId, 'staff');
  const caller = asMember(service, merchantId, owner);
  await caller.post(`/v1/users/${staff.userId}/suspend`);
  await setMember(service, merchantId, staff, 'manager');
  const { role, suspended } = (await caller.get(`/v1/users/${staff.userId}`)).body;
  assert.deepEqual([role, suspended], ['manager', true]);
});

test('the same person at once becomes one member', async () => {
  const merchantId = newUuid();
  const person = await addPerson(service);
  await Promise.all(Array.from({ length: 6 }, () => setMember(service, merchantId, person, 'owner')));
  assert.equal((await service.sql('select from members where merchant_id = $1', [merchantId])).length, 1);
  assert.equal((await auditOf(service, merchantId)).length, 1);
});

describe('refused', () => {
  test('NOT_FOUND for unknown and unverified people, and for roles that the hotel does not have', async () => {
    const merchantId = newUuid();
    const other = newUuid();
    const owner = await addMember(service, other, 'owner');
    const theirs = (
      await asMember(service, other, owner)
        .post('/v1/roles')
        .send({ name: 'R', permissions: ['payments:read'] })
    ).body;
    const person = await addPerson(service);
    const unverified = await addPerson(service, { verified: false });
    const attempts = [
      () => setMember(service, merchantId, { userId: toPublicId('usr', newUuid()) }, 'staff'),
      () => setMember(service, merchantId, { userId: 'usr_1' }, 'staff'),
      () => setMember(service, merchantId, { email: 'nobody@hotel.example' }, 'staff'),
      () => setMember(service, merchantId, { userId: unverified.userId }, 'staff'),
      () => setMember(service, merchantId, { email: unverified.email }, 'staff'),
      () => setMember(service, merchantId, person, theirs.id),
    ];
    for (const attempt of attempts) await assert.rejects(attempt(), { code: grpcStatus.NOT_FOUND });
    assert.deepEqual(await service.sql('select 1 from members where merchant_id = $1', [merchantId]), []);
  });

  test('INVALID_ARGUMENT for what is not a role, a hotel or an actor', async () => {
    const person = await addPerson(service);
    for (const attempt of [
      () => setMember(service, newUuid(), person, 'root'),
      () => setMember(service, 'mer_1', person, 'staff'),
      () => setMember(service, newUuid(), person, 'staff', ''),
      () => setMember(service, newUuid(), person, 'staff', 'user:a\nb'),
    ])
      await assert.rejects(attempt(), { code: grpcStatus.INVALID_ARGUMENT });
  });

  test('the last owner stays one', async () => {
    const merchantId = newUuid();
    const owner = await addMember(service, merchantId, 'owner');
    await assert.rejects(setMember(service, merchantId, owner, 'admin'), { code: grpcStatus.ABORTED });
    await addMember(service, merchantId, 'owner');
    await setMember(service, merchantId, owner, 'admin');
  });

  test('PERMISSION_DENIED for services that do not onboard', async () => {
    const client = service.client('payment-api');
    const call = callUnary(
      client.setMember.bind(client),
      {
        merchantId: newUuid(),
        person: { $case: 'userId', value: 'usr_1' },
        role: 'staff',
        actor: 'service:x',
      },
      { metadata: callMetadata('req-x'), deadlineMs: DEADLINE_MS },
    );
    await assert.rejects(call, { code: grpcStatus.PERMISSION_DENIED });
  });
});

test('CheckPermission is right for every built-in role and permission', async () => {
  const merchantId = newUuid();
  for (const role of Object.keys(BUILT_IN_ROLES).filter(isBuiltInRole)) {
    const { userId } = await addMember(service, merchantId, role);
    const granted: readonly string[] = BUILT_IN_ROLES[role];
    for (const permission of PERMISSIONS)
      assert.equal(
        await isAllowed(userId, merchantId, permission),
        granted.includes(permission),
        `${role} ${permission}`,
      );
  }
});

test('CheckPermission is no for strangers, other hotels, suspended members and hotels, and what is not known', async () => {
  const merchantId = newUuid();
  const owner = await addMember(service, merchantId, 'owner');
  const staff = await addMember(service, merchantId, 'staff');
  const may = (userId: string, hotel = merchantId, permission = 'payments:read'): Promise<boolean> =>
    isAllowed(userId, hotel, permission);
  assert.equal(await may(staff.userId), true);
  for (const answer of [
    may((await addPerson(service)).userId),
    may('usr_1'),
    may(''),
    may(staff.userId, newUuid()),
    may(staff.userId, 'x'),
    may(owner.userId, merchantId, 'payments:everything'),
    may(owner.userId, merchantId, ''),
  ])
    assert.equal(await answer, false);
  const caller = asMember(service, merchantId, owner);
  await caller.post(`/v1/users/${staff.userId}/suspend`);
  assert.equal(await may(staff.userId), false);
  await caller.post(`/v1/users/${staff.userId}/restore`);
  assert.equal(await may(staff.userId), true);
  await service.sql(
    `insert into merchant_access (merchant_id, suspended_at, suspended_reason) values ($1, now(), 'test')`,
    [merchantId],
  );
  assert.equal(await may(staff.userId), false);
});
