import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { expand, parseParams } from '../http/params.ts';
import { StripeError } from '../http/stripe-error.ts';
import { findRefund } from './refund.ts';

/** `POST /v1/refunds/:id/cancel` is for refunds in `requires_action`, which a card refund never is: always refused. */
export function cancelRefund(request: ApiRequest): Answer {
  parseParams(z.strictObject({ expand }), request.params);
  findRefund(request);
  const message = 'Canceling this refund is unsupported.';
  throw new StripeError(400, { type: 'invalid_request_error', message }, { executed: true });
}
