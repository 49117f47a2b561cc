import { answer, json, problem } from '@centra/service-kit/openapi-parts.ts';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { userListSchema } from './members/list-users.ts';
import { userSchema } from './members/member.ts';
import { setUserRoleSchema } from './members/set-user-role.ts';
import { bodyRefusals, hotelParam, noContent, queryRefusals, refusals } from './openapi-parts.ts';
import { pageQuerySchema } from './page.ts';

const tags = ['People'];
const notFound = problem(['not_found']);
const lastOwner = problem(['last_owner']);

/** Where a hotel's people are found, and what the operations there are called. */
type Place = { base: string; noun: 'User' | 'Member'; params: z.ZodRawShape };

/** By the credential's hotel, and by the hotel's own address: the same people, answers and refusals. */
const PLACES: readonly Place[] = [
  { base: '/v1/users', noun: 'User', params: {} },
  { base: '/v1/merchants/{merchant}/members', noun: 'Member', params: hotelParam },
];

export const paths: ZodOpenApiPathsObject = Object.assign({}, ...PLACES.map(pathsAt));

function pathsAt(place: Place): ZodOpenApiPathsObject {
  return { ...reads(place), ...changes(place), ...suspensions(place) };
}

function pathOf({ params }: Place) {
  const id = z.string().meta({ description: 'The person', example: 'usr_01jd0000000000000000000000' });
  return z.object({ ...params, id });
}

function reads(place: Place): ZodOpenApiPathsObject {
  const { base, noun, params } = place;
  const path = pathOf(place);
  return {
    [base]: {
      get: {
        operationId: `list${noun}s`,
        tags,
        summary: 'List who works at the hotel',
        description: 'Needs `users:read`. Newest account first, suspended people included.',
        requestParams: { path: z.object(params), query: pageQuerySchema },
        responses: {
          '200': answer('A page', userListSchema),
          ...refusals,
          ...queryRefusals,
          ...('merchant' in params ? { '404': notFound } : {}),
        },
      },
    },
    [`${base}/{id}`]: {
      get: {
        operationId: `get${noun}`,
        tags,
        summary: 'Read who somebody is at the hotel',
        description: 'Needs `users:read`.',
        requestParams: { path },
        responses: { '200': answer('The person', userSchema), ...refusals, '404': notFound },
      },
      delete: {
        operationId: `remove${noun}`,
        tags,
        summary: 'Remove somebody from the hotel',
        description:
          'Needs `users:write`. Refused everywhere within 5 seconds; their account and their work at other hotels go on. Your ' +
          'own id: you leave. Only an owner removes an owner, and the last one stays.',
        requestParams: { path },
        responses: {
          '204': noContent('No longer works at the hotel'),
          ...refusals,
          '404': notFound,
          '409': lastOwner,
        },
      },
    },
  };
}

function changes(place: Place): ZodOpenApiPathsObject {
  const { base, noun } = place;
  return {
    [`${base}/{id}/role`]: {
      post: {
        operationId: `set${noun}Role`,
        tags,
        summary: 'Give somebody another role',
        description:
          'Needs `users:write`, and every permission of the role. Bites within 5 seconds. Nobody changes their own role; only an ' +
          'owner makes or changes an owner, and the last one stays. Repeating it changes nothing.',
        requestParams: { path: pathOf(place) },
        requestBody: json(setUserRoleSchema),
        responses: {
          '200': answer('The person with the role', userSchema),
          ...refusals,
          ...bodyRefusals,
          '404': notFound,
          '409': lastOwner,
        },
      },
    },
  };
}

function suspensions(place: Place): ZodOpenApiPathsObject {
  const { base, noun } = place;
  const path = pathOf(place);
  return {
    [`${base}/{id}/suspend`]: {
      post: {
        operationId: `suspend${noun}`,
        tags,
        summary: 'Suspend somebody at the hotel',
        description:
          'Needs `users:write`. They may do nothing here within 5 seconds, until they are restored. Not yourself; only an owner ' +
          'suspends an owner, and the last one stays. Repeating it changes nothing.',
        requestParams: { path },
        responses: {
          '200': answer('The suspended person', userSchema),
          ...refusals,
          '404': notFound,
          '409': lastOwner,
        },
      },
    },
    [`${base}/{id}/restore`]: {
      post: {
        operationId: `restore${noun}`,
        tags,
        summary: 'Restore somebody who was suspended',
        description:
          'Needs `users:write`, and every permission of their role. Only an owner restores an owner. Repeating it changes nothing.',
        requestParams: { path },
        responses: { '200': answer('The restored person', userSchema), ...refusals, '404': notFound },
      },
    },
  };
}
