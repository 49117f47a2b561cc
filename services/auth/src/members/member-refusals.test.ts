import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import request from 'supertest';
import { asCaller, startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { addMember, addPerson, asMember, membersOf, newHotel } from '../testing-members.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

const ROUTES = [
  ['get', () => '/v1/users'],
  ['get', (id: string) => `/v1/users/${id}`],
  ['post', (id: string) => `/v1/users/${id}/role`],
  ['post', (id: string) => `/v1/users/${id}/suspend`],
  ['post', (id: string) => `/v1/users/${id}/restore`],
  ['delete', (id: string) => `/v1/users/${id}`],
] as const;
const WRITES = ROUTES.slice(2);

describe('400', () => {
  test('an unknown role, an unknown field and an unreadable query are refused by name', async () => {
    const { merchantId, owner, staff } = await newHotel(service);
    const caller = asMember(service, merchantId, owner);
    for (const body of [{ role: 'root' }, { role: 'rol_1' }, {}, { role: 'staff', merchant_id: newUuid() }]) {
      const answer = await caller.post(`/v1/users/${staff.userId}/role`).send(body);
      assert.deepEqual([answer.status, answer.body.code], [400, 'validation_failed'], JSON.stringify(body));
    }
    for (const query of ['limit=0', 'limit=101', 'limit=1000000', 'limit=2&limit=3', 'cursor=x', 'page=2'])
      assert.equal((await caller.get(`/v1/users?${query}`)).status, 400, query);
  });
});

describe('401', () => {
  test('without the identity that the gateway signs', async () => {
    const { merchantId, staff } = await newHotel(service);
    for (const [method, path] of ROUTES)
      assert.equal((await request(service.auth.httpUrl)[method](path(staff.userId))).status, 401);
    assert.equal((await membersOf(service, merchantId)).length, 4);
  });
});

describe('403', () => {
  test('managers and staff read or not, and change nobody, and each attempt is in the audit trail', async () => {
    const { merchantId, manager, staff, admin } = await newHotel(service);
    const asItWas = await membersOf(service, merchantId);
    assert.equal((await asMember(service, merchantId, manager, 'manager').get('/v1/users')).status, 200);
    assert.equal((await asMember(service, merchantId, staff, 'staff').get('/v1/users')).status, 403);
    for (const [role, person] of [
      ['manager', manager],
      ['staff', staff],
    ] as const)
      for (const [method, path] of WRITES) {
        const caller = asMember(service, merchantId, person, role);
        const answer = await caller[method](path(admin.userId)).send({ role: 'staff' });
        assert.equal(answer.status, 403);
      }
    assert.deepEqual(await membersOf(service, merchantId), asItWas);
    const denials = await service.sql(
      `select from audit_events where merchant_id = $1 and action = 'access.denied'`,
      [merchantId],
    );
    assert.equal(denials.length, 1 + 2 * WRITES.length);
  });

  test('whom the gateway still vouches for is looked up again: a right taken away a moment ago is not passed on', async () => {
    const { merchantId, owner, admin, staff } = await newHotel(service);
    await asMember(service, merchantId, owner).post(`/v1/users/${admin.userId}/role`).send({ role: 'staff' });
    const late = asMember(service, merchantId, admin);
    assert.equal((await late.post(`/v1/users/${staff.userId}/role`).send({ role: 'admin' })).status, 403);
    const stranger = asMember(service, merchantId, await addPerson(service));
    assert.equal((await stranger.delete(`/v1/users/${staff.userId}`)).status, 403);
    await asMember(service, merchantId, owner).post(`/v1/users/${staff.userId}/suspend`);
    const suspended = asMember(service, merchantId, staff);
    assert.equal((await suspended.delete(`/v1/users/${admin.userId}`)).status, 403);
    assert.equal((await membersOf(service, merchantId)).length, 4);
  });

  test('only an owner makes, changes, suspends, restores or removes an owner', async () => {
    const { merchantId, owner, admin, staff } = await newHotel(service);
    const caller = asMember(service, merchantId, admin);
    const second = await addMember(service, merchantId, 'owner');
    assert.equal((await caller.post(`/v1/users/${staff.userId}/role`).send({ role: 'owner' })).status, 403);
    for (const [method, path] of WRITES)
      assert.equal((await caller[method](path(second.userId)).send({ role: 'staff' })).status, 403);
    const byOwner = asMember(service, merchantId, owner);
    assert.equal((await byOwner.post(`/v1/users/${staff.userId}/role`).send({ role: 'owner' })).status, 200);
    for (const [method, path] of WRITES)
      assert.ok((await byOwner[method](path(second.userId)).send({ role: 'staff' })).ok, method);
  });

  test('nobody changes, suspends or restores themselves', async () => {
    const { merchantId, owner, admin } = await newHotel(service);
    await addMember(service, merchantId, 'owner');
    const asItWas = await membersOf(service, merchantId);
    for (const person of [owner, admin])
      for (const [, path] of WRITES.slice(0, 3)) {
        const answer = await asMember(service, merchantId, person)
          .post(path(person.userId))
          .send({ role: 'staff' });
        assert.deepEqual([answer.status, answer.body.code], [403, 'forbidden']);
      }
    assert.deepEqual(await membersOf(service, merchantId), asItWas);
  });

  test('nobody gives a role, or lets a suspended one back into it, that may do more than they', async () => {
    const { merchantId, owner, staff, manager } = await newHotel(service);
    const byOwner = asMember(service, merchantId, owner);
    const permissions = ['users:read', 'users:write', 'payments:read'] as const;
    const desk = (await byOwner.post('/v1/roles').send({ name: 'Desk', permissions })).body;
    const porter = await addMember(service, merchantId, desk.id);
    const caller = asMember(service, merchantId, porter, permissions);
    for (const role of ['admin', 'manager', 'staff']) {
      const answer = await caller.post(`/v1/users/${staff.userId}/role`).send({ role });
      assert.equal(answer.status, 403, role);
    }
    assert.equal((await caller.post(`/v1/users/${staff.userId}/role`).send({ role: desk.id })).status, 200);
    assert.equal((await caller.post(`/v1/users/${manager.userId}/suspend`)).status, 200);
    const back = await caller.post(`/v1/users/${manager.userId}/restore`);
    assert.deepEqual([back.status, back.body.required_scope], [403, 'payments:write']);
  });

  test('an API key changes nobody, even with the permission', async () => {
    const { merchantId, staff } = await newHotel(service);
    const caller = asCaller(service, { merchantId, scopes: ['users:write'] });
    for (const [method, path] of WRITES)
      assert.equal((await caller[method](path(staff.userId)).send({ role: 'staff' })).status, 403);
  });
});

describe('404', () => {
  test("another hotel's member, somebody who works nowhere and a malformed id answer alike and change nothing", async () => {
    const [mine, theirs] = [await newHotel(service), await newHotel(service)];
    const asItWas = await membersOf(service, theirs.merchantId);
    const nowhere = await addPerson(service);
    const caller = asMember(service, mine.merchantId, mine.owner);
    for (const [method, path] of ROUTES.slice(1)) {
      const bodies: unknown[] = [];
      for (const id of [theirs.staff.userId, nowhere.userId, toPublicId('usr', newUuid()), 'usr_1', 'x']) {
        const answer = await caller[method](path(id)).set('x-request-id', 'req-same').send({ role: 'staff' });
        assert.equal(answer.status, 404, `${method} ${path(id)}`);
        bodies.push(answer.body);
      }
      for (const body of bodies) assert.deepEqual(body, bodies[0]);
    }
    assert.deepEqual(await membersOf(service, theirs.merchantId), asItWas);
  });

  test("a list shows nobody of another hotel, also by another hotel's cursor", async () => {
    const [mine, theirs] = [await newHotel(service), await newHotel(service)];
    const cursor = (await asMember(service, theirs.merchantId, theirs.owner).get('/v1/users?limit=1')).body
      .next_cursor;
    const { body } = await asMember(service, mine.merchantId, mine.owner).get(`/v1/users?cursor=${cursor}`);
    const ids = [mine.owner, mine.admin, mine.manager, mine.staff].map(({ userId }) => userId);
    assert.equal(body.data.length, 4);
    assert.ok(body.data.every(({ id }: { id: string }) => ids.includes(id)));
  });
});
