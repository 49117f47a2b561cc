import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { paths as accountPaths } from './openapi-accounts.ts';
import { paths as apiKeyPaths } from './openapi-api-keys.ts';
import { paths as factorPaths } from './openapi-factors.ts';
import { paths as invitationPaths } from './openapi-invitations.ts';
import { paths as memberPaths } from './openapi-members.ts';
import { paths as rolePaths } from './openapi-roles.ts';
import { paths as securityPaths } from './openapi-security.ts';
import { paths as sessionPaths } from './openapi-sessions.ts';
import { paths as tokenPaths } from './openapi-tokens.ts';

/** The public routes of this service, room by room. Which credential each takes is said by the gateway's routes. */
export const paths: ZodOpenApiPathsObject = {
  ...accountPaths,
  ...sessionPaths,
  ...factorPaths,
  ...memberPaths,
  ...invitationPaths,
  ...rolePaths,
  ...securityPaths,
  ...apiKeyPaths,
  ...tokenPaths,
};
