import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { describe, mock, test } from 'node:test';
import jwt from 'jsonwebtoken';
import { createServiceKeys } from '@centra/testkit/service-keys.ts';
import { AppError } from './errors.ts';
import { createSigner, createVerifier, readTrustedKeys } from './service-identity.ts';
import type { Identity } from './service-identity.ts';

const keys = createServiceKeys();
const trusted = readTrustedKeys(keys.trustedKeys);
const identity: Identity = {
  merchantId: '01890a5d-ac96-774b-bcce-b302099a8057',
  mode: 'test',
  actor: 'api_key:key_01h455vb4pex5vsknk084sn02q',
  scopes: ['payments:read', 'payments:write'],
};
const AUDIENCE = 'transaction';

const privateKeyOf = (service: string): string => keys.privateKeys[service] ?? '';
const gateway = createSigner('api-gateway', privateKeyOf('api-gateway'));
const paymentApi = createSigner('payment-api', privateKeyOf('payment-api'));

describe('a token of a known service', () => {
  test('names the service, and the identity it vouches for', () => {
    const verifier = createVerifier(AUDIENCE, trusted);
    assert.equal(verifier.verifyService(paymentApi.serviceToken(AUDIENCE)), 'payment-api');
    assert.deepEqual(verifier.verifyIdentity(gateway.identityToken(AUDIENCE, identity)), identity);
    // Again, from the cache.
    assert.deepEqual(verifier.verifyIdentity(gateway.identityToken(AUDIENCE, identity)), identity);
  });

  test('is signed once and reused, apart for each audience and identity', () => {
    assert.equal(gateway.serviceToken('auth'), gateway.serviceToken('auth'));
    assert.equal(gateway.identityToken('auth', identity), gateway.identityToken('auth', { ...identity }));
    const other: Identity = { ...identity, mode: 'live' };
    const tokens = [
      gateway.serviceToken('auth'),
      gateway.serviceToken('merchant'),
      gateway.identityToken('auth', identity),
      gateway.identityToken('merchant', identity),
      gateway.identityToken('auth', other),
    ];
    assert.equal(new Set(tokens).size, tokens.length);
  });
});

describe('a service token is refused when', () => {
  const header = { alg: 'ES256', typ: 'service+jwt', kid: 'payment-api' };
  const validToken = (): string => forge(header, plainClaims(), es256('payment-api'));
  const attacker = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const attackersJwk = { ...attacker.publicKey.export({ format: 'jwk' }), kid: 'payment-api' };
  const byAttacker = (input: string): Buffer =>
    signEs256(input, attacker.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());

  test('(the token that these cases spoil is itself accepted)', () => {
    assert.equal(createVerifier(AUDIENCE, trusted).verifyService(validToken()), 'payment-api');
  });

  const cases: Record<string, () => string> = {
    'it is empty': () => '',
    'it is no token': () => 'not-a-token',
    'it is three dots': () => '...',
    'its header is no object': () => `${base64('null')}.${base64('{}')}.AAAA`,
    'its claims are no object': () => forge(header, 'claims', es256('payment-api')),
    'its algorithm is none': () => forge({ ...header, alg: 'none' }, plainClaims(), () => Buffer.alloc(0)),
    'its algorithm is None': () => forge({ ...header, alg: 'None' }, plainClaims(), () => Buffer.alloc(0)),
    'its signature is missing': () => `${validToken().split('.').slice(0, 2).join('.')}.`,
    'it is HS256 keyed with our public key': () =>
      forge({ ...header, alg: 'HS256' }, plainClaims(), hs256(publicPem())),
    'it is HS256 keyed with our public key and a blank': () =>
      forge({ ...header, alg: 'HS256' }, plainClaims(), hs256(` ${publicPem()}`)),
    'it says HS256 over a true ES256 signature': () =>
      forge({ ...header, alg: 'HS256' }, plainClaims(), es256('payment-api')),
    'it is RS256': () => {
      const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
      return forge({ ...header, alg: 'RS256' }, plainClaims(), (input) =>
        signBytes('sha256', Buffer.from(input), rsa.privateKey),
      );
    },
    'its key is of another issuer': () => forge({ ...header, kid: 'auth' }, plainClaims(), es256('auth')),
    'its kid names a service that did not sign it': () =>
      forge({ ...header, kid: 'auth' }, plainClaims(), es256('payment-api')),
    'its issuer is not the signer': () =>
      forge(header, { ...plainClaims(), iss: 'api-gateway' }, es256('payment-api')),
    'its kid is unknown': () => forge({ ...header, kid: 'unknown' }, plainClaims(), es256('payment-api')),
    'its kid is missing': () =>
      forge({ alg: 'ES256', typ: 'service+jwt' }, plainClaims(), es256('payment-api')),
    'its kid is a path': () =>
      forge({ ...header, kid: '../../../../dev/null' }, plainClaims(), es256('payment-api')),
    'its kid is SQL': () =>
      forge({ ...header, kid: "payment-api' or '1'='1" }, plainClaims(), es256('payment-api')),
    'its kid is a property of every object': () =>
      forge({ ...header, kid: '__proto__' }, plainClaims(), es256('payment-api')),
    'its kid is a list': () =>
      forge({ ...header, kid: ['payment-api'] }, plainClaims(), es256('payment-api')),
    'it brings its own key': () => forge({ ...header, jwk: attackersJwk }, plainClaims(), byAttacker),
    'it brings a key and a true signature': () =>
      forge({ ...header, jwk: attackersJwk }, plainClaims(), es256('payment-api')),
    'it names an address for keys (jku)': () =>
      forge({ ...header, jku: 'https://attacker.test/jwks' }, plainClaims(), es256('payment-api')),
    'it names an address for keys (x5u)': () =>
      forge({ ...header, x5u: 'https://attacker.test/x5u' }, plainClaims(), es256('payment-api')),
    'it demands an extension that we do not know (crit)': () =>
      forge({ ...header, crit: ['exp'] }, plainClaims(), es256('payment-api')),
    'its audience is another service': () =>
      forge(header, { ...plainClaims(), aud: 'merchant' }, es256('payment-api')),
    'its audience only begins like ours': () =>
      forge(header, { ...plainClaims(), aud: `${AUDIENCE}-other` }, es256('payment-api')),
    'its audience is missing': () => forge(header, without(plainClaims(), 'aud'), es256('payment-api')),
    'its issuer is missing': () => forge(header, without(plainClaims(), 'iss'), es256('payment-api')),
    'its type is missing': () =>
      forge({ alg: 'ES256', kid: 'payment-api' }, plainClaims(), es256('payment-api')),
    'its type is JWT': () => forge({ ...header, typ: 'JWT' }, plainClaims(), es256('payment-api')),
    'it has expired': () =>
      forge(header, { ...plainClaims(), iat: seconds() - 120, exp: seconds() - 10 }, es256('payment-api')),
    'it never expires': () => forge(header, without(plainClaims(), 'exp'), es256('payment-api')),
    'it lives longer than ours do': () =>
      forge(header, { ...plainClaims(), exp: seconds() + 86_400 }, es256('payment-api')),
    'it does not say when it was issued': () =>
      forge(header, without(plainClaims(), 'iat'), es256('payment-api')),
    'it was issued in the future': () =>
      forge(header, { ...plainClaims(), iat: seconds() + 90, exp: seconds() + 120 }, es256('payment-api')),
    'it is not valid yet': () =>
      forge(header, { ...plainClaims(), nbf: seconds() + 90 }, es256('payment-api')),
    'its claims were changed': () => {
      const [head, , signature] = validToken().split('.');
      return `${head}.${base64(JSON.stringify({ ...plainClaims(), exp: seconds() + 59 }))}.${signature}`;
    },
    'its header was changed': () => {
      const [, body, signature] = validToken().split('.');
      return `${base64(JSON.stringify({ ...header, x: 1 }))}.${body}.${signature}`;
    },
    'one bit of its signature was changed': () => {
      const token = validToken();
      const signature = Buffer.from(token.split('.')[2] ?? '', 'base64url');
      signature[10] = (signature[10] ?? 0) ^ 1;
      return `${token.split('.').slice(0, 2).join('.')}.${signature.toString('base64url')}`;
    },
    'its signature is all zeros': () => forge(header, plainClaims(), () => Buffer.alloc(64)),
    'blanks stand around it': () => ` ${validToken()}`,
    'it is an identity': () => gateway.identityToken(AUDIENCE, identity),
  };
  for (const [what, build] of Object.entries(cases))
    test(what, () => refuses(() => createVerifier(AUDIENCE, trusted).verifyService(build())));
});

describe('an identity is refused when', () => {
  const verifier = createVerifier(AUDIENCE, trusted);
  const vouched = (claims: object, by = 'api-gateway'): string =>
    jwt.sign(claims, privateKeyOf(by), {
      algorithm: 'ES256',
      header: { alg: 'ES256', typ: 'identity+jwt', kid: by },
      issuer: by,
      audience: AUDIENCE,
      expiresIn: 60,
    });

  test('(the token that these cases spoil is itself accepted)', () => {
    assert.deepEqual(verifier.verifyIdentity(vouched(identity)), identity);
  });

  test('it is a service token', () => refuses(() => verifier.verifyIdentity(gateway.serviceToken(AUDIENCE))));

  test('a service other than the gateway signed it', () => {
    for (const service of Object.keys(keys.privateKeys).filter((name) => name !== 'api-gateway')) {
      const signer = createSigner(service, privateKeyOf(service));
      refuses(() => verifier.verifyIdentity(signer.identityToken(AUDIENCE, identity)));
    }
  });

  test('it is meant for another service', () =>
    refuses(() => verifier.verifyIdentity(gateway.identityToken('merchant', identity))));

  const spoilt: Record<string, object> = {
    'it names no merchant': without(identity, 'merchantId'),
    'its merchant is a number': { ...identity, merchantId: 1 },
    'its mode is unknown': { ...identity, mode: 'LIVE' },
    'it names no actor': without(identity, 'actor'),
    'it has no scopes': without(identity, 'scopes'),
    'its scopes are one text': { ...identity, scopes: 'payments:write' },
    'a scope is no text': { ...identity, scopes: [1] },
  };
  for (const [what, claims] of Object.entries(spoilt))
    test(what, () => refuses(() => verifier.verifyIdentity(vouched(claims))));
});

describe('the cache', () => {
  test('a checked token is refused once it has expired', () => {
    mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-01T00:00:00Z') });
    try {
      const verifier = createVerifier(AUDIENCE, trusted);
      const token = createSigner('payment-api', privateKeyOf('payment-api')).serviceToken(AUDIENCE);
      assert.equal(verifier.verifyService(token), 'payment-api');
      mock.timers.tick(59_000);
      assert.equal(verifier.verifyService(token), 'payment-api');
      // 60 s of life and 5 s for clocks that differ.
      mock.timers.tick(7_000);
      refuses(() => verifier.verifyService(token));
    } finally {
      mock.timers.reset();
    }
  });

  test('a signer never hands out a token that expires on the way', () => {
    mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-01T00:00:00Z') });
    try {
      const signer = createSigner('auth', privateKeyOf('auth'));
      const first = signer.serviceToken(AUDIENCE);
      mock.timers.tick(41_000);
      const second = signer.serviceToken(AUDIENCE);
      assert.notEqual(second, first);
      mock.timers.tick(39_000);
      assert.equal(createVerifier(AUDIENCE, trusted).verifyService(second), 'auth');
    } finally {
      mock.timers.reset();
    }
  });

  test('a token checked for one purpose is not known for the other', () => {
    const verifier = createVerifier(AUDIENCE, trusted);
    const service = gateway.serviceToken(AUDIENCE);
    const vouched = gateway.identityToken(AUDIENCE, identity);
    verifier.verifyService(service);
    verifier.verifyIdentity(vouched);
    refuses(() => verifier.verifyIdentity(service));
    refuses(() => verifier.verifyService(vouched));
  });
});

type Claims = Record<string, unknown>;

function refuses(verify: () => unknown): void {
  assert.throws(
    verify,
    (error) => error instanceof AppError && error.code === 'unauthenticated' && error.detail === undefined,
  );
}

function without(claims: object, name: string): Claims {
  return Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));
}

/** A token made by hand, so that it can say what no library would sign. */
function forge(header: object, claims: unknown, sign: (input: string) => Buffer): string {
  const input = `${base64(JSON.stringify(header))}.${base64(JSON.stringify(claims))}`;
  return `${input}.${sign(input).toString('base64url')}`;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function es256(service: string): (input: string) => Buffer {
  return (input) => signEs256(input, privateKeyOf(service));
}

function signEs256(input: string, key: string): Buffer {
  return signBytes('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
}

function hs256(key: string): (input: string) => Buffer {
  return (input) => createHmac('sha256', key).update(input).digest();
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

function publicPem(): string {
  return createPublicKey(privateKeyOf('payment-api')).export({ type: 'spki', format: 'pem' }).toString();
}

function plainClaims(): Claims {
  return { iss: 'payment-api', aud: AUDIENCE, iat: seconds(), exp: seconds() + 60 };
}
