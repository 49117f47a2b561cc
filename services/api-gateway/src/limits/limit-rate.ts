import type { RequestHandler } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import { exchangeOf, settled } from '../edge/exchange.ts';

/** 429 when the merchant's limit of this route is used up. Both headers stand on every answer behind it. */
export function limitRate(context: Context): RequestHandler {
  return async (request, response, next) => {
    const { route, identity } = settled(exchangeOf(request));
    const limit = context.config.limits[route.limit];
    const verdict = await context.limiter.consume(limit, identity.merchantId);
    response.setHeader('ratelimit-policy', limit.policy);
    response.setHeader('ratelimit', verdict.state);
    if (!verdict.allowed) {
      context.counters.limited.inc({ limit: limit.name });
      throw new AppError('too_many_requests', { retryAfterSeconds: verdict.retryAfterSeconds });
    }
    next();
  };
}
