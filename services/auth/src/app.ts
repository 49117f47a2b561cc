import {
  notFound,
  problemErrors,
  jsonBody,
  requestContext,
  requireIdentity,
} from '@centra/service-kit/http.ts';
import express from 'express';
import type { Express } from 'express';
import { createApiKey } from './api-keys/create-api-key.ts';
import { getApiKey } from './api-keys/get-api-key.ts';
import { listApiKeys } from './api-keys/list-api-keys.ts';
import { revokeApiKey } from './api-keys/revoke-api-key.ts';
import { auditDenials } from './audit/audit-denials.ts';
import type { Context } from './context.ts';

/** The HTTP side, reached through the gateway only: without its signed identity every route answers 401. */
export function createApp(context: Context): Express {
  const app = express();
  app.disable('x-powered-by');
  // One spelling of each path, so that the gateway's rules and ours cannot differ on which route is meant.
  app.enable('case sensitive routing');
  app.enable('strict routing');
  const canRead = requireIdentity(context.verifier, 'api_keys:read');
  const canWrite = requireIdentity(context.verifier, 'api_keys:write');

  app.use(requestContext(context.metrics));
  app.post('/v1/api-keys', canWrite, jsonBody(), createApiKey(context));
  app.get('/v1/api-keys', canRead, listApiKeys(context));
  app.get('/v1/api-keys/:id', canRead, getApiKey(context));
  app.delete('/v1/api-keys/:id', canWrite, revokeApiKey(context));
  app.use(notFound());
  app.use(auditDenials(context));
  app.use(problemErrors(context.log));
  return app;
}
