import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { expand, parseParams } from '../http/params.ts';
import { resourceMissing } from '../http/stripe-error.ts';

/** `GET /v1/radar/early_fraud_warnings/:id`. */
export function getEarlyFraudWarning(request: ApiRequest): Answer {
  const params = parseParams(z.strictObject({ expand }), request.params);
  checkExpand('radar.early_fraud_warning', params.expand);
  const id = request.id('early_fraud_warning');
  const warning = request.read(request.mode.earlyFraudWarnings, id);
  if (!warning) throw resourceMissing('early_fraud_warning', id, 'early_fraud_warning', 404);
  return { status: 200, body: expanded(request, 'radar.early_fraud_warning', warning, params.expand) };
}
