import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { AuthServiceClient, Barrier } from '@centra/proto/centra/auth/v1/auth.ts';
import type { RevocationEvent } from '@centra/proto/centra/auth/v1/auth.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { clientAs } from '@centra/testkit/test-tls.ts';
import { createAuthenticator } from './authenticator.ts';
import type { Authenticated, Authenticator } from './authenticator.ts';
import { createLog } from './log.ts';
import { TestAuth, keyOf, liveStream, moreBeats, passTime, refused, tokenOf } from './test-auth.ts';

const log = createLog('test', 'silent');

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

describe('access tokens of people', () => {
  const TOKEN = 'eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl';
  const OTHER = 'eyJhbGciOiJFUzI1NiJ9.e30.b3RoZXI';

  test('a token is answered with its person and what they may do at its hotel', async () => {
    auth.tokens.set(TOKEN, { ...tokenOf('1'), mode: Mode.MODE_LIVE, permissions: ['payments:read'] });
    assert.deepEqual(await asPerson(TOKEN), {
      identity: {
        merchantId: 'm_1',
        mode: 'live',
        actor: 'user:usr_1',
        scopes: ['payments:read'],
        sessionId: 'ses_1',
      },
      user: { userId: 'usr_1', sessionId: 'ses_1' },
      barrier: undefined,
    });
  });

  test('a token for no hotel names the person and no hotel', async () => {
    auth.tokens.set(TOKEN, { ...tokenOf('1'), merchantId: '' });
    const { identity, user } = await asPerson(TOKEN);
    assert.deepEqual([identity, user], [undefined, { userId: 'usr_1', sessionId: 'ses_1' }]);
  });

  const barriers = [
    [Barrier.BARRIER_SUSPENDED, 'access_suspended'],
    [Barrier.BARRIER_SECOND_FACTOR, 'second_factor_required'],
  ] as const;
  for (const [sent, barrier] of barriers)
    test(`the barrier ${sent} is ${barrier}, and the person stays known`, async () => {
      auth.tokens.set(TOKEN, { ...tokenOf('1'), barrier: sent });
      const known = await asPerson(TOKEN);
      assert.deepEqual([known.barrier, known.user?.userId], [barrier, 'usr_1']);
    });

  const changes: [what: string, event: NonNullable<RevocationEvent['event']>][] = [
    ['the end of the session', { $case: 'endedSessionId', value: 'ses_1' }],
    ['a change of the member', { $case: 'changedMember', value: { merchantId: 'm_1', userId: 'usr_1' } }],
    ['a change of the hotel', { $case: 'changedMerchantId', value: 'm_1' }],
  ];
  for (const [what, event] of changes)
    test(`${what} bites at the next request, and nobody else’s token is asked about`, async () => {
      auth.tokens.set(TOKEN, tokenOf('1'));
      auth.tokens.set(OTHER, { ...tokenOf('2'), merchantId: 'm_2' });
      await settle();
      await asPerson(TOKEN);
      await asPerson(OTHER);
      auth.tokens.delete(TOKEN);
      auth.tell(event);
      await waitFor('the refusal', async () => await isRefused(asPerson(TOKEN)));
      await asPerson(OTHER);
      assert.equal(auth.asked.filter((asked) => asked === OTHER).length, 1);
    });

  test('a change of one hotel drops its keys too, but not the person’s place at another', async () => {
    auth.tokens.set(TOKEN, { ...tokenOf('1'), merchantId: 'm_2' });
    await settle();
    await Promise.all([asPerson('ck_test_1'), asPerson(TOKEN)]);
    auth.keys.set('ck_test_1', { ...keyOf('key_1'), suspended: true });
    auth.tell({ $case: 'changedMerchantId', value: 'm_1' });
    await waitFor('the barrier', async () => {
      const { barrier } = await asPerson('ck_test_1');
      return barrier === 'access_suspended' ? true : undefined;
    });
    await asPerson(TOKEN);
    assert.equal(auth.asked.filter((asked) => asked === TOKEN).length, 1);
  });

  test('what auth says of a person just after a change is trusted for two seconds only', async () => {
    auth.tokens.set(TOKEN, tokenOf('1'));
    await settle();
    auth.tell({ $case: 'changedMember', value: { merchantId: 'm_1', userId: 'usr_1' } });
    await moreBeats(auth);
    // From a replica of auth that has not heard of the change yet.
    await asPerson(TOKEN);
    auth.tokens.delete(TOKEN);
    await passTime(auth, 1_900);
    await asPerson(TOKEN);
    await passTime(auth, 200);
    await refused(asPerson(TOKEN), 'unauthenticated');
  });

  test('a token dies at its expiry although it is cached, and one without an expiry is not kept', async () => {
    await settle();
    auth.tokens.set(TOKEN, { ...tokenOf('1'), expiresAt: new Date(Date.now() + 5_000) });
    auth.tokens.set(OTHER, { ...tokenOf('2'), expiresAt: undefined });
    await Promise.all([asPerson(TOKEN), asPerson(OTHER)]);
    await passTime(auth, 4_000);
    await asPerson(TOKEN);
    await asPerson(OTHER);
    assert.deepEqual(auth.asked.toSorted(), [OTHER, OTHER, TOKEN].toSorted());
    auth.tokens.delete(TOKEN);
    await passTime(auth, 1_001);
    await refused(asPerson(TOKEN), 'unauthenticated');
  });

  const neither = [
    '',
    'password',
    'cs_test_eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl',
    'rt_01jd0000000000000000000000_1_secret',
    'eyJhbGciOiJub25lIn0.e30.',
    'eyJhbGciOiJub25lIn0.e30',
    `${TOKEN}.more`,
    ` ${TOKEN}`,
    `${TOKEN}\n`,
    'a.b.c',
  ];
  for (const credential of neither)
    test(`${JSON.stringify(credential)} is refused without a question to auth`, async () => {
      await refused(asPerson(credential), 'unauthenticated');
      assert.deepEqual(auth.asked, []);
    });
});

async function asPerson(credential: string): Promise<Authenticated> {
  return await authenticator.authenticate(credential, { requestId: 'req_1', address: '203.0.113.7' });
}

async function isRefused(asking: Promise<unknown>): Promise<true | undefined> {
  return await asking.then(
    () => undefined,
    () => true as const,
  );
}

/** Waits until a new stream's first seconds are over, in which what is said of people is not trusted for long. */
async function settle(): Promise<void> {
  await passTime(auth, 5_001);
}
