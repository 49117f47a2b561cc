import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { expand, parseParams } from '../http/params.ts';
import { resourceMissing } from '../http/stripe-error.ts';

/** `GET /v1/charges/:id`. */
export function getCharge(request: ApiRequest): Answer {
  const params = parseParams(z.strictObject({ expand }), request.params);
  checkExpand('charge', params.expand);
  const id = request.id('charge');
  const charge = request.read(request.mode.charges, id);
  if (!charge) throw resourceMissing('charge', id, 'id', 404);
  return { status: 200, body: expanded(request, 'charge', charge, params.expand) };
}
