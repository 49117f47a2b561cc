import { z } from 'zod';
import { acceptedTypes, serviceCodeRequired } from '../assumptions.ts';
import type { Call } from '../call.ts';
import { jsonBody, queryValue } from '../call.ts';
import { maskedCard, storeCard } from '../cards/card.ts';
import { cardErrors } from '../cards/card-rules.ts';
import type { Context } from '../context.ts';
import { recordState } from '../context.ts';
import type { Reply } from '../replies.ts';
import { badRequest, invalid, jsonReply } from '../replies.ts';
import { claimSession } from '../sessions/session-token.ts';

const sessionSchema = z.object({ session_token: z.string() });
const cardSchema = z.object({
  card: z.object({
    card_number: z.string(),
    cardholder_name: z.string(),
    expiration_month: z.string(),
    expiration_year: z.string(),
    service_code: z.string(),
  }),
});

/**
 * `POST /capture_form/submit`: where the form sends the card. The session is spent first, for good: of two submits
 * at once one wins, and a refused card needs a new session.
 */
export async function submitCaptureForm(ctx: Context, call: Call): Promise<Reply> {
  const body = jsonBody(call);
  const session = claimSession(ctx, sessionSchema.safeParse(body).data?.session_token, 'card');
  call.accountId = session.account_id;
  try {
    const details = checkedDetails(ctx, call, body);
    const card = await storeCard(ctx, session.account_id, details, [session]);
    return jsonReply(200, { card: maskedCard(ctx, card) });
  } catch (error) {
    await recordState(ctx, [session]);
    throw error;
  }
}

function checkedDetails(ctx: Context, call: Call, body: unknown): z.infer<typeof cardSchema>['card'] {
  const accepted = acceptedTypes(queryValue(call, 'only'), queryValue(call, 'except'));
  const parsed = cardSchema.safeParse(body);
  if (!parsed.success) throw badRequest('the body must be {"session_token":"...","card":{...}}');
  const errors = cardErrors(parsed.data.card, {
    nowMs: ctx.clock.nowMs(),
    serviceCodeRequired: serviceCodeRequired('capture_form'),
    ...(accepted && { accepted }),
  });
  if (Object.keys(errors).length > 0) throw invalid(errors);
  return parsed.data.card;
}
