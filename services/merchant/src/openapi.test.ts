import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createDocument } from 'zod-openapi';
import {
  connectionTestPageSchema,
  providerAccountPageSchema,
  providerPageSchema,
} from './openapi-provider-accounts.ts';
import { paths } from './openapi.ts';
import { providerAccountSchema } from './provider-accounts/provider-account.ts';
import { credentialsTestSchema } from './provider-accounts/test-credentials.ts';
import { newCaller, startTestMerchant, stripeKey } from './test-service.ts';
import type { TestMerchant } from './test-service.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

const document = createDocument({ openapi: '3.1.1', info: { title: 'merchant', version: '1' }, paths });
const routes = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]: [string, object]) => ({ path, method, operation })),
);

test('the description holds every route, each with its refusals', () => {
  assert.deepEqual(routes.map(({ path, method }) => `${method} ${path}`).toSorted(), [
    'delete /v1/merchants/{id}/logo',
    'delete /v1/organisations/{id}/owners/{user}',
    'delete /v1/provider-accounts/{id}',
    'delete /v1/routing-rules/{id}',
    'delete /v1/webhook-endpoints/{id}',
    'get /v1/audit-log',
    'get /v1/audit-log/export',
    'get /v1/merchants',
    'get /v1/merchants/{id}',
    'get /v1/merchants/{id}/logo',
    'get /v1/organisations',
    'get /v1/organisations/{id}',
    'get /v1/organisations/{id}/audit-log',
    'get /v1/organisations/{id}/merchants',
    'get /v1/organisations/{id}/owners',
    'get /v1/provider-accounts',
    'get /v1/provider-accounts/{id}',
    'get /v1/provider-accounts/{id}/tests',
    'get /v1/providers',
    'get /v1/routing-rules',
    'get /v1/routing-rules/{id}',
    'get /v1/webhook-endpoints',
    'get /v1/webhook-endpoints/{id}',
    'post /v1/merchants',
    'post /v1/merchants/{id}',
    'post /v1/merchants/{id}/close',
    'post /v1/merchants/{id}/logo',
    'post /v1/merchants/{id}/submit',
    'post /v1/organisations',
    'post /v1/organisations/{id}',
    'post /v1/organisations/{id}/owners',
    'post /v1/provider-accounts',
    'post /v1/provider-accounts/test',
    'post /v1/provider-accounts/{id}',
    'post /v1/provider-accounts/{id}/rotate',
    'post /v1/provider-accounts/{id}/test',
    'post /v1/routing-rules',
    'post /v1/routing-rules/dry-run',
    'post /v1/routing-rules/order',
    'post /v1/routing-rules/{id}',
    'post /v1/webhook-endpoints',
    'post /v1/webhook-endpoints/{id}',
    'post /v1/webhook-endpoints/{id}/rotate-secret',
    'post /v1/webhook-endpoints/{id}/test',
  ]);
  for (const { path, method, operation } of routes) {
    const text = JSON.stringify(operation);
    for (const status of ['400', ...credentialRefusals(method, path), '405', '422', '429', '500', '503'])
      assert.ok(text.includes(`"${status}":`), `${method} ${path} says nothing of ${status}`);
  }
});

/** A person's own needs no permission, and a logo no credential. */
function credentialRefusals(method: string, path: string): string[] {
  if (method === 'get' && path.endsWith('/logo')) return [];
  const isPersons = path === '/v1/merchants' || path.startsWith('/v1/organisations');
  return isPersons ? ['401'] : ['401', '403'];
}

test('each described route exists: without an identity it answers 401, not 404', async () => {
  for (const { path, method } of routes) {
    const target = path.replaceAll(/\{\w+\}/g, 'pa_01jd0000000000000000000000');
    const url = `http://127.0.0.1:${service.service.httpPort}${target}`;
    const answer = await fetch(url, { method: method.toUpperCase() });
    assert.equal(answer.status, 401, `${method} ${path}`);
    await answer.body?.cancel();
  }
});

test('answers are what the description says, no field more', async () => {
  const { caller } = await newCaller(service);
  const body = {
    provider: 'stripe',
    credentials: { secret_key: stripeKey(), publishable_key: 'pk_test_ABCDEFGH' },
  };
  const created = await caller.post('/v1/provider-accounts').send(body).expect(201);
  const account = providerAccountSchema.strict();
  account.parse(created.body);
  const path = `/v1/provider-accounts/${created.body.id}`;
  credentialsTestSchema.strict().parse((await caller.post(`${path}/test`).send({}).expect(200)).body);
  credentialsTestSchema
    .strict()
    .parse((await caller.post('/v1/provider-accounts/test').send(body).expect(200)).body);
  const tested = account.parse((await caller.get(path).expect(200)).body);
  assert.notEqual(tested.last_test, null);
  account.parse(
    (await caller.post(`${path}/rotate`).send({ credentials: body.credentials }).expect(200)).body,
  );
  providerAccountPageSchema.strict().parse((await caller.get('/v1/provider-accounts').expect(200)).body);
  account.parse((await caller.post(path).send({ name: 'Spa' }).expect(200)).body);
  connectionTestPageSchema.strict().parse((await caller.get(`${path}/tests`).expect(200)).body);
  account.parse((await caller.delete(path).expect(200)).body);
  providerPageSchema.strict().parse((await caller.get('/v1/providers').expect(200)).body);
});
