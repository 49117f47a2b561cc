import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand } from '../http/expand.ts';
import { expand, parseParams } from '../http/params.ts';
import { findSession, shownSession } from './checkout-session.ts';

/** `GET /v1/checkout/sessions/:id`. */
export function getCheckoutSession(request: ApiRequest): Answer {
  const params = parseParams(z.strictObject({ expand }), request.params);
  checkExpand('checkout.session', params.expand);
  return { status: 200, body: shownSession(request, findSession(request), params.expand) };
}
