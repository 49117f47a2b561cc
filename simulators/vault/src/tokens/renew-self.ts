import { z } from 'zod';
import type { Answer, Call } from '../http/endpoint.ts';
import { parseInput, secondsSchema } from '../http/input.ts';
import { badRequest, permissionDenied } from '../http/vault-error.ts';
import { authOf } from './token.ts';

const inputSchema = z.object({ increment: secondsSchema.default(0) });

/** `POST /v1/auth/token/renew-self`: what is asked for is a wish; the token's greatest age caps it, with a warning. */
export function renewSelf({ ctx, body, token }: Call): Answer {
  if (token === undefined) throw permissionDenied();
  if (!token.renewable) throw badRequest('lease is not renewable');
  const { increment } = parseInput(inputSchema, body);
  const now = ctx.clock.nowMs();
  const wishedS = token.period > 0 ? token.period : increment > 0 ? increment : token.ttl;
  const leftS = token.ends_at === null ? Infinity : Math.floor((token.ends_at - now) / 1000);
  const leaseS = Math.min(wishedS, leftS);
  token.expires_at = now + leaseS * 1000;
  const warnings =
    leaseS < wishedS
      ? [
          `TTL of "${wishedS}s" exceeded the effective max_ttl of "${leftS}s"; TTL value is capped accordingly`,
        ]
      : [];
  return { auth: authOf(token, leaseS), warnings };
}
