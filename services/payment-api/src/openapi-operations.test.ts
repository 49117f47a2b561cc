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
  'post /v1/webhooks/stripe/{account}': '200 400 404 405 413 415 422 429 500 503',
  'post /v1/stripe/events': '200 400 404 405 413 415 422 429 500 503',
  'get /v1/simulator/challenges/{token}': '200 400 404 405 422 429 500 503',
  'post /v1/simulator/challenges/{token}': '303 400 404 405 409 413 415 422 429 500 503',
};
const operationSchema = z.object({
  responses: z.record(z.string(), z.unknown()),
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

test('each route documents every status code', () => {
  const described = operations.map(({ path, method, responses }) => [
    `${method} ${path}`,
    Object.keys(responses).toSorted().join(' '),
  ]);
  assert.deepEqual(Object.fromEntries(described), STATUSES);
});

// What a stranger's identity is answered: the scope that is missing, or that this door is for no identity at all.
const SCOPES: Record<string, string | undefined> = {
  'get /v1/disputes': 'payments:read',
  'get /v1/disputes/{id}': 'payments:read',
  'get /v1/unknown-operations': 'operations:read',
  'post /v1/unknown-operations/{id}/settle': 'operations:settle',
  'get /v1/provider-events': 'operations:read',
  'post /v1/provider-events/{id}/replay': 'operations:settle',
};

test('each described route exists and wants its scope, or an identity of the gateway itself', async () => {
  for (const { path, method } of operations) {
    const answer = await stand.call(path.replace(/\{\w+\}/, 'x'), {
      method: method.toUpperCase(),
      as: newMerchant({ scopes: [] }),
    });
    const scope = SCOPES[`${method} ${path}`];
    assert.equal(answer.status, scope === undefined ? 401 : 403, `${method} ${path}`);
    assert.equal(answer.json()['required_scope'], scope, `${method} ${path}`);
  }
});
