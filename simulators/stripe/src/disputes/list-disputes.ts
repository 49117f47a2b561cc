import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { createdRange, isInRange, listPage, pagination } from '../http/list.ts';
import { parseParams, requiredText } from '../http/params.ts';

const schema = z.strictObject({
  ...pagination,
  charge: requiredText(255).optional(),
  created: createdRange.optional(),
  payment_intent: requiredText(255).optional(),
});

/** `GET /v1/disputes`, newest first. */
export function listDisputes(request: ApiRequest): Answer {
  const params = parseParams(schema, request.params);
  checkExpand('dispute', params.expand, 'data.');
  const page = listPage(request, request.mode.disputes, params, {
    url: '/v1/disputes',
    noun: 'dispute',
    accepts: ({ dispute }) =>
      isInRange(dispute.created, params.created) &&
      (params.charge === undefined || params.charge === dispute.charge) &&
      (params.payment_intent === undefined || params.payment_intent === dispute.payment_intent),
    show: ({ dispute }) => expanded(request, 'dispute', dispute, params.expand, 'data.'),
  });
  return { status: 200, body: page };
}
