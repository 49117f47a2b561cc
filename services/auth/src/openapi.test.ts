import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newUuid } from '@centra/service-kit/ids.ts';
import { createDocument } from 'zod-openapi';
import { apiKeySchema, createdApiKeySchema } from './api-keys/api-key.ts';
import { usageListSchema } from './api-keys/get-api-key-usage.ts';
import { apiKeyListSchema } from './api-keys/list-api-keys.ts';
import { userListSchema } from './members/list-users.ts';
import { userSchema } from './members/member.ts';
import { paths } from './openapi.ts';
import { roleListSchema } from './roles/list-roles.ts';
import { roleSchema } from './roles/role.ts';
import { securitySchema } from './security/security.ts';
import { asCaller, startTestAuth } from './test-service.ts';
import type { TestAuth } from './test-service.ts';
import { addMember, asMember } from './testing-members.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

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
  assert.ok(names.length >= 19);
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
