import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand } from '../http/expand.ts';
import { expand, parseParams } from '../http/params.ts';
import { resourceMissing } from '../http/stripe-error.ts';
import { eventJson } from './event.ts';

/** `GET /v1/events/:id`. */
export function getEvent(request: ApiRequest): Answer {
  const params = parseParams(z.strictObject({ expand }), request.params);
  checkExpand('event', params.expand);
  const id = request.id('event');
  const event = request.read(request.mode.events, id);
  if (!event) throw resourceMissing('event', id, 'id', 404);
  return { status: 200, body: eventJson(event, request.livemode) };
}
