import assert from 'node:assert/strict';
import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { callMetadata, callUnary, isServiceError } from '@centra/service-kit/grpc.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { pauseMs, waitFor } from '@centra/testkit/pause.ts';
import request from 'supertest';
import { insertMember } from '../grants/test-member.ts';
import { DEADLINE_MS, startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { signAccessToken, verifyAccessToken } from './access-token.ts';
import { startTokenParts, validateToken } from './test-tokens.ts';
import type { TokenParts } from './test-tokens.ts';

let service: TestAuth;
const started: TokenParts[] = [];
before(async () => {
  service = await startTestAuth();
});
after(async () => {
  await Promise.all(started.map((parts) => parts.close()));
  await service.close();
});
beforeEach(async () => {
  await Promise.all(started.splice(0).map((parts) => parts.close()));
  await service.sql('delete from signing_keys');
});

async function replica(tokens: Parameters<typeof startTokenParts>[1] = {}): Promise<TokenParts> {
  const parts = await startTokenParts(service, tokens);
  started.push(parts);
  return parts;
}

const kids = async (): Promise<unknown[]> =>
  (await service.sql('select kid from signing_keys where retired_at is null order by signs_from')).map(
    (row) => row['kid'],
  );
const somebody = async () => ({ ...(await insertMember(service)), mode: 'test' as const });

test('several replicas that start at once make one key', async () => {
  const replicas = await Promise.all(Array.from({ length: 5 }, () => replica()));
  const current = await Promise.all(replicas.map((parts) => parts.signingKeys.current()));
  assert.equal(new Set(current.map(({ kid }) => kid)).size, 1);
  assert.deepEqual(await kids(), [current[0]?.kid]);
});

test('the private part is stored sealed, and opens neither with another keyring nor beside another key', async () => {
  const first = await replica();
  const { kid, key } = await first.signingKeys.current();
  const [row] = await service.sql('select * from signing_keys');
  const secret = key.export({ format: 'jwk' }).d;
  assert.ok(secret !== undefined && !JSON.stringify(row).includes(secret));
  assert.match(String(row?.['sealed_private_key']), /^k1:v1\./);
  // The sealed part of one key beside the public part of another.
  await first.signingKeys.rotate();
  await service.sql('update signing_keys set sealed_private_key = $1 where kid <> $2', [
    row?.['sealed_private_key'],
    kid,
  ]);
  await assert.rejects((await replica()).signingKeys.current(), { name: 'SealError' });
});

test('a public key under the id of another one is not believed', async () => {
  const first = await replica();
  const { kid } = await first.signingKeys.current();
  const second = await first.signingKeys.rotate();
  await service.sql(
    `update signing_keys set public_key = (select public_key from signing_keys where kid = $1) where kid = $2`,
    [second, kid],
  );
  await assert.rejects((await replica()).signingKeys.verificationKey(kid), /not the one that its id names/);
});

describe('a key that is old', () => {
  test('is followed by one that is published first and signs ten minutes later', async () => {
    const old = await (await replica()).signingKeys.current();
    await service.sql(`update signing_keys set signs_from = now() - interval '91 days'`);
    const parts = await replica();
    // Two rounds of two replicas: the second must see what the first made.
    await Promise.all([parts.signingKeys.current(), (await replica()).signingKeys.current()]);
    await waitForKeys(2);
    const published = (await (await replica()).signingKeys.published()).keys;
    assert.equal(published.length, 2);
    assert.equal((await (await replica()).signingKeys.current()).kid, old.kid);
    const [next] = await service.sql(
      'select extract(epoch from signs_from - now()) as s from signing_keys where signs_from > now()',
    );
    assert.ok(Number(next?.['s']) > 500 && Number(next?.['s']) <= 600, String(next?.['s']));
    await service.sql(`update signing_keys set signs_from = signs_from - interval '11 minutes'`);
    assert.notEqual((await (await replica()).signingKeys.current()).kid, old.kid);
    assert.equal((await kids()).length, 2, 'the old one is still published');
  });

  test('is taken out of the set when its last token has expired, and not before', async () => {
    const parts = await replica();
    const old = await parts.signingKeys.current();
    const { token } = await signAccessToken(parts, await somebody());
    const next = await parts.signingKeys.rotate();
    // Tokens live 900 s, and two minutes of clocks and caches.
    await service.sql(`update signing_keys set signs_from = now() - interval '1000 seconds' where kid = $1`, [
      next,
    ]);
    await service.sql(`update signing_keys set signs_from = now() - interval '2000 seconds' where kid = $1`, [
      old.kid,
    ]);
    const early = await replica();
    await early.signingKeys.current();
    await settled(early);
    assert.deepEqual(await kids(), [old.kid, next]);
    await verifyAccessToken(early, token);
    await service.sql(`update signing_keys set signs_from = now() - interval '1030 seconds' where kid = $1`, [
      next,
    ]);
    const later = await replica();
    await waitForKeys(1);
    assert.deepEqual(await kids(), [next]);
    await assert.rejects(verifyAccessToken(later, token), { code: 'unauthenticated' });
  });
});

describe('an operator changes the key', () => {
  test('it signs at once, every replica takes its tokens at once, and the tokens of before stay good', async () => {
    const [one, other] = [await replica(), await replica()];
    const who = await somebody();
    const earlier = await signAccessToken(one, who);
    await verifyAccessToken(other, earlier.token);
    const kid = await one.signingKeys.rotate();
    assert.equal((await one.signingKeys.current()).kid, kid);
    const next = await signAccessToken(one, who);
    // The other one has read the keys a moment ago, and meets an id that it does not know.
    for (const parts of [one, other])
      for (const { token } of [earlier, next])
        assert.equal((await verifyAccessToken(parts, token)).userId, who.userId);
  });

  test('a flood of unknown ids reads the table a few times a second, and refuses nobody who is good', async () => {
    const [one, other] = [await replica(), await replica()];
    await other.signingKeys.current();
    const flood = Array.from({ length: 500 }, () =>
      other.signingKeys.verificationKey(randomBytes(32).toString('base64url')),
    );
    const kid = await one.signingKeys.rotate();
    assert.notEqual(await other.signingKeys.verificationKey(kid), undefined);
    assert.ok((await Promise.all(flood)).every((key) => key === undefined));
  });

  test('over gRPC, and only the operator', async () => {
    await (await replica()).signingKeys.current();
    const rotate = async (caller: string): Promise<string> => {
      const client = service.client(caller);
      const options = { metadata: callMetadata('req-rotate'), deadlineMs: DEADLINE_MS };
      return (await callUnary(client.rotateSigningKey.bind(client), {}, options)).kid;
    };
    for (const caller of ['api-gateway', 'payment-api', 'merchant']) {
      const error: unknown = await rotate(caller).catch((refusal: unknown) => refusal);
      assert.ok(isServiceError(error));
      assert.equal(error.code, grpcStatus.PERMISSION_DENIED, caller);
    }
    const kid = await rotate('operator');
    assert.equal((await (await replica()).signingKeys.current()).kid, kid);
    const parts = await replica();
    const who = await somebody();
    const { token } = await signAccessToken(parts, who);
    assert.equal((await validateToken(service, token)).userId, toPublicId('usr', who.userId));
  });
});

describe('GET /.well-known/jwks.json', () => {
  test('anybody can check a token with the published set, which holds public parts only', async () => {
    const parts = await replica();
    const { token } = await signAccessToken(parts, await somebody());
    await parts.signingKeys.rotate();
    // The service may have read the keys before they were all made anew for this test.
    await service.auth.close();
    const fresh = await service.startReplica();
    const response = await request(fresh.httpUrl)
      .get('/.well-known/jwks.json')
      .set('x-centra-identity', service.signer('api-gateway').serviceToken('auth'))
      .expect(200)
      .expect('cache-control', 'public, max-age=300');
    assert.match(String(response.headers['content-type']), /^application\/json/);
    const { keys }: { keys: Record<string, string>[] } = response.body;
    assert.equal(keys.length, 2);
    for (const key of keys)
      assert.deepEqual(Object.keys(key).toSorted(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    const [header = '', claims = '', signature = ''] = token.split('.');
    const { kid }: { kid: string } = JSON.parse(Buffer.from(header, 'base64url').toString());
    const jwk = keys.find((key) => key['kid'] === kid);
    assert.ok(jwk !== undefined);
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const isSigned = verify(
      'sha256',
      Buffer.from(`${header}.${claims}`),
      { key, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    );
    assert.equal(isSigned, true);
  });

  test('401 for whoever does not come through the gateway', async () => {
    const fresh = await service.startReplica();
    await request(fresh.httpUrl).get('/.well-known/jwks.json').expect(401);
  });
});

async function waitForKeys(count: number): Promise<void> {
  await waitFor(`${count} keys`, async () => ((await kids()).length === count ? true : undefined));
}

/** Waits until the round that each replica begins with is over: it holds the lock that this takes. */
async function settled(parts: TokenParts): Promise<void> {
  await parts.signingKeys.published();
  await pauseMs(500);
  await service.sql('select pg_advisory_lock(7203202)');
  await service.sql('select pg_advisory_unlock(7203202)');
}
