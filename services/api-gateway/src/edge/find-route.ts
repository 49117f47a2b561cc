import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { tracing } from '@centra/service-kit/tracing.ts';
import type { Context } from '../context.ts';
import { answerPreflight } from '../cors/preflight.ts';
import { createPathTable, ROUTES, withoutAlias } from '../routes.ts';
import type { Route } from '../routes.ts';
import { exchangeOf } from './exchange.ts';
import { hasBody } from './send-problem.ts';

/** 404, 405, the OPTIONS of browsers, and the form of the body that the route takes. */
export function findRoute(context: Context): RequestHandler {
  const find = createPathTable(ROUTES);
  return async (request, response, next) => {
    const url = withoutAlias(request.url);
    const queryAt = url.indexOf('?');
    const known = find(queryAt === -1 ? url : url.slice(0, queryAt));
    if (known === undefined) throw new AppError('not_found');
    const exchange = exchangeOf(request);
    exchange.path = known.loggedAs ?? exchange.path;
    if (request.method === 'OPTIONS') return await answerPreflight(context, request, response, known);
    const route = known.byMethod.get(request.method);
    if (route === undefined) {
      response.setHeader('allow', known.allow);
      throw new AppError('method_not_allowed');
    }
    requireBodyForm(request, route);
    exchange.route = route;
    tracing()?.nameRoute(route.path);
    request.url = url;
    next();
  };
}

const JSON_TYPE = /^application\/json(?:\s*;\s*charset="?utf-8"?)?$/i;
const TYPES = {
  json: JSON_TYPE,
  optional: JSON_TYPE,
  // Bytes for the one who signed them: how a provider spells JSON is its own affair.
  raw: /^application\/(?:[\w.-]+\+)?json(?:\s*;.*)?$/i,
  form: /^application\/x-www-form-urlencoded(?:\s*;\s*charset="?utf-8"?)?$/i,
} as const satisfies Record<Exclude<Route['body'], 'none'>, RegExp>;

function requireBodyForm(request: IncomingMessage, route: Route): void {
  const body = hasBody(request);
  if (route.body === 'none') {
    if (body) throw new AppError('malformed_request', { detail: 'This request takes no body.' });
    return;
  }
  if (route.body === 'optional' && !body) return;
  const type = request.headers['content-type'] ?? '';
  if (type === 'application/json' && route.body !== 'form') return;
  if (!TYPES[route.body].test(type.trim())) throw new AppError('unsupported_media_type');
}
