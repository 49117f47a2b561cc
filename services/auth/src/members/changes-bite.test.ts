import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { Barrier } from '@centra/proto/centra/auth/v1/auth.ts';
import type { ValidateAccessTokenResponse } from '@centra/proto/centra/auth/v1/auth.ts';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { BUILT_IN_ROLES } from '@centra/service-kit/permissions.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { addConfirmedFactor, logIn } from '../sessions/test-logins.ts';
import type { LoggedIn } from '../sessions/test-logins.ts';
import { DEADLINE_MS, startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { asPerson, registerVerified } from '../testing-accounts.ts';
import { addMember, asMember, setMember } from '../testing-members.ts';
import { validateToken } from '../tokens/test-tokens.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

type Caller = ReturnType<typeof asMember>;

/** A real person with the role at a hotel, logged in there, and its owner. */
async function newSession(
  role = 'staff',
): Promise<{ merchantId: string; person: LoggedIn; byOwner: Caller }> {
  const merchantId = newUuid();
  const registered = await registerVerified(service);
  await setMember(service, merchantId, { email: registered.email }, role);
  const byOwner = asMember(service, merchantId, await addMember(service, merchantId, 'owner'));
  const person = await logIn(service, registered, { merchant_id: toPublicId('mer', merchantId) });
  return { merchantId, person, byOwner };
}

/** The first answer about the token that is as asked. Who remembers is told by the database, a moment later. */
async function awaitToken(
  { accessToken }: LoggedIn,
  what: string,
  isSo: (answer: ValidateAccessTokenResponse) => boolean,
): Promise<void> {
  await waitFor(what, async () => (isSo(await validateToken(service, accessToken)) ? true : undefined));
}

async function awaitRefusal({ accessToken }: LoggedIn): Promise<void> {
  await waitFor('the refusal', async () => {
    try {
      await validateToken(service, accessToken);
    } catch (error) {
      assert.equal(Object(error).code, grpcStatus.UNAUTHENTICATED);
      return true;
    }
    return undefined;
  });
}

test('another role changes what a token allows, and a removed member’s token allows nothing, though the session lives on', async () => {
  const { person, byOwner } = await newSession();
  assert.deepEqual((await validateToken(service, person.accessToken)).permissions, BUILT_IN_ROLES.staff);
  await byOwner.post(`/v1/users/${person.userId}/role`).send({ role: 'manager' });
  await awaitToken(
    person,
    'the role',
    ({ permissions }) => permissions.length === BUILT_IN_ROLES.manager.length,
  );
  assert.equal((await byOwner.delete(`/v1/users/${person.userId}`)).status, 204);
  await awaitRefusal(person);
  const me = await asPerson(service, person).get('/v1/auth/me');
  assert.deepEqual([me.status, me.body.memberships], [200, []]);
});

function isBarred({ barrier, permissions }: ValidateAccessTokenResponse): boolean {
  return barrier === Barrier.BARRIER_SUSPENDED && permissions.length === 0;
}

function isLetIn({ barrier }: ValidateAccessTokenResponse): boolean {
  return barrier === Barrier.BARRIER_UNSPECIFIED;
}

test('a suspended member is barred and let in again, and so is a suspended hotel', async () => {
  const { merchantId, person, byOwner } = await newSession();
  await validateToken(service, person.accessToken);
  await byOwner.post(`/v1/users/${person.userId}/suspend`);
  await awaitToken(person, 'the suspension', isBarred);
  await byOwner.post(`/v1/users/${person.userId}/restore`);
  await awaitToken(person, 'the return', isLetIn);
  const client = service.client('operator');
  for (const suspended of [true, false]) {
    await callUnary(
      client.setMerchantAccess.bind(client),
      { merchantId, suspended, reason: 'test', actor: 'service:operator' },
      { metadata: callMetadata('req-access'), deadlineMs: DEADLINE_MS },
    );
    await awaitToken(person, `suspended: ${suspended}`, suspended ? isBarred : isLetIn);
  }
});

test('a cut role is cut for whoever has it', async () => {
  const { person, byOwner } = await newSession();
  const permissions = ['payments:read', 'refunds:write'];
  const { id } = (await byOwner.post('/v1/roles').send({ name: 'Desk', permissions })).body;
  await byOwner.post(`/v1/users/${person.userId}/role`).send({ role: id });
  await awaitToken(person, 'the role', (answer) => answer.permissions.join() === permissions.join());
  await byOwner.post(`/v1/roles/${id}`).send({ permissions: ['payments:read'] });
  await awaitToken(person, 'the cut', (answer) => answer.permissions.join() === 'payments:read');
});

test('a required second factor bars sessions without one, and its owner’s own session goes on', async () => {
  const { merchantId, person } = await newSession();
  const registered = await registerVerified(service);
  await setMember(service, merchantId, { email: registered.email }, 'owner');
  const session = await logIn(service, registered, { merchant_id: toPublicId('mer', merchantId) });
  const byOwner = asMember(service, merchantId, session, 'owner', session.sessionId);
  const wanted = { second_factor_required: true };
  assert.equal((await byOwner.post('/v1/security').send(wanted)).body.code, 'state_conflict');
  await addConfirmedFactor(service, registered, session);
  assert.equal((await byOwner.post('/v1/security').send(wanted)).status, 200);
  await awaitToken(person, 'the barrier', ({ barrier }) => barrier === Barrier.BARRIER_SECOND_FACTOR);
  const own = await validateToken(service, session.accessToken);
  assert.deepEqual([own.barrier, own.permissions], [Barrier.BARRIER_UNSPECIFIED, BUILT_IN_ROLES.owner]);
  const listed = (await byOwner.get(`/v1/users/${session.userId}`)).body;
  assert.equal(listed.second_factor, true);
});

test('a person sees where they work, with what they may do there, and no hotel of anybody else', async () => {
  const { merchantId, person, byOwner } = await newSession();
  const other = newUuid();
  await setMember(service, other, person, 'manager');
  const { id } = (await byOwner.post('/v1/roles').send({ name: 'Desk', permissions: ['payments:read'] }))
    .body;
  await byOwner.post(`/v1/users/${person.userId}/role`).send({ role: id });
  await service.sql(
    `insert into merchant_access (merchant_id, suspended_at, suspended_reason) values ($1, now(), 'test')`,
    [other],
  );
  const { body } = await asPerson(service, person).get('/v1/auth/me');
  assert.deepEqual(body.memberships, [
    {
      merchant_id: toPublicId('mer', merchantId),
      role: id,
      role_name: 'Desk',
      permissions: ['payments:read'],
      suspended: false,
    },
    {
      merchant_id: toPublicId('mer', other),
      role: 'manager',
      role_name: 'Manager',
      permissions: BUILT_IN_ROLES.manager,
      suspended: true,
    },
  ]);
});
