import { identityOf, parseWith, queryOf } from '@centra/service-kit/http.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { RequestHandler } from 'express';
import { asReader } from '../context.ts';
import type { Context } from '../context.ts';
import { limitOf, pageQuerySchema, pageSchema, placeAfter, toPage } from '../page.ts';
import { findUsers, userSchema } from './member.ts';

export const userListSchema = pageSchema(userSchema).meta({
  id: 'UserList',
  description: 'A page of the people who work at the hotel, newest account first',
});

/** GET /v1/users: newest account first, since ids are made in order of time. */
export function listUsers(context: Context): RequestHandler {
  return async (request, response) => {
    const { merchantId } = identityOf(request);
    const query = parseWith(pageQuerySchema, queryOf(request));
    const limit = limitOf(query);
    const before = placeAfter(query, (place) => fromPublicId('usr', place));
    const users = await asReader(context, merchantId).transactional((tx) =>
      findUsers(tx, merchantId, { before, limit: limit + 1 }),
    );
    response.json(toPage(users, limit, ({ id }) => id));
  };
}
