import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Answer, Call } from '../http/endpoint.ts';
import { parseInput, secondsSchema } from '../http/input.ts';
import { roleNamed } from './role.ts';

const inputSchema = z.object({
  metadata: z.string().optional(),
  ttl: secondsSchema.optional(),
  num_uses: z.int().min(0).optional(),
});

/** `POST /v1/auth/:mount/role/:name/secret-id`; how long and how often it logs in is the role's, unless less is asked for. */
export function createSecretId({ ctx, param, body }: Call): Answer {
  const role = roleNamed(ctx, param('mount'), param('name'));
  const input = parseInput(inputSchema, body);
  const ttl = input.ttl ?? role.secret_id_ttl;
  const uses = input.num_uses ?? role.secret_id_num_uses;
  const secretId = {
    id: randomUUID(),
    accessor: randomUUID(),
    mount: role.mount,
    role: role.name,
    expires_at: ttl === 0 ? null : ctx.clock.nowMs() + ttl * 1000,
    ttl,
    uses_left: uses === 0 ? null : uses,
  };
  ctx.state.secret_ids[secretId.id] = secretId;
  return {
    data: {
      secret_id: secretId.id,
      secret_id_accessor: secretId.accessor,
      secret_id_ttl: ttl,
      secret_id_num_uses: uses,
    },
  };
}
