import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { ROUTES } from '../services/api-gateway/src/routes.ts';
import { createOpenApiDocument } from './openapi-document.ts';
import { needs, pathOf, withSecurity } from './route-security.ts';

const documentSchema = z.object({
  security: z.undefined().optional(),
  components: z.object({ securitySchemes: z.record(z.string(), z.object({ scheme: z.literal('bearer') })) }),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        description: z.string(),
        security: z.array(z.record(z.string(), z.tuple([]))),
        responses: z.record(z.string(), z.unknown()),
      }),
    ),
  ),
});
const document = documentSchema.parse(JSON.parse(createOpenApiDocument()));

const SCHEMES = {
  hotel: ['apiKey', 'accessToken'],
  staff: ['accessToken'],
  person: ['accessToken'],
  guest: ['clientSecret'],
  public: [],
};

test('every operation names exactly the credentials that its route takes, and the permission in words', () => {
  for (const route of ROUTES) {
    const operation = document.paths[pathOf(route)]?.[route.method.toLowerCase()];
    const name = `${route.method} ${route.path}`;
    assert.deepEqual(operation?.security.flatMap(Object.keys), SCHEMES[route.door], name);
    assert.ok(operation?.description.endsWith(needs(route)), name);
    if (route.door === 'hotel' || route.door === 'staff')
      assert.ok(operation?.description.includes(`the permission \`${route.scope}\``), name);
  }
});

test('each kind of route is there, and every scheme that is named is described', () => {
  assert.deepEqual(new Set(ROUTES.map(({ door }) => door)), new Set(Object.keys(SCHEMES)));
  assert.deepEqual(
    Object.keys(document.components.securitySchemes).toSorted(),
    [...new Set(Object.values(SCHEMES).flat())].toSorted(),
  );
});

test('what takes a credential can refuse it with 401, what needs none cannot; a permission can be missing', () => {
  for (const route of ROUTES) {
    const responses = document.paths[pathOf(route)]?.[route.method.toLowerCase()]?.responses ?? {};
    const name = `${route.method} ${route.path}`;
    if (route.door !== 'public') assert.ok('401' in responses, name);
    if (route.door === 'hotel' || route.door === 'staff') assert.ok('403' in responses, name);
  }
});

test('a description that names its own credentials is refused', () => {
  const paths = { '/v1/charge': { post: { security: [{ apiKey: [] }], responses: {} } } };
  assert.throws(() => withSecurity(paths, ROUTES), /POST \/v1\/charge describes its own security/);
});
