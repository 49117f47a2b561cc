import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid } from '@centra/service-kit/ids.ts';
import type { Response } from 'supertest';
import { asCaller, startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import {
  allMailsTo,
  asAnyone,
  logIn,
  registerUnverified,
  registerVerified,
  userEvents,
} from '../testing-accounts.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

const PASSWORD = 'four herons wade at noon';

const verify = async (token: unknown, password: unknown = PASSWORD): Promise<Response> =>
  await asAnyone(service).post('/v1/auth/verify-email').send({ token, password });

/** Somebody whose mail has come, and the secret in it. */
async function waiting(): Promise<{ email: string; token: string }> {
  const { email } = await registerUnverified(service, { password: PASSWORD });
  const token = (await allMailsTo(service, email)).at(-1)?.token;
  assert.match(token ?? '', /^[\w-]{43}$/);
  return { email, token: token ?? '' };
}

const verifiedAt = async (email: string): Promise<unknown> =>
  (await service.sql('select email_verified_at from users where email = $1', [email]))[0]?.[
    'email_verified_at'
  ];

test('200: a link proves the address, and it is written down', async () => {
  const { email, token } = await waiting();
  assert.equal(await verifiedAt(email), null);
  const answer = await verify(token);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.body, { status: 'verified' });
  assert.ok((await verifiedAt(email)) instanceof Date);
  assert.deepEqual(await userEvents(service, { email }), ['user.registered', 'email.verified']);
});

describe('410', () => {
  test('a link is good once', async () => {
    const { email, token } = await waiting();
    assert.equal((await verify(token)).status, 200);
    const again = await verify(token);
    assert.equal(again.status, 410);
    assert.equal(again.body.code, 'link_expired');
    assert.deepEqual(await userEvents(service, { email }), ['user.registered', 'email.verified']);
  });

  test('of many who use it at once one gets through', async () => {
    const { email, token } = await waiting();
    const answers = await Promise.all(Array.from({ length: 5 }, () => verify(token)));
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [200, 410, 410, 410, 410],
    );
    assert.deepEqual(await userEvents(service, { email }), ['user.registered', 'email.verified']);
  });

  test('a link is good for 24 hours', async () => {
    const { email, token } = await waiting();
    const [link] = await service.sql(
      `select expires_at - email_tokens.created_at > interval '23 hours 59 minutes' as long,
         expires_at - now() < interval '24 hours' as short
       from email_tokens join users on users.id = user_id where email = $1`,
      [email],
    );
    assert.deepEqual(link, { long: true, short: true });
    await service.sql(
      `update email_tokens set expires_at = now() from users where users.id = user_id and email = $1`,
      [email],
    );
    assert.equal((await verify(token)).status, 410);
    assert.equal(await verifiedAt(email), null);
  });

  test('a link for another purpose, and what is no link, prove nothing', async () => {
    const person = await registerVerified(service);
    await asAnyone(service).post('/v1/auth/password/forgot').send({ email: person.email }).expect(202);
    const reset = (await allMailsTo(service, person.email)).at(-1)?.token;
    const { sessionId } = await logIn(service, person);
    for (const token of [reset, sessionId, 'x', 'x'.repeat(43), '../../etc', ' '])
      assert.equal((await verify(token)).status, 410, token);
  });
});

describe('401', () => {
  test('another password than the registered one proves nothing, and leaves the link good', async () => {
    const { email, token } = await waiting();
    const answer = await verify(token, 'four herons wade at dusk');
    assert.deepEqual([answer.status, answer.body.code], [401, 'login_failed']);
    assert.equal(await verifiedAt(email), null);
    assert.equal((await verify(token)).status, 200);
  });

  test('a stranger who registers an address is not let in by the click of its owner', async () => {
    const stranger = 'seven foxes wait by the gate';
    const { email } = await waiting();
    await registerUnverified(service, { email, password: stranger });
    const token = (await allMailsTo(service, email)).at(-1)?.token;
    assert.equal((await verify(token)).status, 401);
    assert.equal(await verifiedAt(email), null);
  });
});

test('429: five wrong passwords lock it like a log-in', async () => {
  const { token } = await waiting();
  const statuses: number[] = [];
  for (let count = 0; count < 6; count += 1) statuses.push((await verify(token, 'wrong')).status);
  assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429]);
});

test('400: no token, a long one, no password, an unknown field', async () => {
  for (const token of [undefined, '', 7, null, 'x'.repeat(201)])
    assert.equal((await verify(token)).status, 400);
  for (const password of ['', 7, null, 'x'.repeat(1_025)])
    assert.equal((await verify('x', password)).status, 400);
  const answer = await asAnyone(service)
    .post('/v1/auth/verify-email')
    .send({ token: 'x', password: PASSWORD, user_id: 'usr_1' });
  assert.equal(answer.status, 400);
});

test('401: a hotel’s key does not open it', async () => {
  const caller = asCaller(service, { merchantId: newUuid() });
  assert.equal((await caller.post('/v1/auth/verify-email').send({ token: 'x', password: 'x' })).status, 401);
});
