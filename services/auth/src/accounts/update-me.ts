import { contextOf, parseWith, userOf } from '@centra/service-kit/http.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { addUserEvent } from '../audit/user-event.ts';
import type { Context } from '../context.ts';
import { personOf } from '../sessions/session.ts';
import { readMe } from './get-me.ts';
import { localeSchema, personNameSchema } from './user.ts';

export const updateMeSchema = z
  .strictObject({ name: personNameSchema.optional(), locale: localeSchema.optional() })
  .refine(({ name, locale }) => name !== undefined || locale !== undefined, 'must name a field to change')
  .meta({ id: 'UpdateMe', description: 'What is to change; at least one field' });

/** POST /v1/auth/me: how a person is called, and the language we write in. */
export function updateMe(context: Context): RequestHandler {
  return async (request, response) => {
    const { name, locale } = parseWith(updateMeSchema, request.body);
    const { userId, sessionId } = personOf(userOf(request));
    // Refuses a session that has ended in the meantime.
    const before = await readMe(context, userId, sessionId);
    const fields = [
      ...(name === undefined || name === before.name ? [] : ['name']),
      ...(locale === undefined || locale === before.locale ? [] : ['locale']),
    ];
    const { requestId, address } = contextOf(request);
    if (fields.length > 0)
      await context.orm.em.fork().transactional(async (tx) => {
        await tx.execute(
          'update users set name = coalesce(?, name), locale = coalesce(?, locale) where id = ?',
          [name ?? null, locale ?? null, userId],
        );
        await addUserEvent(tx, { userId, requestId, address }, 'profile.changed', { fields });
      });
    response.json(await readMe(context, userId, sessionId));
  };
}
