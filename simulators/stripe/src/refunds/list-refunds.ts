import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { createdRange, isInRange, listPage, pagination } from '../http/list.ts';
import { parseParams, requiredText } from '../http/params.ts';
import { resourceMissing } from '../http/stripe-error.ts';

const schema = z.strictObject({
  ...pagination,
  charge: requiredText(255).optional(),
  created: createdRange.optional(),
  payment_intent: requiredText(255).optional(),
});

/** `GET /v1/refunds`, newest first, of everything, of one charge or of one payment. */
export function listRefunds(request: ApiRequest): Answer {
  const params = parseParams(schema, request.params);
  checkExpand('refund', params.expand, 'data.');
  const { charge, payment_intent: intent } = params;
  if (charge !== undefined && !request.mode.charges.has(charge))
    throw resourceMissing('charge', charge, 'charge', 404);
  if (intent !== undefined && !request.mode.paymentIntents.has(intent))
    throw resourceMissing('payment_intent', intent, 'payment_intent', 404);
  const page = listPage(request, request.mode.refunds, params, {
    url: '/v1/refunds',
    noun: 'refund',
    accepts: ({ refund }) =>
      isInRange(refund.created, params.created) &&
      (charge === undefined || refund.charge === charge) &&
      (intent === undefined || refund.payment_intent === intent),
    show: ({ refund }) => expanded(request, 'refund', refund, params.expand, 'data.'),
  });
  return { status: 200, body: page };
}
