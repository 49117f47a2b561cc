import { newUuid } from '@centra/service-kit/ids.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { parseStrictJson } from '@centra/service-kit/strict-json.ts';
import jwt from 'jsonwebtoken';
import { z } from 'zod';
import type { Context } from '../context.ts';

/** `at+jwt` opens the API (RFC 9068); `challenge+jwt` only goes on with a log-in. Neither passes for the other. */
export type TokenType = 'at+jwt' | 'challenge+jwt';

type Parts = Pick<Context, 'config' | 'signingKeys'>;

export const AUDIENCE = 'centra-api';
// Ours are under 700 characters; nothing is read of a longer one.
const TOKEN_MAX_LENGTH = 2_048;
// A clock that is further ahead than this is broken (security-tests row 22). One that is behind gets nothing: expired is expired.
const CLOCK_AHEAD_MAX_S = 60;

// Ours carry these and nothing else: a key (`jwk`), an address of one (`jku`, `x5u`) or an extension (`crit`) is an attack.
const headerSchema = z.strictObject({
  alg: z.enum(['ES256', 'HS256']),
  typ: z.enum(['at+jwt', 'challenge+jwt']),
  // A thumbprint, or the one word that names the configured secret. It only chooses among keys that we hold.
  kid: z.string().regex(/^(?:[A-Za-z0-9_-]{43}|configured)$/),
});

const seconds = z.int().positive();

/** What every token of ours carries beside its own claims. */
export const registeredClaims = {
  iss: z.string(),
  aud: z.literal(AUDIENCE),
  iat: seconds,
  nbf: seconds.optional(),
  exp: seconds,
  jti: z.string().min(1).max(64),
};

/** Signs a token by the current key. */
export async function signToken(
  { config, signingKeys }: Parts,
  token: { type: TokenType; claims: object; lifetimeS: number },
): Promise<{ token: string; expiresAt: Date }> {
  const { kid, key } = await signingKeys.current();
  const issuedAt = Math.floor(Date.now() / 1000);
  const expiresAt = issuedAt + token.lifetimeS;
  const text = jwt.sign({ ...token.claims, iat: issuedAt, exp: expiresAt }, key, {
    algorithm: signingKeys.algorithm,
    header: { alg: signingKeys.algorithm, typ: token.type, kid },
    issuer: config.tokens.issuer,
    audience: AUDIENCE,
    jwtid: newUuid(),
  });
  return { token: text, expiresAt: new Date(expiresAt * 1000) };
}

type Registered = z.infer<z.ZodObject<typeof registeredClaims>>;

/**
 * The claims of a good token; `unauthenticated`, whatever is wrong with it. The only place where tokens of people are
 * verified, and by one algorithm only, which the token does not choose.
 */
export async function verifyToken<C extends Registered>(
  parts: Parts,
  token: string,
  expected: { type: TokenType; claims: z.ZodType<C>; lifetimeS: number },
): Promise<C> {
  const { header, payload } = partsOf(token);
  if (header.alg !== parts.signingKeys.algorithm) throw refused('another algorithm');
  if (header.typ !== expected.type) throw refused('another type');
  const key = await parts.signingKeys.verificationKey(header.kid);
  if (key === undefined) throw refused('unknown key id');
  try {
    // The times are checked below: the library grants expired tokens the tolerance that is meant for clocks ahead.
    jwt.verify(token, key, {
      algorithms: [parts.signingKeys.algorithm],
      ignoreExpiration: true,
      ignoreNotBefore: true,
    });
  } catch (error) {
    throw refused(error instanceof Error ? error.message : 'invalid');
  }
  const claims = expected.claims.safeParse(parseOrRefuse(payload));
  if (!claims.success) throw refused('its claims have another form');
  if (claims.data.iss !== parts.config.tokens.issuer) throw refused('another issuer');
  requireTimes(claims.data, expected.lifetimeS);
  return claims.data;
}

/** Header and payload as they were sent; nothing of the payload is to be believed yet. */
function partsOf(token: string): { header: z.infer<typeof headerSchema>; payload: Buffer } {
  if (token.length > TOKEN_MAX_LENGTH) throw refused('too long');
  const [header, payload, signature, ...rest] = token.split('.').map(canonicalBytes);
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0)
    throw refused('not three parts of base64url');
  const { data } = headerSchema.safeParse(parseOrRefuse(header));
  if (data === undefined) throw refused('its header has another form');
  return { header: data, payload };
}

/** JSON that means the same to everyone: a name that stands twice would be read in two ways. */
function parseOrRefuse(bytes: Buffer): unknown {
  try {
    return parseStrictJson(bytes);
  } catch {
    throw refused('not acceptable JSON');
  }
}

/** A token has one spelling: without this, letters that change no bit would make many texts of one token. */
function canonicalBytes(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return bytes.length > 0 && bytes.toString('base64url') === part ? bytes : undefined;
}

function requireTimes({ iat, nbf, exp }: Registered, lifetimeS: number): void {
  const now = Date.now() / 1000;
  if (exp <= now) throw refused('expired');
  if (iat > now + CLOCK_AHEAD_MAX_S) throw refused('issued in the future');
  if (nbf !== undefined && nbf > now + CLOCK_AHEAD_MAX_S) throw refused('not good yet');
  if (exp <= iat || exp - iat > lifetimeS) throw refused('lives too long');
}

function refused(internal: string): AppError {
  return new AppError('unauthenticated', { internal: `token refused: ${internal}` });
}
