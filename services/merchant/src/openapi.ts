import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { paths as providerAccountPaths } from './openapi-provider-accounts.ts';

/** The public routes of this service, room by room. */
export const paths: ZodOpenApiPathsObject = { ...providerAccountPaths };
