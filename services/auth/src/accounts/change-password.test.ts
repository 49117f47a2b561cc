import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import type { Response } from 'supertest';
import { asCaller, startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { allMailsTo, asAnyone, asPerson, logIn, registerVerified, userEvents } from '../testing-accounts.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

const NEW_PASSWORD = 'nine jackals sing by the well';

type Person = Parameters<typeof asPerson>[1];

const change = async (person: Person, current: unknown, wanted: unknown = NEW_PASSWORD): Promise<Response> =>
  await asPerson(service, person)
    .post('/v1/auth/password')
    .send({ current_password: current, new_password: wanted });
const logInStatus = async (email: string, password: string): Promise<number> =>
  (await asAnyone(service).post('/v1/auth/login').send({ email, password })).status;

describe('200', () => {
  test('the new password is the only one, other sessions end, this one stays, and its person is told', async () => {
    const registered = await registerVerified(service, { locale: 'es' });
    const other = await logIn(service, registered);
    const own = await logIn(service, registered);
    const answer = await change(own, registered.password);
    assert.deepEqual([answer.status, answer.body], [200, { status: 'changed' }]);
    const sessions = await service.sql(
      'select id, ended_reason from sessions where user_id in (select id from users where email = $1)',
      [registered.email],
    );
    assert.deepEqual(
      Object.fromEntries(sessions.map((row) => [toPublicId('ses', String(row['id'])), row['ended_reason']])),
      { [own.sessionId]: null, [other.sessionId]: 'password_changed' },
    );
    assert.equal(await logInStatus(registered.email, registered.password), 401);
    assert.equal(await logInStatus(registered.email, NEW_PASSWORD), 200);
    const subjects = (await allMailsTo(service, registered.email)).map(({ subject }) => subject);
    assert.equal(subjects.at(-1), 'Se ha cambiado su contraseña');
    assert.ok((await userEvents(service, registered)).includes('password.changed'));
  });

  test('a link for a reset that lies about is worthless afterwards', async () => {
    const registered = await registerVerified(service);
    const own = await logIn(service, registered);
    await asAnyone(service).post('/v1/auth/password/forgot').send({ email: registered.email }).expect(202);
    const token = (await allMailsTo(service, registered.email)).at(-1)?.token;
    assert.ok(token);
    assert.equal((await change(own, registered.password)).status, 200);
    const answer = await asAnyone(service)
      .post('/v1/auth/password/reset')
      .send({ token, new_password: 'ten herons nest above the souk' });
    assert.equal(answer.status, 410);
  });

  test('of two changes at once one happens', async () => {
    const registered = await registerVerified(service);
    const own = await logIn(service, registered);
    const wanted = ['nine jackals sing by the well', 'ten herons nest above the souk'];
    const answers = await Promise.all(wanted.map((each) => change(own, registered.password, each)));
    const statuses = answers.map(({ status }) => status);
    assert.deepEqual(
      statuses.toSorted((a, b) => a - b),
      [200, 401],
    );
    const [winner = ''] = wanted.filter((_each, index) => statuses[index] === 200);
    assert.equal(await logInStatus(registered.email, winner), 200);
  });
});

describe('400', () => {
  test('the same password, one against the rules, no password, an unknown field', async () => {
    const registered = await registerVerified(service);
    const own = await logIn(service, registered);
    const { password } = registered;
    for (const wanted of [
      password,
      'eleven chrs',
      'Password2026!',
      'AminaHaddad2026',
      'a'.repeat(73),
      '',
      null,
    ]) {
      const answer = await change(own, password, wanted);
      assert.equal(answer.status, 400, String(wanted));
      assert.equal(answer.body.errors[0].field, 'new_password');
    }
    const strange = { current_password: password, new_password: NEW_PASSWORD, user_id: own.userId };
    assert.equal((await asPerson(service, own).post('/v1/auth/password').send(strange)).status, 400);
    assert.equal(await logInStatus(registered.email, password), 200);
  });
});

describe('401', () => {
  test('a wrong current password changes nothing and is written down', async () => {
    const registered = await registerVerified(service);
    const own = await logIn(service, registered);
    const answer = await change(own, 'wrong');
    assert.deepEqual([answer.status, answer.body.code], [401, 'login_failed']);
    assert.equal(await logInStatus(registered.email, registered.password), 200);
    assert.ok((await userEvents(service, registered)).includes('login.failed'));
  });

  test('a person who does not exist, a hotel’s key, and nobody', async () => {
    const nobody = { userId: toPublicId('usr', newUuid()), sessionId: toPublicId('ses', newUuid()) };
    assert.equal((await change(nobody, 'wrong')).status, 401);
    assert.equal((await change({ userId: 'usr_1', sessionId: 'ses_1' }, 'wrong')).status, 401);
    const body = { current_password: 'wrong', new_password: NEW_PASSWORD };
    const caller = asCaller(service, { merchantId: newUuid() });
    assert.equal((await caller.post('/v1/auth/password').send(body)).status, 401);
    assert.equal((await asAnyone(service).post('/v1/auth/password').send(body)).status, 401);
  });
});

test('429: the fifth wrong current password locks the account, also for the right one', async () => {
  const registered = await registerVerified(service);
  const own = await logIn(service, registered);
  for (let count = 0; count < 5; count += 1) assert.equal((await change(own, `wrong ${count}`)).status, 401);
  const answer = await change(own, registered.password);
  assert.deepEqual([answer.status, answer.body.code], [429, 'too_many_attempts']);
  assert.ok(Number(answer.headers['retry-after']) > 0);
  const subjects = (await allMailsTo(service, registered.email)).map(({ subject }) => subject);
  assert.equal(subjects.at(-1), 'Your account is locked for 30 minutes');
});
