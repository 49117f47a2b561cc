import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { addMember, asMember, auditOf, membersOf, newHotel, watchChanges } from '../testing-members.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

test('another role is answered, stored, recorded with before and after, and announced once', async () => {
  const { merchantId, owner, staff } = await newHotel(service);
  const changes = await watchChanges(service);
  const caller = asMember(service, merchantId, owner);
  const path = `/v1/users/${staff.userId}/role`;
  const first = await caller.post(path).send({ role: 'manager' });
  const again = await caller.post(path).send({ role: 'manager' });
  assert.equal(first.status, 200, first.text);
  assert.deepEqual(again.body, first.body);
  const { joined_at: joinedAt, ...user } = first.body;
  assert.ok(Date.parse(joinedAt) > 0);
  assert.deepEqual(user, {
    id: staff.userId,
    name: 'Ada Example',
    email: staff.email,
    role: 'manager',
    role_name: 'Manager',
    suspended: false,
    second_factor: false,
  });
  const [, , , , ...events] = await auditOf(service, merchantId);
  assert.deepEqual(events, [
    {
      action: 'member.role_changed',
      actor: `user:${owner.userId}`,
      object_id: staff.userId,
      details: { before: { role: 'staff' }, after: { role: 'manager' } },
    },
  ]);
  const mine = (): object[] =>
    changes.heard.filter((each) => each.$case === 'changedMember' && each.value.userId === staff.userId);
  await waitFor('the announcement', async () => (mine().length > 0 ? true : undefined));
  assert.deepEqual(mine(), [{ $case: 'changedMember', value: { merchantId, userId: staff.userId } }]);
  changes.stop();
});

test('a custom role is given and taken, and another hotel’s is not there', async () => {
  const { merchantId, owner, staff } = await newHotel(service);
  const caller = asMember(service, merchantId, owner);
  const role = (await caller.post('/v1/roles').send({ name: 'Night', permissions: ['payments:read'] })).body;
  const given = await caller.post(`/v1/users/${staff.userId}/role`).send({ role: role.id });
  assert.deepEqual([given.status, given.body.role, given.body.role_name], [200, role.id, 'Night']);
  const other = await newHotel(service);
  const theirs = (
    await asMember(service, other.merchantId, other.owner)
      .post('/v1/roles')
      .send({ name: 'Theirs', permissions: ['payments:read'] })
  ).body;
  for (const id of [theirs.id, toPublicId('rol', newUuid())])
    assert.equal((await caller.post(`/v1/users/${staff.userId}/role`).send({ role: id })).status, 404);
  assert.equal((await caller.get(`/v1/users/${staff.userId}`)).body.role, role.id);
});

test('suspending and restoring are recorded once each, and what is repeated answers the same', async () => {
  const { merchantId, admin, staff } = await newHotel(service);
  const caller = asMember(service, merchantId, admin);
  for (const [verb, suspended] of [
    ['suspend', true],
    ['restore', false],
  ] as const)
    for (const time of ['first', 'again']) {
      const answer = await caller.post(`/v1/users/${staff.userId}/${verb}`);
      assert.deepEqual([answer.status, answer.body.suspended], [200, suspended], `${verb} ${time}`);
    }
  const [, , , , ...events] = await auditOf(service, merchantId);
  assert.deepEqual(
    events.map(({ action, details }) => [action, details]),
    [
      ['member.suspended', { role: 'staff', before: { suspended: false }, after: { suspended: true } }],
      ['member.restored', { role: 'staff', before: { suspended: true }, after: { suspended: false } }],
    ],
  );
});

test('a removed member is gone, with an audit event, and their account is not', async () => {
  const { merchantId, admin, staff } = await newHotel(service);
  const caller = asMember(service, merchantId, admin);
  assert.equal((await caller.delete(`/v1/users/${staff.userId}`)).status, 204);
  assert.equal((await caller.get(`/v1/users/${staff.userId}`)).status, 404);
  assert.equal((await caller.delete(`/v1/users/${staff.userId}`)).status, 404);
  assert.equal((await service.sql('select from users where email = $1', [staff.email])).length, 1);
  const event = (await auditOf(service, merchantId)).at(-1);
  assert.deepEqual(
    [event?.['action'], event?.['object_id'], event?.['details']],
    ['member.removed', staff.userId, { before: { role: 'staff', suspended: false } }],
  );
});

test('a member may leave, and the last owner may not', async () => {
  const { merchantId, owner, admin } = await newHotel(service);
  assert.equal((await asMember(service, merchantId, admin).delete(`/v1/users/${admin.userId}`)).status, 204);
  const refused = await asMember(service, merchantId, owner).delete(`/v1/users/${owner.userId}`);
  assert.deepEqual([refused.status, refused.body.code], [409, 'last_owner']);
  const second = await addMember(service, merchantId, 'owner');
  const caller = asMember(service, merchantId, owner);
  // A suspended owner cannot log in here, so the hotel would have none.
  assert.equal((await caller.post(`/v1/users/${second.userId}/suspend`)).status, 200);
  assert.equal((await caller.delete(`/v1/users/${owner.userId}`)).body.code, 'last_owner');
  assert.equal((await caller.post(`/v1/users/${second.userId}/restore`)).status, 200);
  assert.equal((await caller.delete(`/v1/users/${owner.userId}`)).status, 204);
});

test('of two owners who unmake, suspend or remove each other at once, one stays', async () => {
  const changes = [
    (caller: ReturnType<typeof asMember>, id: string) =>
      caller.post(`/v1/users/${id}/role`).send({ role: 'staff' }),
    (caller: ReturnType<typeof asMember>, id: string) => caller.post(`/v1/users/${id}/suspend`),
    (caller: ReturnType<typeof asMember>, id: string) => caller.delete(`/v1/users/${id}`),
  ];
  for (const change of changes)
    for (let round = 0; round < 4; round += 1) {
      const merchantId = newUuid();
      const [a, b] = [
        await addMember(service, merchantId, 'owner'),
        await addMember(service, merchantId, 'owner'),
      ];
      const answers = await Promise.all([
        change(asMember(service, merchantId, a), b.userId),
        change(asMember(service, merchantId, b), a.userId),
      ]);
      const statuses = answers.map(({ status }) => status).toSorted((x, y) => x - y);
      assert.ok((statuses[0] ?? 0) < 300 && statuses[1] === 403, statuses.join());
      const owners = (await membersOf(service, merchantId)).filter(
        (row) => row['built_in_role'] === 'owner' && row['suspended'] === false,
      );
      assert.equal(owners.length, 1);
    }
});

test('two owners who leave at once leave one behind', async () => {
  for (let round = 0; round < 4; round += 1) {
    const merchantId = newUuid();
    const owners = [
      await addMember(service, merchantId, 'owner'),
      await addMember(service, merchantId, 'owner'),
    ];
    const answers = await Promise.all(
      owners.map((owner) => asMember(service, merchantId, owner).delete(`/v1/users/${owner.userId}`)),
    );
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [204, 409],
    );
    assert.equal((await membersOf(service, merchantId)).length, 1);
  }
});

test('a list shows every member once over its pages, newest account first, and whether they have a second factor', async () => {
  const { merchantId, owner, staff } = await newHotel(service);
  await service.sql(
    `insert into factors (user_id, id, kind, name, sealed_secret, confirmed_at)
     select id, gen_random_uuid(), 'totp', 'Phone', 'sealed', now() from users where email = $1`,
    [staff.email],
  );
  const caller = asMember(service, merchantId, owner);
  const whole = await caller.get('/v1/users');
  assert.deepEqual([whole.body.has_more, whole.body.next_cursor], [false, null]);
  assert.deepEqual(
    whole.body.data.map((user: { role: string; second_factor: boolean }) => [user.role, user.second_factor]),
    [
      ['staff', true],
      ['manager', false],
      ['admin', false],
      ['owner', false],
    ],
  );
  const paged: object[] = [];
  let cursor = '';
  for (let page = 0; page < 2; page += 1) {
    const { body } = await caller.get(`/v1/users?limit=2${cursor}`);
    paged.push(...body.data);
    cursor = `&cursor=${body.next_cursor}`;
  }
  assert.deepEqual(paged, whole.body.data);
  assert.equal(cursor, '&cursor=null');
});
