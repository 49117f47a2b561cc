import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { expand, parseParams, requiredText } from '../http/params.ts';
import { findPaymentIntent } from './payment-intent.ts';

/** `GET /v1/payment_intents/:id`. */
export function getPaymentIntent(request: ApiRequest): Answer {
  const params = parseParams(
    z.strictObject({ expand, client_secret: requiredText(255).optional() }),
    request.params,
  );
  checkExpand('payment_intent', params.expand);
  return {
    status: 200,
    body: expanded(request, 'payment_intent', findPaymentIntent(request).intent, params.expand),
  };
}
