import express from 'express';
import type { Express, RequestHandler } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import {
  jsonBody,
  notFound,
  problemErrors,
  requestContext,
  requireIdentity,
} from '@centra/service-kit/http.ts';
import { createCharge } from './charges/create-charge.ts';
import type { Context } from './context.ts';
import { getPayment } from './payments/get-payment.ts';
import { listPayments } from './payments/list-payments.ts';
import { createSession } from './sessions/create-session.ts';

/** The HTTP side: one line per route. */
export function createApp(context: Context): Express {
  const app = express();
  // One spelling per path, and no parser but ours for queries (security-tests rows 8 and 10).
  app.enable('case sensitive routing').enable('strict routing').set('query parser', false);
  app.disable('x-powered-by').disable('etag');
  const mayRead = requireIdentity(context.verifier, 'payments:read');
  const mayWrite = requireIdentity(context.verifier, 'payments:write');

  app.use(requestContext(context.metrics));
  app.use(noStore);
  app.get('/v1/session', mayWrite, createSession(context));
  app.all('/v1/session', onlyMethod('GET'));
  app.post('/v1/charge', mayWrite, jsonBody(), createCharge(context));
  app.all('/v1/charge', onlyMethod('POST'));
  app.get('/v1/payments', mayRead, listPayments(context));
  app.all('/v1/payments', onlyMethod('GET'));
  app.get('/v1/payments/:id', mayRead, getPayment(context));
  app.all('/v1/payments/:id', onlyMethod('GET'));
  app.use(notFound());
  app.use(undecodablePath);
  app.use(problemErrors(context.log));
  return app;
}

/** No answer of ours may lie in a shared cache: they hold session tokens, guests and payments. */
const noStore: RequestHandler = (_request, response, next) => {
  response.setHeader('cache-control', 'no-store');
  next();
};

function onlyMethod(method: string): RequestHandler {
  return (_request, response) => {
    response.setHeader('allow', method);
    throw new AppError('method_not_allowed');
  };
}

/** The router reports a broken percent escape as a URIError; such a path names nothing. */
const undecodablePath: express.ErrorRequestHandler = (error: unknown, _request, _response, next) => {
  next(error instanceof URIError ? new AppError('not_found', { cause: error }) : error);
};
