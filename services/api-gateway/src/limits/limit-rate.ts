import type { Request, RequestHandler } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import { addressForLimit } from '../edge/client-address.ts';
import { exchangeOf, settled } from '../edge/exchange.ts';
import type { Limit } from '../limits.ts';
import type { Verdict } from './rate-limiter.ts';

/**
 * 429 when the merchant's limit of this route is used up; without a credential, that of the address and of what it asks
 * for. Both headers stand on every answer behind it.
 */
export function limitRate(context: Context): RequestHandler {
  return async (request, response, next) => {
    const exchange = exchangeOf(request);
    const { route, identity } = settled(exchange);
    const limit = context.config.limits[route.limit];
    let key = identity?.merchantId;
    if (key === undefined) {
      const address = addressForLimit(exchange.address);
      const all = context.config.limits.public;
      // First what one address may ask in all: it could invent accounts without end, each with a limit of its own.
      refuseUnless(context, all, await context.limiter.consume(all, address));
      key = `${address} ${pathOf(request)}`;
    }
    const verdict = await context.limiter.consume(limit, key);
    response.setHeader('ratelimit-policy', limit.policy);
    response.setHeader('ratelimit', verdict.state);
    refuseUnless(context, limit, verdict);
    next();
  };
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
