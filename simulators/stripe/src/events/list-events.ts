import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { boolean, parseParams, requiredText } from '../http/params.ts';
import { createdRange, isInRange, listPage, pagination } from '../http/list.ts';
import { invalidParameter } from '../http/stripe-error.ts';
import { eventJson } from './event.ts';

const schema = z.strictObject({
  ...pagination,
  created: createdRange.optional(),
  type: requiredText(100).optional(),
  types: z.array(requiredText(100)).max(20).optional(),
  delivery_success: boolean.optional(),
});

/** `GET /v1/events`, newest first; `type` may end in `*`. */
export function listEvents(request: ApiRequest): Answer {
  const params = parseParams(schema, request.params);
  if (params.type && params.types)
    throw invalidParameter(
      'You may only specify one of these parameters: type, types.',
      'type',
      'parameters_exclusive',
    );
  const wanted = params.types ?? (params.type ? [params.type] : ['*']);
  const page = listPage(request, request.mode.events, params, {
    url: '/v1/events',
    noun: 'event',
    accepts: (event) =>
      wanted.some((pattern) => isType(event.type, pattern)) &&
      isInRange(event.created, params.created) &&
      (params.delivery_success === undefined || params.delivery_success === (event.waiting.size === 0)),
    show: (event) => eventJson(event, request.livemode),
  });
  return { status: 200, body: page };
}

function isType(type: string, pattern: string): boolean {
  return pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}
