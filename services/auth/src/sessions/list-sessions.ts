import { parseWith, queryOf, userOf } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { raw } from '@mikro-orm/core';
import type { RequestHandler } from 'express';
import { asReaderOfUser } from '../context.ts';
import type { Context } from '../context.ts';
import { limitOf, pageQuerySchema, pageSchema, placeAfter, toPage } from '../page.ts';
import { Session, personOf, sessionSchema, toJson } from './session.ts';

export const sessionListSchema = pageSchema(sessionSchema).meta({
  id: 'SessionList',
  description: 'A page of open sessions, newest first',
});

/** GET /v1/auth/sessions: the person's open ones, newest first, since ids are made in order of time. */
export function listSessions(context: Context): RequestHandler {
  return async (request, response) => {
    const { userId, sessionId } = personOf(userOf(request));
    const query = parseWith(pageQuerySchema, queryOf(request));
    const limit = limitOf(query);
    const after = placeAfter(query, (place) => fromPublicId('ses', place));
    const sessions = await asReaderOfUser(context, userId).find(
      Session,
      {
        userId,
        endedAt: null,
        expiresAt: { $gt: raw('now()') },
        ...(after === undefined ? {} : { id: { $lt: after } }),
      },
      { orderBy: { id: 'desc' }, limit: limit + 1 },
    );
    const page = toPage(sessions, limit, ({ id }) => toPublicId('ses', id));
    response.json({ ...page, data: page.data.map((session) => toJson(session, sessionId)) });
  };
}
