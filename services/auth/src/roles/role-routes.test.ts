import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { BUILT_IN_ROLES, PERMISSIONS, isBuiltInRole } from '@centra/service-kit/permissions.ts';
import type { Permission } from '@centra/service-kit/permissions.ts';
import { startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { addMember, asMember } from '../testing-members.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

// Nothing by these names exists, so who is let in is answered 404 where an id is needed.
const nobody = toPublicId('usr', newUuid());
const noRole = toPublicId('rol', newUuid());
const noKey = toPublicId('key', newUuid());

type Method = 'get' | 'post' | 'delete';

/** What each route of a hotel here needs, and what it answers whoever has it. */
const ROUTES: [Permission, Method, string, number, object?][] = [
  ['users:read', 'get', '/v1/users', 200],
  ['users:read', 'get', `/v1/users/${nobody}`, 404],
  ['users:write', 'post', `/v1/users/${nobody}/role`, 404, { role: 'staff' }],
  ['users:write', 'post', `/v1/users/${nobody}/suspend`, 404],
  ['users:write', 'post', `/v1/users/${nobody}/restore`, 404],
  ['users:write', 'delete', `/v1/users/${nobody}`, 404],
  ['roles:read', 'get', '/v1/roles', 200],
  ['roles:read', 'get', '/v1/roles/owner', 200],
  ['roles:write', 'post', '/v1/roles', 201, { name: 'Desk', permissions: ['payments:read'] }],
  ['roles:write', 'post', `/v1/roles/${noRole}`, 404, { name: 'Desk' }],
  ['roles:write', 'delete', `/v1/roles/${noRole}`, 404],
  ['security:read', 'get', '/v1/security', 200],
  ['security:write', 'post', '/v1/security', 200, { second_factor_required: false }],
  ['api_keys:write', 'post', '/v1/api-keys', 201, { name: 'Key', scopes: ['payments:read'] }],
  ['api_keys:read', 'get', '/v1/api-keys', 200],
  ['api_keys:read', 'get', `/v1/api-keys/${noKey}`, 404],
  ['api_keys:read', 'get', `/v1/api-keys/${noKey}/usage`, 404],
  ['api_keys:write', 'post', `/v1/api-keys/${noKey}/rotate`, 404, {}],
  ['api_keys:write', 'delete', `/v1/api-keys/${noKey}`, 404],
];

for (const role of Object.keys(BUILT_IN_ROLES).filter(isBuiltInRole))
  describe(role, () => {
    const granted: readonly Permission[] = BUILT_IN_ROLES[role];
    for (const [permission, method, path, answered, body] of ROUTES) {
      const expected = granted.includes(permission) ? answered : 403;
      const name = path.replace(/(usr|rol|key)_\w+/, ':id');
      test(`${method} ${name} is ${expected}`, async () => {
        const merchantId = newUuid();
        const member = await addMember(service, merchantId, role);
        const answer = await asMember(service, merchantId, member, role)[method](path).send(body);
        assert.equal(answer.status, expected, answer.text);
        if (expected === 403) assert.equal(answer.body.required_scope, permission);
      });
    }
  });

test('each permission opens its own routes and no other one does', async () => {
  const merchantId = newUuid();
  const owner = await addMember(service, merchantId, 'owner');
  for (const [needed, method, path, answered, body] of ROUTES) {
    const others = PERMISSIONS.filter((each) => each !== needed);
    const without = await asMember(service, merchantId, owner, others)[method](path).send(body);
    assert.equal(without.status, 403, `${method} ${path} without ${needed}`);
    // Making a key also needs what the key is to be given.
    const own: Permission[] = [needed, 'payments:read'];
    const alone = await asMember(service, merchantId, owner, own)[method](path).send(body);
    assert.equal(alone.status, answered, `${method} ${path} with ${needed}: ${alone.text}`);
  }
});
