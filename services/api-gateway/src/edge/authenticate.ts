import type { RequestHandler } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { requireScope } from '@centra/service-kit/http.ts';
import type { Identity, Verifier } from '@centra/service-kit/service-identity.ts';
import type { Context } from '../context.ts';
import type { Route } from '../routes.ts';
import { addressForLimit } from './client-address.ts';
import { readCredential } from './credential.ts';
import type { Credential } from './credential.ts';
import { DOORS, identityIn } from './doors.ts';
import { exchangeOf, settled } from './exchange.ts';
import type { Exchange } from './exchange.ts';

/** 401 for every credential that may not be used here, with the same words. On a public route none is even looked at. */
export function authenticate(context: Context): RequestHandler {
  return async (request, _response, next) => {
    const exchange = exchangeOf(request);
    const { route } = exchange;
    if (route === undefined) throw new Error('findRoute() is not in front of this handler');
    if (route.door === 'public') return next();
    const credential = readCredential(request.headers.authorization);
    const isAdmitted = await admit(context, exchange, route, credential);
    const kind = credential?.kind ?? 'none';
    context.counters.credentials.inc({ kind, outcome: isAdmitted ? 'accepted' : 'refused' });
    if (!isAdmitted) throw await refusal(context, exchange);
    next();
  };
}

/** 403 when a good credential may not do this: no hotel, barred from it, or without the permission of the route. */
export function authorize(): RequestHandler {
  return (request, _response, next) => {
    const exchange = exchangeOf(request);
    const { route, identity } = settled(exchange);
    if (route.door === 'hotel' || route.door === 'staff') {
      if (exchange.barrier !== undefined) throw new AppError(exchange.barrier);
      if (identity === undefined)
        throw new AppError('forbidden', {
          detail: 'This access token is for no hotel. Choose one: refresh it with a merchant_id.',
        });
      requireScope(identityIn(exchange), route.scope);
    }
    next();
  };
}

/** False for whatever is not a valid credential of this door; throws 503 when auth cannot be asked and nothing is known. */
async function admit(
  context: Context,
  exchange: Exchange,
  { door }: Route,
  credential: Credential | undefined,
): Promise<boolean> {
  if (credential === undefined || !DOORS[door].takes.includes(credential.kind)) return false;
  try {
    if (credential.kind === 'client_secret') {
      exchange.identity = openClientSecret(context.verifier, credential);
      return true;
    }
    const found = await context.authenticator.authenticate(credential.text, exchange);
    exchange.identity = found.identity;
    exchange.user = found.user;
    exchange.barrier = found.barrier;
    if (found.identity !== undefined) context.usage.note(found.identity);
    return door === 'person' ? found.user !== undefined : true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'unauthenticated') return false;
    throw error;
  }
}

/** The guest of one payment, who may do nothing at the hotel. 401 when signature, times or mode are not right. */
function openClientSecret(verifier: Verifier, { text, mode }: Credential): Identity {
  const { merchantId, mode: signedMode, objectId } = verifier.verifyCheckout(text);
  if (signedMode !== mode)
    throw new AppError('unauthenticated', { internal: 'client secret of another mode' });
  return { merchantId, mode, actor: `checkout:${objectId}`, scopes: [], objectId };
}

async function refusal(context: Context, exchange: Exchange): Promise<AppError> {
  const limit = context.config.limits.unauthenticated;
  const verdict = await context.limiter.consume(limit, addressForLimit(exchange.address));
  if (verdict.allowed) return new AppError('unauthenticated');
  context.counters.limited.inc({ limit: limit.name });
  return new AppError('too_many_requests', { retryAfterSeconds: verdict.retryAfterSeconds });
}
