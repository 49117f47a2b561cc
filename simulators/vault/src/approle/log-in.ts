import type { Context } from '../context.ts';
import type { Answer, Call } from '../http/endpoint.ts';
import { badRequest, permissionDenied } from '../http/vault-error.ts';
import type { Role } from '../state.ts';
import { authOf, issueToken } from '../tokens/token.ts';

// One text for a wrong role, and a wrong, used up or expired secret id: which of them it was is nobody's business.
const REFUSED = 'invalid role or secret ID';

/** `POST /v1/auth/:mount/login` */
export function logIn({ ctx, param, body }: Call): Answer {
  const mount = param('mount');
  if (ctx.state.auths[mount] === undefined) throw permissionDenied();
  const roleId = textOf(body['role_id'], 'missing role_id');
  const role = Object.values(ctx.state.roles).find((one) => one.mount === mount && one.role_id === roleId);
  if (role === undefined) throw badRequest(REFUSED);
  if (role.bind_secret_id) useSecretId(ctx, role, textOf(body['secret_id'], 'missing secret_id'));
  const token = issueToken(ctx, {
    policies: role.token_policies,
    type: role.token_type,
    ttlS: role.token_ttl,
    maxTtlS: role.token_max_ttl,
    periodS: role.token_period,
    path: `auth/${mount}/login`,
    meta: { role_name: role.name },
  });
  return { auth: authOf(token, token.ttl) };
}

function useSecretId(ctx: Context, role: Role, id: string): void {
  const secretId = ctx.state.secret_ids[id];
  if (secretId === undefined || secretId.role !== role.name || secretId.mount !== role.mount)
    throw badRequest(REFUSED);
  if (secretId.expires_at !== null && secretId.expires_at <= ctx.clock.nowMs()) {
    delete ctx.state.secret_ids[id];
    throw badRequest(REFUSED);
  }
  if (secretId.uses_left === null) return;
  secretId.uses_left -= 1;
  if (secretId.uses_left === 0) delete ctx.state.secret_ids[id];
}

function textOf(value: unknown, missing: string): string {
  if (typeof value !== 'string' || value === '') throw badRequest(missing);
  return value;
}
