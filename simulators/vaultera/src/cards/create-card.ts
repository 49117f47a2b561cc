import { z } from 'zod';
import { authenticate } from '../api-keys/api-key.ts';
import { cardTypeErrors, serviceCodeRequired } from '../assumptions.ts';
import type { Call } from '../call.ts';
import { jsonBody } from '../call.ts';
import type { Context } from '../context.ts';
import type { Reply } from '../replies.ts';
import { badRequest, invalid, jsonReply } from '../replies.ts';
import { cardData, storeCard } from './card.ts';
import { cardErrors, cardTypeOf } from './card-rules.ts';

const bodySchema = z.object({
  card: z.object({
    card_number: z.string().default(''),
    card_type: z.string().optional(),
    cardholder_name: z.string().default(''),
    service_code: z.string().nullish(),
    expiration_month: z.string().default(''),
    expiration_year: z.string().default(''),
  }),
});

/** `POST /cards`: stores a card sent by a server that is in PCI scope itself. */
export async function createCard(ctx: Context, call: Call): Promise<Reply> {
  const accountId = authenticate(ctx, call);
  const body = bodySchema.safeParse(jsonBody(call));
  if (!body.success) throw badRequest('the body must be {"card":{...}} with string values');
  const { card_type, service_code, ...rest } = body.data.card;
  const details = { ...rest, service_code: service_code ?? '' };
  const errors = {
    ...cardErrors(details, { nowMs: ctx.clock.nowMs(), serviceCodeRequired: serviceCodeRequired('server') }),
    ...cardTypeErrors(card_type, cardTypeOf(details.card_number)?.type),
  };
  if (Object.keys(errors).length > 0) throw invalid(errors);
  return jsonReply(200, cardData(ctx, await storeCard(ctx, accountId, details, [])));
}
