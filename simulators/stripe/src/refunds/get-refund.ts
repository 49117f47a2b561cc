import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { expand, parseParams } from '../http/params.ts';
import { findRefund } from './refund.ts';

/** `GET /v1/refunds/:id`. */
export function getRefund(request: ApiRequest): Answer {
  const params = parseParams(z.strictObject({ expand }), request.params);
  checkExpand('refund', params.expand);
  return { status: 200, body: expanded(request, 'refund', findRefund(request).refund, params.expand) };
}
