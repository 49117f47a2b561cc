import { answer, json, problem } from '@centra/service-kit/openapi-parts.ts';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { bodyRefusals, noContent, queryRefusals, refusals } from './openapi-parts.ts';
import { pageQuerySchema } from './page.ts';
import { createRoleSchema } from './roles/create-role.ts';
import { roleListSchema } from './roles/list-roles.ts';
import { roleSchema } from './roles/role.ts';
import { updateRoleSchema } from './roles/update-role.ts';

const tags = ['Roles'];
const path = z.object({
  id: z.string().meta({
    description: '`owner`, `admin`, `manager`, `staff`, or a role of yours',
    example: 'rol_01jd0000000000000000000000',
  }),
});
const notFound = problem(['not_found']);
const conflict = problem(['state_conflict']);

export const paths: ZodOpenApiPathsObject = {
  '/v1/roles': {
    get: {
      operationId: 'listRoles',
      tags,
      summary: 'List roles',
      description: 'Needs `roles:read`. Those that every hotel has first, then your own, oldest first.',
      requestParams: { query: pageQuerySchema },
      responses: { '200': answer('A page', roleListSchema), ...refusals, ...queryRefusals },
    },
    post: {
      operationId: 'createRole',
      tags,
      summary: 'Make a role',
      description:
        'Needs `roles:write`, and every permission of the new role. 50 roles at most; a name is taken once.',
      requestBody: json(createRoleSchema),
      responses: { '201': answer('The role', roleSchema), ...refusals, ...bodyRefusals, '409': conflict },
    },
  },
  '/v1/roles/{id}': {
    get: {
      operationId: 'getRole',
      tags,
      summary: 'Read a role',
      description: 'Needs `roles:read`.',
      requestParams: { path },
      responses: { '200': answer('The role', roleSchema), ...refusals, '404': notFound },
    },
    post: {
      operationId: 'updateRole',
      tags,
      summary: 'Change a role',
      description:
        'Needs `roles:write`, and every permission that the role is to have. Bites within 5 seconds for everybody who has it. ' +
        'Roles that every hotel has are nobody’s to change. Repeating it changes nothing.',
      requestParams: { path },
      requestBody: json(updateRoleSchema),
      responses: {
        '200': answer('The role as it is now', roleSchema),
        ...refusals,
        ...bodyRefusals,
        '404': notFound,
        '409': conflict,
      },
    },
    delete: {
      operationId: 'deleteRole',
      tags,
      summary: 'Delete a role',
      description: 'Needs `roles:write`. Not while somebody has it.',
      requestParams: { path },
      responses: {
        '204': noContent('Deleted'),
        ...refusals,
        '404': notFound,
        '409': problem(['role_in_use']),
      },
    },
  },
};
