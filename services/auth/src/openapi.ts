import { problemSchema } from '@centra/service-kit/problem-schema.ts';
import { z } from 'zod';
import type { ZodOpenApiPathsObject, ZodOpenApiResponseObject } from 'zod-openapi';
import { apiKeySchema, createApiKeySchema, createdApiKeySchema } from './api-keys/api-key.ts';
import { apiKeyListSchema, listApiKeysQuerySchema } from './api-keys/list-api-keys.ts';

const tags = ['API keys'];
const security = [{ apiKey: [] }];
const path = z.object({
  id: z.string().meta({ description: 'The key', example: 'key_01jd0000000000000000000000' }),
});

function problem(description: string): ZodOpenApiResponseObject {
  return { description, content: { 'application/problem+json': { schema: problemSchema } } };
}

function answer(description: string, schema: z.ZodType): ZodOpenApiResponseObject {
  return { description, content: { 'application/json': { schema } } };
}

const refusals = {
  '401': problem('No valid API key'),
  '403': problem('The key lacks the scope'),
  '429': problem('Too many requests; see Retry-After'),
  '500': problem('Something went wrong on our side'),
  '503': problem('Cannot be answered right now; nothing was done'),
};

/** The public routes of this service. */
export const paths: ZodOpenApiPathsObject = {
  '/v1/api-keys': {
    post: {
      operationId: 'createApiKey',
      tags,
      security,
      summary: 'Make an API key',
      description:
        'Needs the scope `api_keys:write`. The secret is in this answer only. A key grants only scopes that it has ' +
        'itself, and a test key makes only test keys. To rotate a key, make another, move your systems over, then ' +
        'revoke the old one. If the answer is lost, revoke the key that the list shows and make another.',
      requestBody: { required: true, content: { 'application/json': { schema: createApiKeySchema } } },
      responses: {
        '201': answer('The key, with its secret', createdApiKeySchema),
        '400': problem('A field is missing, unknown or not valid'),
        ...refusals,
        '403': problem('The key lacks the scope, or would grant more than it has'),
        '409': problem('There are 100 usable keys already'),
        '413': problem('The body is too large'),
        '415': problem('The body is not JSON'),
        '422': problem('A field holds what looks like a card number'),
      },
    },
    get: {
      operationId: 'listApiKeys',
      tags,
      security,
      summary: 'List API keys',
      description:
        'Needs the scope `api_keys:read`. Newest first, revoked and expired ones included, never a secret. A test key ' +
        'sees test keys only.',
      requestParams: { query: listApiKeysQuerySchema },
      responses: {
        '200': answer('A page', apiKeyListSchema),
        '400': problem('A parameter is unknown or not valid'),
        ...refusals,
        '422': problem('A parameter holds what looks like a card number'),
      },
    },
  },
  '/v1/api-keys/{id}': {
    get: {
      operationId: 'getApiKey',
      tags,
      security,
      summary: 'Read an API key',
      description: 'Needs the scope `api_keys:read`.',
      requestParams: { path },
      responses: {
        '200': answer('The key, without its secret', apiKeySchema),
        ...refusals,
        '404': problem('No such key'),
      },
    },
    delete: {
      operationId: 'revokeApiKey',
      tags,
      security,
      summary: 'Revoke an API key',
      description:
        'Needs the scope `api_keys:write`. For good; every service refuses the key within 5 seconds. Repeating it ' +
        'answers the same.',
      requestParams: { path },
      responses: {
        '200': answer('The revoked key', apiKeySchema),
        ...refusals,
        '404': problem('No such key'),
      },
    },
  },
};
