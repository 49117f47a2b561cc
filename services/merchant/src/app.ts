import express from 'express';
import type { ErrorRequestHandler, Express, Request, RequestHandler, Response } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import {
  jsonBody,
  notFound,
  parseWith,
  problemErrors,
  queryOf,
  requestContext,
  requireIdentity,
} from '@centra/service-kit/http.ts';
import { z } from 'zod';
import { auditDenials } from './audit/audit-denials.ts';
import type { Context } from './context.ts';
import { createProviderAccount } from './provider-accounts/create-provider-account.ts';
import { deleteProviderAccount } from './provider-accounts/delete-provider-account.ts';
import { listProviderAccounts } from './provider-accounts/list-provider-accounts.ts';
import { listProviders } from './provider-accounts/list-providers.ts';
import { rotateProviderAccount } from './provider-accounts/rotate-provider-account.ts';
import { showProviderAccount } from './provider-accounts/show-provider-account.ts';
import { testCredentials } from './provider-accounts/test-credentials.ts';
import { testProviderAccount } from './provider-accounts/test-provider-account.ts';

/** The HTTP door, reached through the gateway only: without its signed identity every route answers 401. */
export function createApp(context: Context): Express {
  const app = express();
  // One spelling per path, and no parser but ours for queries (security-tests rows 8 and 10).
  app.enable('case sensitive routing').enable('strict routing').set('query parser', false);
  app.disable('x-powered-by').disable('etag');
  const read = requireIdentity(context.verifier, 'provider_accounts:read');
  const write = requireIdentity(context.verifier, 'provider_accounts:write');
  const body = jsonBody();
  const to = (action: Action): RequestHandler => {
    return (request, response) => action(context, request, response);
  };

  app.use(requestContext(context.metrics, context.log));
  app.use(noStore);
  app.get('/v1/providers', read, noQuery, listProviders);
  app.all('/v1/providers', onlyMethods('GET'));
  app.get('/v1/provider-accounts', read, to(listProviderAccounts));
  app.post('/v1/provider-accounts', write, noQuery, body, to(createProviderAccount));
  app.all('/v1/provider-accounts', onlyMethods('GET, POST'));
  app.post('/v1/provider-accounts/test', write, noQuery, body, to(testCredentials));
  app.all('/v1/provider-accounts/test', onlyMethods('POST'));
  app.get('/v1/provider-accounts/:id', read, noQuery, to(showProviderAccount));
  app.delete('/v1/provider-accounts/:id', write, noQuery, to(deleteProviderAccount));
  app.all('/v1/provider-accounts/:id', onlyMethods('GET, DELETE'));
  app.post('/v1/provider-accounts/:id/test', write, noQuery, body, to(testProviderAccount));
  app.all('/v1/provider-accounts/:id/test', onlyMethods('POST'));
  app.post('/v1/provider-accounts/:id/rotate', write, noQuery, body, to(rotateProviderAccount));
  app.all('/v1/provider-accounts/:id/rotate', onlyMethods('POST'));
  app.use(notFound());
  app.use(undecodablePath);
  app.use(auditDenials(context));
  app.use(problemErrors(context.log));
  return app;
}

type Action = (context: Context, request: Request, response: Response) => Promise<void>;

/** No answer of ours may lie in a shared cache. */
const noStore: RequestHandler = (_request, response, next) => {
  response.setHeader('cache-control', 'no-store');
  next();
};

/** Routes without parameters refuse any: one that is ignored would look as if it worked. */
const noQuery: RequestHandler = (request, _response, next) => {
  parseWith(z.strictObject({}), queryOf(request));
  next();
};

function onlyMethods(methods: string): RequestHandler {
  return (_request, response) => {
    response.setHeader('allow', methods);
    throw new AppError('method_not_allowed');
  };
}

/** The router reports a broken percent escape as a URIError; such a path names nothing. */
const undecodablePath: ErrorRequestHandler = (error: unknown, _request, _response, next) => {
  next(error instanceof URIError ? new AppError('not_found', { cause: error }) : error);
};
