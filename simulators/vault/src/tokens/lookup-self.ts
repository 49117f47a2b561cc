import type { Answer, Call } from '../http/endpoint.ts';
import { permissionDenied } from '../http/vault-error.ts';

/** `GET /v1/auth/token/lookup-self` */
export function lookupSelf({ ctx, token }: Call): Answer {
  if (token === undefined) throw permissionDenied();
  const { expires_at: expiresAt } = token;
  return {
    data: {
      accessor: token.accessor,
      creation_time: Math.floor(token.issued_at / 1000),
      creation_ttl: token.ttl,
      expire_time: expiresAt === null ? null : new Date(expiresAt).toISOString(),
      explicit_max_ttl: 0,
      id: token.id,
      issue_time: new Date(token.issued_at).toISOString(),
      meta: token.meta,
      num_uses: 0,
      orphan: token.orphan,
      path: token.path,
      ...(token.period > 0 ? { period: token.period } : {}),
      policies: token.policies,
      renewable: token.renewable,
      ttl: expiresAt === null ? 0 : Math.max(0, Math.floor((expiresAt - ctx.clock.nowMs()) / 1000)),
      type: token.type,
    },
  };
}
