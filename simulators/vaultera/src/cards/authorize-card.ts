import { authenticate } from '../api-keys/api-key.ts';
import type { Call } from '../call.ts';
import type { Context } from '../context.ts';
import type { Reply } from '../replies.ts';
import { jsonReply } from '../replies.ts';
import { cardData, cardInPath, findCard, wipeServiceCode } from './card.ts';

/** `POST /cards/:card_token/authorize`: the gateway has authorised, so the service code goes. Safe to repeat. */
export async function authorizeCard(ctx: Context, call: Call): Promise<Reply> {
  const accountId = authenticate(ctx, call);
  const card = cardInPath(ctx, accountId, call);
  if (card.cvv_present) await wipeServiceCode(ctx, card, 'authorized');
  return jsonReply(200, cardData(ctx, findCard(ctx, accountId, card.token)));
}
