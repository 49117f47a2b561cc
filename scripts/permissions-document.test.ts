import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  BUILT_IN_ROLES,
  PERMISSIONS,
  isPermission,
  isScope,
} from '../packages/service-kit/src/permissions.ts';
import { CHECKOUT, PUBLIC, ROUTES, SELF } from '../services/api-gateway/src/routes.ts';
import { permissionsDocument } from './permissions-document.ts';

const written = readFileSync(join(import.meta.dirname, '..', 'docs', 'permissions.md'), 'utf8');
const rows = written.split('\n').filter((line) => line.startsWith('| `'));

test('docs/permissions.md says what the tables in the code say (else: npm run permissions)', () => {
  assert.equal(written, permissionsDocument());
});

test('docs/permissions.md has one row for every permission and every route', () => {
  assert.equal(rows.length, PERMISSIONS.length + ROUTES.length);
  for (const { method, path } of ROUTES)
    assert.equal(rows.filter((row) => row.startsWith(`| \`${method} ${path}\` |`)).length, 1, path);
});

test('every route needs a permission that there is, or says who may ask instead', () => {
  for (const { method, path, scope } of ROUTES)
    assert.ok(
      isPermission(scope) || [SELF, CHECKOUT, PUBLIC].some((each) => each === scope),
      `${method} ${path} needs ${scope}`,
    );
});

test('every permission opens a route', () => {
  for (const permission of PERMISSIONS)
    assert.ok(
      ROUTES.some(({ scope }) => scope === permission),
      `${permission} opens nothing`,
    );
});

// Asks what would happen, in a body because there is much to tell; changes nothing.
const ASKS_ONLY = 'POST /v1/routing-rules/dry-run';

test('no route that changes something is open to whoever may only read', () => {
  for (const { method, path, scope } of ROUTES)
    if (method !== 'GET' && `${method} ${path}` !== ASKS_ONLY && isPermission(scope))
      assert.doesNotMatch(scope, /:read$/, `${method} ${path}`);
});

test('a row says yes for exactly the roles and keys that the tables allow', () => {
  for (const { method, path, scope } of ROUTES) {
    if (!isPermission(scope)) continue;
    const expected = [`\`${method} ${path}\``, `\`${scope}\``, ...cells(scope), isScope(scope) ? 'yes' : '–'];
    assert.ok(rows.includes(`| ${expected.join(' | ')} |`), `${method} ${path}`);
  }
});

function cells(permission: string): string[] {
  return Object.values(BUILT_IN_ROLES).map((granted) =>
    granted.some((each) => each === permission) ? 'yes' : '–',
  );
}
