import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand } from '../http/expand.ts';
import { listPage, pagination } from '../http/list.ts';
import { parseParams } from '../http/params.ts';
import { Collection } from '../store/collection.ts';
import { findSession } from './checkout-session.ts';
import type { LineItem } from './line-item.ts';

/** `GET /v1/checkout/sessions/:id/line_items`, in the order they were given. */
export function listLineItems(request: ApiRequest): Answer {
  const params = parseParams(z.strictObject(pagination), request.params);
  checkExpand('item', params.expand, 'data.');
  const { lineItems, session } = findSession(request);
  // Pages run from the newest to the oldest; the first line is the newest of its own small collection.
  const lines = new Collection<LineItem>();
  for (const line of lineItems.toReversed()) lines.put(line.id, line, session.created * 1000);
  const page = listPage(request, lines, params, {
    url: `/v1/checkout/sessions/${session.id}/line_items`,
    noun: 'line item',
    accepts: () => true,
    show: (line) => line,
  });
  return { status: 200, body: page };
}
