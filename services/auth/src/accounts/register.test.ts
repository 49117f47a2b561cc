import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid } from '@centra/service-kit/ids.ts';
import type { Response } from 'supertest';
import { asCaller, startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import {
  GOOD_PASSWORD,
  allMailsTo,
  asAnyone,
  logIn,
  newEmail,
  passwordWork,
  registerUnverified,
  registerVerified,
  userEvents,
} from '../testing-accounts.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

const body = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  email: newEmail(),
  password: GOOD_PASSWORD,
  name: 'Amina Haddad',
  ...changes,
});
const register = async (changes: Record<string, unknown> = {}): Promise<Response> =>
  await asAnyone(service).post('/v1/auth/register').send(body(changes));

const accounts = async (email: string): Promise<Record<string, unknown>[]> =>
  await service.sql('select name, locale, email_verified_at from users where email_key = lower($1)', [email]);

describe('202', () => {
  test('a person registers, follows the link in the mail, and logs in', async () => {
    const person = await registerVerified(service, { locale: 'fr' });
    const [mail] = await allMailsTo(service, person.email);
    assert.equal(mail?.subject, 'Confirmez votre adresse e-mail');
    assert.match(mail.text, /^Bonjour Amina Haddad,/);
    await logIn(service, person);
    assert.deepEqual((await userEvents(service, person)).slice(0, 2), ['user.registered', 'email.verified']);
  });

  test('the password and the secret of the link are nowhere in the database', async () => {
    const password = 'seven herons nest above the souk';
    const person = await registerUnverified(service, { password });
    const [mail] = await allMailsTo(service, person.email);
    const [row] = await service.sql(
      `select (select json_agg(users) from users)::text || (select json_agg(email_tokens) from email_tokens)::text ||
         (select coalesce(json_agg(user_events), '[]') from user_events)::text as text`,
    );
    assert.ok(mail?.token !== undefined && String(row?.['text']).includes(person.email));
    for (const secret of [password, mail.token]) assert.ok(!String(row?.['text']).includes(secret));
  });

  test('what is answered, and how much is hashed for it, is the same whether or not the address has an account', async () => {
    const known = await registerVerified(service);
    const waiting = await registerUnverified(service);
    const seen = [];
    for (const email of [newEmail(), known.email, waiting.email]) {
      const earlier = await passwordWork(service.auth);
      const { status, text } = await register({ email });
      seen.push({ status, text, hashes: (await passwordWork(service.auth)) - earlier });
    }
    const expected = { status: 202, text: '{"status":"verification_sent"}', hashes: 1 };
    assert.deepEqual(seen, [expected, expected, expected]);
  });

  test('the owner of an account learns by mail that somebody registered with their address, and nothing changes', async () => {
    const person = await registerVerified(service, { locale: 'es' });
    const earlier = await service.sql('select * from users where email_key = $1', [person.email]);
    await register({
      email: person.email,
      password: 'nine jackals sing by the well',
      name: 'Somebody',
      locale: 'ar',
    });
    const mails = await allMailsTo(service, person.email);
    assert.deepEqual(mails.map(({ subject }) => subject).slice(1), ['Ya tiene una cuenta']);
    assert.match(mails[1]?.text ?? '', /reset-password#token=/);
    assert.deepEqual(await service.sql('select * from users where email_key = $1', [person.email]), earlier);
    await logIn(service, person);
  });

  test('of two registrations for an unproved address the later one counts, and its link alone', async () => {
    const email = newEmail();
    await registerUnverified(service, { email, password: 'nine jackals sing by the well', name: 'Squatter' });
    const [first] = await allMailsTo(service, email);
    const owner = await registerUnverified(service, { email });
    const second = (await allMailsTo(service, email)).at(-1);
    assert.notEqual(first?.token, second?.token);
    const verify = async (token: string | undefined, password: string): Promise<number> =>
      (await asAnyone(service).post('/v1/auth/verify-email').send({ token, password })).status;
    assert.equal(await verify(first?.token, 'nine jackals sing by the well'), 410);
    assert.equal(await verify(second?.token, 'nine jackals sing by the well'), 401);
    assert.equal(await verify(second?.token, owner.password), 200);
    await logIn(service, owner);
    const stolen = await asAnyone(service)
      .post('/v1/auth/login')
      .send({ email, password: 'nine jackals sing by the well' });
    assert.equal(stolen.status, 401);
    assert.equal((await accounts(email))[0]?.['name'], 'Amina Haddad');
  });

  test('many registrations for one address at once make one account', async () => {
    const email = newEmail();
    const answers = await Promise.all(
      [email, email.toUpperCase(), email].map((spelling) => register({ email: spelling })),
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      [202, 202, 202],
    );
    assert.equal((await accounts(email)).length, 1);
  });

  test('at most five links an hour are sent, the answer stays the same, and the last link stays good', async () => {
    const email = newEmail();
    for (let count = 0; count < 8; count += 1) assert.equal((await register({ email })).status, 202);
    const mails = await allMailsTo(service, email);
    const links = await service.sql(
      'select used_at is null as open from email_tokens join users on users.id = user_id where email = $1 order by email_tokens.id',
      [email],
    );
    assert.deepEqual(
      links.map((link) => link['open']),
      [false, false, false, false, true],
    );
    // A link that was overtaken before its turn came is not sent any more.
    assert.ok(mails.length >= 1 && mails.length <= 5);
    const answer = await asAnyone(service)
      .post('/v1/auth/verify-email')
      .send({ token: mails.at(-1)?.token, password: GOOD_PASSWORD });
    assert.equal(answer.status, 200);
  });
});

describe('400', () => {
  const REFUSED: [field: string, changes: Record<string, unknown>][] = [
    ['email', { email: 'nobody' }],
    ['email', { email: 'a@b' }],
    ['email', { email: 'guest@riad-atlas.example\r\nBcc: all@riad-atlas.example' }],
    ['email', { email: 'guest\u0007@riad-atlas.example' }],
    ['email', { email: '"Guest" <guest@riad-atlas.example>' }],
    ['email', { email: 'guest@riad-atlas.example,other@riad-atlas.example' }],
    // Looks like an a, and is none.
    ['email', { email: 'gu\u0430st@riad-atlas.example' }],
    [
      'email',
      {
        email: `${'a'.repeat(60)}@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(20)}.example`,
      },
    ],
    ['email', { email: 7 }],
    ['email', { email: undefined }],
    ['password', { password: 'eleven chrs' }],
    ['password', { password: 'Password2026!' }],
    ['password', { password: 'AminaHaddad2026' }],
    ['password', { password: `five otters ${'paddle at dawn '.repeat(5)}` }],
    ['password', { password: 'x'.repeat(2_000) }],
    ['name', { name: '' }],
    ['name', { name: ' ' }],
    ['name', { name: 'Amina\r\nHaddad' }],
    ['name', { name: 'Amina\u202eHaddad' }],
    ['name', { name: 'a'.repeat(101) }],
    ['locale', { locale: 'de' }],
    ['admin', { admin: true }],
    ['email_verified_at', { email_verified_at: '2026-01-01T00:00:00Z' }],
  ];

  for (const [field, changes] of REFUSED)
    test(`${field}: ${JSON.stringify(changes).slice(0, 60)}`, async () => {
      const answer = await register(changes);
      assert.equal(answer.status, 400, answer.text);
      assert.equal(answer.body.code, 'validation_failed');
      assert.deepEqual(
        answer.body.errors.map((error: { field: string }) => error.field),
        [field],
      );
    });

  test('a refused password is not said back, and nothing is hashed or stored', async () => {
    const earlier = await passwordWork(service.auth);
    const email = newEmail();
    const answer = await register({ email, password: 'Password2026!' });
    assert.ok(!answer.text.includes('Password2026!'));
    assert.match(answer.body.errors[0].reason, /too common/);
    assert.equal(await passwordWork(service.auth), earlier);
    assert.deepEqual(await accounts(email), []);
  });
});

test('401: neither a hotel’s key nor nobody opens it', async () => {
  const caller = asCaller(service, { merchantId: newUuid() });
  assert.equal((await caller.post('/v1/auth/register').send(body())).status, 401);
  const bare = asAnyone(service).set('x-centra-identity', 'none');
  assert.equal((await bare.post('/v1/auth/register').send(body())).status, 401);
});

test('415 and 422: a body that is not JSON, and one with a card number', async () => {
  const form = await asAnyone(service).post('/v1/auth/register').type('form').send('email=a');
  assert.equal(form.status, 415);
  for (const field of ['name', 'email', 'password']) {
    const answer = await register({ [field]: '4242 4242 4242 4242' });
    assert.equal(answer.status, 422);
    assert.equal(answer.body.code, 'card_data_not_allowed');
  }
});

test('500: when the event cannot be written there is no account and no mail', async () => {
  const own = await startTestAuth();
  try {
    await own.sql('alter table user_events add constraint closed check (false) not valid');
    const answer = await asAnyone(own).post('/v1/auth/register').send(body());
    assert.equal(answer.status, 500);
    const rows = await own.sql(
      `select (select count(*) from users)::int as users, (select count(*) from email_tokens)::int as links,
         (select count(*) from graphile_worker._private_jobs)::int as jobs`,
    );
    assert.deepEqual(rows, [{ users: 0, links: 0, jobs: 0 }]);
  } finally {
    await own.close();
  }
});
