import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newUuid } from '@centra/service-kit/ids.ts';
import { createDocument } from 'zod-openapi';
import { apiKeySchema, createdApiKeySchema } from './api-keys/api-key.ts';
import { apiKeyListSchema } from './api-keys/list-api-keys.ts';
import { paths } from './openapi.ts';
import { asCaller, startTestAuth } from './test-service.ts';
import type { TestAuth } from './test-service.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

test('the description holds every route, and each of them asks for the API key', () => {
  const document = createDocument({ openapi: '3.1.1', info: { title: 'auth', version: '1' }, paths });
  const routes = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]: [string, object]) => {
      assert.deepEqual('security' in operation && operation.security, [{ apiKey: [] }]);
      return `${method} ${path}`;
    }),
  );
  assert.deepEqual(routes.toSorted(), [
    'delete /v1/api-keys/{id}',
    'get /v1/api-keys',
    'get /v1/api-keys/{id}',
    'post /v1/api-keys',
  ]);
});

test('answers are what the description says, no field more', async () => {
  const caller = asCaller(service, { merchantId: newUuid() });
  const created = await caller.post('/v1/api-keys').send({ name: 'Key', scopes: ['payments:read'] });
  createdApiKeySchema.strict().parse(created.body);
  const read = await caller.get(`/v1/api-keys/${created.body.id}`);
  apiKeySchema.strict().parse(read.body);
  apiKeyListSchema.strict().parse((await caller.get('/v1/api-keys')).body);
  apiKeySchema.strict().parse((await caller.delete(`/v1/api-keys/${created.body.id}`)).body);
});
