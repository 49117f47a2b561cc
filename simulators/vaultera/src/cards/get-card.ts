import { authenticate } from '../api-keys/api-key.ts';
import type { Call } from '../call.ts';
import type { Context } from '../context.ts';
import type { Reply } from '../replies.ts';
import { jsonReply } from '../replies.ts';
import { cardData, cardInPath } from './card.ts';

/** `GET /cards/:card_token`: the card, masked. */
export function getCard(ctx: Context, call: Call): Reply {
  const accountId = authenticate(ctx, call);
  return jsonReply(200, cardData(ctx, cardInPath(ctx, accountId, call)));
}
