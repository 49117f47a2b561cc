import { answer, json, problem } from '@centra/service-kit/openapi-parts.ts';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { bodyRefusals, refusals } from './openapi-parts.ts';
import { securitySchema, updateSecuritySchema } from './security/security.ts';

const tags = ['Security'];

export const paths: ZodOpenApiPathsObject = {
  '/v1/security': {
    get: {
      operationId: 'getSecurity',
      tags,
      summary: 'Read what holds for everybody at the hotel',
      description: 'Needs `security:read`.',
      responses: { '200': answer('What holds', securitySchema), ...refusals },
    },
    post: {
      operationId: 'updateSecurity',
      tags,
      summary: 'Change what holds for everybody at the hotel',
      description:
        'Needs `security:write`. Requiring a second factor bars every session without one within 5 seconds, so the session ' +
        'that asks must have one. Repeating it changes nothing.',
      requestBody: json(updateSecuritySchema),
      responses: {
        '200': answer('What holds now', securitySchema),
        ...refusals,
        ...bodyRefusals,
        '409': problem(['state_conflict']),
      },
    },
  },
};
