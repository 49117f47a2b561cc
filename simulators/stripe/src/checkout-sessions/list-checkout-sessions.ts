import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand } from '../http/expand.ts';
import { createdRange, isInRange, listPage, pagination } from '../http/list.ts';
import { parseParams, requiredText } from '../http/params.ts';
import { shownSession } from './checkout-session.ts';
import { expireIfOverdue } from './expire-session.ts';

const schema = z.strictObject({
  ...pagination,
  created: createdRange.optional(),
  payment_intent: requiredText(255).optional(),
  status: z.enum(['complete', 'expired', 'open']).optional(),
});

/** `GET /v1/checkout/sessions`, newest first. */
export function listCheckoutSessions(request: ApiRequest): Answer {
  const params = parseParams(schema, request.params);
  checkExpand('checkout.session', params.expand, 'data.');
  for (const id of request.mode.openSessions) expireIfOverdue(request.work, id);
  const page = listPage(request, request.mode.checkoutSessions, params, {
    url: '/v1/checkout/sessions',
    noun: 'checkout.session',
    accepts: ({ session }) =>
      isInRange(session.created, params.created) &&
      (params.payment_intent === undefined || params.payment_intent === session.payment_intent) &&
      (params.status === undefined || params.status === session.status),
    show: (record) => shownSession(request, record, params.expand, 'data.'),
  });
  return { status: 200, body: page };
}
