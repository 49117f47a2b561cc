import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, userOf } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { RequestHandler } from 'express';
import { addUserEvent } from '../audit/user-event.ts';
import type { UserEventSource } from '../audit/user-event.ts';
import type { Context } from '../context.ts';
import { endSessions, personOf } from './session.ts';
import type { EndedReason } from './session.ts';

/** DELETE /v1/auth/sessions/:id: one of the person's own; 404 for every other one and for one that has ended. */
export function endSession(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const { userId } = personOf(userOf(request));
    const id = fromPublicId('ses', request.params.id);
    if (id === undefined) throw new AppError('not_found');
    const { requestId, address } = contextOf(request);
    const ended = await endOne(context, { userId, requestId, address }, id, 'revoked');
    if (!ended) throw new AppError('not_found');
    response.status(204).end();
  };
}

/** Ends one session of the person with its event. Answers whether it was open. */
export async function endOne(
  context: Context,
  source: UserEventSource,
  sessionId: string,
  reason: EndedReason,
): Promise<boolean> {
  return await context.orm.em.fork().transactional(async (tx) => {
    if ((await endSessions(tx, source.userId, { reason, only: sessionId })) === 0) return false;
    await addUserEvent(tx, source, 'session.ended', { session_id: toPublicId('ses', sessionId), reason });
    return true;
  });
}
