import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { AppError } from '@centra/service-kit/errors.ts';
import { isServiceError } from '@centra/service-kit/grpc.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { Secret } from '@centra/service-kit/secret.ts';
import { insertMember } from '../grants/test-member.ts';
import type { TestMember } from '../grants/test-member.ts';
import { createFirstKey, startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { signAccessToken, signChallenge, verifyAccessToken, verifyChallenge } from './access-token.ts';
import { FORGED, WRONG, signedByUs } from './forged-tokens.ts';
import type { Material } from './forged-tokens.ts';
import { startTokenParts, validateToken } from './test-tokens.ts';
import type { TokenParts } from './test-tokens.ts';

let service: TestAuth;
let parts: TokenParts;
let member: TestMember;
let material: Material;
before(async () => {
  service = await startTestAuth();
  parts = await startTokenParts(service);
  member = await insertMember(service);
  const { kid, key } = await parts.signingKeys.current();
  const { token } = await signAccessToken(parts, { ...member, mode: 'test' });
  const { header, claims } = read(token);
  material = { header, claims, kid, privateKey: key, now: Number(claims['iat']) };
});
after(async () => {
  await parts.close();
  await service.close();
});

test('a token says who, where and for how long, in the form of RFC 9068, and nothing else', async () => {
  const { token, expiresAt } = await signAccessToken(parts, { ...member, mode: 'live' });
  const { header, claims } = read(token);
  const { kid } = await parts.signingKeys.current();
  assert.deepEqual(header, { alg: 'ES256', typ: 'at+jwt', kid });
  const { iat, jti, ...rest } = claims;
  assert.match(String(jti), /^[0-9a-f-]{36}$/);
  assert.deepEqual(rest, {
    iss: 'centra-payments',
    aud: 'centra-api',
    sub: toPublicId('usr', member.userId),
    sid: toPublicId('ses', member.sessionId),
    mer: toPublicId('mer', member.merchantId),
    mode: 'live',
    exp: Number(iat) + 900,
  });
  assert.equal(expiresAt.getTime(), (Number(iat) + 900) * 1000);
  assert.deepEqual(await verifyAccessToken(parts, token), { ...member, mode: 'live', expiresAt });
});

test('a token for no hotel names none', async () => {
  const { token } = await signAccessToken(parts, { ...member, merchantId: undefined, mode: 'test' });
  assert.equal('mer' in read(token).claims, false);
  assert.equal((await verifyAccessToken(parts, token)).merchantId, undefined);
});

test('the forged ones below differ from a good one in what they name: the good one passes both doors', async () => {
  const good = signedByUs(material, material.header, material.claims);
  assert.equal((await verifyAccessToken(parts, good)).userId, member.userId);
  assert.equal((await validateToken(service, good)).userId, toPublicId('usr', member.userId));
});

test('a clock up to a minute ahead is forgiven', async () => {
  const ahead = { ...material.claims, iat: material.now + 40, nbf: material.now + 40 };
  await verifyAccessToken(parts, signedByUs(material, material.header, ahead));
});

describe('row 21: whoever has no key of ours, or brings one, gets 401', () => {
  for (const [what, forge] of FORGED) test(what, async () => await refusedAtBothDoors(forge(material)));
});

describe('row 22: rightly signed and still no access token of ours gets 401', () => {
  for (const [what, forge] of WRONG) test(what, async () => await refusedAtBothDoors(forge(material)));
});

describe('another credential of ours is no access token', () => {
  test('a challenge', async () => {
    const { token } = await signChallenge(parts, { ...member, mode: 'test' });
    await refusedAtBothDoors(token);
  });
  test('an API key', async () => await refusedAtBothDoors((await createFirstKey(service)).secret));
  test('a refresh token', async () =>
    await refusedAtBothDoors(`rt_01jd0000000000000000000000_1_${'a'.repeat(43)}`));
  test('a client secret', async () => {
    const checkout = { merchantId: member.merchantId, mode: 'test', objectId: 'pay_1' } as const;
    await refusedAtBothDoors(service.signer('payment-api').checkoutToken(checkout, 600));
    await refusedAtBothDoors(`cs_test_${service.signer('payment-api').checkoutToken(checkout, 600)}`);
  });
  test('what the gateway vouches with', async () => {
    const gateway = service.signer('api-gateway');
    const user = { userId: 'usr_1', sessionId: 'ses_1' };
    await refusedAtBothDoors(gateway.userToken('auth', user));
    await refusedAtBothDoors(gateway.userToken('centra-api', user));
    await refusedAtBothDoors(gateway.serviceToken('centra-api'));
  });
});

describe('challenges', () => {
  test('lead on to where the log-in was going, for five minutes', async () => {
    const { token, expiresAt } = await signChallenge(parts, { ...member, mode: 'live' });
    const { userId, merchantId } = member;
    const issuedAt = new Date(expiresAt.getTime() - 300_000);
    assert.deepEqual(await verifyChallenge(parts, token), {
      userId,
      merchantId,
      mode: 'live',
      issuedAt,
      expiresAt,
    });
  });
  test('an access token is none', async () => {
    const { token } = await signAccessToken(parts, { ...member, mode: 'test' });
    await refusedBy(verifyChallenge(parts, token));
  });
  test('forged ones are refused', async () => {
    const { token } = await signChallenge(parts, { ...member, mode: 'test' });
    const own: Material = { ...material, ...read(token) };
    await verifyChallenge(parts, signedByUs(own, own.header, own.claims));
    for (const [, forge] of FORGED) await refusedBy(verifyChallenge(parts, forge(own)));
    const tooLong = { ...own.claims, exp: Number(own.claims['iat']) + 301 };
    await refusedBy(verifyChallenge(parts, signedByUs(own, own.header, tooLong)));
  });
});

describe('with a configured secret (HS256)', () => {
  const secret = new Secret('0123456789abcdef0123456789abcdef');
  let configured: TokenParts;
  before(async () => (configured = await startTokenParts(service, { algorithm: 'HS256', secret })));
  after(() => configured.close());

  test('tokens are signed and checked with it, and nothing is published', async () => {
    const { token } = await signAccessToken(configured, { ...member, mode: 'test' });
    assert.deepEqual(read(token).header, { alg: 'HS256', typ: 'at+jwt', kid: 'configured' });
    assert.equal((await verifyAccessToken(configured, token)).userId, member.userId);
    assert.deepEqual(await configured.signingKeys.published(), { keys: [] });
  });
  test('a token signed with a key pair is refused, and one with the secret where key pairs sign', async () => {
    const pair = await signAccessToken(parts, { ...member, mode: 'test' });
    await refusedBy(verifyAccessToken(configured, pair.token));
    const shared = await signAccessToken(configured, { ...member, mode: 'test' });
    await refusedAtBothDoors(shared.token);
  });
  test('no other secret passes, and no key can be rotated', async () => {
    const other = await startTokenParts(service, { algorithm: 'HS256', secret: new Secret('x'.repeat(32)) });
    const { token } = await signAccessToken(other, { ...member, mode: 'test' });
    await refusedBy(verifyAccessToken(configured, token));
    await assert.rejects(configured.signingKeys.rotate(), { code: 'state_conflict' });
    await other.close();
  });
});

async function refusedAtBothDoors(token: string): Promise<void> {
  await refusedBy(verifyAccessToken(parts, token));
  const error: unknown = await validateToken(service, token).then(
    () => assert.fail('the token was accepted'),
    (refusal: unknown) => refusal,
  );
  assert.ok(isServiceError(error), String(error));
  assert.deepEqual(
    [error.code, error.details],
    [grpcStatus.UNAUTHENTICATED, 'A valid credential is needed.'],
  );
}

async function refusedBy(verifying: Promise<unknown>): Promise<void> {
  const error: unknown = await verifying.then(
    () => assert.fail('the token was accepted'),
    (refusal: unknown) => refusal,
  );
  assert.ok(error instanceof AppError, String(error));
  assert.equal(error.code, 'unauthenticated');
}

function read(token: string): { header: Record<string, unknown>; claims: Record<string, unknown> } {
  const [header = '', claims = ''] = token
    .split('.')
    .map((part) => Buffer.from(part, 'base64url').toString());
  return { header: JSON.parse(header), claims: JSON.parse(claims) };
}
