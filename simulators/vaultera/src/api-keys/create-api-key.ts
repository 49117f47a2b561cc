import { z } from 'zod';
import type { Call } from '../call.ts';
import { jsonBody } from '../call.ts';
import type { Context } from '../context.ts';
import { recordState } from '../context.ts';
import type { Reply } from '../replies.ts';
import { badRequest, invalid, jsonReply } from '../replies.ts';
import { apiKeyJson, authenticate, newApiKey, newKeyText } from './api-key.ts';

/** Lists are not paged, so they must stay short. */
const KEYS_PER_ACCOUNT_MAX = 1000;

const bodySchema = z.object({ api_key: z.object({ description: z.string().max(255).default('') }) });

/** `POST /api_keys`: a secondary key of the same account; the answer is the only place the clear key appears. */
export async function createApiKey(ctx: Context, call: Call): Promise<Reply> {
  const accountId = authenticate(ctx, call);
  const body = bodySchema.safeParse(jsonBody(call));
  if (!body.success) throw badRequest('the body must be {"api_key":{"description":"..."}}');
  const count = [...ctx.state.apiKeys.values()].filter((key) => key.account_id === accountId).length;
  if (count >= KEYS_PER_ACCOUNT_MAX)
    throw invalid({ api_key: [`at most ${KEYS_PER_ACCOUNT_MAX} per account`] });
  const text = newKeyText();
  const key = newApiKey(ctx, accountId, text, body.data.api_key.description);
  await recordState(ctx, [key]);
  return jsonReply(200, { data: apiKeyJson(key, text) });
}
