import { contextOf, userOf } from '@centra/service-kit/http.ts';
import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { endOne } from './end-session.ts';
import { personOf } from './session.ts';

/** POST /v1/auth/logout: the session that asks ends. Repeating it changes nothing. */
export function logout(context: Context): RequestHandler {
  return async (request, response) => {
    const { userId, sessionId } = personOf(userOf(request));
    const { requestId, address } = contextOf(request);
    await endOne(context, { userId, requestId, address }, sessionId, 'logged_out');
    response.status(204).end();
  };
}
