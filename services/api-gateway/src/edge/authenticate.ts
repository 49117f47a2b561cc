import type { RequestHandler } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { requireScope } from '@centra/service-kit/http.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import type { Context } from '../context.ts';
import { PUBLIC } from '../routes.ts';
import { addressForLimit } from './client-address.ts';
import { exchangeOf, settled } from './exchange.ts';
import type { Exchange } from './exchange.ts';

// What our keys look like. Anything else is refused without asking auth, with the same answer.
const CREDENTIAL = /^Bearer +(ck_(?:test|live)_[A-Za-z0-9_-]{8,200})$/i;

/** 401 for every credential that may not be used, with the same words. On a public route none is even looked at. */
export function authenticate(context: Context): RequestHandler {
  return async (request, _response, next) => {
    const exchange = exchangeOf(request);
    if (exchange.route?.scope === PUBLIC) return next();
    const identity = await identify(context, request.headers.authorization, exchange.requestId);
    if (identity === undefined) throw await refusal(context, exchange);
    exchange.identity = identity;
    next();
  };
}

/** 403 when the credential lacks the scope of the route. */
export function authorize(): RequestHandler {
  return (request, _response, next) => {
    const { route, identity } = settled(exchangeOf(request));
    if (identity !== undefined) requireScope(identity, route.scope);
    next();
  };
}

/** Undefined for whatever is not a valid key; throws 503 when auth cannot be asked and nothing fresh is known. */
async function identify(
  context: Context,
  authorization: string | undefined,
  requestId: string,
): Promise<Identity | undefined> {
  const secret = CREDENTIAL.exec(authorization ?? '')?.[1];
  if (secret === undefined) return undefined;
  try {
    return await context.authenticator.authenticate(secret, requestId);
  } catch (error) {
    if (error instanceof AppError && error.code === 'unauthenticated') return undefined;
    throw error;
  }
}

async function refusal(context: Context, exchange: Exchange): Promise<AppError> {
  const limit = context.config.limits.unauthenticated;
  const verdict = await context.limiter.consume(limit, addressForLimit(exchange.address));
  if (verdict.allowed) return new AppError('unauthenticated');
  context.counters.limited.inc({ limit: limit.name });
  return new AppError('too_many_requests', { retryAfterSeconds: verdict.retryAfterSeconds });
}
