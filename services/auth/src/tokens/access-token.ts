import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { registeredClaims, signToken, verifyToken } from './signed-token.ts';

type Parts = Pick<Context, 'config' | 'signingKeys'>;

/** What an access token says. It says who, not what they may do: that is looked up when it is used. */
export type AccessClaims = {
  /** UUID of the user. */
  userId: string;
  /** UUID of the session. */
  sessionId: string;
  /** UUID; undefined for a token for no hotel. */
  merchantId: string | undefined;
  mode: 'test' | 'live';
};

const modeSchema = z.enum(['test', 'live']);
const accessSchema = z.strictObject({
  ...registeredClaims,
  sub: z.string(),
  sid: z.string(),
  mer: z.string().optional(),
  mode: modeSchema,
});

/** Signs a token by the current key (RFC 9068, `at+jwt`). */
export async function signAccessToken(
  parts: Parts,
  { userId, sessionId, merchantId, mode }: AccessClaims,
): Promise<{ token: string; expiresAt: Date }> {
  return await signToken(parts, {
    type: 'at+jwt',
    claims: {
      sub: toPublicId('usr', userId),
      sid: toPublicId('ses', sessionId),
      ...(merchantId === undefined ? {} : { mer: toPublicId('mer', merchantId) }),
      mode,
    },
    lifetimeS: parts.config.tokens.accessTtlS,
  });
}

/** The claims of a good token; `unauthenticated` for every other one. */
export async function verifyAccessToken(
  parts: Parts,
  token: string,
): Promise<AccessClaims & { expiresAt: Date }> {
  const claims = await verifyToken(parts, token, {
    type: 'at+jwt',
    claims: accessSchema,
    lifetimeS: parts.config.tokens.accessTtlS,
  });
  return {
    userId: uuidOf('usr', claims.sub),
    sessionId: uuidOf('ses', claims.sid),
    merchantId: claims.mer === undefined ? undefined : uuidOf('mer', claims.mer),
    mode: claims.mode,
    expiresAt: new Date(claims.exp * 1000),
  };
}

/** The first step of a log-in that was passed, and where it leads. */
export type ChallengeClaims = {
  /** UUID of the user. */
  userId: string;
  /** UUID of the hotel that they asked for; undefined when they named none. */
  merchantId: string | undefined;
  mode: 'test' | 'live';
};

// Time to find a phone and type six digits.
const CHALLENGE_LIFETIME_S = 300;

const challengeSchema = z.strictObject({
  ...registeredClaims,
  sub: z.string(),
  mer: z.string().optional(),
  mode: modeSchema,
});

/** Signs a challenge (`challenge+jwt`), good for five minutes and for nothing but the second step of a log-in. */
export async function signChallenge(
  parts: Parts,
  { userId, merchantId, mode }: ChallengeClaims,
): Promise<{ token: string; expiresAt: Date }> {
  return await signToken(parts, {
    type: 'challenge+jwt',
    claims: {
      sub: toPublicId('usr', userId),
      ...(merchantId === undefined ? {} : { mer: toPublicId('mer', merchantId) }),
      mode,
    },
    lifetimeS: CHALLENGE_LIFETIME_S,
  });
}

/**
 * The claims of a good challenge; `unauthenticated` for every other one. It is signed, not stored: whether the password was
 * changed since `issuedAt` (to the second) is the caller's to check.
 */
export async function verifyChallenge(
  parts: Parts,
  token: string,
): Promise<ChallengeClaims & { issuedAt: Date; expiresAt: Date }> {
  const claims = await verifyToken(parts, token, {
    type: 'challenge+jwt',
    claims: challengeSchema,
    lifetimeS: CHALLENGE_LIFETIME_S,
  });
  return {
    userId: uuidOf('usr', claims.sub),
    merchantId: claims.mer === undefined ? undefined : uuidOf('mer', claims.mer),
    mode: claims.mode,
    issuedAt: new Date(claims.iat * 1000),
    expiresAt: new Date(claims.exp * 1000),
  };
}

function uuidOf(prefix: 'usr' | 'ses' | 'mer', id: string): string {
  const uuid = fromPublicId(prefix, id);
  if (uuid === undefined)
    throw new AppError('unauthenticated', { internal: `token refused: no ${prefix} id` });
  return uuid;
}
