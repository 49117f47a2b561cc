import type { RequestHandler } from 'express';
import { z } from 'zod';
import { contextOf, identityOf, refuseQuery } from '@centra/service-kit/http.ts';
import { askTransaction } from '../ask-transaction.ts';
import type { Context } from '../context.ts';
import { toMode } from '../mode.ts';

// Transaction asks the hotel's card vault, which answers within a second or not at all.
const SESSION_DEADLINE_MS = 15_000;

export const sessionSchema = z
  .object({
    vault: z.string().meta({ description: 'Who holds the card', example: 'vaultera' }),
    session_token: z.string().meta({ description: 'For one capture; ask for another after each submit' }),
    iframe_url: z.string().meta({ description: 'The card form: the `src` of an iframe' }),
    iframe_origin: z
      .string()
      .meta({ description: 'Check it on messages from the form, and send messages to it only' }),
    expires_at: z.string().meta({ description: 'ISO 8601, UTC' }),
  })
  .meta({ id: 'CaptureSession', description: 'A one-off session in which a guest enters a card' });

/** `GET /v1/session` */
export function createSession(context: Context): RequestHandler {
  return async (request, response) => {
    refuseQuery(request);
    const { merchantId, mode } = identityOf(request);
    const session = await askTransaction(
      context.transaction.createCaptureSession.bind(context.transaction),
      { merchantId, mode: toMode(mode) },
      { requestId: contextOf(request).requestId, deadlineMs: SESSION_DEADLINE_MS },
    );
    if (session.expiresAt === undefined) throw new Error('transaction sent a capture session without an end');
    const json: z.infer<typeof sessionSchema> = {
      vault: session.vault,
      session_token: session.sessionToken,
      iframe_url: session.iframeUrl,
      iframe_origin: session.iframeOrigin,
      expires_at: session.expiresAt.toISOString(),
    };
    response.json(json);
  };
}
