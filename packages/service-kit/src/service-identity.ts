import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { ConfigError } from './env.ts';
import { AppError } from './errors.ts';

/**
 * `service+jwt` says which service calls; `identity+jwt` and `user+jwt` say for whom the gateway vouches, at a hotel or as a
 * person; `checkout+jwt` is the client secret of one payment, which a guest's browser holds.
 */
type TokenType = 'service+jwt' | 'identity+jwt' | 'user+jwt' | 'checkout+jwt';

/** Who the gateway authenticated. Everything a service may know of the caller comes from here. */
export type Identity = {
  /** UUID. */
  merchantId: string;
  mode: 'test' | 'live';
  /** `api_key:key_…`, `user:usr_…`, or `checkout:pay_…`. */
  actor: string;
  /** What the credential may do at this hotel now; see `permissions.ts`. */
  scopes: readonly string[];
  /** The one object that a checkout client secret opens (`pay_…`); undefined for every other credential. */
  objectId?: string;
  /** The person's session (`ses_…`); undefined for every other credential. */
  sessionId?: string;
};

/** A person who logged in, wherever they may work: for what concerns their own account. */
export type UserIdentity = {
  /** `usr_…`. */
  userId: string;
  /** `ses_…`. */
  sessionId: string;
};

/** What a checkout client secret opens, and nothing else. */
export type CheckoutIdentity = {
  /** UUID. */
  merchantId: string;
  mode: 'test' | 'live';
  /** `pay_…`. */
  objectId: string;
};

export type Signer = {
  /** A token that names this service to `audience`. */
  serviceToken(audience: string): string;
  /** A token in which this service vouches for the identity to `audience`. */
  identityToken(audience: string, identity: Identity): string;
  /** A token in which this service vouches for the person to `audience`. */
  userToken(audience: string, user: UserIdentity): string;
  /** A client secret for a guest's browser, good at the gateway for `lifetimeS` seconds, 3600 at most. Never cached. */
  checkoutToken(checkout: CheckoutIdentity, lifetimeS: number): string;
};

export type Verifier = {
  /** The name of the calling service; 401 for anything but a valid token for us. */
  verifyService(token: string): string;
  /** The identity the gateway vouched for; 401 likewise. */
  verifyIdentity(token: string): Identity;
  /** The person the gateway vouched for; 401 likewise. */
  verifyUser(token: string): UserIdentity;
  /** What a client secret opens; 401 likewise. Only the gateway asks. */
  verifyCheckout(token: string): CheckoutIdentity;
};

// Long enough to be signed and checked once and reused; short enough that a leaked one soon dies.
const LIFETIME_S = 60;
// A cached token is replaced when less than this is left, so that it does not expire on the way.
const RENEW_BEFORE_S = 20;
const CLOCK_SKEW_S = 5;
// A token from further ahead than this comes from a broken clock (security-tests row 22).
const ISSUED_AHEAD_MAX_S = 60;
// Ours carry these and nothing else: a key (`jwk`), an address of one (`jku`, `x5u`) or an extension (`crit`) is an attack.
const HEADER_MEMBERS = new Set(['alg', 'typ', 'kid']);
// One per (credential, audience); an entry is under 1 kB.
const CACHE_MAX = 10_000;
const IDENTITY_ISSUER = 'api-gateway';
const CHECKOUT_ISSUER = 'payment-api';
const CHECKOUT_AUDIENCE = 'api-gateway';
// A guest who takes longer starts anew (product.md P4).
const CHECKOUT_LIFETIME_MAX_S = 3_600;

/** Signs with the service's own ES256 key. Tokens are cached, so that a request costs no signature. */
export function createSigner(service: string, privateKeyPem: string): Signer {
  const key = readPrivateKey(service, privateKeyPem);
  // Times of day and not a TTL: a monotonic clock stands still while the machine sleeps, and a token's life does not.
  const cache = new LRUCache<string, { token: string; renewAt: number }>({ max: CACHE_MAX });
  const signNew = (type: TokenType, audience: string, claims: object, lifetimeS: number): string =>
    jwt.sign(claims, key, {
      algorithm: 'ES256',
      header: { alg: 'ES256', typ: type, kid: service },
      issuer: service,
      audience,
      expiresIn: lifetimeS,
    });
  const sign = (type: TokenType, audience: string, claims: object): string => {
    const cacheKey = `${type} ${audience} ${JSON.stringify(claims)}`;
    const known = cache.get(cacheKey);
    if (known !== undefined && Date.now() < known.renewAt) return known.token;
    const token = signNew(type, audience, claims, LIFETIME_S);
    cache.set(cacheKey, { token, renewAt: Date.now() + (LIFETIME_S - RENEW_BEFORE_S) * 1000 });
    return token;
  };
  return {
    serviceToken: (audience) => sign('service+jwt', audience, {}),
    identityToken: (audience, identity) => sign('identity+jwt', audience, { ...identity }),
    userToken: (audience, user) => sign('user+jwt', audience, { ...user }),
    checkoutToken(checkout, lifetimeS) {
      if (lifetimeS > CHECKOUT_LIFETIME_MAX_S) throw new RangeError('a client secret lives an hour at most');
      return signNew('checkout+jwt', CHECKOUT_AUDIENCE, { ...checkout }, lifetimeS);
    },
  };
}

function readPrivateKey(service: string, pem: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    // Refused below, together with keys of another kind.
  }
  if (key?.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new ConfigError(`the signing key of ${service} is not an EC private key on P-256 in PEM`);
  return key;
}

/** Checks tokens meant for `service` against the trusted public keys. Checked tokens are remembered until they expire. */
export function createVerifier(service: string, trustedKeys: ReadonlyMap<string, KeyObject>): Verifier {
  const cache = new LRUCache<string, jwt.JwtPayload>({ max: CACHE_MAX });
  const verify = (type: TokenType, token: string): jwt.JwtPayload => {
    const known = cache.get(`${type} ${token}`);
    if (known !== undefined && Date.now() < (known.exp ?? 0) * 1000) return known;
    const claims = verifyToken(type, token, service, trustedKeys);
    cache.set(`${type} ${token}`, claims);
    return claims;
  };
  return {
    verifyService: (token) => verify('service+jwt', token).iss ?? '',
    verifyIdentity: (token) => {
      const claims = verify('identity+jwt', token);
      if (claims.iss !== IDENTITY_ISSUER) throw refused('identity from another issuer');
      return toIdentity(claims);
    },
    verifyUser: (token) => {
      const claims = verify('user+jwt', token);
      if (claims.iss !== IDENTITY_ISSUER) throw refused('person from another issuer');
      return toUser(claims);
    },
    verifyCheckout: (token) => {
      const claims = verify('checkout+jwt', token);
      if (claims.iss !== CHECKOUT_ISSUER) throw refused('client secret from another issuer');
      return toCheckout(claims);
    },
  };
}

function verifyToken(
  type: TokenType,
  token: string,
  audience: string,
  trustedKeys: ReadonlyMap<string, KeyObject>,
): jwt.JwtPayload {
  const decoded = jwt.decode(token, { complete: true });
  if (decoded === null || decoded.header.typ !== type) throw refused('not a token of this type');
  if (!Object.keys(decoded.header).every((name) => HEADER_MEMBERS.has(name)))
    throw refused('unknown header member');
  // The key id only chooses among keys that we hold; it is never a path, an address or a key itself.
  const issuer = decoded.header.kid ?? '';
  const key = trustedKeys.get(issuer);
  if (key === undefined) throw refused('unknown issuer');
  let claims: string | jwt.JwtPayload;
  try {
    claims = jwt.verify(token, key, {
      algorithms: ['ES256'],
      audience,
      issuer,
      clockTolerance: CLOCK_SKEW_S,
    });
  } catch (error) {
    throw refused(error instanceof Error ? error.message : 'invalid');
  }
  if (typeof claims === 'string') throw refused('no claims');
  requireShortLife(claims, type === 'checkout+jwt' ? CHECKOUT_LIFETIME_MAX_S : LIFETIME_S);
  return claims;
}

/** The library takes a token without `exp` for one that never expires. */
function requireShortLife({ iat, exp }: jwt.JwtPayload, lifetimeS: number): void {
  if (typeof iat !== 'number' || typeof exp !== 'number') throw refused('no time of issue or expiry');
  if (iat > Date.now() / 1000 + ISSUED_AHEAD_MAX_S) throw refused('issued in the future');
  if (exp - iat > lifetimeS) throw refused('lives too long');
}

function toIdentity(claims: jwt.JwtPayload): Identity {
  const { merchantId, mode, actor, scopes, objectId, sessionId } = claims;
  const valid =
    typeof merchantId === 'string' &&
    (mode === 'test' || mode === 'live') &&
    typeof actor === 'string' &&
    Array.isArray(scopes) &&
    scopes.every((scope) => typeof scope === 'string') &&
    (objectId === undefined || typeof objectId === 'string') &&
    (sessionId === undefined || typeof sessionId === 'string');
  if (!valid) throw refused('identity claims incomplete');
  const session = sessionId === undefined ? {} : { sessionId };
  return { merchantId, mode, actor, scopes, ...(objectId === undefined ? {} : { objectId }), ...session };
}

function toUser({ userId, sessionId }: jwt.JwtPayload): UserIdentity {
  if (typeof userId !== 'string' || typeof sessionId !== 'string') throw refused('user claims incomplete');
  return { userId, sessionId };
}

function toCheckout({ merchantId, mode, objectId }: jwt.JwtPayload): CheckoutIdentity {
  const valid =
    typeof merchantId === 'string' && (mode === 'test' || mode === 'live') && typeof objectId === 'string';
  if (!valid) throw refused('checkout claims incomplete');
  return { merchantId, mode, objectId };
}

function refused(internal: string): AppError {
  return new AppError('unauthenticated', { internal: `service token refused: ${internal}` });
}

const publicKeySchema = z.object({
  kid: z.string().min(1),
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string(),
  y: z.string(),
});

/** Reads a JSON Web Key Set whose `kid`s are service names. Only P-256 public keys are taken, one per name. */
export function readTrustedKeys(jwksText: string): Map<string, KeyObject> {
  const trusted = new Map<string, KeyObject>();
  for (const candidate of keysOf(jwksText)) {
    const key = publicKeySchema.safeParse(candidate).data;
    if (key === undefined || 'd' in Object(candidate))
      throw new ConfigError('a trusted key has no kid, is not on P-256, or is private');
    if (trusted.has(key.kid)) throw new ConfigError(`the trusted keys hold two keys of ${key.kid}`);
    try {
      trusted.set(key.kid, createPublicKey({ key, format: 'jwk' }));
    } catch {
      throw new ConfigError(`the trusted key of ${key.kid} is not a point on P-256`);
    }
  }
  return trusted;
}

function keysOf(jwksText: string): unknown[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(jwksText);
  } catch {
    // Refused below, together with JSON of another shape.
  }
  const keys = typeof parsed === 'object' && parsed !== null && 'keys' in parsed ? parsed.keys : undefined;
  if (!Array.isArray(keys)) throw new ConfigError('the trusted keys are not a JSON Web Key Set');
  return keys;
}
