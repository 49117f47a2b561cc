import type { Call } from '../call.ts';
import type { Context } from '../context.ts';
import type { Reply } from '../replies.ts';
import { jsonReply } from '../replies.ts';
import { apiKeyJson, authenticate } from './api-key.ts';

/** `GET /api_keys`: every key of the account, masked. */
export function listApiKeys(ctx: Context, call: Call): Reply {
  const accountId = authenticate(ctx, call);
  const own = [...ctx.state.apiKeys.values()].filter((key) => key.account_id === accountId);
  return jsonReply(200, { data: own.map((key) => apiKeyJson(key)) });
}
