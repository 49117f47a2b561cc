import type { Action } from '../call.ts';
import { queryValue } from '../call.ts';
import { findCard, openCard } from '../cards/card.ts';
import { recordEffect } from '../context.ts';
import { claimSession, findSession } from '../sessions/session-token.ts';
import { showCardPage } from './show-card-page.ts';

/**
 * `GET /show_card?card_token=&session_token=&service_code_token=`: the whole card for a person. Spends the card
 * session; the service code's session is spent by the button. Each view is journalled.
 */
export function showCard(): Action {
  const page = showCardPage();
  return async (ctx, call) => {
    const sessionToken = queryValue(call, 'session_token');
    const card = findCard(
      ctx,
      findSession(ctx, sessionToken, 'card').account_id,
      queryValue(call, 'card_token') ?? '',
    );
    const serviceCodeToken = queryValue(call, 'service_code_token');
    const canReveal =
      serviceCodeToken !== undefined &&
      findSession(ctx, serviceCodeToken, 'service_code').account_id === card.account_id;
    const open = openCard(ctx, card);
    const session = claimSession(ctx, sessionToken, 'card');
    call.accountId = card.account_id;
    await recordEffect(
      ctx,
      'card.viewed',
      { account: card.account_id, token: card.token, session: session.id },
      [session],
    );
    return page.read(card, open, canReveal);
  };
}
