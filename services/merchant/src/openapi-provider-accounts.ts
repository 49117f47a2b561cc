import { answer, json, problem, retryAfter } from '@centra/service-kit/openapi-parts.ts';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { bodyRefusals, explained, missing, pageOf, refusals } from './openapi-parts.ts';
import { connectionTestSchema } from './provider-accounts/connection-test.ts';
import { createProviderAccountSchema } from './provider-accounts/create-provider-account.ts';
import { listConnectionTestsSchema } from './provider-accounts/list-connection-tests.ts';
import { listProviderAccountsSchema } from './provider-accounts/list-provider-accounts.ts';
import { providerSchema } from './provider-accounts/list-providers.ts';
import { providerAccountSchema } from './provider-accounts/provider-account.ts';
import { rotateProviderAccountSchema } from './provider-accounts/rotate-provider-account.ts';
import { credentialsTestSchema, testCredentialsSchema } from './provider-accounts/test-credentials.ts';
import { testProviderAccountSchema } from './provider-accounts/test-provider-account.ts';
import { updateProviderAccountSchema } from './provider-accounts/update-provider-account.ts';

const tags = ['Provider accounts'];
const path = z.object({
  id: z.string().meta({ description: 'The provider account', example: 'pa_01jd0000000000000000000000' }),
});

export const providerPageSchema = pageOf(providerSchema).meta({ id: 'ProviderList' });
export const providerAccountPageSchema = pageOf(providerAccountSchema).meta({ id: 'ProviderAccountList' });
export const connectionTestPageSchema = pageOf(connectionTestSchema).meta({ id: 'ConnectionTestList' });

const credentialRefusals = {
  ...bodyRefusals,
  '400': explained(bodyRefusals['400'], 'A wrong credential is named, for example `credentials.secret_key`.'),
};
const savingRefusals = {
  ...credentialRefusals,
  '422': explained(
    problem(['provider_credentials_rejected', 'descriptor_not_allowed', 'card_data_not_allowed']),
    '`result` tells rejected, wrong_mode and insufficient apart; `detail` says it in words for staff. Nothing was saved.',
  ),
  '503': explained(problem(['provider_unreachable', 'unavailable'], retryAfter), 'Nothing was saved.'),
};
const deleted = { '409': explained(problem(['state_conflict']), 'The account is deleted.') };
const stale = {
  '409': explained(
    problem(['state_conflict']),
    'The account is deleted, or was rotated by someone else in the meantime.',
  ),
};

/** The routes of a hotel's own provider accounts. */
export const paths: ZodOpenApiPathsObject = {
  '/v1/providers': {
    get: {
      operationId: 'listProviders',
      tags,
      summary: 'List the providers that can be connected',
      description:
        'Enough to draw the form of each: its fields with their boxes, patterns, choices and words. `takes_payments` says ' +
        'whether this release takes payments through it; the others can be connected and tested ahead.',
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
        '404': explained(problem(['not_found']), 'The merchant is not registered.'),
        '409': explained(problem(['state_conflict']), 'There are 100 accounts already.'),
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
      responses: { '200': answer('What the provider said', credentialsTestSchema), ...credentialRefusals },
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
    post: {
      operationId: 'updateProviderAccount',
      tags,
      summary: 'Rename a provider account or make it the default',
      description:
        'Credentials are replaced by rotating. Each kind and mode has one default; it moves from one account to the other ' +
        'at once.',
      requestParams: { path },
      requestBody: json(updateProviderAccountSchema),
      responses: {
        '200': answer('The account', providerAccountSchema),
        ...bodyRefusals,
        ...missing,
        ...deleted,
      },
    },
    delete: {
      operationId: 'deleteProviderAccount',
      tags,
      summary: 'Delete a provider account',
      description:
        'No new payment uses it from now on; those under way finish with it, and what it holds can still be captured or ' +
        'released. Its secrets are destroyed after 72 hours (by default), and not before the last of these is over. ' +
        'Repeating it answers the same. No other account becomes the default.',
      requestParams: { path },
      responses: { '200': answer('The deleted account', providerAccountSchema), ...refusals, ...missing },
    },
  },
  '/v1/provider-accounts/{id}/test': {
    post: {
      operationId: 'testProviderAccount',
      tags,
      summary: 'Test the stored credentials of an account',
      description: `The answer is kept as \`last_test\` and in the account’s log of tests. Send an empty object.`,
      requestParams: { path },
      requestBody: json(testProviderAccountSchema),
      responses: {
        '200': answer('What the provider said', credentialsTestSchema),
        ...credentialRefusals,
        ...missing,
        ...deleted,
      },
    },
  },
  '/v1/provider-accounts/{id}/tests': {
    get: {
      operationId: 'listConnectionTests',
      tags,
      summary: 'List past tests of an account’s connection',
      description:
        'Newest first, the newest 200: made when it was connected, when its credentials were rotated, and on demand. Also ' +
        'of a deleted account.',
      requestParams: { path, query: listConnectionTestsSchema },
      responses: { '200': answer('A page', connectionTestPageSchema), ...refusals, ...missing },
    },
  },
  '/v1/provider-accounts/{id}/rotate': {
    post: {
      operationId: 'rotateProviderAccount',
      tags,
      summary: 'Replace the credentials of an account',
      description:
        `Send the fields to replace; the others keep their values. Once the provider accepts them they are the ` +
        'next version; operations under way finish with the old one, whose secrets are destroyed after 72 hours (by ' +
        'default), and not before the last of these is over.',
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
