import type { RequestHandler } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import { DOORS } from '../edge/doors.ts';
import { exchangeOf, settled } from '../edge/exchange.ts';
import type { Route } from '../routes.ts';
import type { Outcome } from './attempt.ts';
import { headersForUpstream } from './passed-headers.ts';

const RETRY_AFTER_S = 1;

/** Before any other work: 503 when the route's upstream has no place left or is known to be broken. */
export function refuseOverload(context: Context): RequestHandler {
  return (request, _response, next) => {
    const { route } = exchangeOf(request);
    if (route !== undefined) context.upstreams[route.upstream].refuseOverload();
    next();
  };
}

/** Last step: passes the request on with a signed word on who calls, and says honestly what a lost answer means. */
export function forward(context: Context): RequestHandler {
  return async (request, response) => {
    const exchange = exchangeOf(request);
    const { route } = settled(exchange);
    const door = DOORS[route.door];
    const upstream = context.upstreams[route.upstream];
    request.headers = headersForUpstream(request.headers, {
      host: upstream.host,
      token: door.vouch(context.signer, route.upstream, exchange),
      requestId: exchange.requestId,
      address: exchange.address,
      routeHeader: route.header,
      // Auth lists a person's sessions by what they logged in with; nobody else needs to know.
      userAgent: route.upstream === 'auth' ? request.headers['user-agent'] : undefined,
    });
    context.config.failpoint('gateway.before-forward');
    const outcome = await upstream.pass(door.holder(exchange), door.isKnown, request, response);
    const refusal = toRefusal(outcome, route);
    if (refusal === undefined) return;
    if (refusal.code === 'internal') context.counters.unknownOutcomes.inc({ route: route.path });
    if (outcome !== 'oversized')
      context.log.warn(
        { requestId: exchange.requestId, upstream: route.upstream, outcome },
        'upstream gave no answer',
      );
    throw refusal;
  };
}

function toRefusal(outcome: Outcome, route: Route): AppError | undefined {
  switch (outcome) {
    case 'answered':
    case 'failed':
    case 'shed':
    case 'abandoned':
      return undefined;
    case 'oversized':
      return new AppError('payload_too_large');
    case 'unreachable':
      return new AppError('unavailable', { retryAfterSeconds: RETRY_AFTER_S });
    case 'broken':
    case 'late':
      return lostAnswer(route);
    default:
      throw new Error(`unknown outcome ${String(outcome satisfies never)}`);
  }
}

/** 503 promises that nothing was done, so it is only for reads here. */
function lostAnswer(route: Route): AppError {
  if (route.method === 'GET') return new AppError('unavailable', { retryAfterSeconds: RETRY_AFTER_S });
  const advice = adviceOn(route);
  return new AppError('internal', { detail: `The answer was lost, so the outcome is not known. ${advice}` });
}

function adviceOn(route: Route): string {
  if (route.door === 'public') return 'Send the same again: it is taken in once.';
  return route.idempotent
    ? 'Repeat the request with the same Idempotency-Key: it is carried out once, and you get its outcome.'
    : 'Look at the object before you repeat the request.';
}
