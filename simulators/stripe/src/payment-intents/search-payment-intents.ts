import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { limit, pageSize } from '../http/list.ts';
import { expand, parseParams, requiredText } from '../http/params.ts';
import { invalidParameter } from '../http/stripe-error.ts';
import { parseQuery } from '../search/search-query.ts';

const schema = z.strictObject({
  query: requiredText(5_000),
  limit,
  page: requiredText(255).optional(),
  expand,
});

/** `GET /v1/payment_intents/search`: what the index knows, which is a while behind. */
export function searchPaymentIntents(request: ApiRequest): Answer {
  const params = parseParams(schema, request.params);
  checkExpand('payment_intent', params.expand, 'data.');
  const size = pageSize(params.limit);
  const indexed = request.mode.search.find(parseQuery(params.query), request.nowMs);
  const found = indexed.filter(({ id }) => request.read(request.mode.paymentIntents, id) !== undefined);
  const from = startOf(params.page);
  const data = found.slice(from, from + size);
  const hasMore = found.length > from + size;
  const body = {
    object: 'search_result' as const,
    data: data.map((intent) => expanded(request, 'payment_intent', intent, params.expand, 'data.')),
    has_more: hasMore,
    next_page: hasMore ? Buffer.from(String(from + size)).toString('base64url') : null,
    url: '/v1/payment_intents/search',
  };
  return { status: 200, body };
}

function startOf(page: string | undefined): number {
  if (page === undefined) return 0;
  const start = Buffer.from(page, 'base64url').toString('utf8');
  if (!/^\d{1,9}$/.test(start)) throw invalidParameter('Invalid page token.', 'page');
  return Number(start);
}
