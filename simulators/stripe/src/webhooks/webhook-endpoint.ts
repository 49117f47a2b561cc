import type { ApiRequest } from '../http/api-request.ts';
import { resourceMissing } from '../http/stripe-error.ts';
import type { InstanceKey } from '../instance-key.ts';

/** The object as the API shows it after creation: without its secret. */
export type WebhookEndpoint = {
  id: string;
  object: 'webhook_endpoint';
  api_version: string | null;
  application: null;
  created: number;
  description: string | null;
  enabled_events: string[];
  livemode: boolean;
  metadata: Record<string, string>;
  status: 'enabled';
  url: string;
};

export function isMatch(endpoint: WebhookEndpoint, eventType: string): boolean {
  return endpoint.enabled_events.includes('*') || endpoint.enabled_events.includes(eventType);
}

/** Derived from the instance's key, so that it is never stored and yet survives a restart. */
export function endpointSecret(instanceKey: InstanceKey, endpointId: string): string {
  return `whsec_${instanceKey.digest('webhook', endpointId).slice(0, 32)}`;
}

/** The endpoint named in the path. Throws resource_missing (404). */
export function findEndpoint(request: ApiRequest): WebhookEndpoint {
  const id = request.id('webhook_endpoint');
  const endpoint = request.read(request.mode.endpoints, id);
  if (!endpoint) throw resourceMissing('webhook endpoint', id, 'id', 404);
  return endpoint;
}
