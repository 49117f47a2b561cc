import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { BUILT_IN_ROLES, PERMISSIONS } from '@centra/service-kit/permissions.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import request from 'supertest';
import { asCaller, startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { addMember, asMember, auditOf, setMember, watchChanges } from '../testing-members.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

const VALID = { name: 'Night desk', permissions: ['payments:read', 'refunds:write'] };
type Caller = ReturnType<typeof asMember>;

async function newHotel(): Promise<{ merchantId: string; caller: Caller; owner: { userId: string } }> {
  const merchantId = newUuid();
  const owner = await addMember(service, merchantId, 'owner');
  return { merchantId, owner, caller: asMember(service, merchantId, owner) };
}

const rolesOf = (merchantId: string): Promise<Record<string, unknown>[]> =>
  service.sql('select name, permissions from roles where merchant_id = $1 order by id', [merchantId]);

test('a role is made, read, changed and deleted, and each change is in the audit trail', async () => {
  const { merchantId, caller, owner } = await newHotel();
  const made = await caller.post('/v1/roles').send({ ...VALID, name: '  Night desk ' });
  assert.equal(made.status, 201, made.text);
  const { id, created_at: createdAt, ...role } = made.body;
  assert.match(id, /^rol_[0-9a-z]{26}$/);
  assert.ok(Date.parse(createdAt) > 0);
  assert.deepEqual(role, { ...VALID, built_in: false });
  assert.deepEqual((await caller.get(`/v1/roles/${id}`)).body, made.body);
  const wanted = { name: 'Day desk', permissions: ['payments:read'] };
  for (let time = 0; time < 2; time += 1) {
    const changed = await caller.post(`/v1/roles/${id}`).send(wanted);
    assert.deepEqual([changed.status, changed.body], [200, { ...made.body, ...wanted }]);
  }
  assert.deepEqual((await caller.get(`/v1/roles/${id}`)).body, { ...made.body, ...wanted });
  assert.equal((await caller.delete(`/v1/roles/${id}`)).status, 204);
  assert.equal((await caller.get(`/v1/roles/${id}`)).status, 404);
  assert.equal((await caller.delete(`/v1/roles/${id}`)).status, 404);
  const [, ...events] = await auditOf(service, merchantId);
  const common = { actor: `user:${owner.userId}`, object_id: id };
  assert.deepEqual(events, [
    { ...common, action: 'role.created', details: { after: VALID } },
    { ...common, action: 'role.updated', details: { before: VALID, after: wanted } },
    { ...common, action: 'role.deleted', details: { before: wanted } },
  ]);
});

test('a cut role is announced for the whole hotel', async () => {
  const { merchantId, caller } = await newHotel();
  const { id } = (await caller.post('/v1/roles').send(VALID)).body;
  const changes = await watchChanges(service);
  await caller.post(`/v1/roles/${id}`).send({ permissions: ['payments:read'] });
  await waitFor('the announcement', async () =>
    changes.heard.some((each) => each.$case === 'changedMerchantId' && each.value === merchantId)
      ? true
      : undefined,
  );
  changes.stop();
});

test('roles that every hotel has come first, then one’s own, once each over all pages', async () => {
  const { caller } = await newHotel();
  for (const name of ['A', 'B', 'C']) await caller.post('/v1/roles').send({ ...VALID, name });
  const whole = (await caller.get('/v1/roles')).body;
  assert.deepEqual([whole.has_more, whole.next_cursor], [false, null]);
  assert.deepEqual(
    whole.data.map(({ name, built_in: builtIn }: { name: string; built_in: boolean }) => [name, builtIn]),
    [
      ['Owner', true],
      ['Admin', true],
      ['Manager', true],
      ['Staff', true],
      ['A', false],
      ['B', false],
      ['C', false],
    ],
  );
  for (const limit of [1, 2, 3, 4, 5]) {
    const paged: object[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const { body } = await caller.get(`/v1/roles?limit=${limit}${query}`);
      assert.ok(body.data.length <= limit);
      paged.push(...body.data);
      cursor = body.next_cursor;
    }
    assert.deepEqual(paged, whole.data, `pages of ${limit}`);
  }
});

test('a role that every hotel has is read by its name, with what it allows', async () => {
  const { caller } = await newHotel();
  const { body } = await caller.get('/v1/roles/manager');
  assert.deepEqual(body, {
    id: 'manager',
    name: 'Manager',
    built_in: true,
    permissions: BUILT_IN_ROLES.manager,
    created_at: null,
  });
});

describe('400', () => {
  const cases: [string, string, object][] = [
    ['an unknown field', 'id', { ...VALID, id: 'rol_1' }],
    ['no name', 'name', { permissions: VALID.permissions }],
    ['a name of blanks', 'name', { ...VALID, name: '  ' }],
    ['a name of 101 characters', 'name', { ...VALID, name: 'x'.repeat(101) }],
    ['a name with a line break', 'name', { ...VALID, name: 'a\nb' }],
    ['the name of a built-in role', 'name', { ...VALID, name: 'OWNER' }],
    ['no permissions', 'permissions', { ...VALID, permissions: [] }],
    ['an unknown permission', 'permissions.0', { ...VALID, permissions: ['payments:all'] }],
    ['a repeated permission', 'permissions', { ...VALID, permissions: ['users:read', 'users:read'] }],
  ];
  for (const [what, field, body] of cases)
    test(`${what} is refused by name, in a new role and in a change`, async () => {
      const { merchantId, caller } = await newHotel();
      const { id } = (await caller.post('/v1/roles').send(VALID)).body;
      const answers = [await caller.post('/v1/roles').send(body)];
      if (what !== 'no name') answers.push(await caller.post(`/v1/roles/${id}`).send(body));
      for (const answer of answers) {
        assert.equal(answer.status, 400);
        assert.deepEqual(
          answer.body.errors.map((error: { field: string }) => error.field),
          [field],
        );
      }
      assert.deepEqual(await rolesOf(merchantId), [VALID]);
    });

  test('a change of nothing', async () => {
    const { caller } = await newHotel();
    const { id } = (await caller.post('/v1/roles').send(VALID)).body;
    assert.equal((await caller.post(`/v1/roles/${id}`).send({})).status, 400);
  });
});

test('401 without the identity that the gateway signs', async () => {
  const anybody = request(service.auth.httpUrl);
  for (const answer of [
    await anybody.get('/v1/roles'),
    await anybody.get('/v1/roles/owner'),
    await anybody.post('/v1/roles').send(VALID),
    await anybody.post('/v1/roles/owner').send(VALID),
    await anybody.delete('/v1/roles/owner'),
  ])
    assert.equal(answer.status, 401);
});

describe('403', () => {
  test('nobody makes or widens a role beyond their own permissions, one by one', async () => {
    const { merchantId, caller } = await newHotel();
    const own = PERMISSIONS.filter((each) => each !== 'refunds:write' && each !== 'operations:settle');
    const role = (await caller.post('/v1/roles').send({ name: 'Lead', permissions: own })).body;
    const lead = asMember(service, merchantId, await addMember(service, merchantId, role.id), own);
    const small = (await lead.post('/v1/roles').send({ name: 'Small', permissions: ['payments:read'] })).body;
    for (const permission of PERMISSIONS) {
      const expected = own.some((each) => each === permission) ? 200 : 403;
      const answer = await lead.post(`/v1/roles/${small.id}`).send({ permissions: [permission] });
      assert.equal(answer.status, expected, permission);
    }
    const refused = await lead.post('/v1/roles').send({ name: 'Big', permissions: ['refunds:write'] });
    assert.deepEqual([refused.status, refused.body.required_scope], [403, 'refunds:write']);
    // Nor their own role.
    assert.equal((await lead.post(`/v1/roles/${role.id}`).send({ permissions: PERMISSIONS })).status, 403);
    assert.equal((await rolesOf(merchantId)).length, 2);
  });

  test('a right taken away a moment ago is not passed on into a role', async () => {
    const { merchantId, caller } = await newHotel();
    const admin = await addMember(service, merchantId, 'admin');
    await caller.post(`/v1/users/${admin.userId}/role`).send({ role: 'staff' });
    const late = asMember(service, merchantId, admin);
    assert.equal((await late.post('/v1/roles').send(VALID)).status, 403);
    assert.deepEqual(await rolesOf(merchantId), []);
  });

  test('roles that every hotel has are nobody’s to change', async () => {
    const { caller } = await newHotel();
    for (const id of ['owner', 'admin', 'manager', 'staff']) {
      assert.equal((await caller.post(`/v1/roles/${id}`).send({ name: 'Mine' })).status, 403);
      assert.equal((await caller.delete(`/v1/roles/${id}`)).status, 403);
    }
  });

  test('managers read, staff do not, and neither writes; nor does an API key', async () => {
    const { merchantId, caller } = await newHotel();
    const { id } = (await caller.post('/v1/roles').send(VALID)).body;
    const manager = asMember(service, merchantId, await addMember(service, merchantId, 'manager'), 'manager');
    const staff = asMember(service, merchantId, await addMember(service, merchantId, 'staff'), 'staff');
    const key = asCaller(service, { merchantId, scopes: PERMISSIONS });
    assert.equal((await manager.get('/v1/roles')).status, 200);
    assert.equal((await staff.get('/v1/roles')).status, 403);
    for (const each of [manager, staff, key]) {
      assert.equal((await each.post('/v1/roles').send({ ...VALID, name: 'X' })).status, 403);
      assert.equal((await each.post(`/v1/roles/${id}`).send({ name: 'X' })).status, 403);
      assert.equal((await each.delete(`/v1/roles/${id}`)).status, 403);
    }
    assert.deepEqual(await rolesOf(merchantId), [VALID]);
  });
});

test("404 for another hotel's role, also when it is changed or deleted, as for one that never was", async () => {
  const [mine, theirs] = [await newHotel(), await newHotel()];
  const { id } = (await theirs.caller.post('/v1/roles').send(VALID)).body;
  for (const each of [id, toPublicId('rol', newUuid()), 'rol_1', 'root']) {
    assert.equal((await mine.caller.get(`/v1/roles/${each}`)).status, 404);
    assert.equal((await mine.caller.post(`/v1/roles/${each}`).send({ name: 'Mine' })).status, 404);
    assert.equal((await mine.caller.delete(`/v1/roles/${each}`)).status, 404);
  }
  assert.deepEqual(await rolesOf(theirs.merchantId), [VALID]);
  assert.equal((await mine.caller.get('/v1/roles')).body.data.length, 4);
});

describe('409', () => {
  test('a name is taken once, whatever its case, at this hotel', async () => {
    const { caller } = await newHotel();
    await caller.post('/v1/roles').send({ ...VALID, name: 'Réception' });
    const other = (await caller.post('/v1/roles').send(VALID)).body;
    for (const answer of [
      await caller.post('/v1/roles').send({ ...VALID, name: 'RÉCEPTION' }),
      await caller.post(`/v1/roles/${other.id}`).send({ name: 'réception' }),
    ]) {
      assert.deepEqual([answer.status, answer.body.code], [409, 'state_conflict']);
      assert.equal(answer.body.errors[0].field, 'name');
    }
    const elsewhere = await newHotel();
    assert.equal(
      (await elsewhere.caller.post('/v1/roles').send({ ...VALID, name: 'Réception' })).status,
      201,
    );
  });

  test('the 51st role, also when many ask at once for the last place', async () => {
    const { merchantId, caller } = await newHotel();
    await service.sql(
      `insert into roles (merchant_id, id, name, permissions)
       select $1, gen_random_uuid(), 'Role ' || n, '{payments:read}' from generate_series(1, 49) as n`,
      [merchantId],
    );
    const answers = await Promise.all(
      Array.from({ length: 4 }, (_each, n) => caller.post('/v1/roles').send({ ...VALID, name: `Last ${n}` })),
    );
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [201, 409, 409, 409],
    );
  });

  test('a role that a member has, also a suspended one, is not deleted', async () => {
    const { merchantId, caller } = await newHotel();
    const { id } = (await caller.post('/v1/roles').send(VALID)).body;
    const member = await addMember(service, merchantId, id);
    await caller.post(`/v1/users/${member.userId}/suspend`);
    const refused = await caller.delete(`/v1/roles/${id}`);
    assert.deepEqual([refused.status, refused.body.code], [409, 'role_in_use']);
    await setMember(service, merchantId, member, 'staff');
    assert.equal((await caller.delete(`/v1/roles/${id}`)).status, 204);
  });

  test('of a role that is given and deleted at once, one of the two wins', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { merchantId, caller } = await newHotel();
      const { id } = (await caller.post('/v1/roles').send(VALID)).body;
      const staff = await addMember(service, merchantId, 'staff');
      const [given, deleted] = await Promise.all([
        caller.post(`/v1/users/${staff.userId}/role`).send({ role: id }),
        caller.delete(`/v1/roles/${id}`),
      ]);
      assert.ok(
        (given.status === 200 && deleted.status === 409) || (given.status === 404 && deleted.status === 204),
        `${given.status} ${deleted.status}`,
      );
    }
  });
});
