import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { createdRange, isInRange, listPage, pagination } from '../http/list.ts';
import { parseParams } from '../http/params.ts';

const schema = z.strictObject({ ...pagination, created: createdRange.optional() });

/** `GET /v1/payment_intents`, newest first. */
export function listPaymentIntents(request: ApiRequest): Answer {
  const params = parseParams(schema, request.params);
  checkExpand('payment_intent', params.expand, 'data.');
  const page = listPage(request, request.mode.paymentIntents, params, {
    url: '/v1/payment_intents',
    noun: 'payment_intent',
    accepts: ({ intent }) => isInRange(intent.created, params.created),
    show: ({ intent }) => expanded(request, 'payment_intent', intent, params.expand, 'data.'),
  });
  return { status: 200, body: page };
}
