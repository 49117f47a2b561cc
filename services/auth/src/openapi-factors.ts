import { answer, noStore, problem, retryAfter } from '@centra/service-kit/openapi-parts.ts';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { addFactorSchema, addedFactorSchema } from './factors/add-factor.ts';
import { confirmFactorSchema, confirmedFactorSchema } from './factors/confirm-factor.ts';
import { factorListSchema } from './factors/list-factors.ts';
import { removeFactorSchema } from './factors/remove-factor.ts';
import { renewRecoveryCodesSchema, renewedRecoveryCodesSchema } from './factors/renew-recovery-codes.ts';
import { bodyRefusals, noContent, personRefusals, queryRefusals } from './openapi-parts.ts';
import { pageQuerySchema } from './page.ts';

const tags = ['Second factors'];
const path = z.object({ id: z.string().meta({ example: 'fac_01jd0000000000000000000000' }) });
const body = (
  schema: z.ZodType,
): { required: true; content: { 'application/json': { schema: z.ZodType } } } => ({
  required: true,
  content: { 'application/json': { schema } },
});

const refusals = { ...personRefusals, ...bodyRefusals };
const guarded = { '429': problem(['too_many_attempts', 'too_many_requests'], retryAfter) };

/** Second factors of whoever logged in. */
export const paths: ZodOpenApiPathsObject = {
  '/v1/auth/factors': {
    get: {
      operationId: 'listFactors',
      tags,
      summary: 'List your second factors',
      description: 'Newest first, with the one that waits for its first code. Never a secret.',
      requestParams: { query: pageQuerySchema },
      responses: { '200': answer('A page', factorListSchema), ...personRefusals, ...queryRefusals },
    },
    post: {
      operationId: 'addFactor',
      tags,
      summary: 'Add a second factor',
      description:
        'Needs the password again. Show the URI as a QR code, then confirm with the first code within 15 minutes; until then ' +
        'it is not asked for, and adding another replaces it. Whoever has a second factor adds one only from a session ' +
        'that proved it.',
      requestBody: body(addFactorSchema),
      responses: {
        '201': answer('The second factor with its secret', addedFactorSchema, noStore),
        ...refusals,
        ...guarded,
        '401': problem(['login_failed', 'unauthenticated']),
        '403': problem(['second_factor_required']),
        '409': problem(['state_conflict']),
      },
    },
  },
  '/v1/auth/factors/recovery-codes': {
    post: {
      operationId: 'renewRecoveryCodes',
      tags,
      summary: 'Make new recovery codes',
      description: 'Needs a code. The recovery codes from before are worthless then.',
      requestBody: body(renewRecoveryCodesSchema),
      responses: {
        '200': answer('The codes', renewedRecoveryCodesSchema, noStore),
        ...refusals,
        ...guarded,
        '401': problem(['second_factor_wrong', 'unauthenticated']),
        '409': problem(['state_conflict']),
      },
    },
  },
  '/v1/auth/factors/{id}/confirm': {
    post: {
      operationId: 'confirmFactor',
      tags,
      summary: 'Confirm a second factor',
      description:
        'With its first code. From then on it is asked for at log-in; the session that confirms counts as proved at once. ' +
        'The first factor brings ten recovery codes, shown this once.',
      requestParams: { path },
      requestBody: body(confirmFactorSchema),
      responses: {
        '200': answer('The second factor', confirmedFactorSchema, noStore),
        ...refusals,
        '401': problem(['second_factor_wrong', 'unauthenticated']),
        '404': problem(['not_found']),
        '409': problem(['state_conflict']),
      },
    },
  },
  '/v1/auth/factors/{id}/remove': {
    post: {
      operationId: 'removeFactor',
      tags,
      summary: 'Remove a second factor',
      description:
        'Needs the password and a code of any of your factors, or a recovery code. With the last one your recovery codes go ' +
        'and your other sessions end.',
      requestParams: { path },
      requestBody: body(removeFactorSchema),
      responses: {
        '204': noContent('The second factor is removed'),
        ...refusals,
        ...guarded,
        '401': problem(['login_failed', 'second_factor_wrong', 'unauthenticated']),
        '404': problem(['not_found']),
      },
    },
  },
};
