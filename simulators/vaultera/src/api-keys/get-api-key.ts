import type { Call } from '../call.ts';
import type { Context } from '../context.ts';
import type { Reply } from '../replies.ts';
import { jsonReply } from '../replies.ts';
import { apiKeyJson, authenticate, keyInPath } from './api-key.ts';

/** `GET /api_keys/:id` */
export function getApiKey(ctx: Context, call: Call): Reply {
  const accountId = authenticate(ctx, call);
  return jsonReply(200, { data: apiKeyJson(keyInPath(ctx, accountId, call)) });
}
