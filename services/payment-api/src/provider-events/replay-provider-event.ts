import type { RequestHandler } from 'express';
import { z } from 'zod';
import { parseWith, refuseQuery } from '@centra/service-kit/http.ts';
import { askTransaction } from '../ask-transaction.ts';
import { callerOf } from '../caller.ts';
import type { Context } from '../context.ts';
import { toMode } from '../mode.ts';
import { pathIdOf } from '../path-id.ts';
import { toJson } from './provider-event.ts';

// One row is marked; processing it comes afterwards.
const REPLAY_DEADLINE_MS = 5_000;

/** No choices: what is stored is processed again. */
export const replayProviderEventSchema = z.strictObject({}).meta({ id: 'ReplayProviderEvent' });

/** `POST /v1/provider-events/:id/replay`: 202, since it waits for its turn then. Safe to repeat: what it says counts once. */
export function replayProviderEvent(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    refuseQuery(request);
    parseWith(replayProviderEventSchema, request.body);
    const id = pathIdOf(request, 'pev');
    const { identity, requestId, origin } = callerOf(request);
    const event = await askTransaction(
      context.transaction.replayProviderEvent.bind(context.transaction),
      { merchantId: identity.merchantId, mode: toMode(identity.mode), eventId: id, origin },
      { requestId, deadlineMs: REPLAY_DEADLINE_MS },
    );
    response.status(202).json(toJson(event));
  };
}
