import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { fromPublicId, newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import type { Response } from 'supertest';
import { DEADLINE_MS } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { GOOD_PASSWORD, asAnyone, passwordWork } from '../testing-accounts.ts';
import { addMember, addPerson, asMember, membersOf, newHotel, setMember } from '../testing-members.ts';
import type { Person } from '../testing-members.ts';
import { accept, invitationsOf, invite, startInviting } from './test-invitations.ts';

let service: TestAuth;
let close: () => Promise<void>;
before(async () => {
  ({ service, close } = await startInviting());
});
after(() => close());

type Hotel = Awaited<ReturnType<typeof newHotel>>;

/** A hotel, a person with an account, and the link of their invitation to its staff. */
async function invited(): Promise<{ hotel: Hotel; person: Person; id: string; token: string }> {
  const hotel = await newHotel(service);
  const person = await addPerson(service);
  const { id, token } = await invite(service, hotel.merchantId, hotel.owner, { email: person.email });
  return { hotel, person, id, token };
}

type Case = Awaited<ReturnType<typeof invited>>;

const preview = (token: string) => asAnyone(service).post('/v1/invitations/preview').send({ token });
const register = (token: string, more: object = {}) =>
  asAnyone(service)
    .post('/v1/invitations/register')
    .send({ token, name: 'Leïla Benali', password: GOOD_PASSWORD, ...more });

describe('security row 27: an invitation is good once, for its address, in time, as it was given', () => {
  const CASES: readonly [name: string, expected: string, attempt: (each: Case) => Promise<Response>][] = [
    [
      'reused',
      '410 link_expired',
      async ({ hotel, person, token }) => {
        await accept(service, person, { token }).expect(200);
        // Also once the membership that it made is gone.
        await asMember(service, hotel.merchantId, hotel.owner)
          .delete(`/v1/users/${person.userId}`)
          .expect(204);
        return await accept(service, person, { token });
      },
    ],
    [
      'wrong e-mail',
      '403 wrong_recipient',
      async ({ token }) => await accept(service, await addPerson(service), { token }),
    ],
    [
      'the right e-mail, not proved',
      '403 wrong_recipient',
      async ({ person, token }) => {
        await service.sql('update users set email_verified_at = null where id = $1', [
          fromPublicId('usr', person.userId),
        ]);
        return await accept(service, person, { token });
      },
    ],
    [
      'expired',
      '410 link_expired',
      async ({ person, id, token }) => {
        await expire(id);
        return await accept(service, person, { token });
      },
    ],
    [
      'role raised while accepting',
      '400 validation_failed',
      async ({ person, token }) => await accept(service, person, { token, role: 'owner' }),
    ],
    [
      'role raised after accepting',
      '403 forbidden',
      async ({ hotel, person, token }) => {
        await accept(service, person, { token }).expect(200);
        return await asMember(service, hotel.merchantId, person)
          .post(`/v1/users/${person.userId}/role`)
          .send({ role: 'owner' });
      },
    ],
  ];
  for (const [name, expected, attempt] of CASES)
    test(`${name}: ${expected}`, async () => {
      const each = await invited();
      const { status, body } = await attempt(each);
      assert.equal(`${status} ${body.code}`, expected);
      const roles = (await membersOf(service, each.hotel.merchantId)).map((row) => row['built_in_role']);
      assert.deepEqual(roles.slice(0, 4), ['owner', 'admin', 'manager', 'staff']);
      assert.ok(roles.slice(4).every((role) => role === 'staff'));
    });

  test('the wrong person leaves it good for the right one', async () => {
    const { person, token } = await invited();
    await accept(service, await addPerson(service), { token }).expect(403);
    await accept(service, person, { token }).expect(200);
  });
});

describe('410: every door, for every reason why a link is no good', () => {
  const REASONS: readonly [name: string, end: (each: Case) => Promise<unknown>][] = [
    ['revoked', ({ hotel, id }) => act(hotel, 'delete', `${invitationsOf(hotel.merchantId)}/${id}`)],
    ['expired', ({ id }) => expire(id)],
    ['the inviter was removed', ({ hotel }) => removeInviter(hotel)],
    [
      'the inviter was suspended',
      ({ hotel }) => withSecondOwner(hotel, `/v1/users/${hotel.owner.userId}/suspend`),
    ],
    [
      'the inviter may invite nobody any more',
      ({ hotel }) => withSecondOwner(hotel, `/v1/users/${hotel.owner.userId}/role`, { role: 'manager' }),
    ],
  ];
  for (const [name, end] of REASONS)
    test(name, async () => {
      const each = await invited();
      const fresh = await invite(service, each.hotel.merchantId, each.hotel.owner);
      await preview(each.token).expect(200);
      await end(each);
      await end({ ...each, id: fresh.id });
      const answers = [
        await preview(each.token),
        await accept(service, each.person, { token: each.token }),
        await register(fresh.token),
      ];
      for (const { status, body } of answers)
        assert.deepEqual([status, body.code], [410, 'link_expired'], name);
      const emails = await service.sql('select from users where email_key = $1', [fresh.email]);
      assert.deepEqual(emails, []);
    });

  test('the role was deleted', async () => {
    const hotel = await newHotel(service);
    const person = await addPerson(service);
    const caller = asMember(service, hotel.merchantId, hotel.owner);
    const role = await caller.post('/v1/roles').send({ name: 'Desk', permissions: ['payments:read'] });
    const { token } = await invite(service, hotel.merchantId, hotel.owner, {
      email: person.email,
      role: role.body.id,
    });
    await caller.delete(`/v1/roles/${role.body.id}`).expect(204);
    assert.equal((await preview(token)).status, 410);
    assert.equal((await accept(service, person, { token })).status, 410);
    assert.equal((await register(token)).status, 410);
  });

  test('the role came to allow more than its inviter may give', async () => {
    const hotel = await newHotel(service);
    const byOwner = asMember(service, hotel.merchantId, hotel.owner);
    const permissions = ['users:read', 'users:write', 'payments:read'];
    const desk = await byOwner.post('/v1/roles').send({ name: 'Desk', permissions });
    const small = await byOwner.post('/v1/roles').send({ name: 'Small', permissions: ['payments:read'] });
    const porter = await addMember(service, hotel.merchantId, desk.body.id);
    const person = await addPerson(service);
    const { token } = await invite(service, hotel.merchantId, porter, {
      email: person.email,
      role: small.body.id,
    });
    await byOwner
      .post(`/v1/roles/${small.body.id}`)
      .send({ permissions: ['payments:read', 'security:write'] })
      .expect(200);
    assert.equal((await accept(service, person, { token })).status, 410);
  });

  test('what never was a link, at the same price as one that was: no password is hashed', async () => {
    const work = await passwordWork(service.auth);
    for (const token of ['x', 'A'.repeat(43), 'x'.repeat(200)]) {
      const person = await addPerson(service);
      const answers = [await preview(token), await register(token), await accept(service, person, { token })];
      for (const { status, body } of answers) assert.deepEqual([status, body.code], [410, 'link_expired']);
    }
    assert.equal(await passwordWork(service.auth), work);
  });
});

describe('other refusals', () => {
  test('400: no token, one too long, an unknown field, a weak password, and the link stays good', async () => {
    const { hotel, person } = await invited();
    const { token } = await invite(service, hotel.merchantId, hotel.owner);
    for (const answer of [
      await preview(''),
      await preview('x'.repeat(201)),
      await asAnyone(service).post('/v1/invitations/preview').send({ token, email: person.email }),
      await accept(service, person, {}),
      await register(token, { role: 'owner' }),
      await register(token, { email: person.email }),
      await register(token, { password: 'password1234' }),
      await register(token, { password: 'short' }),
      await register(token, { name: ' ' }),
      await register(token, { locale: 'de' }),
    ])
      assert.deepEqual([answer.status, answer.body.code], [400, 'validation_failed'], answer.text);
    assert.equal((await register(token)).status, 201);
  });

  test('403: a suspended hotel takes nobody in, and does again when it is restored', async () => {
    const { hotel, person, token } = await invited();
    const fresh = await invite(service, hotel.merchantId, hotel.owner);
    await setAccess(hotel.merchantId, true);
    for (const answer of [
      await preview(token),
      await accept(service, person, { token }),
      await register(fresh.token),
    ])
      assert.deepEqual([answer.status, answer.body.code], [403, 'access_suspended']);
    await setAccess(hotel.merchantId, false);
    assert.equal((await accept(service, person, { token })).status, 200);
  });

  test('409: whoever became a member meanwhile keeps the role that they were given', async () => {
    const hotel = await newHotel(service);
    const person = await addPerson(service);
    const { token } = await invite(service, hotel.merchantId, hotel.owner, {
      email: person.email,
      role: 'admin',
    });
    await setMember(service, hotel.merchantId, person, 'staff');
    const answer = await accept(service, person, { token });
    assert.deepEqual([answer.status, answer.body.code], [409, 'already_member']);
    const member = await asMember(service, hotel.merchantId, hotel.owner).get(`/v1/users/${person.userId}`);
    assert.equal(member.body.role, 'staff');
  });
});

test('an id of an invitation opens nothing: only the secret of its mail does', async () => {
  const { id } = await invited();
  for (const token of [id, fromPublicId('inv', id) ?? '', toPublicId('inv', newUuid())])
    assert.equal((await preview(token)).status, 410);
});

/** As if its eight days had passed. */
async function expire(id: string): Promise<void> {
  const rows = await service.sql(
    `update invitations set created_at = created_at - interval '8 days', expires_at = expires_at - interval '8 days'
     where id = $1 returning expires_at < now() as over`,
    [fromPublicId('inv', id)],
  );
  assert.deepEqual(rows, [{ over: true }]);
}

async function act(hotel: Hotel, method: 'post' | 'delete', path: string): Promise<Response> {
  return await asMember(service, hotel.merchantId, hotel.owner)[method](path);
}

async function removeInviter(hotel: Hotel): Promise<void> {
  const second = await addMember(service, hotel.merchantId, 'owner');
  // The second time there is nobody left to remove.
  await asMember(service, hotel.merchantId, second).delete(`/v1/users/${hotel.owner.userId}`);
}

async function withSecondOwner(hotel: Hotel, path: string, body?: object): Promise<void> {
  const second = await addMember(service, hotel.merchantId, 'owner');
  await asMember(service, hotel.merchantId, second).post(path).send(body).expect(200);
}

async function setAccess(merchantId: string, suspended: boolean): Promise<void> {
  const client = service.client('operator');
  await callUnary(
    client.setMerchantAccess.bind(client),
    { merchantId, suspended, reason: 'chargebacks', actor: 'service:operator' },
    { metadata: callMetadata('req-access'), deadlineMs: DEADLINE_MS },
  );
}
