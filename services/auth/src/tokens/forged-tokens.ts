import { createHmac, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

type Json = Record<string, unknown>;

/** What a forger works with: a good token's parts, and our own key where the case needs a right signature. */
export type Material = { header: Json; claims: Json; kid: string; privateKey: KeyObject; now: number };

const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const es256 = (input: string, key: KeyObject): Buffer =>
  sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });

/** A token with a right signature of ours, whatever it says. */
export function signedByUs({ privateKey }: Material, header: unknown, claims: unknown): string {
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${es256(input, privateKey).toString('base64url')}`;
}

function keyedWith(secret: string | Buffer, { header, claims }: Material, alg = 'HS256'): string {
  const input = `${part({ ...header, alg })}.${part(claims)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (key: KeyObject): string =>
  createPublicKey(key.export({ type: 'pkcs8', format: 'pem' }))
    .export({ type: 'spki', format: 'pem' })
    .toString();

type Forgery = [what: string, forge: (material: Material) => string];

/** Row 21: whoever has no key of ours. */
export const FORGED: readonly Forgery[] = [
  ['alg none, no signature', ({ header, claims }) => `${part({ ...header, alg: 'none' })}.${part(claims)}.`],
  ['alg NonE', ({ header, claims }) => `${part({ ...header, alg: 'NonE' })}.${part(claims)}.AA`],
  ['alg none with the old signature', (m) => swapHeader(m, { alg: 'none' })],
  ['no alg', (m) => swapHeader(m, { alg: undefined })],
  ['HS256 keyed with our public key in PEM', (m) => keyedWith(pem(m.privateKey), m)],
  [
    'HS256 keyed with our public key in PEM after white space',
    (m) => keyedWith(`\n ${pem(m.privateKey)}`, m),
  ],
  [
    'HS256 keyed with our public key in PEM without its last line end',
    (m) => keyedWith(pem(m.privateKey).trim(), m),
  ],
  [
    'HS256 keyed with our public key in DER',
    (m) => keyedWith(createPublicKey(pem(m.privateKey)).export({ type: 'spki', format: 'der' }), m),
  ],
  [
    'HS256 keyed with our public key as JWK',
    (m) => keyedWith(JSON.stringify(createPublicKey(pem(m.privateKey)).export({ format: 'jwk' })), m),
  ],
  ['HS256 keyed with the key id', (m) => keyedWith(m.kid, m)],
  ['HS256 keyed with nothing', (m) => keyedWith('', m)],
  [
    'HS256 under the id of a configured secret',
    (m) => keyedWith('', { ...m, header: { ...m.header, kid: 'configured' } }),
  ],
  [
    'RS256 of another key',
    ({ header, claims }) => {
      const input = `${part({ ...header, alg: 'RS256' })}.${part(claims)}`;
      return `${input}.${sign('sha256', Buffer.from(input), rsa.privateKey).toString('base64url')}`;
    },
  ],
  ['RS256 named over a signature of ES256', (m) => signedByUs(m, { ...m.header, alg: 'RS256' }, m.claims)],
  ['ES384 named over a signature of ES256', (m) => signedByUs(m, { ...m.header, alg: 'ES384' }, m.claims)],
  ['ES256 of another key', (m) => signedByUs({ ...m, privateKey: other.privateKey }, m.header, m.claims)],
  [
    'ES256 with a signature of zeros (CVE-2022-21449)',
    ({ header, claims }) => `${part(header)}.${part(claims)}.${Buffer.alloc(64).toString('base64url')}`,
  ],
  [
    'a signature in DER',
    ({ header, claims, privateKey }) => {
      const input = `${part(header)}.${part(claims)}`;
      return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`;
    },
  ],
  ['a signature cut short', (m) => signedByUs(m, m.header, m.claims).slice(0, -8)],
  ['other claims under the old signature', (m) => swapClaims(m, { mode: 'live' })],
  ...[
    'unknown',
    randomBytes(32).toString('base64url'),
    '../../etc/passwd',
    '/dev/null',
    `x' or '1'='1`,
    '',
    ' ',
  ].map((kid): Forgery => [
    `kid ${JSON.stringify(kid)}`,
    (m) => signedByUs(m, { ...m.header, kid }, m.claims),
  ]),
  ['kid of another kind', (m) => signedByUs(m, { ...m.header, kid: [m.kid] }, m.claims)],
  ['kid __proto__', (m) => signedByUs(m, { ...m.header, kid: '__proto__' }, m.claims)],
  ['no kid', (m) => signedByUs(m, { alg: 'ES256', typ: 'at+jwt' }, m.claims)],
  [
    'its own key in jwk',
    (m) => {
      const header = { ...m.header, jwk: other.publicKey.export({ format: 'jwk' }) };
      return signedByUs({ ...m, privateKey: other.privateKey }, header, m.claims);
    },
  ],
  ...Object.entries({
    jwk: {},
    jku: 'https://evil.example/jwks.json',
    x5u: 'https://evil.example/cert.pem',
    x5c: ['MIIB'],
    crit: ['exp'],
    b64: false,
    zip: 'DEF',
    cty: 'JWT',
    extra: 1,
  }).map(([name, value]): Forgery => [
    `header member ${name}, though rightly signed`,
    (m) => signedByUs(m, { ...m.header, [name]: value }, m.claims),
  ]),
];

/** Row 22 and the rest: rightly signed, and still not a good access token. */
export const WRONG: readonly Forgery[] = [
  ...claimCases({
    'another issuer': { iss: 'evil' },
    'no issuer': { iss: undefined },
    'another audience': { aud: 'auth' },
    'a list of audiences': { aud: ['centra-api', 'other'] },
    'no audience': { aud: undefined },
    'no exp': { exp: undefined },
    'exp as text': { exp: '9999999999' },
    'exp beyond all numbers': { exp: 1e21 },
    'no iat': { iat: undefined },
    'no jti': { jti: undefined },
    'no sub': { sub: undefined },
    'sub of a session': { sub: 'ses_01jd0000000000000000000000' },
    'sub as UUID': { sub: '0193a000-0000-7000-8000-000000000000' },
    'sub of a key': { sub: 'key_01jd0000000000000000000000' },
    'an empty sub': { sub: '' },
    'sub as a list': { sub: ['usr_01jd0000000000000000000000'] },
    'sid of a user': { sid: 'usr_01jd0000000000000000000000' },
    'no sid': { sid: undefined },
    'mer as UUID': { mer: '0193a000-0000-7000-8000-000000000000' },
    'mer null': { mer: null },
    'another mode': { mode: 'production' },
    'no mode': { mode: undefined },
    'a claim that we do not make': { permissions: ['payments:write'] },
    'a huge claim': { jti: 'x'.repeat(100_000) },
    'a long claim': { jti: 'x'.repeat(65) },
  }),
  ...timeCases({
    expired: { iat: -120, exp: -60 },
    'expired a second ago': { iat: -120, exp: -1 },
    'issued more than a minute ahead': { iat: 90, exp: 120 },
    'not before more than a minute ahead': { nbf: 90 },
    'living too long': { iat: 0, exp: 901 },
    'expiring before its issue': { iat: 50, exp: 20 },
  }),
  ...[
    'JWT',
    'at+JWT',
    'application/at+jwt',
    'challenge+jwt',
    'identity+jwt',
    'checkout+jwt',
    'service+jwt',
    '',
    7,
  ].map((typ): Forgery => [
    `typ ${JSON.stringify(typ)}`,
    (m) => signedByUs(m, { ...m.header, typ }, m.claims),
  ]),
  ['no typ', (m) => signedByUs(m, { alg: 'ES256', kid: m.kid }, m.claims)],
  [
    'a claim that stands twice',
    (m) => signedByUs(m, m.header, JSON.stringify(m.claims).replace('{', '{"mode":"live",')),
  ],
  [
    'a header member that stands twice',
    (m) => signedByUs(m, JSON.stringify(m.header).replace('{', '{"alg":"none",'), m.claims),
  ],
  ['claims that are a list', (m) => signedByUs(m, m.header, '[]')],
  ['claims that are no JSON', (m) => signedByUs(m, m.header, 'not json')],
  ['claims that are null', (m) => signedByUs(m, m.header, 'null')],
  ['a header that is no JSON', (m) => signedByUs(m, 'not json', m.claims)],
  ['a header that is a list', (m) => signedByUs(m, '[]', m.claims)],
  [
    'a __proto__ in the claims',
    (m) => signedByUs(m, m.header, JSON.stringify(m.claims).replace('{', '{"__proto__":{},')),
  ],
  ['the same bytes in other letters', (m) => otherLetters(signedByUs(m, m.header, m.claims))],
  ['padding', (m) => `${signedByUs(m, m.header, m.claims)}=`],
  ['a fourth part', (m) => `${signedByUs(m, m.header, m.claims)}.AA`],
  ['two parts', (m) => signedByUs(m, m.header, m.claims).split('.').slice(0, 2).join('.')],
  ['a line end', (m) => `${signedByUs(m, m.header, m.claims)}\n`],
  ['nothing', () => ''],
  ['dots', () => '..'],
  ['a megabyte', () => 'a'.repeat(1_000_000)],
];

function claimCases(changes: Record<string, Json>): Forgery[] {
  return Object.entries(changes).map(([what, change]) => [
    what,
    (m) => signedByUs(m, m.header, { ...m.claims, ...change }),
  ]);
}

/** Seconds from now. */
function timeCases(cases: Record<string, Record<string, number>>): Forgery[] {
  return Object.entries(cases).map(([what, times]) => [
    what,
    (m) => {
      const shifted = Object.fromEntries(Object.entries(times).map(([name, s]) => [name, m.now + s]));
      return signedByUs(m, m.header, { ...m.claims, ...shifted });
    },
  ]);
}

function swapHeader(m: Material, change: Json): string {
  const [, claims, signature] = signedByUs(m, m.header, m.claims).split('.');
  return `${part({ ...m.header, ...change })}.${claims}.${signature}`;
}

function swapClaims(m: Material, change: Json): string {
  const [header, , signature] = signedByUs(m, m.header, m.claims).split('.');
  return `${header}.${part({ ...m.claims, ...change })}.${signature}`;
}

/** 64 bytes leave four bits of the last letter unused: another letter decodes to the same bytes. */
function otherLetters(token: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = letters.indexOf(token.slice(-1));
  return token.slice(0, -1) + letters.charAt(last ^ 1);
}
