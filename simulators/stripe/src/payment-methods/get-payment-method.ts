import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand } from '../http/expand.ts';
import { expand, parseParams } from '../http/params.ts';
import { findPaymentMethod, savePaymentMethod } from './payment-method.ts';

/** `GET /v1/payment_methods/:id`. An alias such as `pm_card_visa` answers with a new payment method, as at Stripe. */
export function getPaymentMethod(request: ApiRequest): Answer {
  const params = parseParams(z.strictObject({ expand }), request.params);
  checkExpand('payment_method', params.expand);
  const record = findPaymentMethod(request, request.id('payment_method'), 404);
  savePaymentMethod(request, record);
  return { status: 200, body: record.method };
}
