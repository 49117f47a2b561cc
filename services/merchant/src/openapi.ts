import { AppError, ERRORS, toProblem } from '@centra/service-kit/errors.ts';
import type { ErrorCode } from '@centra/service-kit/errors.ts';
import { problemSchema } from '@centra/service-kit/problem-schema.ts';
import { z } from 'zod';
import type { ZodOpenApiPathsObject, ZodOpenApiResponseObject } from 'zod-openapi';
import { createProviderAccountSchema } from './provider-accounts/create-provider-account.ts';
import { listProviderAccountsSchema } from './provider-accounts/list-provider-accounts.ts';
import { providerSchema } from './provider-accounts/list-providers.ts';
import { providerAccountSchema } from './provider-accounts/provider-account.ts';
import { rotateProviderAccountSchema } from './provider-accounts/rotate-provider-account.ts';
import { credentialsTestSchema, testCredentialsSchema } from './provider-accounts/test-credentials.ts';
import { testProviderAccountSchema } from './provider-accounts/test-provider-account.ts';

const tags = ['Provider accounts'];
const path = z.object({
  id: z.string().meta({ description: 'The provider account', example: 'pa_01jd0000000000000000000000' }),
});

/** A page of a list. */
const pageOf = (schema: z.ZodType) =>
  z.object({ data: z.array(schema), has_more: z.boolean(), next_cursor: z.string().nullable() });
export const providerPageSchema = pageOf(providerSchema).meta({ id: 'ProviderList' });
export const providerAccountPageSchema = pageOf(providerAccountSchema).meta({ id: 'ProviderAccountList' });

const retryAfter = z.object({ 'Retry-After': z.int().meta({ description: 'Seconds to wait' }) });

/** One status, which several codes may share; the first is the example. */
function problem(codes: readonly [ErrorCode, ...ErrorCode[]], why?: string): ZodOpenApiResponseObject {
  const words = codes.map((code) => `\`${code}\`: ${ERRORS[code].title}`);
  const example = toProblem(new AppError(codes[0]), 'req_01jd0000000000000000000000');
  return {
    description: [...words, ...(why === undefined ? [] : [why])].join('\n\n'),
    ...(ERRORS[codes[0]].http === 503 || ERRORS[codes[0]].http === 429 ? { headers: retryAfter } : {}),
    content: { 'application/problem+json': { schema: problemSchema, example } },
  };
}

function answer(description: string, schema: z.ZodType): ZodOpenApiResponseObject {
  return { description, content: { 'application/json': { schema } } };
}

function json(schema: z.ZodType) {
  return { required: true, content: { 'application/json': { schema } } };
}

const refusals = {
  '400': problem(['validation_failed']),
  '401': problem(['unauthenticated']),
  '403': problem(
    ['forbidden', 'access_suspended', 'second_factor_required', 'address_not_allowed'],
    '`forbidden`: the permission is missing, or a test credential asks for live mode.',
  ),
  '405': problem(['method_not_allowed']),
  '422': problem(['card_data_not_allowed']),
  '429': problem(['too_many_requests']),
  '500': problem(['internal']),
  '503': problem(['unavailable']),
};
const bodyRefusals = {
  ...refusals,
  '400': problem(
    ['validation_failed', 'malformed_json'],
    'A wrong credential is named, for example `credentials.secret_key`.',
  ),
  '408': problem(['request_timeout']),
  '413': problem(['payload_too_large']),
  '415': problem(['unsupported_media_type']),
};
const savingRefusals = {
  ...bodyRefusals,
  '422': problem(
    ['provider_credentials_rejected', 'card_data_not_allowed'],
    '`result` tells rejected, wrong_mode and insufficient apart; `detail` says it in words for staff. Nothing was saved.',
  ),
  '503': problem(['provider_unreachable', 'unavailable'], 'Nothing was saved.'),
};
const missing = { '404': problem(['not_found']) };
const deleted = { '409': problem(['state_conflict'], 'The account is deleted.') };
const stale = {
  '409': problem(
    ['state_conflict'],
    'The account is deleted, or was rotated by someone else in the meantime.',
  ),
};

/** The public routes of this service. */
export const paths: ZodOpenApiPathsObject = {
  '/v1/providers': {
    get: {
      operationId: 'listProviders',
      tags,
      summary: 'List the providers that can be connected',
      description: `Says which fields each provider asks for, in words for a form.`,
      responses: { '200': answer('All of them', providerPageSchema), ...refusals },
    },
  },
  '/v1/provider-accounts': {
    post: {
      operationId: 'createProviderAccount',
      tags,
      summary: 'Connect a provider account',
      description:
        `The credentials are checked with the provider first and stored, sealed, only when they work. ` +
        'The first account of its kind and mode becomes the default; a later one only with `"default": true`.',
      requestBody: json(createProviderAccountSchema),
      responses: {
        '201': answer('Connected', providerAccountSchema),
        ...savingRefusals,
        '404': problem(['not_found'], 'The merchant is not registered.'),
        '409': problem(['state_conflict'], 'There are 100 accounts already.'),
      },
    },
    get: {
      operationId: 'listProviderAccounts',
      tags,
      summary: 'List provider accounts',
      description: `Newest first, without deleted ones, never a secret. A test key sees test accounts only.`,
      requestParams: { query: listProviderAccountsSchema },
      responses: { '200': answer('A page', providerAccountPageSchema), ...refusals },
    },
  },
  '/v1/provider-accounts/test': {
    post: {
      operationId: 'testCredentials',
      tags,
      summary: 'Test credentials without saving them',
      description: `Moves no money and stores nothing.`,
      requestBody: json(testCredentialsSchema),
      responses: { '200': answer('What the provider said', credentialsTestSchema), ...bodyRefusals },
    },
  },
  '/v1/provider-accounts/{id}': {
    get: {
      operationId: 'getProviderAccount',
      tags,
      summary: 'Read a provider account',
      description: `A deleted account still answers, with its status.`,
      requestParams: { path },
      responses: {
        '200': answer('The account, without secrets', providerAccountSchema),
        ...refusals,
        ...missing,
      },
    },
    delete: {
      operationId: 'deleteProviderAccount',
      tags,
      summary: 'Delete a provider account',
      description:
        `No new payment uses it from now on; those under way may finish with it for a while (72 hours by ` +
        'default), then its secrets are destroyed. Repeating it answers the same. No other account becomes the default.',
      requestParams: { path },
      responses: { '200': answer('The deleted account', providerAccountSchema), ...refusals, ...missing },
    },
  },
  '/v1/provider-accounts/{id}/test': {
    post: {
      operationId: 'testProviderAccount',
      tags,
      summary: 'Test the stored credentials of an account',
      description: `The answer is kept as \`last_test\`. Send an empty object.`,
      requestParams: { path },
      requestBody: json(testProviderAccountSchema),
      responses: {
        '200': answer('What the provider said', credentialsTestSchema),
        ...bodyRefusals,
        ...missing,
        ...deleted,
      },
    },
  },
  '/v1/provider-accounts/{id}/rotate': {
    post: {
      operationId: 'rotateProviderAccount',
      tags,
      summary: 'Replace the credentials of an account',
      description:
        `Send the fields to replace; the others keep their values. Once the provider accepts them they are the ` +
        'next version; payments under way may finish with the old one for a while (72 hours by default), then its ' +
        'secrets are destroyed.',
      requestParams: { path },
      requestBody: json(rotateProviderAccountSchema),
      responses: {
        '200': answer('With the new version', providerAccountSchema),
        ...savingRefusals,
        ...missing,
        ...stale,
      },
    },
  },
};
