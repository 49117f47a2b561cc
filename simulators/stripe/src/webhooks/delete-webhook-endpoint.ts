import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { parseParams } from '../http/params.ts';
import { findEndpoint } from './webhook-endpoint.ts';

/** `DELETE /v1/webhook_endpoints/:id`. Nothing is sent there any more, waiting retries included. */
export function deleteWebhookEndpoint(request: ApiRequest): Answer {
  parseParams(z.strictObject({}), request.params);
  const { id } = findEndpoint(request);
  request.work.save({ type: 'webhook_endpoint_deleted', id });
  return { status: 200, body: { id, object: 'webhook_endpoint', deleted: true } };
}
