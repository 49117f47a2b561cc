import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand } from '../http/expand.ts';
import { expand, parseParams } from '../http/params.ts';
import { newPaymentMethod, paymentMethodShape } from './new-payment-method.ts';
import { savePaymentMethod } from './payment-method.ts';

const schema = z.strictObject({ ...paymentMethodShape, expand });

/** `POST /v1/payment_methods`. */
export function createPaymentMethod(request: ApiRequest): Answer {
  const params = parseParams(schema, request.params);
  checkExpand('payment_method', params.expand);
  const record = newPaymentMethod(request, params);
  savePaymentMethod(request, record);
  return { status: 200, body: record.method };
}
