import { authenticate } from '../api-keys/api-key.ts';
import { deletedCardReply } from '../assumptions.ts';
import type { Call } from '../call.ts';
import type { Context } from '../context.ts';
import { recordEffect } from '../context.ts';
import type { Reply } from '../replies.ts';
import { cardInPath, secretNames } from './card.ts';

/** `DELETE /cards/:card_token`: the card and its secrets are gone; the token answers 404 from now on. */
export async function deleteCard(ctx: Context, call: Call): Promise<Reply> {
  const accountId = authenticate(ctx, call);
  const card = cardInPath(ctx, accountId, call);
  const fields = { account: accountId, token: card.token };
  await recordEffect(ctx, 'card.deleted', fields, [{ ...card, deleted: true }]);
  await ctx.secrets.remove(secretNames(card));
  return deletedCardReply(ctx.assumptions);
}
