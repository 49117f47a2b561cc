import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { userListSchema } from './members/list-users.ts';
import { userSchema } from './members/member.ts';
import { setUserRoleSchema } from './members/set-user-role.ts';
import { answer, bodyRefusals, noContent, problem, queryRefusals, refusals } from './openapi-parts.ts';
import { pageQuerySchema } from './page.ts';

const tags = ['People'];
const path = z.object({
  id: z.string().meta({ description: 'The person', example: 'usr_01jd0000000000000000000000' }),
});
const notFound = problem(['not_found']);
const lastOwner = problem(['last_owner']);

export const paths: ZodOpenApiPathsObject = {
  '/v1/users': {
    get: {
      operationId: 'listUsers',
      tags,
      summary: 'List who works at the hotel',
      description: 'Needs `users:read`. Newest account first, suspended people included.',
      requestParams: { query: pageQuerySchema },
      responses: { '200': answer('A page', userListSchema), ...refusals, ...queryRefusals },
    },
  },
  '/v1/users/{id}': {
    get: {
      operationId: 'getUser',
      tags,
      summary: 'Read who somebody is at the hotel',
      description: 'Needs `users:read`.',
      requestParams: { path },
      responses: { '200': answer('The person', userSchema), ...refusals, '404': notFound },
    },
    delete: {
      operationId: 'removeUser',
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
  '/v1/users/{id}/role': {
    post: {
      operationId: 'setUserRole',
      tags,
      summary: 'Give somebody another role',
      description:
        'Needs `users:write`, and every permission of the role. Bites within 5 seconds. Nobody changes their own role; only an ' +
        'owner makes or changes an owner, and the last one stays. Repeating it changes nothing.',
      requestParams: { path },
      requestBody: { required: true, content: { 'application/json': { schema: setUserRoleSchema } } },
      responses: {
        '200': answer('The person with the role', userSchema),
        ...refusals,
        ...bodyRefusals,
        '404': notFound,
        '409': lastOwner,
      },
    },
  },
  '/v1/users/{id}/suspend': {
    post: {
      operationId: 'suspendUser',
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
  '/v1/users/{id}/restore': {
    post: {
      operationId: 'restoreUser',
      tags,
      summary: 'Restore somebody who was suspended',
      description:
        'Needs `users:write`, and every permission of their role. Only an owner restores an owner. Repeating it changes nothing.',
      requestParams: { path },
      responses: { '200': answer('The restored person', userSchema), ...refusals, '404': notFound },
    },
  },
};
