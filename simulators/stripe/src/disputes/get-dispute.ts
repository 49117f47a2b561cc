import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { expand, parseParams } from '../http/params.ts';
import { findDispute } from './dispute.ts';

/** `GET /v1/disputes/:id`. */
export function getDispute(request: ApiRequest): Answer {
  const params = parseParams(z.strictObject({ expand }), request.params);
  checkExpand('dispute', params.expand);
  return { status: 200, body: expanded(request, 'dispute', findDispute(request).dispute, params.expand) };
}
