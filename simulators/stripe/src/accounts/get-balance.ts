import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand } from '../http/expand.ts';
import { expand, parseParams } from '../http/params.ts';

/** `GET /v1/balance`: what the charges of this mode came to. */
export function getBalance(request: ApiRequest): Answer {
  const params = parseParams(z.strictObject({ expand }), request.params);
  checkExpand('balance', params.expand);
  return {
    status: 200,
    body: balanceJson(request.mode.balance.available(), request.mode.balance.pending(), request.livemode),
  };
}

export function balanceJson(available: [string, number][], pending: [string, number][], livemode: boolean) {
  return { object: 'balance' as const, available: funds(available), livemode, pending: funds(pending) };
}

/** Stripe always lists the account's default currency. */
function funds(amounts: [string, number][]) {
  const listed: [string, number][] = amounts.some(([currency]) => currency === 'usd')
    ? amounts
    : [['usd', 0], ...amounts];
  return listed.map(([currency, amount]) => ({ amount, currency, source_types: { card: amount } }));
}
