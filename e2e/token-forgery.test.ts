import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { addColleague, logIn } from '@centra/dev/people.ts';
import type { Tokens } from '@centra/dev/people.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import { createHotel } from '@centra/dev/seed.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { z } from 'zod';
import { encode, ownKey, signedES256, signedHS256, signedRS256 } from './forge.ts';
import type { Claims, Header } from './forge.ts';
import { originalOf, touched, unsigned } from './forged-tokens.ts';
import type { Forged, Original } from './forged-tokens.ts';
import { NO_LIMITS } from './no-limits.ts';
import { call, startPlatformUnderTest } from './platform-under-test.ts';
import type { Answer, PlatformUnderTest } from './platform-under-test.ts';

// Security rows 20 to 22: whatever is wrong with a credential, the answer is the same 401.

let platform: PlatformUnderTest;
let hotel: Hotel;
let person: { email: string; password: string };
let tokens: Tokens;
let payment: string;
let clientSecret: string;

before(async () => {
  platform = await startPlatformUnderTest({ env: NO_LIMITS });
  hotel = await createHotel(platform, { name: 'Riad Forgery', provider: 'simulator' });
  const email = `${randomUUID()}@forgery.example`;
  person = await addColleague(platform, hotel.merchantId, { email, name: 'Ana Forgery', role: 'owner' });
  tokens = await logIn(platform, person, { merchantId: hotel.merchantId });
  const created = await call(platform, 'POST', '/v1/payments', {
    apiKey: hotel.apiKey,
    headers: { 'idempotency-key': randomUUID() },
    body: JSON.stringify({ amount: 12_550, currency: 'EUR', booking_reference: 'BK-FORGERY' }),
  });
  payment = z.object({ id: z.string() }).parse(created.json).id;
  const secret = await call(platform, 'POST', `/v1/payments/${payment}/client-secret`, {
    apiKey: hotel.apiKey,
  });
  clientSecret = z.object({ client_secret: z.string() }).parse(secret.json).client_secret;
});
after(async () => await platform.end());

/** A route of each kind that asks for a credential. */
const doors = (): Readonly<Record<string, string>> => ({
  hotel: '/v1/payments?limit=1',
  staff: '/v1/users',
  person: '/v1/auth/me',
  guest: `/v1/checkout/payments/${payment}`,
});

async function get(path: string, authorization: string | undefined): Promise<Answer> {
  return await call(platform, 'GET', path, {
    headers: authorization === undefined ? {} : { authorization },
  });
}

/** Refused everywhere, in the same words: what is wrong with it is nobody's business. */
async function assertRefused(name: string, authorization: string | undefined): Promise<void> {
  for (const [door, path] of Object.entries(doors())) {
    const answer = await get(path, authorization);
    const told = `${name} at the door for ${door}: ${answer.status} ${answer.text}`;
    assert.equal(answer.status, 401, told);
    const { request_id: _, ...problem } = z.looseObject({ request_id: z.string() }).parse(answer.json);
    assert.deepEqual(
      problem,
      {
        type: 'urn:centra-payments:error:unauthenticated',
        title: 'A valid credential is needed.',
        status: 401,
        code: 'unauthenticated',
      },
      told,
    );
    assert.equal(answer.headers['www-authenticate'], 'Bearer', told);
  }
}

test('the credentials that are forged below are good where they belong', async () => {
  const good = {
    hotel: hotel.apiKey,
    staff: tokens.access_token,
    person: tokens.access_token,
    guest: clientSecret,
  };
  for (const [door, credential] of Object.entries(good)) {
    const answer = await get(doors()[door] ?? '', `Bearer ${credential}`);
    assert.equal(answer.status, 200, `${door}: ${answer.text}`);
  }
});

test('no credential, garbage and other schemes are refused alike', async () => {
  const { apiKey } = hotel;
  const basic = Buffer.from(`${apiKey}:`).toString('base64');
  const wrong: Record<string, string | undefined> = {
    none: undefined,
    empty: '',
    'only the scheme': 'Bearer',
    'no scheme': apiKey,
    basic: `Basic ${basic}`,
    digest: `Digest username="${apiKey}"`,
    dpop: `DPoP ${tokens.access_token}`,
    garbage: 'Bearer garbage',
    'many dots': `Bearer ${'a.'.repeat(200)}`,
    long: `Bearer ${'a'.repeat(8_000)}`,
    'two in one': `Bearer ${apiKey} ${apiKey}`,
    'a comma': `Bearer ${apiKey},Bearer ${apiKey}`,
    quotes: `Bearer "${apiKey}"`,
    'another key id': `Bearer ${swap(apiKey, 9)}`,
    'another secret': `Bearer ${swap(apiKey, apiKey.length - 3)}`,
    'a longer secret': `Bearer ${apiKey}A`,
    'a shorter secret': `Bearer ${apiKey.slice(0, -1)}`,
    'another mode': `Bearer ${apiKey.replace('_test_', '_live_')}`,
    'in capitals': `Bearer ${apiKey.toUpperCase()}`,
  };
  for (const [name, authorization] of Object.entries(wrong)) await assertRefused(name, authorization);
});

test('a credential in a cookie, a query or a header of another name is none', async () => {
  for (const [door, path] of Object.entries(doors())) {
    const { access_token: token } = tokens;
    const query = `${path}${path.includes('?') ? '&' : '?'}access_token=${token}`;
    const answers = [
      await call(platform, 'GET', query),
      await call(platform, 'GET', path, { headers: { cookie: `access_token=${token}` } }),
      await call(platform, 'GET', path, {
        headers: { 'x-api-key': hotel.apiKey, 'proxy-authorization': `Bearer ${token}` },
      }),
    ];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [401, 401, 401],
      door,
    );
  }
});

function swap(text: string, at: number): string {
  const other = text[at] === 'A' ? 'B' : 'A';
  return `${text.slice(0, at)}${other}${text.slice(at + 1)}`;
}

test('a token that is not signed by us is refused, whatever its header says', async () => {
  const forged = {
    ...unsigned(tokens.access_token),
    ...(await withPublicKey()),
    ...withOwnKey(),
    ...touched(tokens.access_token),
  };
  for (const [name, token] of Object.entries(forged)) {
    await assertRefused(name, `Bearer ${token}`);
    await assertRefused(`${name}, as a client secret`, `Bearer cs_test_${token}`);
  }
});

const original = (): Original => originalOf(tokens.access_token);

const jwksSchema = z.object({
  keys: z.array(
    z.looseObject({ kid: z.string(), kty: z.literal('EC'), crv: z.string(), x: z.string(), y: z.string() }),
  ),
});

/** HS256 keyed with what everybody may read: every spelling of our public key that a library might take for a secret. */
async function withPublicKey(): Promise<Forged> {
  const { header, claims } = original();
  const { keys } = jwksSchema.parse((await get('/.well-known/jwks.json', undefined)).json);
  const jwk = keys.find(({ kid }) => kid === header['kid']);
  assert.ok(jwk !== undefined, 'the key that signed is published');
  const key = createPublicKey({ key: { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y }, format: 'jwk' });
  const pem = key.export({ type: 'spki', format: 'pem' }).toString();
  const secrets: Record<string, string | Buffer> = {
    PEM: pem,
    'PEM without its end': pem.trimEnd(),
    'PEM after a space': ` ${pem}`,
    'PEM after a line': `\n${pem}`,
    DER: key.export({ type: 'spki', format: 'der' }),
    JWK: JSON.stringify(jwk),
    x: jwk.x,
    'the bytes of x': Buffer.from(jwk.x, 'base64url'),
    kid: jwk.kid,
    nothing: '',
  };
  return Object.fromEntries(
    Object.entries(secrets).flatMap(([name, secret]) => [
      [`HS256 by ${name}`, signedHS256({ ...header, alg: 'HS256' }, claims, secret)],
      [
        `HS256 by ${name}, of the configured secret`,
        signedHS256({ ...header, alg: 'HS256', kid: 'configured' }, claims, secret),
      ],
    ]),
  );
}

function withOwnKey(): Forged {
  const { header, claims } = original();
  const { key, jwk } = ownKey();
  const by = (more: Header): string => signedES256({ ...header, ...more }, claims, key);
  const kids = [
    '../../../../dev/null',
    '/etc/passwd',
    "' union select 'x' --",
    '',
    'x'.repeat(43),
    7,
    null,
    { $ne: '' },
    ['a'],
  ];
  return {
    'another key under our id': by({}),
    'no key id': by({ kid: undefined }),
    ...Object.fromEntries(kids.map((kid) => [`key id ${JSON.stringify(kid)}`, by({ kid })])),
    jwk: by({ jwk }),
    'jwk and its own id': by({ jwk, kid: 'mine' }),
    jku: by({ jku: 'https://evil.example/jwks.json' }),
    x5u: by({ x5u: 'https://evil.example/cert.pem' }),
    x5c: by({ x5c: ['AAAA'] }),
    crit: by({ crit: ['exp'] }),
    b64: by({ b64: false, crit: ['b64'] }),
    zip: by({ zip: 'DEF' }),
    'another type': by({ typ: 'JWT' }),
    RS256: signedRS256({ ...header, alg: 'RS256' }, claims),
    ES384: signedES256({ ...header, alg: 'ES384' }, claims, key),
    'signed by the gateway': signedES256(
      { ...header, kid: 'api-gateway' },
      claims,
      keyOfService('api-gateway'),
    ),
    'signed by auth as a service': signedES256(header, claims, keyOfService('auth')),
  };
}

/** A service's own key vouches between services; it makes no person's token. */
function keyOfService(service: string): ReturnType<typeof createPrivateKey> {
  return createPrivateKey(readFileSync(join(platform.dataDir, 'keys', `${service}.pem`), 'utf8'));
}

test('a credential of one kind is none of another kind', async () => {
  const jwt = clientSecret.replace(/^cs_(test|live)_/, '');
  const elsewhere: Forged = {
    'the refresh token': tokens.refresh_token,
    'the refresh token as a key': `ck_test_${tokens.refresh_token}`,
    'the client secret without its name': jwt,
    'the client secret as a key': `ck_test_${jwt}`,
    'the client secret of the other mode': `cs_live_${jwt}`,
    'the access token as a client secret': `cs_test_${tokens.access_token}`,
    'the access token as a key': `ck_test_${tokens.access_token}`,
    'the key as a client secret': hotel.apiKey.replace('ck_', 'cs_'),
    'the session’s id': tokens.session_id,
    'the payment’s id': payment,
  };
  for (const [name, credential] of Object.entries(elsewhere))
    await assertRefused(name, `Bearer ${credential}`);
  const notForGuests = await get(doors()['guest'] ?? '', `Bearer ${tokens.access_token}`);
  const notForStaff = await get(doors()['staff'] ?? '', `Bearer ${hotel.apiKey}`);
  const notForHotels = await get(doors()['hotel'] ?? '', `Bearer ${clientSecret}`);
  assert.deepEqual([notForGuests.status, notForStaff.status, notForHotels.status], [401, 401, 401]);
});

test('a refresh token used twice ends the whole session', async () => {
  const { refresh_token: stolen } = await logIn(platform, person);
  const refresh = async (token: string): Promise<Answer> =>
    await call(platform, 'POST', '/v1/auth/refresh', { body: JSON.stringify({ refresh_token: token }) });
  const next = z
    .object({ refresh_token: z.string(), access_token: z.string() })
    .parse((await refresh(stolen)).json);
  assert.equal((await get('/v1/auth/me', `Bearer ${next.access_token}`)).status, 200);
  assert.equal((await refresh(stolen)).status, 401);
  assert.equal((await refresh(next.refresh_token)).status, 401, 'the thief and the owner are both out');
  await waitFor(
    'the access token to end too',
    async () => ((await get('/v1/auth/me', `Bearer ${next.access_token}`)).status === 401 ? true : undefined),
    5_000,
  );
  assert.equal(
    (await get('/v1/auth/me', `Bearer ${tokens.access_token}`)).status,
    200,
    'other sessions stay',
  );
});

// Last of all: auth is started again with another way to sign, which is known here, so that wrong claims can be signed rightly.
test('a token that is signed rightly and says something wrong is refused', async () => {
  const secret = randomUUID().repeat(2);
  const file = join(platform.dataDir, 'token-secret');
  writeFileSync(file, secret);
  const auth = platform.child('auth');
  await auth.stop();
  await auth.start({ ...NO_LIMITS.auth, TOKEN_ALGORITHM: 'HS256', TOKEN_SECRET_FILE: file });
  const { claims: old, header: oldHeader } = original();
  const header = { ...oldHeader, alg: 'HS256', kid: 'configured' };
  const now = Math.floor(Date.now() / 1000);
  const right = { ...old, iat: now, exp: now + 600 };
  const by = (change: Claims, more: Header = {}): string =>
    signedHS256({ ...header, ...more }, { ...right, jti: randomUUID(), ...change }, secret);
  await waitFor('auth to be asked again', async () =>
    (await get('/v1/auth/me', `Bearer ${by({})}`)).status === 200 ? true : undefined,
  );
  const wrong: Forged = {
    expired: by({ iat: now - 900, exp: now - 1 }),
    'issued more than a minute ahead': by({ iat: now + 120, exp: now + 600 }),
    'not good yet': by({ nbf: now + 120 }),
    'for a week': by({ exp: now + 604_800 }),
    'without an end': by({ exp: undefined }),
    'without a beginning': by({ iat: undefined }),
    'an end that is text': by({ exp: String(now + 600) }),
    'another issuer': by({ iss: 'centra-payments.evil.example' }),
    'no issuer': by({ iss: undefined }),
    'another audience': by({ aud: 'merchant' }),
    'several audiences': by({ aud: ['centra-api', 'evil'] }),
    'another type': by({}, { typ: 'challenge+jwt' }),
    'type JWT': by({}, { typ: 'JWT' }),
    'no type': by({}, { typ: undefined }),
    crit: by({}, { crit: ['exp'] }),
    'nobody’s session': by({ sid: 'ses_01jd0000000000000000000000' }),
    'another person’s session': by({ sub: 'usr_01jd0000000000000000000000' }),
    'no session': by({ sid: undefined }),
    'an unknown claim': by({ permissions: ['users:write'] }),
    'a mode that is none': by({ mode: 'all' }),
    'alg none': `${encode({ ...header, alg: 'none' })}.${encode(right)}.`,
    'the old algorithm': tokens.access_token,
  };
  for (const [name, token] of Object.entries(wrong)) await assertRefused(name, `Bearer ${token}`);
  assert.equal((await get('/v1/auth/me', `Bearer ${by({})}`)).status, 200, 'only what was wrong was refused');
  assert.deepEqual(platform.crashes, []);
});
