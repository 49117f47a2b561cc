import { answer, json, noStore, problem } from '@centra/service-kit/openapi-parts.ts';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { bodyRefusals, explained, missing, pageOf, refusals } from './openapi-parts.ts';
import { createWebhookEndpointSchema } from './webhook-endpoints/create-webhook-endpoint.ts';
import { listWebhookEndpointsSchema } from './webhook-endpoints/list-webhook-endpoints.ts';
import { rotateWebhookSecretSchema } from './webhook-endpoints/rotate-webhook-secret.ts';
import { webhookTestSchema } from './webhook-endpoints/test-webhook-endpoint.ts';
import { updateWebhookEndpointSchema } from './webhook-endpoints/update-webhook-endpoint.ts';
import {
  webhookEndpointSchema,
  webhookEndpointWithSecretSchema,
} from './webhook-endpoints/webhook-endpoint.ts';

const tags = ['Webhook endpoints'];
const path = z.object({
  id: z.string().meta({ description: 'The webhook endpoint', example: 'we_01jd0000000000000000000000' }),
});

export const webhookEndpointPageSchema = pageOf(webhookEndpointSchema).meta({ id: 'WebhookEndpointList' });

const urlRefusals = {
  ...bodyRefusals,
  '422': explained(
    problem(['url_not_allowed', 'card_data_not_allowed']),
    '`url_not_allowed`: not https on port 443, a user, password or fragment in it, or a name or address that is not public ' +
      'or not there. Which of these is not said. Nothing was saved.',
  ),
};

/** The routes of a hotel's own webhook endpoints. */
export const paths: ZodOpenApiPathsObject = {
  '/v1/webhook-endpoints': {
    post: {
      operationId: 'createWebhookEndpoint',
      tags,
      summary: 'Add a webhook endpoint',
      description:
        'The answer holds the secret that verifies deliveries, this once. Deliveries follow Standard Webhooks: `webhook-id`, ' +
        '`webhook-timestamp` and `webhook-signature` headers, HMAC-SHA-256 over `id.timestamp.body`.',
      requestBody: json(createWebhookEndpointSchema),
      responses: {
        '201': answer('Added', webhookEndpointWithSecretSchema, noStore),
        ...urlRefusals,
        '404': explained(problem(['not_found']), 'The merchant is not registered.'),
        '409': explained(problem(['state_conflict']), 'There are 20 endpoints of this mode already.'),
      },
    },
    get: {
      operationId: 'listWebhookEndpoints',
      tags,
      summary: 'List webhook endpoints',
      description: 'Newest first, never a secret. A test key sees test endpoints only.',
      requestParams: { query: listWebhookEndpointsSchema },
      responses: { '200': answer('A page', webhookEndpointPageSchema), ...refusals },
    },
  },
  '/v1/webhook-endpoints/{id}': {
    get: {
      operationId: 'getWebhookEndpoint',
      tags,
      summary: 'Read a webhook endpoint',
      requestParams: { path },
      responses: { '200': answer('The endpoint', webhookEndpointSchema), ...refusals, ...missing },
    },
    post: {
      operationId: 'updateWebhookEndpoint',
      tags,
      summary: 'Change a webhook endpoint',
      description: 'A new URL is judged as at the start. The secret stays.',
      requestParams: { path },
      requestBody: json(updateWebhookEndpointSchema),
      responses: { '200': answer('As it is now', webhookEndpointSchema), ...urlRefusals, ...missing },
    },
    delete: {
      operationId: 'deleteWebhookEndpoint',
      tags,
      summary: 'Delete a webhook endpoint',
      description: 'Nothing is sent there any more, and its secrets end. Repeating it answers the same.',
      requestParams: { path },
      responses: { '204': { description: 'Deleted' }, ...refusals, ...missing },
    },
  },
  '/v1/webhook-endpoints/{id}/rotate-secret': {
    post: {
      operationId: 'rotateWebhookSecret',
      tags,
      summary: 'Replace the secret of an endpoint',
      description:
        'The new secret is in this answer only. The one before signs as well for `overlap_seconds` (a day when left out, 0 to ' +
        'end it at once); any older one ends now. Repeating it makes another secret.',
      requestParams: { path },
      requestBody: { ...json(rotateWebhookSecretSchema), required: false },
      responses: {
        '200': answer('With the new secret', webhookEndpointWithSecretSchema, noStore),
        ...bodyRefusals,
        ...missing,
      },
    },
  },
  '/v1/webhook-endpoints/{id}/test': {
    post: {
      operationId: 'testWebhookEndpoint',
      tags,
      summary: 'Send a test event to an endpoint',
      description:
        'One signed event of type `webhook.test`, also to a disabled endpoint, once a second at most. Takes no body and no ' +
        'choices. Redirects are not followed and of the answer only the status is told.',
      requestParams: { path },
      responses: {
        '200': answer('What came of it', webhookTestSchema),
        ...bodyRefusals,
        ...missing,
      },
    },
  },
};
