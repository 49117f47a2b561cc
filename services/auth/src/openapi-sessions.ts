import { answer, json, noStore, problem, retryAfter } from '@centra/service-kit/openapi-parts.ts';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { bodyRefusals, noContent, personRefusals, publicRefusals, queryRefusals } from './openapi-parts.ts';
import { pageQuerySchema } from './page.ts';
import { sessionListSchema } from './sessions/list-sessions.ts';
import { tokensSchema } from './sessions/issue-tokens.ts';
import { loginWithFactorSchema } from './sessions/login-with-factor.ts';
import { loginAnswerSchema, loginSchema } from './sessions/login.ts';
import { refreshSchema } from './sessions/refresh.ts';

const tags = ['Sessions'];

const attemptRefusals = {
  ...publicRefusals,
  ...bodyRefusals,
  '404': problem(['not_found']),
  '429': problem(['too_many_attempts', 'too_many_requests'], retryAfter),
};

/** Logging in and out, and the sessions that come of it. */
export const paths: ZodOpenApiPathsObject = {
  '/v1/auth/login': {
    post: {
      operationId: 'login',
      tags,
      summary: 'Log in',
      description:
        'Answers tokens, or a challenge when the person has a second factor. Five failures lock the account for 30 minutes; ' +
        'a password reset lifts that. Says the same of a wrong password and of an address that has no account.',
      requestBody: json(loginSchema),
      responses: {
        '200': answer('Tokens, or a challenge', loginAnswerSchema, noStore),
        ...attemptRefusals,
        '401': problem(['login_failed', 'unauthenticated']),
        '403': problem(['email_not_verified', 'second_factor_required', 'access_suspended']),
      },
    },
  },
  '/v1/auth/login/factor': {
    post: {
      operationId: 'loginWithFactor',
      tags,
      summary: 'Log in: the second step',
      description:
        'The code of an authenticator app, or a recovery code. Each is good once; wrong ones count like wrong passwords.',
      requestBody: json(loginWithFactorSchema),
      responses: {
        '200': answer('Tokens', tokensSchema, noStore),
        ...attemptRefusals,
        '401': problem(['second_factor_wrong', 'unauthenticated']),
        '403': problem(['access_suspended', 'second_factor_required']),
      },
    },
  },
  '/v1/auth/refresh': {
    post: {
      operationId: 'refresh',
      tags,
      summary: 'Refresh tokens',
      description:
        'Takes a refresh token, which is used up, and answers the next tokens; with `merchant_id` for another hotel. ' +
        '**One refresh at a time:** a token that comes a second time, even at the same moment, is taken for stolen and ends ' +
        'the session. If the answer is lost, log in again. A session ends 7 days after its last refresh, and after 90 days ' +
        'in any case. Refused with 403 or 404, the token stays good.',
      requestBody: json(refreshSchema),
      responses: {
        '200': answer('Tokens', tokensSchema, noStore),
        ...publicRefusals,
        ...bodyRefusals,
        '401': problem(['unauthenticated']),
        '403': problem(['access_suspended', 'second_factor_required']),
        '404': problem(['not_found']),
      },
    },
  },
  '/v1/auth/logout': {
    post: {
      operationId: 'logout',
      tags,
      summary: 'Log out',
      description: 'Ends the session that asks. Its tokens are refused everywhere within 5 seconds.',
      responses: { '204': noContent('The session has ended'), ...personRefusals },
    },
  },
  '/v1/auth/sessions': {
    get: {
      operationId: 'listSessions',
      tags,
      summary: 'List your sessions',
      description: 'The open ones, newest first.',
      requestParams: { query: pageQuerySchema },
      responses: { '200': answer('A page', sessionListSchema), ...personRefusals, ...queryRefusals },
    },
  },
  '/v1/auth/sessions/{id}': {
    delete: {
      operationId: 'endSession',
      tags,
      summary: 'End one of your sessions',
      description: 'Its tokens are refused everywhere within 5 seconds.',
      requestParams: {
        path: z.object({ id: z.string().meta({ example: 'ses_01jd0000000000000000000000' }) }),
      },
      responses: {
        '204': noContent('The session has ended'),
        ...personRefusals,
        '400': problem(['malformed_request']),
        '404': problem(['not_found']),
      },
    },
  },
};
