import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { AuthServiceClient } from '@centra/proto/centra/auth/v1/auth.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { pauseMs, waitFor } from '@centra/testkit/pause.ts';
import { clientAs } from '@centra/testkit/test-tls.ts';
import { createAuthenticator } from './authenticator.ts';
import type { Authenticator } from './authenticator.ts';
import { AppError } from './errors.ts';
import { createLog } from './log.ts';
import type { Identity } from './service-identity.ts';
import { HEARTBEAT_MS, TestAuth, keyOf, liveStream, moreBeats, passTime, refused } from './test-auth.ts';

const log = createLog('test', 'silent');
const HOUR_MS = 3_600_000;
const ADDRESS = '203.0.113.7';

let auth: TestAuth;
let client: AuthServiceClient;
let authenticator: Authenticator;

beforeEach(async () => {
  // Only the time of day stands still; timers and the network run on.
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  auth = new TestAuth();
  await auth.start();
  auth.keys.set('ck_test_1', keyOf('key_1'));
  client = clientAs('api-gateway', AuthServiceClient, `127.0.0.1:${auth.port}`, 'auth');
  authenticator = createAuthenticator({ client, log });
  await liveStream(auth);
});

afterEach(async () => {
  authenticator.close();
  client.close();
  await auth.stop();
  mock.timers.reset();
});

test('a valid key is answered with its merchant, mode, actor and scopes', async () => {
  auth.keys.set('ck_live_2', {
    ...keyOf('key_2'),
    mode: Mode.MODE_LIVE,
    merchantId: 'm_2',
    scopes: ['payments:read'],
  });
  assert.deepEqual(await ask('ck_live_2'), {
    merchantId: 'm_2',
    mode: 'live',
    actor: 'api_key:key_2',
    scopes: ['payments:read'],
  });
  assert.deepEqual(await ask('ck_test_1'), {
    merchantId: 'm_1',
    mode: 'test',
    actor: 'api_key:key_1',
    scopes: [],
  });
});

test('a valid key is asked about once a minute while revocations are being pushed', async () => {
  await ask('ck_test_1');
  for (let asked = 0; asked < 5; asked += 1) {
    await passTime(auth, 10_000);
    await ask('ck_test_1');
  }
  assert.equal(auth.asked.length, 1);
  await passTime(auth, 10_001);
  await ask('ck_test_1');
  assert.equal(auth.asked.length, 2);
});

test('fifty parallel requests with one key are one question', async () => {
  const gate = Promise.withResolvers<void>();
  auth.gate = gate.promise;
  const all = Array.from({ length: 50 }, () => ask('ck_test_1'));
  await waitFor('the question', async () => (auth.asked.length > 0 ? true : undefined));
  gate.resolve();
  const answers = await Promise.all(all);
  assert.equal(new Set(answers.map(({ actor }) => actor)).size, 1);
  assert.deepEqual(auth.asked, ['ck_test_1']);
});

test('different keys are different questions, and never each other’s answer', async () => {
  auth.keys.set('ck_test_2', { ...keyOf('key_2'), merchantId: 'm_2' });
  const [one, two] = await Promise.all([ask('ck_test_1'), ask('ck_test_2')]);
  assert.deepEqual([one.merchantId, two.merchantId], ['m_1', 'm_2']);
});

test('a pushed revocation bites at the next request, and only that key', async () => {
  auth.keys.set('ck_test_2', keyOf('key_2'));
  await Promise.all([ask('ck_test_1'), ask('ck_test_2')]);
  auth.keys.delete('ck_test_1');
  auth.push('key_1');
  await waitFor(
    'the refusal',
    async () =>
      await ask('ck_test_1').then(
        () => undefined,
        () => true,
      ),
  );
  await ask('ck_test_2');
  assert.deepEqual(auth.asked.filter((secret) => secret === 'ck_test_2').length, 1);
});

test('an answer that a revocation has overtaken is not kept', async () => {
  const gate = Promise.withResolvers<void>();
  auth.gate = gate.promise;
  const underWay = ask('ck_test_1');
  await waitFor('the question', async () => (auth.asked.length > 0 ? true : undefined));
  auth.push('key_1');
  // The push is on the wire before the beats that follow it.
  await moreBeats(auth);
  gate.resolve();
  await underWay;
  auth.keys.delete('ck_test_1');
  await refused(ask('ck_test_1'), 'unauthenticated');
});

test('while the stream is silent a key is trusted for two seconds only', async () => {
  await ask('ck_test_1');
  auth.beats = false;
  await pauseMs(HEARTBEAT_MS * 5);
  mock.timers.tick(2_600);
  await ask('ck_test_1');
  assert.equal(auth.asked.length, 2);
  mock.timers.tick(1_900);
  await ask('ck_test_1');
  assert.equal(auth.asked.length, 2);
  mock.timers.tick(200);
  auth.keys.delete('ck_test_1');
  await refused(ask('ck_test_1'), 'unauthenticated');
});

test('a new stream starts with nothing known, since a revocation may have been missed', async () => {
  await ask('ck_test_1');
  // Revoked while nobody listened: this is never pushed.
  auth.dropWatchers();
  auth.keys.delete('ck_test_1');
  await waitFor('the next stream', async () => (auth.watchers.size > 0 ? true : undefined));
  await moreBeats(auth);
  await refused(ask('ck_test_1'), 'unauthenticated');
});

test('while auth is away a known key serves for two seconds, then everything is 503; when auth is back all is well', async () => {
  await ask('ck_test_1');
  await auth.stop();
  await refused(ask('ck_unknown'), 'unavailable');
  assert.equal((await ask('ck_test_1')).merchantId, 'm_1');
  mock.timers.tick(2_600);
  const refusal = await refused(ask('ck_test_1'), 'unavailable');
  assert.equal(refusal.retryAfterSeconds, 1);
  await auth.start();
  const answer = await waitFor(
    'auth to be asked again',
    async () => await ask('ck_test_1').catch(() => undefined),
  );
  assert.equal(answer.merchantId, 'm_1');
});

test('whatever else auth answers is 503, never 401 and never a pass', async () => {
  for (const code of ['internal', 'forbidden', 'not_found', 'too_many_requests', 'unavailable'] as const) {
    auth.fault = new AppError(code);
    await refused(ask('ck_test_1'), 'unavailable');
  }
  auth.fault = undefined;
  await ask('ck_test_1');
});

test('a refused key is remembered for a second, so that a client in a loop is no load on auth', async () => {
  for (let again = 0; again < 5; again += 1) await refused(ask('ck_unknown'), 'unauthenticated');
  assert.deepEqual(auth.asked, ['ck_unknown']);
  auth.keys.set('ck_unknown', keyOf('key_9'));
  const answer = await waitFor(
    'the key to be asked about again',
    async () => await ask('ck_unknown').catch(() => undefined),
  );
  assert.equal(answer.actor, 'api_key:key_9');
});

test('a key dies at its expiry although it is cached', async () => {
  auth.keys.set('ck_expiring', { ...keyOf('key_3'), expiresAt: new Date(Date.now() + 5_000) });
  await ask('ck_expiring');
  await passTime(auth, 4_000);
  await ask('ck_expiring');
  assert.equal(auth.asked.length, 1);
  auth.keys.delete('ck_expiring');
  await passTime(auth, 1_001);
  await refused(ask('ck_expiring'), 'unauthenticated');
});

test('a key that is valid for hours is still asked about', async () => {
  auth.keys.set('ck_long', { ...keyOf('key_4'), expiresAt: new Date(Date.now() + 24 * HOUR_MS) });
  await ask('ck_long');
  await passTime(auth, HOUR_MS);
  await ask('ck_long');
  assert.equal(auth.asked.length, 2);
});

test('after close nothing follows revocations any more', async () => {
  authenticator.close();
  await waitFor('the stream to end', async () => (auth.watchers.size === 0 ? true : undefined));
  const ever = auth.watchersEver;
  // A reconnection would come after half a second.
  await pauseMs(800);
  assert.equal(auth.watchersEver, ever);
});

describe('keys that may be used from some addresses only', () => {
  beforeEach(() => {
    auth.keys.set('ck_test_office', { ...keyOf('key_5'), allowedAddresses: ['198.51.100.0/24'] });
  });

  test('works from there, and is refused from elsewhere, also when it is cached', async () => {
    await refused(ask('ck_test_office', '203.0.113.7'), 'address_not_allowed');
    assert.equal((await ask('ck_test_office', '198.51.100.9')).merchantId, 'm_1');
    assert.equal((await ask('ck_test_office', '::ffff:198.51.100.9')).merchantId, 'm_1');
    await refused(ask('ck_test_office', '203.0.113.7'), 'address_not_allowed');
    assert.deepEqual(auth.asked, ['ck_test_office']);
  });

  test('a caller without an address is elsewhere', async () => {
    await refused(ask('ck_test_office', ''), 'address_not_allowed');
  });

  test('a list that cannot be read allows nobody', async () => {
    auth.keys.set('ck_test_office', { ...keyOf('key_5'), allowedAddresses: ['office.example'] });
    await refused(ask('ck_test_office', '198.51.100.9'), 'address_not_allowed');
  });
});

/** Whose key it is, at its hotel. */
async function ask(secret: string, address = ADDRESS): Promise<Identity> {
  const { identity } = await authenticator.authenticate(secret, { requestId: 'req_1', address });
  return identity ?? assert.fail('no identity');
}
