import { z } from 'zod';
import type { Call } from '../call.ts';
import { jsonBody } from '../call.ts';
import { findCard, openCard, wipeServiceCode } from '../cards/card.ts';
import type { Context } from '../context.ts';
import type { Reply } from '../replies.ts';
import { badRequest, jsonReply, notFound } from '../replies.ts';
import { claimSession, findSession } from '../sessions/session-token.ts';

const bodySchema = z.object({ card_token: z.string(), service_code_token: z.string() });

/** `POST /show_card/reveal`: hands out the service code once; it is wiped before the answer goes out. */
export async function revealServiceCode(ctx: Context, call: Call): Promise<Reply> {
  const body = bodySchema.safeParse(jsonBody(call));
  if (!body.success) throw badRequest('card_token and service_code_token are required');
  const { account_id } = findSession(ctx, body.data.service_code_token, 'service_code');
  call.accountId = account_id;
  const card = findCard(ctx, account_id, body.data.card_token);
  const { service_code } = openCard(ctx, card);
  if (service_code === undefined) throw notFound();
  // Nothing is awaited between finding the code and wiping it, so that two clicks cannot both see it.
  const session = claimSession(ctx, body.data.service_code_token, 'service_code');
  await wipeServiceCode(ctx, card, 'revealed', [session]);
  return jsonReply(200, { service_code });
}
