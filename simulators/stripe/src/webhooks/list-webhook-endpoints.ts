import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { listPage, pagination } from '../http/list.ts';
import { parseParams } from '../http/params.ts';

/** `GET /v1/webhook_endpoints`, newest first. */
export function listWebhookEndpoints(request: ApiRequest): Answer {
  const params = parseParams(z.strictObject(pagination), request.params);
  const page = listPage(request, request.mode.endpoints, params, {
    url: '/v1/webhook_endpoints',
    noun: 'webhook endpoint',
    accepts: (endpoint) => endpoint !== null,
    show: (endpoint) => endpoint,
  });
  return { status: 200, body: page };
}
