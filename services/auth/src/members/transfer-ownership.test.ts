import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import request from 'supertest';
import { asCaller, startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { registerVerified, userEvents } from '../testing-accounts.ts';
import type { Registered } from '../testing-accounts.ts';
import {
  addMember,
  addPerson,
  asMember,
  auditOf,
  membersOf,
  setMember,
  watchChanges,
} from '../testing-members.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

/** A hotel whose owner knows a password, with a member of staff. */
async function newHotel() {
  const merchantId = newUuid();
  return {
    merchantId,
    owner: await addOwner(merchantId),
    staff: await addMember(service, merchantId, 'staff'),
  };
}

async function addOwner(merchantId: string): Promise<Registered> {
  const person = await registerVerified(service);
  await setMember(service, merchantId, person, 'owner');
  return person;
}

function transfer(merchantId: string, by: Registered, to: string, password = by.password) {
  return asMember(service, merchantId, by).post(pathOf(merchantId)).send({ user_id: to, password });
}

const pathOf = (merchantId: string) => `/v1/merchants/${toPublicId('mer', merchantId)}/transfer-ownership`;

async function rolesAt(merchantId: string, ...people: { userId: string }[]): Promise<unknown[]> {
  const caller = asMember(service, merchantId, { userId: toPublicId('usr', newUuid()) });
  const answers = await Promise.all(people.map(({ userId }) => caller.get(`/v1/users/${userId}`)));
  return answers.map(({ body }) => body.role);
}

test('the member becomes owner and the owner an admin, audited with before and after, and both are announced', async () => {
  const { merchantId, owner, staff } = await newHotel();
  const changes = await watchChanges(service);
  const answer = await transfer(merchantId, owner, staff.userId);
  assert.deepEqual([answer.status, answer.body], [200, { owner: staff.userId }]);
  assert.deepEqual(await rolesAt(merchantId, owner, staff), ['admin', 'owner']);
  const heard = await waitFor('both announcements', async () => {
    const people = changes.heard.flatMap((event) =>
      event.$case === 'changedMember' && event.value.merchantId === merchantId ? [event.value.userId] : [],
    );
    return people.length >= 2 ? people : undefined;
  });
  changes.stop();
  assert.deepEqual(new Set(heard), new Set([owner.userId, staff.userId]));
  const actor = `user:${owner.userId}`;
  assert.deepEqual((await auditOf(service, merchantId)).slice(-3), [
    {
      action: 'member.role_changed',
      actor,
      object_id: staff.userId,
      details: { before: { role: 'staff' }, after: { role: 'owner' } },
    },
    {
      action: 'member.role_changed',
      actor,
      object_id: owner.userId,
      details: { before: { role: 'owner' }, after: { role: 'admin' } },
    },
    {
      action: 'ownership.transferred',
      actor,
      object_id: toPublicId('mer', merchantId),
      details: { before: { owner: owner.userId }, after: { owner: staff.userId } },
    },
  ]);
});

test('to somebody who is an owner already, the one who asks steps down', async () => {
  const { merchantId, owner } = await newHotel();
  const second = await addMember(service, merchantId, 'owner');
  assert.equal((await transfer(merchantId, owner, second.userId)).status, 200);
  assert.deepEqual(await rolesAt(merchantId, owner, second), ['admin', 'owner']);
});

describe('400', () => {
  test('no person, no password, and an unknown field', async () => {
    const { merchantId, owner, staff } = await newHotel();
    const right = { user_id: staff.userId, password: owner.password };
    for (const wrong of [
      { user_id: undefined },
      { password: undefined },
      { password: '' },
      { role: 'owner' },
    ]) {
      const answer = await asMember(service, merchantId, owner)
        .post(pathOf(merchantId))
        .send({ ...right, ...wrong });
      assert.deepEqual([answer.status, answer.body.code], [400, 'validation_failed'], JSON.stringify(wrong));
    }
    assert.deepEqual(await rolesAt(merchantId, owner, staff), ['owner', 'staff']);
  });
});

describe('401', () => {
  test('a wrong password changes nothing and is written down; without a credential', async () => {
    const { merchantId, owner, staff } = await newHotel();
    const answer = await transfer(merchantId, owner, staff.userId, 'wrong');
    assert.deepEqual([answer.status, answer.body.code], [401, 'login_failed']);
    assert.ok((await userEvents(service, owner)).includes('login.failed'));
    assert.equal((await request(service.auth.httpUrl).post(pathOf(merchantId))).status, 401);
    assert.deepEqual(await rolesAt(merchantId, owner, staff), ['owner', 'staff']);
  });
});

describe('403', () => {
  test('an admin with the right password, whoever was an owner a moment ago, and an API key', async () => {
    const { merchantId, owner, staff } = await newHotel();
    const admin = await registerVerified(service);
    await setMember(service, merchantId, admin, 'admin');
    assert.equal((await transfer(merchantId, admin, admin.userId)).status, 403);
    assert.equal((await transfer(merchantId, admin, staff.userId)).status, 403);
    const caller = asCaller(service, { merchantId, scopes: ['users:write'] });
    const body = { user_id: staff.userId, password: owner.password };
    assert.equal((await caller.post(pathOf(merchantId)).send(body)).status, 403);
    assert.equal((await transfer(merchantId, owner, staff.userId)).status, 200);
    assert.equal((await transfer(merchantId, owner, admin.userId)).status, 403);
    assert.deepEqual(await rolesAt(merchantId, owner, staff, admin), ['admin', 'owner', 'admin']);
  });
});

describe('404', () => {
  test('somebody who works elsewhere or nowhere, a malformed id, and another hotel’s path', async () => {
    const [mine, theirs] = [await newHotel(), await newHotel()];
    const nowhere = await addPerson(service);
    for (const id of [theirs.staff.userId, nowhere.userId, toPublicId('usr', newUuid()), 'usr_1', 'x'])
      assert.equal((await transfer(mine.merchantId, mine.owner, id)).status, 404, id);
    const answer = await asMember(service, mine.merchantId, mine.owner)
      .post(pathOf(theirs.merchantId))
      .send({ user_id: theirs.staff.userId, password: mine.owner.password });
    assert.equal(answer.status, 404);
    assert.deepEqual(await rolesAt(theirs.merchantId, theirs.owner, theirs.staff), ['owner', 'staff']);
    assert.deepEqual(await rolesAt(mine.merchantId, mine.owner, mine.staff), ['owner', 'staff']);
  });
});

describe('409', () => {
  test('to oneself, and to somebody who is suspended', async () => {
    const { merchantId, owner, staff } = await newHotel();
    await asMember(service, merchantId, owner).post(`/v1/users/${staff.userId}/suspend`).expect(200);
    for (const id of [owner.userId, staff.userId]) {
      const answer = await transfer(merchantId, owner, id);
      assert.deepEqual([answer.status, answer.body.code], [409, 'state_conflict']);
    }
    assert.deepEqual(await rolesAt(merchantId, owner, staff), ['owner', 'staff']);
  });
});

test('429: the fifth wrong password locks, also for the right one', async () => {
  const { merchantId, owner, staff } = await newHotel();
  for (let count = 0; count < 5; count += 1)
    assert.equal((await transfer(merchantId, owner, staff.userId, `wrong ${count}`)).status, 401);
  const answer = await transfer(merchantId, owner, staff.userId);
  assert.deepEqual([answer.status, answer.body.code], [429, 'too_many_attempts']);
  assert.deepEqual(await rolesAt(merchantId, owner, staff), ['owner', 'staff']);
});

describe('races', () => {
  test('of two transfers by one owner at once one happens, and there is one owner', async () => {
    const { merchantId, owner, staff } = await newHotel();
    const other = await addMember(service, merchantId, 'manager');
    const answers = await Promise.all(
      [staff, other].map(({ userId }) => transfer(merchantId, owner, userId)),
    );
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [200, 403],
    );
    assert.equal(ownersIn(await membersOf(service, merchantId)), 1);
  });

  test('two owners who give the hotel to each other at once never leave it without one', async () => {
    for (const _ of [1, 2, 3]) {
      const merchantId = newUuid();
      const [one, two] = [await addOwner(merchantId), await addOwner(merchantId)];
      const answers = await Promise.all([
        transfer(merchantId, one, two.userId),
        transfer(merchantId, two, one.userId),
      ]);
      assert.ok(answers.some(({ status }) => status === 200));
      assert.ok(ownersIn(await membersOf(service, merchantId)) >= 1);
    }
  });

  test('whoever is removed while they are made the owner leaves an owner behind', async () => {
    const { merchantId, owner, staff } = await newHotel();
    const admin = await addMember(service, merchantId, 'admin');
    const [given, removed] = await Promise.all([
      transfer(merchantId, owner, staff.userId),
      asMember(service, merchantId, admin).delete(`/v1/users/${staff.userId}`),
    ]);
    assert.ok([200, 404].includes(given.status) && [204, 403].includes(removed.status));
    assert.equal(ownersIn(await membersOf(service, merchantId)), 1);
  });
});

function ownersIn(members: Record<string, unknown>[]): number {
  return members.filter((row) => row['built_in_role'] === 'owner' && row['suspended'] === false).length;
}
