import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUILT_IN_ROLES, PERMISSIONS, SCOPES, isBuiltInRole, isPermission, isScope } from './permissions.ts';
import type { Permission } from './permissions.ts';

test('each permission stands once, as resource:action', () => {
  assert.equal(new Set(PERMISSIONS).size, PERMISSIONS.length);
  for (const permission of PERMISSIONS) assert.match(permission, /^[a-z_]+:(read|write|settle)$/);
});

test('an API key may hold everything but what is for people: colleagues, roles, security and the hotel itself', () => {
  for (const permission of PERMISSIONS)
    assert.equal(
      isScope(permission),
      !/^(users|roles|security):|^merchants:write$/.test(permission),
      permission,
    );
  assert.deepEqual(SCOPES, PERMISSIONS.filter(isScope));
});

test('each built-in role may do all that the next one may, and owner and admin everything', () => {
  const { owner, admin, manager, staff } = BUILT_IN_ROLES;
  assert.deepEqual([owner, admin], [PERMISSIONS, PERMISSIONS]);
  assert.ok(contains(admin, manager) && contains(manager, staff));
  for (const role of [manager, staff]) assert.equal(new Set<Permission>(role).size, role.length);
});

test('managers change neither people, roles, security nor the hotel itself, and read no audit log; staff take payments only', () => {
  const changes: readonly Permission[] = BUILT_IN_ROLES.manager;
  for (const permission of changes)
    assert.doesNotMatch(permission, /^(users|roles|security|merchants):write$|^audit_log:/);
  assert.deepEqual(BUILT_IN_ROLES.staff, ['payments:read', 'payments:write']);
});

test('whoever may change something may also see it, in every built-in role', () => {
  for (const [role, granted] of Object.entries(BUILT_IN_ROLES))
    for (const permission of granted) {
      const [resource, action] = permission.split(':');
      const read = `${resource}:read`;
      if (action !== 'read' && isPermission(read))
        assert.ok(
          granted.some((each) => each === read),
          `${role} ${permission}`,
        );
    }
});

test('a text is a permission or a role only letter by letter', () => {
  for (const text of ['', 'payments', 'PAYMENTS:READ', 'payments:read ', '__proto__', 'payments:*'])
    assert.equal(isPermission(text), false, text);
  for (const text of ['', 'Owner', 'constructor', '__proto__', 'toString', 'owner ', 'rol_1'])
    assert.equal(isBuiltInRole(text), false, text);
  assert.ok(isPermission('payments:read') && isBuiltInRole('owner'));
});

function contains(more: readonly Permission[], less: readonly Permission[]): boolean {
  return less.every((each) => more.includes(each));
}
