import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { paths as auditLogPaths } from './openapi-audit-log.ts';
import { paths as merchantPaths } from './openapi-merchants.ts';
import { paths as organisationPaths } from './openapi-organisations.ts';
import { paths as providerAccountPaths } from './openapi-provider-accounts.ts';
import { paths as routingPaths } from './openapi-routing.ts';
import { paths as webhookEndpointPaths } from './openapi-webhook-endpoints.ts';

/** The public routes of this service, room by room. */
export const paths: ZodOpenApiPathsObject = {
  ...organisationPaths,
  ...merchantPaths,
  ...providerAccountPaths,
  ...auditLogPaths,
  ...routingPaths,
  ...webhookEndpointPaths,
};
