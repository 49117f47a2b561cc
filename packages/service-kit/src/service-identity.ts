import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { ConfigError } from './env.ts';
import { AppError } from './errors.ts';

/** `service+jwt` says which service calls; `identity+jwt` says for whom the gateway vouches. */
type TokenType = 'service+jwt' | 'identity+jwt';

/** Who the gateway authenticated. Everything a service may know of the caller comes from here. */
export type Identity = {
  /** UUID. */
  merchantId: string;
  mode: 'test' | 'live';
  /** For example `api_key:key_01jd…`. */
  actor: string;
  scopes: readonly string[];
};

export type Signer = {
  /** A token that names this service to `audience`. */
  serviceToken(audience: string): string;
  /** A token in which this service vouches for the identity to `audience`. */
  identityToken(audience: string, identity: Identity): string;
};

export type Verifier = {
  /** The name of the calling service; 401 for anything but a valid token for us. */
  verifyService(token: string): string;
  /** The identity the gateway vouched for; 401 likewise. */
  verifyIdentity(token: string): Identity;
};

// Long enough to be signed and checked once and reused; short enough that a leaked one soon dies.
const LIFETIME_S = 60;
// A cached token is replaced when less than this is left, so that it does not expire on the way.
const RENEW_BEFORE_S = 20;
const CLOCK_SKEW_S = 5;
// One per (credential, audience); an entry is under 1 kB.
const CACHE_MAX = 10_000;
const IDENTITY_ISSUER = 'api-gateway';

/** Signs with the service's own ES256 key. Tokens are cached, so that a request costs no signature. */
export function createSigner(service: string, privateKeyPem: string): Signer {
  const key = createPrivateKey(privateKeyPem);
  const cache = new LRUCache<string, string>({ max: CACHE_MAX, ttl: (LIFETIME_S - RENEW_BEFORE_S) * 1000 });
  const sign = (type: TokenType, audience: string, claims: object): string => {
    const cacheKey = `${type} ${audience} ${JSON.stringify(claims)}`;
    const known = cache.get(cacheKey);
    if (known !== undefined) return known;
    const token = jwt.sign(claims, key, {
      algorithm: 'ES256',
      header: { alg: 'ES256', typ: type, kid: service },
      issuer: service,
      audience,
      expiresIn: LIFETIME_S,
    });
    cache.set(cacheKey, token);
    return token;
  };
  return {
    serviceToken: (audience) => sign('service+jwt', audience, {}),
    identityToken: (audience, identity) => sign('identity+jwt', audience, { ...identity }),
  };
}

/** Checks tokens meant for `service` against the trusted public keys. Checked tokens are remembered until they expire. */
export function createVerifier(service: string, trustedKeys: ReadonlyMap<string, KeyObject>): Verifier {
  const cache = new LRUCache<string, jwt.JwtPayload>({ max: CACHE_MAX });
  const verify = (type: TokenType, token: string): jwt.JwtPayload => {
    const known = cache.get(`${type} ${token}`);
    if (known !== undefined) return known;
    const claims = verifyToken(type, token, service, trustedKeys);
    const leftMs = (claims.exp ?? 0) * 1000 - Date.now();
    if (leftMs > 0) cache.set(`${type} ${token}`, claims, { ttl: leftMs });
    return claims;
  };
  return {
    verifyService: (token) => verify('service+jwt', token).iss ?? '',
    verifyIdentity: (token) => {
      const claims = verify('identity+jwt', token);
      if (claims.iss !== IDENTITY_ISSUER) throw refused('identity from another issuer');
      return toIdentity(claims);
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
  // The key id only chooses among keys that we hold; it is never a path, an address or a key itself.
  const issuer = decoded.header.kid ?? '';
  const key = trustedKeys.get(issuer);
  if (key === undefined) throw refused('unknown issuer');
  try {
    const claims = jwt.verify(token, key, { algorithms: ['ES256'], audience, issuer, clockTolerance: CLOCK_SKEW_S });
    if (typeof claims === 'string') throw refused('no claims');
    return claims;
  } catch (error) {
    throw refused(error instanceof Error ? error.message : 'invalid');
  }
}

function toIdentity(claims: jwt.JwtPayload): Identity {
  const { merchantId, mode, actor, scopes } = claims;
  const valid =
    typeof merchantId === 'string' &&
    (mode === 'test' || mode === 'live') &&
    typeof actor === 'string' &&
    Array.isArray(scopes) &&
    scopes.every((scope) => typeof scope === 'string');
  if (!valid) throw refused('identity claims incomplete');
  return { merchantId, mode, actor, scopes };
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

/** Reads a JSON Web Key Set whose `kid`s are service names. Only P-256 public keys are taken. */
export function readTrustedKeys(jwksText: string): Map<string, KeyObject> {
  const parsed: unknown = JSON.parse(jwksText);
  const keys = typeof parsed === 'object' && parsed !== null && 'keys' in parsed ? parsed.keys : undefined;
  if (!Array.isArray(keys)) throw new ConfigError('the trusted keys are not a JSON Web Key Set');
  const trusted = new Map<string, KeyObject>();
  for (const candidate of keys) {
    const key = publicKeySchema.safeParse(candidate).data;
    if (key === undefined || 'd' in Object(candidate)) throw new ConfigError('a trusted key has no kid, is not on P-256, or is private');
    trusted.set(key.kid, createPublicKey({ key, format: 'jwk' }));
  }
  return trusted;
}
