import type { Request, RequestHandler } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import { addressForLimit } from '../edge/client-address.ts';
import { identityIn, objectIn, userIn } from '../edge/doors.ts';
import { exchangeOf, settled } from '../edge/exchange.ts';
import type { Exchange } from '../edge/exchange.ts';
import type { CountedPer, Limit } from '../limits.ts';
import type { Verdict } from './rate-limiter.ts';

/** 429 when the limit of this route is used up for whomever it counts. Both headers stand on every answer behind it. */
export function limitRate(context: Context): RequestHandler {
  return async (request, response, next) => {
    const exchange = exchangeOf(request);
    const { route } = settled(exchange);
    if (route.door === 'public') await limitAddress(context, exchange);
    let limit = context.config.limits[route.limit];
    const key = KEYS[limit.per](exchange, request);
    if (limit.per === 'merchant') {
      const own = context.merchantLimits.of(key, exchange.requestId);
      // Known but for the very first request of a hotel, which then does not wait.
      limit = (own instanceof Promise ? await own : own)[route.limit];
    }
    const verdict = await context.limiter.consume(limit, key);
    response.setHeader('ratelimit-policy', limit.policy);
    response.setHeader('ratelimit', verdict.state);
    refuseUnless(context, limit, verdict);
    next();
  };
}

const KEYS: Readonly<Record<CountedPer, (exchange: Exchange, request: Request) => string>> = {
  merchant: (exchange) => identityIn(exchange).merchantId,
  person: (exchange) => userIn(exchange).userId,
  object: objectIn,
  address: ({ address }) => addressForLimit(address),
  page: ({ address }, request) => `${addressForLimit(address)} ${pathOf(request)}`,
};

/** First what one address may ask in all: it could invent accounts without end, each with a limit of its own. */
async function limitAddress(context: Context, exchange: Exchange): Promise<void> {
  const all = context.config.limits.public;
  refuseUnless(context, all, await context.limiter.consume(all, addressForLimit(exchange.address)));
}

function refuseUnless(context: Context, limit: Limit, verdict: Verdict): void {
  if (verdict.allowed) return;
  context.counters.limited.inc({ limit: limit.name });
  throw new AppError('too_many_requests', { retryAfterSeconds: verdict.retryAfterSeconds });
}

/** Without a query, which could make every request another one. */
function pathOf(request: Request): string {
  return request.url.split('?', 1)[0] ?? '';
}
