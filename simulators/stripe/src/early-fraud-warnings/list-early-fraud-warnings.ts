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

/** `GET /v1/radar/early_fraud_warnings`, newest first. */
export function listEarlyFraudWarnings(request: ApiRequest): Answer {
  const params = parseParams(schema, request.params);
  checkExpand('radar.early_fraud_warning', params.expand, 'data.');
  const page = listPage(request, request.mode.earlyFraudWarnings, params, {
    url: '/v1/radar/early_fraud_warnings',
    noun: 'early_fraud_warning',
    accepts: (warning) =>
      isInRange(warning.created, params.created) &&
      (params.charge === undefined || params.charge === warning.charge) &&
      (params.payment_intent === undefined || params.payment_intent === warning.payment_intent),
    show: (warning) => expanded(request, 'radar.early_fraud_warning', warning, params.expand, 'data.'),
  });
  return { status: 200, body: page };
}
