import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand } from '../http/expand.ts';
import { expand, parseParams } from '../http/params.ts';
import { findEndpoint } from './webhook-endpoint.ts';

/** `GET /v1/webhook_endpoints/:id`. */
export function getWebhookEndpoint(request: ApiRequest): Answer {
  const params = parseParams(z.strictObject({ expand }), request.params);
  checkExpand('webhook_endpoint', params.expand);
  return { status: 200, body: findEndpoint(request) };
}
