import { answer, json, noStore, problem } from '@centra/service-kit/openapi-parts.ts';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { apiKeySchema, createApiKeySchema, createdApiKeySchema } from './api-keys/api-key.ts';
import { usageListSchema } from './api-keys/get-api-key-usage.ts';
import { apiKeyListSchema, listApiKeysQuerySchema } from './api-keys/list-api-keys.ts';
import { rotateApiKeySchema } from './api-keys/rotate-api-key.ts';
import { bodyRefusals, queryRefusals, refusals } from './openapi-parts.ts';
import { pageQuerySchema } from './page.ts';

const tags = ['API keys'];
const path = z.object({
  id: z.string().meta({ description: 'The key', example: 'key_01jd0000000000000000000000' }),
});

export const paths: ZodOpenApiPathsObject = {
  '/v1/api-keys': {
    post: {
      operationId: 'createApiKey',
      tags,
      summary: 'Make an API key',
      description:
        'Needs `api_keys:write`. The secret is in this answer only. Nobody grants more than they may do themselves, and a ' +
        'test credential makes only test keys. If the answer is lost, revoke the key that the list shows and make another.',
      requestBody: json(createApiKeySchema),
      responses: {
        '201': answer('The key, with its secret', createdApiKeySchema, noStore),
        ...refusals,
        ...bodyRefusals,
        '409': problem(['state_conflict']),
      },
    },
    get: {
      operationId: 'listApiKeys',
      tags,
      summary: 'List API keys',
      description:
        'Needs `api_keys:read`. Newest first, revoked and expired ones included, never a secret. A test credential sees ' +
        'test keys only.',
      requestParams: { query: listApiKeysQuerySchema },
      responses: { '200': answer('A page', apiKeyListSchema), ...refusals, ...queryRefusals },
    },
  },
  '/v1/api-keys/{id}': {
    get: {
      operationId: 'getApiKey',
      tags,
      summary: 'Read an API key',
      description: 'Needs `api_keys:read`.',
      requestParams: { path },
      responses: {
        '200': answer('The key, without its secret', apiKeySchema),
        ...refusals,
        '404': problem(['not_found']),
      },
    },
    delete: {
      operationId: 'revokeApiKey',
      tags,
      summary: 'Revoke an API key',
      description:
        'Needs `api_keys:write`. For good; every service refuses the key within 5 seconds. Repeating it answers the same.',
      requestParams: { path },
      responses: {
        '200': answer('The revoked key', apiKeySchema),
        ...refusals,
        '404': problem(['not_found']),
      },
    },
  },
  '/v1/api-keys/{id}/rotate': {
    post: {
      operationId: 'rotateApiKey',
      tags,
      summary: 'Replace an API key',
      description:
        'Needs `api_keys:write`, and all that the key may do; a key may replace itself. The new one may do the same from the ' +
        'same addresses and lives as long as the old one was meant to; its secret is in this answer only. The old one expires ' +
        'after the overlap, or when it would have, if that is sooner. If the answer is lost, do it again while the old one works, ' +
        'and revoke the one that nobody has.',
      requestParams: { path },
      requestBody: json(rotateApiKeySchema),
      responses: {
        '201': answer('The new key, with its secret', createdApiKeySchema, noStore),
        ...refusals,
        ...bodyRefusals,
        '404': problem(['not_found']),
        '409': problem(['state_conflict']),
      },
    },
  },
  '/v1/api-keys/{id}/usage': {
    get: {
      operationId: 'getApiKeyUsage',
      tags,
      summary: 'Read how much an API key is used',
      description:
        'Needs `api_keys:read`. Requests for each UTC day with any, newest first. The last few seconds may be missing, and so ' +
        'may a few seconds before a failure of ours.',
      requestParams: { path, query: pageQuerySchema },
      responses: {
        '200': answer('A page', usageListSchema),
        ...refusals,
        ...queryRefusals,
        '404': problem(['not_found']),
      },
    },
  },
};
