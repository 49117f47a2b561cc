import type { Call } from '../call.ts';
import type { Context } from '../context.ts';
import { recordState } from '../context.ts';
import type { Reply } from '../replies.ts';
import { emptyReply } from '../replies.ts';
import { authenticate, keyInPath } from './api-key.ts';

/** `DELETE /api_keys/:id`: the key answers 401 from now on. Revoking twice changes nothing. */
export async function revokeApiKey(ctx: Context, call: Call): Promise<Reply> {
  const accountId = authenticate(ctx, call);
  const key = keyInPath(ctx, accountId, call);
  if (key.status === 'active') {
    await recordState(ctx, [{ ...key, status: 'revoked', revoked_at: ctx.clock.iso() }]);
  }
  return emptyReply(204);
}
