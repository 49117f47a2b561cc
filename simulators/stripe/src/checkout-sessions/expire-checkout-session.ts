import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand } from '../http/expand.ts';
import { expand, parseParams } from '../http/params.ts';
import { StripeError } from '../http/stripe-error.ts';
import { findSession, shownSession } from './checkout-session.ts';
import { expireSession } from './expire-session.ts';

/** `POST /v1/checkout/sessions/:id/expire`: only while open. */
export function expireCheckoutSession(request: ApiRequest): Answer {
  const params = parseParams(z.strictObject({ expand }), request.params);
  checkExpand('checkout.session', params.expand);
  const { session } = findSession(request);
  if (session.status !== 'open') {
    const message =
      'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of ' +
      `\`${session.status}\`.`;
    throw new StripeError(400, { type: 'invalid_request_error', message }, { executed: true });
  }
  expireSession(request.work, session.id);
  return { status: 200, body: shownSession(request, findSession(request), params.expand) };
}
