import type { RequestHandler } from 'express';
import { z } from 'zod';
import { contextOf, identityOf, parseWith, queryOf } from '@centra/service-kit/http.ts';
import { askTransaction } from '../ask-transaction.ts';
import type { Context } from '../context.ts';
import { toMode } from '../mode.ts';
import { fromCursor, limitOf, PAGE_DEADLINE_MS, pageEnd, pageEndShape, pageShape } from '../page.ts';
import { providerEventSchema, providerEventStateSchema, toJson } from './provider-event.ts';

export const listProviderEventsSchema = z.strictObject({
  ...pageShape,
  state: providerEventStateSchema.optional(),
});

export const providerEventListSchema = z
  .object({ data: z.array(providerEventSchema), ...pageEndShape })
  .meta({ id: 'ProviderEventList', description: 'Provider events, newest first' });

/** `GET /v1/provider-events`: the hotel's own events; what is unmatched or contradicts us waits here for a person. */
export function listProviderEvents(context: Context): RequestHandler {
  return async (request, response) => {
    const query = parseWith(listProviderEventsSchema, queryOf(request));
    const { merchantId, mode } = identityOf(request);
    const page = await askTransaction(
      context.transaction.listProviderEvents.bind(context.transaction),
      {
        merchantId,
        mode: toMode(mode),
        limit: limitOf(query),
        state: query.state ?? '',
        afterEventId: fromCursor('pev', query.cursor),
      },
      { requestId: contextOf(request).requestId, deadlineMs: PAGE_DEADLINE_MS },
    );
    const json: z.infer<typeof providerEventListSchema> = {
      data: page.events.map(toJson),
      ...pageEnd(page.hasMore, page.events.at(-1)?.eventId),
    };
    response.json(json);
  };
}
