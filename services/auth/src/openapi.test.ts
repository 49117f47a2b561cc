import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { createDocument } from 'zod-openapi';
import { apiKeySchema, createdApiKeySchema } from './api-keys/api-key.ts';
import { usageListSchema } from './api-keys/get-api-key-usage.ts';
import { apiKeyListSchema } from './api-keys/list-api-keys.ts';
import { acceptedSchema } from './invitations/accept-invitation.ts';
import { invitationSchema } from './invitations/invitation.ts';
import { invitationListSchema } from './invitations/list-invitations.ts';
import { invitationPreviewSchema } from './invitations/preview-invitation.ts';
import { registeredByInvitationSchema } from './invitations/register-by-invitation.ts';
import { accept, invitationsOf, invite, newestLink, startInviting } from './invitations/test-invitations.ts';
import { userListSchema } from './members/list-users.ts';
import { userSchema } from './members/member.ts';
import { paths } from './openapi.ts';
import { roleListSchema } from './roles/list-roles.ts';
import { roleSchema } from './roles/role.ts';
import { securitySchema } from './security/security.ts';
import { asCaller } from './test-service.ts';
import type { TestAuth } from './test-service.ts';
import { GOOD_PASSWORD, asAnyone, newEmail } from './testing-accounts.ts';
import { addMember, addPerson, asMember, newHotel } from './testing-members.ts';

let service: TestAuth;
let close: () => Promise<void>;
before(async () => {
  ({ service, close } = await startInviting());
});
after(() => close());

test('every described operation has a name of its own and says what it answers and refuses', () => {
  const document = createDocument({ openapi: '3.1.1', info: { title: 'auth', version: '1' }, paths });
  const names = Object.values(document.paths ?? {}).flatMap((item) =>
    Object.values(item).map((operation: { operationId?: string; responses?: object }) => {
      const statuses = Object.keys(operation.responses ?? {});
      assert.ok(statuses.some((status) => status.startsWith('2')));
      for (const status of ['429', '500', '503'])
        assert.ok(statuses.includes(status), `${operation.operationId} ${status}`);
      return operation.operationId;
    }),
  );
  assert.ok(names.length >= 50);
  assert.equal(new Set(names).size, names.length);
});

test('answers about keys are what the description says, no field more', async () => {
  const caller = asCaller(service, { merchantId: newUuid() });
  const created = await caller.post('/v1/api-keys').send({ name: 'Key', scopes: ['payments:read'] });
  createdApiKeySchema.strict().parse(created.body);
  const path = `/v1/api-keys/${created.body.id}`;
  apiKeySchema.strict().parse((await caller.get(path)).body);
  apiKeyListSchema.strict().parse((await caller.get('/v1/api-keys')).body);
  createdApiKeySchema.strict().parse((await caller.post(`${path}/rotate`).send({})).body);
  usageListSchema.strict().parse((await caller.get(`${path}/usage`)).body);
  apiKeySchema.strict().parse((await caller.delete(path)).body);
});

test('answers about invitations are what the description says, no field more', async () => {
  const { merchantId, owner } = await newHotel(service);
  const caller = asMember(service, merchantId, owner);
  const path = invitationsOf(merchantId);
  const email = newEmail();
  const made = await caller.post(path).send({ email, role: 'staff' });
  invitationSchema.strict().parse(made.body);
  const { token } = await newestLink(service, email);
  const list = (await caller.get(path)).body;
  invitationListSchema.strict().parse(list);
  for (const each of list.data) invitationSchema.strict().parse(each);
  invitationPreviewSchema
    .strict()
    .parse((await asAnyone(service).post('/v1/invitations/preview').send({ token })).body);
  const registered = await asAnyone(service)
    .post('/v1/invitations/register')
    .send({ token, name: 'Leïla Benali', password: GOOD_PASSWORD });
  registeredByInvitationSchema.strict().parse(registered.body);
  const person = await addPerson(service);
  const other = await invite(service, merchantId, owner, { email: person.email });
  const resent = await caller.post(`${path}/${other.id}/resend`);
  invitationSchema.strict().parse(resent.body);
  const again = await newestLink(service, person.email, 2);
  acceptedSchema.strict().parse((await accept(service, person, { token: again.token })).body);
});

test('the same people stand at the hotel’s own address', async () => {
  const { merchantId, owner, staff } = await newHotel(service);
  const caller = asMember(service, merchantId, owner);
  const members = `/v1/merchants/${toPublicId('mer', merchantId)}/members`;
  const list = (await caller.get(members)).body;
  assert.deepEqual(list, (await caller.get('/v1/users')).body);
  assert.equal(list.data.length, 4);
  const one = `${members}/${staff.userId}`;
  assert.deepEqual((await caller.get(one)).body, (await caller.get(`/v1/users/${staff.userId}`)).body);
  assert.equal((await caller.post(`${one}/role`).send({ role: 'manager' })).body.role, 'manager');
  assert.equal((await caller.post(`${one}/suspend`)).body.suspended, true);
  assert.equal((await caller.post(`${one}/restore`)).body.suspended, false);
  const foreign = `/v1/merchants/${toPublicId('mer', newUuid())}/members`;
  for (const path of [foreign, `${foreign}/${staff.userId}`])
    assert.equal((await caller.get(path)).status, 404);
  assert.equal((await caller.delete(`${foreign}/${staff.userId}`)).status, 404);
  assert.equal((await caller.delete(one)).status, 204);
  assert.equal((await caller.get(one)).status, 404);
});

test('answers about people, roles and security are what the description says, no field more', async () => {
  const merchantId = newUuid();
  const caller = asMember(service, merchantId, await addMember(service, merchantId, 'owner'));
  const staff = await addMember(service, merchantId, 'staff');
  const role = await caller.post('/v1/roles').send({ name: 'Desk', permissions: ['payments:read'] });
  roleSchema.strict().parse(role.body);
  roleSchema.strict().parse((await caller.get('/v1/roles/owner')).body);
  const roles = (await caller.get('/v1/roles')).body;
  roleListSchema.strict().parse(roles);
  for (const each of roles.data) roleSchema.strict().parse(each);
  const people = (await caller.get('/v1/users')).body;
  userListSchema.strict().parse(people);
  for (const each of people.data) userSchema.strict().parse(each);
  const path = `/v1/users/${staff.userId}`;
  for (const verb of ['suspend', 'restore'])
    userSchema.strict().parse((await caller.post(`${path}/${verb}`)).body);
  userSchema.strict().parse((await caller.post(`${path}/role`).send({ role: role.body.id })).body);
  assert.deepEqual((await caller.delete(path)).body, {});
  securitySchema.strict().parse((await caller.get('/v1/security')).body);
});
