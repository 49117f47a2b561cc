import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from '../context.ts';
import { exchangeOf } from '../edge/exchange.ts';
import type { KnownPath } from '../routes.ts';
import { anyMerchant } from './origins.ts';

const REQUEST_HEADERS = 'Authorization, Content-Type, Idempotency-Key, X-Request-Id';
// Seconds. Long enough to spare most preflights, short enough that a removed origin is soon gone.
const MAX_AGE_S = '600';

/** Answers OPTIONS. Which merchant will call is not known yet, so any merchant's origin is let through here. */
export async function answerPreflight(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
  known: KnownPath,
): Promise<void> {
  const { origin } = request.headers;
  const isPreflight = origin !== undefined && request.headers['access-control-request-method'] !== undefined;
  if (
    isPreflight &&
    known.mayCrossOrigins &&
    (await context.origins.isAllowed(origin, anyMerchant, exchangeOf(request).requestId))
  ) {
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-allow-methods', known.allow);
    response.setHeader('access-control-allow-headers', REQUEST_HEADERS);
    response.setHeader('access-control-max-age', MAX_AGE_S);
  }
  response.setHeader('allow', known.allow);
  response.statusCode = 204;
  response.end();
}
