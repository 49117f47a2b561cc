import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Context } from '../context.ts';
import type { Answer, Call } from '../http/endpoint.ts';
import { listSchema, parseInput, secondsSchema } from '../http/input.ts';
import { VaultError, nothingThere } from '../http/vault-error.ts';
import type { Role } from '../state.ts';

const inputSchema = z.object({
  token_policies: listSchema.optional(),
  token_ttl: secondsSchema.optional(),
  token_max_ttl: secondsSchema.optional(),
  token_period: secondsSchema.optional(),
  token_type: z.enum(['service', 'batch']).optional(),
  secret_id_ttl: secondsSchema.optional(),
  secret_id_num_uses: z.int().min(0).optional(),
  bind_secret_id: z.boolean().optional(),
});

/** `POST /v1/auth/:mount/role/:name`: fields that are not given stay as they are. */
export function writeRole({ ctx, param, body }: Call): void {
  const input = parseInput(inputSchema, body);
  const mount = approleMount(ctx, param('mount'));
  const id = `${mount}/${param('name')}`;
  const known = ctx.state.roles[id];
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
  ctx.state.roles[id] = { ...(known ?? newRole(mount, param('name'))), ...given };
}

/** `GET /v1/auth/:mount/role/:name/role-id` */
export function readRoleId({ ctx, param }: Call): Answer {
  return { data: { role_id: roleNamed(ctx, param('mount'), param('name')).role_id } };
}

/** 404 when there is none of that name. */
export function roleNamed(ctx: Context, mount: string, name: string): Role {
  const role = ctx.state.roles[`${approleMount(ctx, mount)}/${name}`];
  if (role === undefined) throw nothingThere();
  return role;
}

/** 404 unless AppRole was enabled there. */
export function approleMount(ctx: Context, mount: string): string {
  if (ctx.state.auths[mount] === undefined)
    throw new VaultError(404, `no handler for route "auth/${mount}". route entry not found.`);
  return mount;
}

function newRole(mount: string, name: string): Role {
  return {
    mount,
    name,
    role_id: randomUUID(),
    bind_secret_id: true,
    token_policies: [],
    token_ttl: 0,
    token_max_ttl: 0,
    token_period: 0,
    token_type: 'service',
    secret_id_ttl: 0,
    secret_id_num_uses: 0,
  };
}
