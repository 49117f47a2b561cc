import { z } from 'zod';

import { API_VERSION } from '../events/event.ts';
import type { Answer, ApiRequest } from '../http/api-request.ts';
import {
  applyMetadata,
  boolean,
  expand,
  metadata,
  parseParams,
  requiredText,
  text,
  url,
} from '../http/params.ts';
import { invalidParameter } from '../http/stripe-error.ts';
import { newId } from '../ids.ts';
import { endpointSecret, type WebhookEndpoint } from './webhook-endpoint.ts';

const schema = z.strictObject({
  url,
  enabled_events: z.array(requiredText(100)).min(1).max(300),
  api_version: text(50).optional(),
  connect: boolean.optional(),
  description: text(1_000).optional(),
  metadata: metadata.optional(),
  expand,
});

/** Stripe's limit per account and mode. */
const ENDPOINTS_MAX = 16;

/** `POST /v1/webhook_endpoints`. The only answer that ever shows the secret. */
export function createWebhookEndpoint(request: ApiRequest): Answer {
  const params = parseParams(schema, request.params);
  if (!isLoopback(params.url)) {
    throw invalidParameter(
      'Invalid URL: this simulator delivers to loopback addresses only.',
      'url',
      'url_invalid',
    );
  }
  const open = [...request.mode.endpoints.ids()].filter((id) => request.mode.endpoints.get(id));
  if (open.length >= ENDPOINTS_MAX)
    throw invalidParameter(`You have reached the maximum of ${ENDPOINTS_MAX} webhook endpoints.`);
  const endpoint: WebhookEndpoint = {
    id: newId('we'),
    object: 'webhook_endpoint',
    api_version: params.api_version ?? API_VERSION,
    application: null,
    created: Math.floor(request.nowMs / 1000),
    description: params.description ?? null,
    enabled_events: params.enabled_events,
    livemode: request.livemode,
    metadata: applyMetadata({}, params.metadata),
    status: 'enabled',
    url: params.url,
  };
  request.work.save({ type: 'webhook_endpoint', value: endpoint });
  const secret = endpointSecret(request.context.instanceKey, endpoint.id);
  return { status: 200, body: { ...endpoint, secret } };
}

/** The simulator never talks to anything outside this machine. */
function isLoopback(address: string): boolean {
  const { hostname } = new URL(address);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
