import { parseWith, queryOf, userOf } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { raw } from '@mikro-orm/core';
import type { RequestHandler } from 'express';
import { asReaderOfUser } from '../context.ts';
import type { Context } from '../context.ts';
import { limitOf, pageQuerySchema, pageSchema, placeAfter, toPage } from '../page.ts';
import { personOf } from '../sessions/session.ts';
import { CONFIRM_MINUTES, Factor, factorSchema, toJson } from './factor.ts';

export const factorListSchema = pageSchema(factorSchema).meta({
  id: 'FactorList',
  description: 'A page of second factors, newest first',
});

/** GET /v1/auth/factors: the person's own, newest first, with the one that waits to be confirmed. Never a secret. */
export function listFactors(context: Context): RequestHandler {
  return async (request, response) => {
    const { userId } = personOf(userOf(request));
    const query = parseWith(pageQuerySchema, queryOf(request));
    const limit = limitOf(query);
    const after = placeAfter(query, (place) => fromPublicId('fac', place));
    const waiting = raw(`now() - interval '${CONFIRM_MINUTES} minutes'`);
    const factors = await asReaderOfUser(context, userId).find(
      Factor,
      {
        userId,
        $or: [{ confirmedAt: { $ne: null } }, { createdAt: { $gt: waiting } }],
        ...(after === undefined ? {} : { id: { $lt: after } }),
      },
      { orderBy: { id: 'desc' }, limit: limit + 1 },
    );
    const page = toPage(factors, limit, ({ id }) => toPublicId('fac', id));
    response.json({ ...page, data: page.data.map(toJson) });
  };
}
