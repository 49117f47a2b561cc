import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import { operationsPaths } from './openapi-operations.ts';
import { newMerchant, startWithDoubles } from './testing/start-with-doubles.ts';
import type { Stand } from './testing/start-with-doubles.ts';

const STATUSES = {
  'get /v1/disputes': '200 400 401 403 405 422 429 500 503',
  'get /v1/disputes/{id}': '200 400 401 403 404 405 422 429 500 503',
  'get /v1/unknown-operations': '200 400 401 403 405 422 429 500 503',
  'post /v1/unknown-operations/{id}/settle': '200 400 401 403 404 405 409 413 415 422 429 500 503',
  'get /v1/provider-events': '200 400 401 403 405 422 429 500 503',
  'post /v1/provider-events/{id}/replay': '202 400 401 403 404 405 413 415 422 429 500 503',
  'post /v1/webhooks/stripe/{account}': '200 400 404 405 413 415 429 500 503',
  'post /v1/stripe/events': '200 400 404 405 413 415 429 500 503',
  'get /v1/simulator/challenges/{token}': '200 400 404 405 429 500 503',
  'post /v1/simulator/challenges/{token}': '303 400 404 405 409 413 415 429 500 503',
};
const operationSchema = z.object({
  responses: z.record(z.string(), z.unknown()),
  security: z.array(z.unknown()),
  description: z.string(),
});
const operations = Object.entries(operationsPaths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({
    path,
    method,
    ...operationSchema.parse(operation),
  })),
);

let stand: Stand;
before(async () => {
  stand = await startWithDoubles();
});
after(async () => await stand.close());

test('each route documents every status code, and its scope or that it needs no key', () => {
  const described = operations.map(({ path, method, responses, security, description }) => {
    if (security.length === 0) assert.match(description, /[Nn]o API key/, path);
    else assert.match(description, /scope `(?:payments:read|operations:read|operations:settle)`/, path);
    return [`${method} ${path}`, Object.keys(responses).toSorted().join(' ')];
  });
  assert.deepEqual(Object.fromEntries(described), STATUSES);
});

test('each described route exists and wants the scope that its description names', async () => {
  for (const { path, method, security, description } of operations) {
    const answer = await stand.call(path.replace(/\{\w+\}/, 'x'), {
      method: method.toUpperCase(),
      as: newMerchant({ scopes: [] }),
    });
    assert.equal(answer.status, security.length === 0 ? 401 : 403, `${method} ${path}`);
    if (security.length > 0)
      assert.ok(description.includes(`\`${String(answer.json()['required_scope'])}\``), `${method} ${path}`);
  }
});
