import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf, parseWith, queryOf } from '@centra/service-kit/http.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { asReader } from '../context.ts';
import type { Context } from '../context.ts';
import { limitOf, pageQuerySchema, pageSchema, placeAfter, toPage } from '../page.ts';
import { ApiKey, visibleModes } from './api-key.ts';

const usageSchema = z
  .object({
    day: z.iso.date().meta({ description: 'UTC', example: '2026-03-01' }),
    requests: z.int().min(1).meta({ description: 'Requests made with the key that day', example: 1204 }),
  })
  .meta({ id: 'ApiKeyUsage', description: 'How much a key was used on one day' });

export const usageListSchema = pageSchema(usageSchema).meta({
  id: 'ApiKeyUsageList',
  description: 'A page of days on which the key was used, newest first',
});

/** GET /v1/api-keys/:id/usage: days without a request are left out. The last few seconds may be missing. */
export function getApiKeyUsage(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const identity = identityOf(request);
    const { merchantId } = identity;
    const query = parseWith(pageQuerySchema, queryOf(request));
    const id = fromPublicId('key', request.params.id);
    if (id === undefined) throw new AppError('not_found');
    const limit = limitOf(query);
    const before = placeAfter(query, (place) => z.iso.date().safeParse(place).data) ?? null;
    const days = await asReader(context, merchantId).transactional(async (tx) => {
      const key = await tx.findOne(ApiKey, { merchantId, id, mode: visibleModes(identity) });
      if (key === null) throw new AppError('not_found');
      return await tx.execute<Day[]>(DAYS, [merchantId, id, before, before, limit + 1]);
    });
    response.json(toPage(days.map(toJson), limit, ({ day }) => day));
  };
}

/** `requests` as text: a count is an int8. */
type Day = { day: string; requests: string };

const DAYS = `
select day::text as day, requests::text as requests from api_key_usage
where merchant_id = ? and api_key_id = ? and requests > 0 and (?::date is null or day < ?::date)
order by day desc limit ?`;

function toJson({ day, requests }: Day): z.infer<typeof usageSchema> {
  // Far below 2^53: a thousand requests a second for a day are 86 million.
  return { day, requests: Number(requests) };
}
