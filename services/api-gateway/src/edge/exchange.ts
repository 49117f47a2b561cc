import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { RequestHandler } from 'express';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import type { Authenticated } from '@centra/service-kit/authenticator.ts';
import type { Identity, UserIdentity } from '@centra/service-kit/service-identity.ts';
import type { Context } from '../context.ts';
import type { Route } from '../routes.ts';
import type { Attempt } from '../upstreams/attempt.ts';
import { logExchange } from './access-log.ts';
import { clientAddress } from './client-address.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import { holdsCardNumber, maskKeys, toLoggablePath } from './url-text.ts';

/** One request and its answer, with what was found out on the way. */
export type Exchange = {
  readonly requestId: string;
  /** Milliseconds of the monotonic clock. */
  readonly startedAt: number;
  /** The caller's address; behind a trusted proxy, the one that the proxy saw. */
  readonly address: string;
  /** Bytes that this connection had carried to the caller before. */
  readonly bytesBefore: number;
  /** The path without query, fit for a log. */
  path: string;
  readonly cardInUrl: boolean;
  route: Route | undefined;
  /** What the credential may do at a hotel; undefined without one, and for a person whose token is for no hotel. */
  identity: Identity | undefined;
  /** The person, when it is an access token. */
  user: UserIdentity | undefined;
  /** Why a person may do nothing at the hotel now. */
  barrier: Authenticated['barrier'];
  attempt: Attempt | undefined;
};

const exchanges = new WeakMap<IncomingMessage, Exchange>();
const latestAnswers = new WeakMap<Socket, ServerResponse>();

/** The exchange that `openExchange()` began. */
export function exchangeOf(request: IncomingMessage): Exchange {
  const exchange = exchanges.get(request);
  if (exchange === undefined) throw new Error('openExchange() is not in front of this handler');
  return exchange;
}

/** The answer that a connection carries, or carried last; undefined before its first request. */
export function latestAnswerOn(socket: Socket): ServerResponse | undefined {
  return latestAnswers.get(socket);
}

/** Route and identity of an exchange after the steps that set them. Only on a public route is nobody known. */
export function settled(exchange: Exchange): { route: Route; identity: Identity | undefined } {
  const { route, identity, user } = exchange;
  if (route === undefined || (identity === undefined && user === undefined) !== (route.door === 'public'))
    throw new Error('the request was not authenticated before');
  return { route, identity };
}

/** First of all: request id in and out, security headers, and one log line and one measurement when it is over. */
export function openExchange(context: Context): RequestHandler {
  return (request, response, next) => {
    const url = request.url;
    const cardInUrl = holdsCardNumber(url);
    const exchange: Exchange = {
      requestId: requestIdOf(request),
      startedAt: performance.now(),
      address: clientAddress(request, context.config.trustedProxies),
      bytesBefore: request.socket.bytesWritten,
      path: cardInUrl ? '[card number]' : toLoggablePath(url),
      cardInUrl,
      route: undefined,
      identity: undefined,
      user: undefined,
      barrier: undefined,
      attempt: undefined,
    };
    exchanges.set(request, exchange);
    latestAnswers.set(request.socket, response);
    response.setHeader('x-request-id', exchange.requestId);
    for (const [name, value] of SECURITY_HEADERS) response.setHeader(name, value);
    if (context.lifecycle.draining) response.setHeader('connection', 'close');
    response.once('close', () => logExchange(context, request, response, exchange));
    next();
  };
}

const REQUEST_ID = /^[A-Za-z0-9_-]{8,64}$/;

/** The caller's own id when it is a plain one; it is logged everywhere, so it may not smuggle a card number or key. */
function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  const isPlain = typeof given === 'string' && REQUEST_ID.test(given) && maskKeys(given) === given;
  if (isPlain && !holdsCardNumber(given)) return given;
  return newRequestId();
}

export function newRequestId(): string {
  return toPublicId('req', newUuid());
}
