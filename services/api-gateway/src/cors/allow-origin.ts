import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { exchangeOf, settled } from '../edge/exchange.ts';

const EXPOSED_HEADERS = 'X-Request-Id, RateLimit, RateLimit-Policy, Retry-After, Idempotent-Replayed';

/** Lets a browser page read the answer only when the credential's own merchant owns the page's origin. */
export function allowOrigin(context: Context): RequestHandler {
  return async (request, response, next) => {
    const { origin } = request.headers;
    if (origin !== undefined) {
      const exchange = exchangeOf(request);
      const { identity } = settled(exchange);
      if (
        identity !== undefined &&
        (await context.origins.isAllowed(origin, identity.merchantId, exchange.requestId))
      ) {
        response.setHeader('access-control-allow-origin', origin);
        response.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
      }
    }
    next();
  };
}
