import { randomBytes } from 'node:crypto';
import type { Context } from '../context.ts';
import { permissionDenied } from '../http/vault-error.ts';
import type { Token } from '../state.ts';

// Vault's own default and maximum, 32 days.
export const SYSTEM_MAX_TTL_S = 32 * 86_400;

export type NewToken = {
  policies: readonly string[];
  type: Token['type'];
  ttlS: number;
  maxTtlS: number;
  periodS: number;
  path: string;
  meta: Record<string, string>;
};

/** Issues a token; `root` is known without being issued. */
export function issueToken(ctx: Context, wanted: NewToken): Token {
  const now = ctx.clock.nowMs();
  const periodic = wanted.periodS > 0;
  const maxS = Math.min(wanted.maxTtlS > 0 ? wanted.maxTtlS : SYSTEM_MAX_TTL_S, SYSTEM_MAX_TTL_S);
  const ttl = periodic ? wanted.periodS : Math.min(wanted.ttlS > 0 ? wanted.ttlS : maxS, maxS);
  const token: Token = {
    id: `${wanted.type === 'batch' ? 'hvb' : 'hvs'}.${randomBytes(24).toString('base64url')}`,
    accessor: wanted.type === 'batch' ? '' : randomBytes(18).toString('base64url'),
    policies: [...new Set(['default', ...wanted.policies])].toSorted(),
    type: wanted.type,
    renewable: wanted.type === 'service',
    orphan: true,
    path: wanted.path,
    meta: wanted.meta,
    issued_at: now,
    expires_at: now + ttl * 1000,
    ends_at: periodic ? null : now + maxS * 1000,
    ttl,
    period: wanted.periodS,
  };
  ctx.state.tokens[token.id] = token;
  return token;
}

/** 403 for a missing, unknown, revoked or expired token. */
export function mustHaveToken(ctx: Context, id: string | undefined): Token {
  if (id === undefined) throw permissionDenied();
  if (id === ctx.config.rootToken) return rootToken(ctx);
  const token = ctx.state.tokens[id];
  if (token === undefined || (token.expires_at !== null && token.expires_at <= ctx.clock.nowMs()))
    throw permissionDenied();
  return token;
}

/** The `auth` part of a log-in's or renewal's answer. */
export function authOf(token: Token, leaseS: number): Record<string, unknown> {
  return {
    client_token: token.id,
    accessor: token.accessor,
    policies: token.policies,
    token_policies: token.policies,
    metadata: token.meta,
    lease_duration: leaseS,
    renewable: token.renewable,
    entity_id: '',
    token_type: token.type,
    orphan: token.orphan,
  };
}

function rootToken(ctx: Context): Token {
  return {
    id: ctx.config.rootToken,
    accessor: 'root',
    policies: ['root'],
    type: 'service',
    renewable: false,
    orphan: true,
    path: 'auth/token/root',
    meta: {},
    issued_at: 0,
    expires_at: null,
    ends_at: null,
    ttl: 0,
    period: 0,
  };
}
