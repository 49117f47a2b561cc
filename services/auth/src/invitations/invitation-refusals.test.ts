import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import request from 'supertest';
import { asCaller } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { asAnyone, newEmail, registerVerified } from '../testing-accounts.ts';
import { addMember, asMember, membersOf, newHotel } from '../testing-members.ts';
import { invitationsOf, invite, newestLink, startInviting } from './test-invitations.ts';

let service: TestAuth;
let close: () => Promise<void>;
before(async () => {
  ({ service, close } = await startInviting());
});
after(() => close());

const BODY = { email: 'ada@hotel.example', role: 'staff' };

/** The routes of a hotel's invitations, for one of them. */
const ROUTES = [
  ['get', (path: string) => path],
  ['post', (path: string) => path],
  ['post', (path: string, id: string) => `${path}/${id}/resend`],
  ['delete', (path: string, id: string) => `${path}/${id}`],
] as const;
const WRITES = ROUTES.slice(1);

/** Only creating takes a body. */
const bodyOf = (index: number): object | undefined => (index === 0 ? BODY : undefined);

describe('400', () => {
  test('an address, role or language that is none, and an unknown field, are refused by name', async () => {
    const { merchantId, owner } = await newHotel(service);
    const caller = asMember(service, merchantId, owner);
    for (const wrong of [
      { email: 'nobody' },
      { email: `${'x'.repeat(250)}@h.example` },
      { email: 'ada@hôtel.example' },
      { email: 'ada@hotel.example\r\nBcc: all@hotel.example' },
      { role: 'root' },
      { role: undefined },
      { locale: 'de' },
      { permissions: ['users:write'] },
    ]) {
      const answer = await caller.post(invitationsOf(merchantId)).send({ ...BODY, ...wrong });
      assert.deepEqual([answer.status, answer.body.code], [400, 'validation_failed'], JSON.stringify(wrong));
    }
    for (const query of ['limit=0', 'limit=101', 'cursor=x', 'status=pending'])
      assert.equal((await caller.get(`${invitationsOf(merchantId)}?${query}`)).status, 400, query);
    assert.deepEqual(await invitationRows(merchantId), []);
  });
});

describe('401', () => {
  test('without the identity that the gateway signs', async () => {
    const { merchantId } = await newHotel(service);
    const id = toPublicId('inv', newUuid());
    for (const [method, path] of ROUTES)
      assert.equal(
        (await request(service.auth.httpUrl)[method](path(invitationsOf(merchantId), id))).status,
        401,
      );
    for (const path of ['preview', 'register', 'accept'])
      assert.equal((await request(service.auth.httpUrl).post(`/v1/invitations/${path}`)).status, 401);
    assert.equal((await asAnyone(service).post('/v1/invitations/accept').send({ token: 'x' })).status, 401);
  });
});

describe('403', () => {
  test('managers read and staff do not, and neither invites, sends again or revokes', async () => {
    const { merchantId, owner, manager, staff } = await newHotel(service);
    const { id } = await invite(service, merchantId, owner);
    const path = invitationsOf(merchantId);
    assert.equal((await asMember(service, merchantId, manager, 'manager').get(path)).status, 200);
    assert.equal((await asMember(service, merchantId, staff, 'staff').get(path)).status, 403);
    for (const [role, person] of [
      ['manager', manager],
      ['staff', staff],
    ] as const)
      for (const [index, [method, route]] of WRITES.entries()) {
        const caller = asMember(service, merchantId, person, role);
        const answer = await caller[method](route(path, id)).send(bodyOf(index));
        assert.deepEqual([answer.status, answer.body.code], [403, 'forbidden'], `${role} ${method}`);
      }
    assert.deepEqual((await invitationRows(merchantId)).length, 1);
  });

  test('nobody invites to more than they may do, and only an owner invites, sends again or revokes an owner', async () => {
    const { merchantId, owner, admin } = await newHotel(service);
    const path = invitationsOf(merchantId);
    const byAdmin = asMember(service, merchantId, admin, 'admin');
    const toOwner = await byAdmin.post(path).send({ email: newEmail(), role: 'owner' });
    assert.deepEqual([toOwner.status, toOwner.body.code], [403, 'forbidden']);
    const future = await invite(service, merchantId, owner, { role: 'owner' });
    assert.equal((await byAdmin.post(`${path}/${future.id}/resend`)).status, 403);
    assert.equal((await byAdmin.delete(`${path}/${future.id}`)).status, 403);
    const permissions = ['users:read', 'users:write', 'payments:read'] as const;
    const desk = await asMember(service, merchantId, owner).post('/v1/roles').send({
      name: 'Desk',
      permissions,
    });
    const porter = await addMember(service, merchantId, desk.body.id);
    const caller = asMember(service, merchantId, porter, permissions);
    for (const role of ['admin', 'manager', 'staff'])
      assert.equal((await caller.post(path).send({ email: newEmail(), role })).status, 403, role);
    assert.equal((await caller.post(path).send({ email: newEmail(), role: desk.body.id })).status, 201);
  });

  test('whoever lost the right a moment ago, and an API key, invite nobody', async () => {
    const { merchantId, owner, admin } = await newHotel(service);
    await asMember(service, merchantId, owner).post(`/v1/users/${admin.userId}/role`).send({ role: 'staff' });
    for (const caller of [
      asMember(service, merchantId, admin, 'admin'),
      asCaller(service, { merchantId, scopes: ['users:write'] }),
    ])
      for (const [index, [method, path]] of WRITES.entries()) {
        const id = toPublicId('inv', newUuid());
        const answer = await caller[method](path(invitationsOf(merchantId), id)).send(bodyOf(index));
        assert.equal(answer.status, 403, method);
      }
    assert.deepEqual(await invitationRows(merchantId), []);
  });
});

describe('404', () => {
  test('another hotel’s path, another hotel’s invitation, a malformed id and an unknown role', async () => {
    const [mine, theirs] = [await newHotel(service), await newHotel(service)];
    const { id } = await invite(service, theirs.merchantId, theirs.owner);
    const caller = asMember(service, mine.merchantId, mine.owner);
    for (const [index, [method, path]] of ROUTES.entries()) {
      const answer = await caller[method](path(invitationsOf(theirs.merchantId), id)).send(bodyOf(index - 1));
      assert.equal(answer.status, 404, method);
    }
    for (const [method, path] of ROUTES.slice(2))
      for (const unknown of [id, toPublicId('inv', newUuid()), 'inv_1', 'x'])
        assert.equal((await caller[method](path(invitationsOf(mine.merchantId), unknown))).status, 404);
    const role = toPublicId('rol', newUuid());
    assert.equal((await caller.post(invitationsOf(mine.merchantId)).send({ ...BODY, role })).status, 404);
    assert.equal((await invitationRows(theirs.merchantId))[0]?.['revoked_at'], null);
  });
});

describe('409', () => {
  test('somebody who works there already is not invited, suspended or not', async () => {
    const { merchantId, owner, staff } = await newHotel(service);
    const caller = asMember(service, merchantId, owner);
    const again = () =>
      caller.post(invitationsOf(merchantId)).send({ email: staff.email.toUpperCase(), role: 'manager' });
    const first = await again();
    assert.deepEqual([first.status, first.body.code], [409, 'already_member']);
    await caller.post(`/v1/users/${staff.userId}/suspend`).expect(200);
    assert.equal((await again()).body.code, 'already_member');
  });

  test('one that was accepted is neither sent again nor revoked, and one that was revoked is not sent again', async () => {
    const { merchantId, owner } = await newHotel(service);
    const path = invitationsOf(merchantId);
    const caller = asMember(service, merchantId, owner);
    const accepted = await invite(service, merchantId, owner);
    await asAnyone(service)
      .post('/v1/invitations/register')
      .send({ token: accepted.token, name: 'Leïla Benali', password: 'five otters paddle at dawn' })
      .expect(201);
    const revoked = await invite(service, merchantId, owner);
    await caller.delete(`${path}/${revoked.id}`).expect(204);
    for (const answer of [
      await caller.post(`${path}/${accepted.id}/resend`),
      await caller.delete(`${path}/${accepted.id}`),
      await caller.post(`${path}/${revoked.id}/resend`),
    ])
      assert.deepEqual([answer.status, answer.body.code], [409, 'state_conflict']);
  });

  test('an invitation to a role that was deleted is not sent again', async () => {
    const { merchantId, owner } = await newHotel(service);
    const caller = asMember(service, merchantId, owner);
    const role = await caller.post('/v1/roles').send({ name: 'Desk', permissions: ['payments:read'] });
    const { id } = await invite(service, merchantId, owner, { role: role.body.id });
    await caller.delete(`/v1/roles/${role.body.id}`).expect(204);
    const answer = await caller.post(`${invitationsOf(merchantId)}/${id}/resend`);
    assert.deepEqual([answer.status, answer.body.code], [409, 'state_conflict']);
    // The list still says what it was.
    assert.equal((await caller.get(invitationsOf(merchantId))).body.data[0].role_name, 'Desk');
  });

  test('register: the address has a verified account, which stays as it is', async () => {
    const { merchantId, owner } = await newHotel(service);
    const person = await registerVerified(service);
    const asItWas = await service.sql('select * from users where email_key = $1', [person.email]);
    await asMember(service, merchantId, owner)
      .post(invitationsOf(merchantId))
      .send({ ...BODY, email: person.email })
      .expect(201);
    const { token } = await newestLink(service, person.email, 2);
    const answer = await asAnyone(service)
      .post('/v1/invitations/register')
      .send({ token, name: 'Mallory', password: 'seven herons wade by noon' });
    assert.deepEqual([answer.status, answer.body.code], [409, 'account_exists']);
    assert.deepEqual(await service.sql('select * from users where email_key = $1', [person.email]), asItWas);
    assert.equal((await membersOf(service, merchantId)).length, 4);
  });
});

test('a parameter that a route does not have is 400', async () => {
  const { merchantId, owner } = await newHotel(service);
  const caller = asMember(service, merchantId, owner);
  assert.equal((await caller.post(`${invitationsOf(merchantId)}?force=1`).send(BODY)).status, 400);
  assert.equal((await asAnyone(service).post('/v1/invitations/preview?token=x').send({})).status, 400);
});

async function invitationRows(merchantId: string): Promise<Record<string, unknown>[]> {
  return await service.sql('select * from invitations where merchant_id = $1', [merchantId]);
}
