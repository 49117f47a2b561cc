import { z } from 'zod';
import type { Answer, Call } from '../http/endpoint.ts';
import { listSchema, parseInput, secondsSchema } from '../http/input.ts';
import { authOf, issueToken } from './token.ts';

const inputSchema = z.object({
  policies: listSchema.default([]),
  ttl: secondsSchema.default(0),
  explicit_max_ttl: secondsSchema.default(0),
  period: secondsSchema.default(0),
  type: z.enum(['service', 'batch']).default('service'),
});

/** `POST /v1/auth/token/create` */
export function createToken({ ctx, body }: Call): Answer {
  const input = parseInput(inputSchema, body);
  const token = issueToken(ctx, {
    policies: input.policies,
    type: input.type,
    ttlS: input.ttl,
    maxTtlS: input.explicit_max_ttl,
    periodS: input.period,
    path: 'auth/token/create',
    meta: {},
  });
  return { auth: authOf(token, token.ttl) };
}
