import { randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { authenticate } from '../api-keys/api-key.ts';
import { sessionAttributes, sessionExpiry } from '../assumptions.ts';
import type { Call } from '../call.ts';
import { jsonBody } from '../call.ts';
import type { Context } from '../context.ts';
import { recordEffect } from '../context.ts';
import type { Reply } from '../replies.ts';
import { badRequest, invalid, jsonReply } from '../replies.ts';
import type { Session } from '../state.ts';
import { SESSION_SCOPES } from '../state.ts';
import { forgetExpiredSessions, sessionHash } from './session-token.ts';

const bodySchema = z.object({ session_token: z.object({ scope: z.string() }) });
const scopeSchema = z.enum(SESSION_SCOPES);

/** `POST /session_tokens`: a one-off credential for a page in a browser. */
export async function createSessionToken(ctx: Context, call: Call): Promise<Reply> {
  const accountId = authenticate(ctx, call);
  const body = bodySchema.safeParse(jsonBody(call));
  if (!body.success) throw badRequest('the body must be {"session_token":{"scope":"card"}}');
  const scope = scopeSchema.safeParse(body.data.session_token.scope);
  if (!scope.success) throw invalid({ scope: ['is invalid'] });
  forgetExpiredSessions(ctx);
  const token = randomBytes(32).toString('hex');
  const session: Session = {
    object: 'session_token',
    id: randomUUID(),
    account_id: accountId,
    token_hash: sessionHash(token),
    scope: scope.data,
    expires_at: sessionExpiry(ctx.clock.nowMs(), ctx.assumptions),
    spent: false,
  };
  const { id, expires_at } = session;
  await recordEffect(
    ctx,
    'session_token.created',
    { account: accountId, id, scope: scope.data, expires_at },
    [session],
  );
  return jsonReply(200, {
    data: { id, type: 'session_token', attributes: sessionAttributes(token, session) },
  });
}
