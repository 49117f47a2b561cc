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
  newEmail,
  passwordWork,
  registerUnverified,
  registerVerified,
  userEvents,
} from '../testing-accounts.ts';
import type { Registered } from '../testing-accounts.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

const NEW_PASSWORD = 'nine jackals sing by the well';

const forgot = async (body: object): Promise<Response> =>
  await asAnyone(service).post('/v1/auth/password/forgot').send(body);
const reset = async (token: unknown, password: unknown = NEW_PASSWORD): Promise<Response> =>
  await asAnyone(service).post('/v1/auth/password/reset').send({ token, new_password: password });
const logInStatus = async (email: string, password: string): Promise<number> =>
  (await asAnyone(service).post('/v1/auth/login').send({ email, password })).status;

/** Asks for a link and reads it from the mail. */
async function linkFor({ email }: { email: string }): Promise<string> {
  assert.equal((await forgot({ email })).status, 202);
  const mail = (await allMailsTo(service, email)).at(-1);
  assert.match(mail?.text ?? '', /\/reset-password#token=/);
  return mail?.token ?? '';
}

const openSessions = async ({ email }: { email: string }): Promise<unknown[]> =>
  (
    await service.sql(
      `select ended_reason from sessions join users on users.id = user_id where email = $1 order by sessions.id`,
      [email],
    )
  ).map((row) => row['ended_reason']);

describe('forgot: 202', () => {
  test('is the same for every address, after the same work, and only an account gets a mail', async () => {
    const known = await registerVerified(service, { locale: 'fr' });
    const stranger = newEmail();
    const earlier = await passwordWork(service.auth);
    for (const email of [known.email, known.email.toUpperCase(), stranger]) {
      const { status, text } = await forgot({ email });
      assert.deepEqual([status, text], [202, '{"status":"sent"}']);
    }
    assert.equal(await passwordWork(service.auth), earlier);
    const subjects = (await allMailsTo(service, known.email)).map(({ subject }) => subject);
    assert.equal(subjects.at(-1), 'Choisissez un nouveau mot de passe');
    assert.deepEqual(await allMailsTo(service, stranger), []);
  });

  test('at most five links an hour are sent, and the last one stays good', async () => {
    const person = await registerVerified(service);
    for (let count = 0; count < 8; count += 1) {
      await forgot({ email: person.email });
      await allMailsTo(service, person.email);
    }
    const mails = (await allMailsTo(service, person.email)).slice(1);
    assert.equal(mails.length, 5);
    assert.equal((await reset(mails[3]?.token)).status, 410);
    assert.equal((await reset(mails[4]?.token)).status, 200);
  });
});

describe('reset: 200', () => {
  test('the new password is the only one, every session ends, and its person is told', async () => {
    const person = await registerVerified(service);
    await logIn(service, person);
    await logIn(service, person);
    const answer = await reset(await linkFor(person));
    assert.deepEqual([answer.status, answer.body], [200, { status: 'reset' }]);
    assert.deepEqual(await openSessions(person), ['password_reset', 'password_reset']);
    assert.equal(await logInStatus(person.email, person.password), 401);
    assert.equal(await logInStatus(person.email, NEW_PASSWORD), 200);
    const subjects = (await allMailsTo(service, person.email)).map(({ subject }) => subject);
    assert.equal(subjects.at(-1), 'Your password was changed');
    assert.ok((await userEvents(service, person)).includes('password.reset'));
  });

  test('it lifts the lock that wrong passwords brought', async () => {
    const person = await registerVerified(service);
    for (let count = 0; count < 5; count += 1) await logInStatus(person.email, 'wrong');
    assert.equal(await logInStatus(person.email, person.password), 429);
    assert.equal((await reset(await linkFor(person))).status, 200);
    assert.equal(await logInStatus(person.email, NEW_PASSWORD), 200);
  });

  test('it proves an address that was not proved yet', async () => {
    const person = await registerUnverified(service);
    assert.equal((await reset(await linkFor(person))).status, 200);
    assert.equal(await logInStatus(person.email, NEW_PASSWORD), 200);
    assert.deepEqual((await userEvents(service, person)).slice(0, 3), [
      'user.registered',
      'email.verified',
      'password.reset',
    ]);
  });

  test('the link in the mail to somebody who registered twice works too', async () => {
    const person = await registerVerified(service);
    await registerUnverified(service, { email: person.email });
    const mail = (await allMailsTo(service, person.email)).at(-1);
    assert.equal(mail?.subject, 'You already have an account');
    assert.equal((await reset(mail.token)).status, 200);
  });
});

describe('reset: 400', () => {
  const REFUSED = [
    'eleven chrs',
    'Password2026!',
    'AminaHaddad2026',
    'centrapayments',
    'x'.repeat(1_025),
    '',
    7,
    null,
  ];
  test('a password that is not taken leaves the link good for another', async () => {
    const token = await linkFor(await registerVerified(service));
    for (const password of REFUSED) {
      const answer = await reset(token, password);
      assert.equal(answer.status, 400, String(password));
      assert.equal(answer.body.errors[0].field, 'new_password');
    }
    assert.equal((await reset(token)).status, 200);
  });

  test('no token, a long one, an unknown field, a bad address', async () => {
    for (const token of [undefined, '', 'x'.repeat(201)]) assert.equal((await reset(token)).status, 400);
    for (const body of [{}, { email: 'nobody' }, { email: newEmail(), token: 'x' }])
      assert.equal((await forgot(body)).status, 400);
  });
});

describe('reset: 410', () => {
  test('a link is good once', async () => {
    const person = await registerVerified(service);
    const token = await linkFor(person);
    assert.equal((await reset(token)).status, 200);
    const again = await reset(token, 'ten herons nest above the souk');
    assert.deepEqual([again.status, again.body.code], [410, 'link_expired']);
    assert.equal(await logInStatus(person.email, NEW_PASSWORD), 200);
  });

  test('of many who use it at once one gets through', async () => {
    const person: Registered = await registerVerified(service);
    const token = await linkFor(person);
    const answers = await Promise.all(
      Array.from({ length: 5 }, (_, index) => reset(token, `${index} jackals sing by the well`)),
    );
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [200, 410, 410, 410, 410],
    );
    const winner = answers.findIndex(({ status }) => status === 200);
    assert.equal(await logInStatus(person.email, `${winner} jackals sing by the well`), 200);
  });

  test('a link is good for an hour', async () => {
    const person = await registerVerified(service);
    const token = await linkFor(person);
    const change = async (text: string): Promise<unknown> =>
      await service.sql(
        `update email_tokens set expires_at = ${text} from users
         where users.id = user_id and email = $1 and purpose = 'reset_password'`,
        [person.email],
      );
    const [link] = await service.sql(
      `select expires_at - now() < interval '1 hour' as short, expires_at - now() > interval '59 minutes' as long
       from email_tokens join users on users.id = user_id where email = $1 and purpose = 'reset_password'`,
      [person.email],
    );
    assert.deepEqual(link, { short: true, long: true });
    await change('now()');
    assert.equal((await reset(token)).status, 410);
  });

  test('asking again, and changing the password, makes the links before worthless', async () => {
    const person = await registerVerified(service);
    const first = await linkFor(person);
    const second = await linkFor(person);
    assert.equal((await reset(first)).status, 410);
    assert.equal((await reset(second)).status, 200);
  });

  test('the link that proves an address resets no password, nor does what is no link', async () => {
    const person = await registerUnverified(service);
    const verifying = (await allMailsTo(service, person.email)).at(-1)?.token;
    for (const token of [verifying, 'x', 'x'.repeat(43)]) assert.equal((await reset(token)).status, 410);
    assert.equal(await logInStatus(person.email, NEW_PASSWORD), 401);
  });

  test('a link of nobody’s costs no hash', async () => {
    const earlier = await passwordWork(service.auth);
    await reset('x'.repeat(43));
    assert.equal(await passwordWork(service.auth), earlier);
  });
});

test('401: a hotel’s key opens neither', async () => {
  const caller = asCaller(service, { merchantId: newUuid() });
  assert.equal((await caller.post('/v1/auth/password/forgot').send({ email: newEmail() })).status, 401);
  const body = { token: 'x', new_password: NEW_PASSWORD };
  assert.equal((await caller.post('/v1/auth/password/reset').send(body)).status, 401);
});
