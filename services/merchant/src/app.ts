import express from 'express';
import type { ErrorRequestHandler, Express, Request, RequestHandler, Response } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Permission } from '@centra/service-kit/permissions.ts';
import {
  hasBody,
  jsonBody,
  notFound,
  parseWith,
  problemErrors,
  queryOf,
  requestContext,
  requireGateway,
  requireIdentity,
  requireUser,
} from '@centra/service-kit/http.ts';
import { z } from 'zod';
import { auditDenials } from './audit/audit-denials.ts';
import type { Context } from './context.ts';
import { createProviderAccount } from './provider-accounts/create-provider-account.ts';
import { deleteProviderAccount } from './provider-accounts/delete-provider-account.ts';
import { listOrganisations } from './organisations/list-organisations.ts';
import { createOrganisation } from './organisations/create-organisation.ts';
import { showOrganisation } from './organisations/show-organisation.ts';
import { updateOrganisation } from './organisations/update-organisation.ts';
import { listOrganisationMerchants } from './organisations/list-organisation-merchants.ts';
import { listOrganisationAuditLog } from './organisations/list-organisation-audit-log.ts';
import { listOrganisationOwners } from './organisations/list-organisation-owners.ts';
import { addOrganisationOwner } from './organisations/add-organisation-owner.ts';
import { removeOrganisationOwner } from './organisations/remove-organisation-owner.ts';
import { listMyMerchants } from './merchants/list-my-merchants.ts';
import { registerMerchant } from './merchants/register-merchant.ts';
import { showMerchant } from './merchants/show-merchant.ts';
import { updateMerchant } from './merchants/update-merchant.ts';
import { submitMerchant } from './merchants/submit-merchant.ts';
import { closeMerchant } from './merchants/close-merchant.ts';
import { showLogo } from './branding/show-logo.ts';
import { uploadLogo } from './branding/upload-logo.ts';
import { removeLogo } from './branding/remove-logo.ts';
import { updateProviderAccount } from './provider-accounts/update-provider-account.ts';
import { listConnectionTests } from './provider-accounts/list-connection-tests.ts';
import { listRoutingRules } from './routing/list-routing-rules.ts';
import { createRoutingRule } from './routing/create-routing-rule.ts';
import { orderRoutingRules } from './routing/order-routing-rules.ts';
import { dryRunRouting } from './routing/dry-run-routing.ts';
import { showRoutingRule } from './routing/show-routing-rule.ts';
import { updateRoutingRule } from './routing/update-routing-rule.ts';
import { deleteRoutingRule } from './routing/delete-routing-rule.ts';
import { listWebhookEndpoints } from './webhook-endpoints/list-webhook-endpoints.ts';
import { createWebhookEndpoint } from './webhook-endpoints/create-webhook-endpoint.ts';
import { showWebhookEndpoint } from './webhook-endpoints/show-webhook-endpoint.ts';
import { updateWebhookEndpoint } from './webhook-endpoints/update-webhook-endpoint.ts';
import { deleteWebhookEndpoint } from './webhook-endpoints/delete-webhook-endpoint.ts';
import { rotateWebhookSecret } from './webhook-endpoints/rotate-webhook-secret.ts';
import { testWebhookEndpoint } from './webhook-endpoints/test-webhook-endpoint.ts';
import { listAuditLog } from './audit/list-audit-log.ts';
import { exportAuditLog } from './audit/export-audit-log.ts';
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
  /** Needs no credential. */
  const anyone = requireGateway(context.verifier);
  /** A person who logged in, for what is their own. */
  const person = requireUser(context.verifier);
  /** Somebody who may do that at the hotel. */
  const may = (permission: Permission): RequestHandler => requireIdentity(context.verifier, permission);
  const body = jsonBody();
  /** Without a body it is an empty object. */
  const optionalBody: RequestHandler = (request, response, next) => {
    if (hasBody(request)) return body(request, response, next);
    request.body = {};
    return next();
  };
  const to = (action: Action): RequestHandler => {
    return (request, response) => action(context, request, response);
  };

  app.use(requestContext(context.metrics, context.log));
  app.use(noStore);
  app.get('/v1/organisations', person, to(listOrganisations));
  app.post('/v1/organisations', person, noQuery, body, to(createOrganisation));
  app.all('/v1/organisations', onlyMethods('GET, POST'));
  app.get('/v1/organisations/:id', person, noQuery, to(showOrganisation));
  app.post('/v1/organisations/:id', person, noQuery, body, to(updateOrganisation));
  app.all('/v1/organisations/:id', onlyMethods('GET, POST'));
  app.get('/v1/organisations/:id/merchants', person, to(listOrganisationMerchants));
  app.all('/v1/organisations/:id/merchants', onlyMethods('GET'));
  app.get('/v1/organisations/:id/owners', person, to(listOrganisationOwners));
  app.post('/v1/organisations/:id/owners', person, noQuery, body, to(addOrganisationOwner));
  app.all('/v1/organisations/:id/owners', onlyMethods('GET, POST'));
  app.get('/v1/organisations/:id/audit-log', person, to(listOrganisationAuditLog));
  app.all('/v1/organisations/:id/audit-log', onlyMethods('GET'));
  app.delete('/v1/organisations/:id/owners/:user', person, noQuery, to(removeOrganisationOwner));
  app.all('/v1/organisations/:id/owners/:user', onlyMethods('DELETE'));
  app.get('/v1/merchants', person, to(listMyMerchants));
  app.post('/v1/merchants', person, noQuery, body, to(registerMerchant));
  app.all('/v1/merchants', onlyMethods('GET, POST'));
  app.get('/v1/merchants/:id', may('merchants:read'), noQuery, to(showMerchant));
  app.post('/v1/merchants/:id', may('merchants:write'), noQuery, body, to(updateMerchant));
  app.all('/v1/merchants/:id', onlyMethods('GET, POST'));
  app.post('/v1/merchants/:id/submit', may('merchants:write'), noQuery, to(submitMerchant));
  app.all('/v1/merchants/:id/submit', onlyMethods('POST'));
  app.post('/v1/merchants/:id/close', may('merchants:write'), noQuery, body, to(closeMerchant));
  app.all('/v1/merchants/:id/close', onlyMethods('POST'));
  app.get('/v1/merchants/:id/logo', anyone, noQuery, to(showLogo));
  app.post('/v1/merchants/:id/logo', may('merchants:write'), noQuery, body, to(uploadLogo));
  app.delete('/v1/merchants/:id/logo', may('merchants:write'), noQuery, to(removeLogo));
  app.all('/v1/merchants/:id/logo', onlyMethods('GET, POST, DELETE'));
  app.get('/v1/providers', may('provider_accounts:read'), noQuery, listProviders);
  app.all('/v1/providers', onlyMethods('GET'));
  app.get('/v1/provider-accounts', may('provider_accounts:read'), to(listProviderAccounts));
  app.post('/v1/provider-accounts', may('provider_accounts:write'), noQuery, body, to(createProviderAccount));
  app.all('/v1/provider-accounts', onlyMethods('GET, POST'));
  app.post('/v1/provider-accounts/test', may('provider_accounts:write'), noQuery, body, to(testCredentials));
  app.all('/v1/provider-accounts/test', onlyMethods('POST'));
  app.get('/v1/provider-accounts/:id', may('provider_accounts:read'), noQuery, to(showProviderAccount));
  app.post(
    '/v1/provider-accounts/:id',
    may('provider_accounts:write'),
    noQuery,
    body,
    to(updateProviderAccount),
  );
  app.delete('/v1/provider-accounts/:id', may('provider_accounts:write'), noQuery, to(deleteProviderAccount));
  app.all('/v1/provider-accounts/:id', onlyMethods('GET, POST, DELETE'));
  app.post(
    '/v1/provider-accounts/:id/test',
    may('provider_accounts:write'),
    noQuery,
    body,
    to(testProviderAccount),
  );
  app.all('/v1/provider-accounts/:id/test', onlyMethods('POST'));
  app.get('/v1/provider-accounts/:id/tests', may('provider_accounts:read'), to(listConnectionTests));
  app.all('/v1/provider-accounts/:id/tests', onlyMethods('GET'));
  app.post(
    '/v1/provider-accounts/:id/rotate',
    may('provider_accounts:write'),
    noQuery,
    body,
    to(rotateProviderAccount),
  );
  app.all('/v1/provider-accounts/:id/rotate', onlyMethods('POST'));
  app.get('/v1/routing-rules', may('routing_rules:read'), to(listRoutingRules));
  app.post('/v1/routing-rules', may('routing_rules:write'), noQuery, body, to(createRoutingRule));
  app.all('/v1/routing-rules', onlyMethods('GET, POST'));
  app.post('/v1/routing-rules/order', may('routing_rules:write'), noQuery, body, to(orderRoutingRules));
  app.all('/v1/routing-rules/order', onlyMethods('POST'));
  app.post('/v1/routing-rules/dry-run', may('routing_rules:read'), noQuery, body, to(dryRunRouting));
  app.all('/v1/routing-rules/dry-run', onlyMethods('POST'));
  app.get('/v1/routing-rules/:id', may('routing_rules:read'), noQuery, to(showRoutingRule));
  app.post('/v1/routing-rules/:id', may('routing_rules:write'), noQuery, body, to(updateRoutingRule));
  app.delete('/v1/routing-rules/:id', may('routing_rules:write'), noQuery, to(deleteRoutingRule));
  app.all('/v1/routing-rules/:id', onlyMethods('GET, POST, DELETE'));
  app.get('/v1/webhook-endpoints', may('webhook_endpoints:read'), to(listWebhookEndpoints));
  app.post('/v1/webhook-endpoints', may('webhook_endpoints:write'), noQuery, body, to(createWebhookEndpoint));
  app.all('/v1/webhook-endpoints', onlyMethods('GET, POST'));
  app.get('/v1/webhook-endpoints/:id', may('webhook_endpoints:read'), noQuery, to(showWebhookEndpoint));
  app.post(
    '/v1/webhook-endpoints/:id',
    may('webhook_endpoints:write'),
    noQuery,
    body,
    to(updateWebhookEndpoint),
  );
  app.delete('/v1/webhook-endpoints/:id', may('webhook_endpoints:write'), noQuery, to(deleteWebhookEndpoint));
  app.all('/v1/webhook-endpoints/:id', onlyMethods('GET, POST, DELETE'));
  app.post(
    '/v1/webhook-endpoints/:id/rotate-secret',
    may('webhook_endpoints:write'),
    noQuery,
    optionalBody,
    to(rotateWebhookSecret),
  );
  app.all('/v1/webhook-endpoints/:id/rotate-secret', onlyMethods('POST'));
  app.post(
    '/v1/webhook-endpoints/:id/test',
    may('webhook_endpoints:write'),
    noQuery,
    optionalBody,
    to(testWebhookEndpoint),
  );
  app.all('/v1/webhook-endpoints/:id/test', onlyMethods('POST'));
  app.get('/v1/audit-log', may('audit_log:read'), to(listAuditLog));
  app.all('/v1/audit-log', onlyMethods('GET'));
  app.get('/v1/audit-log/export', may('audit_log:read'), to(exportAuditLog));
  app.all('/v1/audit-log/export', onlyMethods('GET'));
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
