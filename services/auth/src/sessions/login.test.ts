import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { mailsTo } from '../emails/test-maildir.ts';
import { startTestAuth } from '../test-service.ts';
import type { Row, TestAuth } from '../test-service.ts';
import { asAnyone, newEmail, registerUnverified, registerVerified } from '../testing-accounts.ts';
import { tokensSchema } from './issue-tokens.ts';
import { eventRowsOf, eventsOf, join, logIn, registerWithFactor, uuidOf } from './test-logins.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

const sessionRow = async (sessionId: string): Promise<Row | undefined> =>
  (await service.sql('select * from sessions where id = $1', [uuidOf('ses', sessionId)]))[0];

/** How many passwords were compared so far; a hash is nearly all of the time that a log-in takes. */
const comparisons = async (): Promise<number> => {
  const text = await (await fetch(`http://127.0.0.1:${service.auth.opsPort}/metrics`)).text();
  return Number(/centra_auth_password_work_total\{[^}]*compare[^}]*\} (\d+)/.exec(text)?.[1] ?? 0);
};

test('the right password opens a session, and its refresh token is stored as a hash only', async () => {
  const person = await registerVerified(service);
  const answer = await asAnyone(service)
    .post('/v1/auth/login')
    .set('user-agent', 'Firefox on the front desk')
    .set('x-request-id', 'req-front-desk')
    .send({ email: person.email, password: person.password });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers['cache-control'], 'no-store');
  const tokens = tokensSchema.strict().parse(answer.body);
  assert.deepEqual(
    [tokens.token_type, tokens.merchant_id, tokens.mode, tokens.second_factor, tokens.user.id],
    ['Bearer', null, 'test', false, person.userId],
  );
  assert.match(tokens.refresh_token, /^rt_[0-9a-z]{26}_1_[A-Za-z0-9_-]{43}$/);
  const row = await sessionRow(tokens.session_id);
  assert.deepEqual([row?.['address'], row?.['user_agent']], ['203.0.113.7', 'Firefox on the front desk']);
  const stored = await service.sql(
    'select secret_hash, generation from refresh_tokens where session_id = $1',
    [uuidOf('ses', tokens.session_id)],
  );
  assert.deepEqual(stored, [
    { secret_hash: createHash('sha256').update(tokens.refresh_token).digest(), generation: 1 },
  ]);
  const event = (await eventRowsOf(service, person.userId)).at(-1);
  assert.deepEqual([event?.['action'], event?.['request_id']], ['login.succeeded', 'req-front-desk']);
});

test('an address is one address however it is written', async () => {
  const email = newEmail();
  const person = await registerVerified(service, { email });
  const spelled = ` ${email.toUpperCase()} `;
  assert.equal((await logIn(service, { email: spelled, password: person.password })).userId, person.userId);
});

test('the session is for seven days by the database', async () => {
  const { sessionId } = await logIn(service, await registerVerified(service));
  const [row] = await service.sql(
    `select expires_at - created_at = interval '7 days' as seven from sessions where id = $1`,
    [uuidOf('ses', sessionId)],
  );
  assert.equal(row?.['seven'], true);
});

test('a hash of another cost is replaced at the next log-in', async () => {
  const person = await registerVerified(service);
  const replica = await service.startReplica({}, { bcryptCost: 11 });
  await logIn(service, person, {}, replica);
  const [row] = await service.sql('select password_hash from users where id = $1', [
    uuidOf('usr', person.userId),
  ]);
  assert.match(String(row?.['password_hash']), /^\$2b\$11\$/);
  await logIn(service, person);
  await replica.close();
});

test('fifty sessions stay open; one more ends the one that was used longest ago', async () => {
  const person = await registerVerified(service);
  const oldest = await logIn(service, person);
  await service.sql(
    `insert into sessions (user_id, id, expires_at, address, user_agent, last_used_at)
     select $1, gen_random_uuid(), now() + interval '7 days', '', '', now() + interval '1 minute'
     from generate_series(1, 49)`,
    [uuidOf('usr', person.userId)],
  );
  const newest = await logIn(service, person);
  assert.equal((await sessionRow(oldest.sessionId))?.['ended_reason'], 'too_many');
  assert.equal((await sessionRow(newest.sessionId))?.['ended_at'], null);
  const open = await service.sql(
    'select count(*)::int as open from sessions where user_id = $1 and ended_at is null',
    [uuidOf('usr', person.userId)],
  );
  assert.deepEqual(open, [{ open: 50 }]);
});

describe('the hotel', () => {
  test('is the only one that lets the person in', async () => {
    const person = await registerVerified(service);
    const [own, suspends, suspended] = [newUuid(), newUuid(), newUuid()];
    await join(service, person.userId, own);
    await join(service, person.userId, suspends, { suspended: true });
    await join(service, person.userId, suspended);
    await service.sql(
      `insert into merchant_access (merchant_id, suspended_at, suspended_reason) values ($1, now(), 'unpaid')`,
      [suspended],
    );
    assert.equal((await logIn(service, person)).merchantId, toPublicId('mer', own));
  });

  test('is none when there are two, and the one that is asked for', async () => {
    const person = await registerVerified(service);
    const hotels = [newUuid(), newUuid()];
    for (const hotel of hotels) await join(service, person.userId, hotel);
    assert.equal((await logIn(service, person)).merchantId, null);
    for (const hotel of hotels.map((id) => toPublicId('mer', id)))
      assert.equal((await logIn(service, person, { merchant_id: hotel, mode: 'live' })).merchantId, hotel);
  });

  test('refuses: 404 for another hotel, 403 for one that bars the person; no session is left behind', async () => {
    const person = await registerVerified(service);
    const [suspends, demands, foreign] = [newUuid(), newUuid(), newUuid()];
    await join(service, person.userId, suspends, { suspended: true });
    await join(service, person.userId, demands);
    await join(service, (await registerVerified(service)).userId, foreign);
    await service.sql('insert into merchant_access (merchant_id, second_factor_required) values ($1, true)', [
      demands,
    ]);
    const { email, password } = person;
    for (const [merchantId, status, code] of [
      [toPublicId('mer', suspends), 403, 'access_suspended'],
      [toPublicId('mer', demands), 403, 'second_factor_required'],
      [toPublicId('mer', foreign), 404, 'not_found'],
      [toPublicId('mer', newUuid()), 404, 'not_found'],
      ['mer_nonsense', 404, 'not_found'],
    ] as const) {
      const answer = await asAnyone(service)
        .post('/v1/auth/login')
        .send({ email, password, merchant_id: merchantId });
      assert.deepEqual([answer.status, answer.body.code], [status, code], merchantId);
    }
    const sessions = await service.sql('select id from sessions where user_id = $1', [
      uuidOf('usr', person.userId),
    ]);
    assert.deepEqual(sessions, []);
    assert.equal((await logIn(service, person)).merchantId, null, 'no attempt was lost');
  });
});

describe('400', () => {
  test('a field is missing, unknown or not text', async () => {
    for (const body of [
      {},
      { email: 'a@b.example' },
      { password: 'x' },
      { email: ['a@b.example'], password: 'x' },
      { email: 'a@b.example', password: 'x', role: 'owner' },
      { email: 'a@b.example', password: 'x', mode: 'LIVE' },
      { email: 'x'.repeat(255), password: 'x' },
      { email: 'a@b.example', password: 'x'.repeat(1_025) },
    ]) {
      const answer = await asAnyone(service).post('/v1/auth/login').send(body);
      assert.deepEqual([answer.status, answer.body.code], [400, 'validation_failed'], JSON.stringify(body));
    }
  });
});

describe('401', () => {
  test('a wrong password and an unknown address get the same answer after the same slow work', async () => {
    const person = await registerVerified(service);
    const bodies = new Set<string>();
    for (let round = 0; round < 4; round += 1)
      for (const email of [person.email, `nobody-${person.email}`]) {
        const compared = await comparisons();
        const answer = await asAnyone(service)
          .post('/v1/auth/login')
          .set('x-request-id', 'req-same-answer')
          .send({ email, password: `not the password ${round}` });
        assert.deepEqual([answer.status, answer.body.code], [401, 'login_failed']);
        assert.equal((await comparisons()) - compared, 1, email);
        bodies.add(answer.text);
      }
    assert.equal(bodies.size, 1);
  });

  test('a failed log-in is an event of the account, once; one without an account writes none', async () => {
    const person = await registerVerified(service);
    const [earlier] = await service.sql('select count(*)::int as events from user_events');
    await asAnyone(service)
      .post('/v1/auth/login')
      .send({ email: person.email, password: 'wrong' })
      .expect(401);
    await asAnyone(service).post('/v1/auth/login').send({ email: newEmail(), password: 'wrong' }).expect(401);
    const [later] = await service.sql('select count(*)::int as events from user_events');
    assert.equal(Number(later?.['events']) - Number(earlier?.['events']), 1);
    const event = (await eventRowsOf(service, person.userId)).at(-1);
    assert.deepEqual(
      [event?.['action'], event?.['address'], event?.['details']],
      ['login.failed', '203.0.113.7', { step: 'password' }],
    );
  });

  test('a password that differs behind the bytes that bcrypt reads is wrong', async () => {
    const person = await registerVerified(service);
    for (const password of [`${person.password} `, `${person.password}${'x'.repeat(100)}`])
      await asAnyone(service).post('/v1/auth/login').send({ email: person.email, password }).expect(401);
  });

  test('without the word of the gateway nobody logs in', async () => {
    const person = await registerVerified(service);
    const login = { email: person.email, password: person.password };
    const identity = service
      .signer('api-gateway')
      .userToken('auth', { userId: person.userId, sessionId: 'ses_01jd0000000000000000000000' });
    await asAnyone(service).post('/v1/auth/login').set('x-centra-identity', '').send(login).expect(401);
    await asAnyone(service).post('/v1/auth/login').set('x-centra-identity', identity).send(login).expect(401);
  });
});

describe('403', () => {
  test('an unverified address is told so after a right password only, and gets a new link', async () => {
    const person = await registerUnverified(service);
    const wrong = await asAnyone(service)
      .post('/v1/auth/login')
      .send({ email: person.email, password: 'wrong' });
    assert.deepEqual([wrong.status, wrong.body.code], [401, 'login_failed']);
    const right = await asAnyone(service)
      .post('/v1/auth/login')
      .send({ email: person.email, password: person.password });
    assert.deepEqual([right.status, right.body.code], [403, 'email_not_verified']);
    const mails = await mailsTo(service.config.mail.maildir, person.email, 2);
    await asAnyone(service)
      .post('/v1/auth/verify-email')
      .send({ token: mails.at(-1)?.token, password: person.password })
      .expect(200);
    await logIn(service, person);
  });
});

test('with a second factor a right password opens nothing yet', async () => {
  const person = await registerWithFactor(service);
  const sessions = await service.sql('select count(*)::int as sessions from sessions');
  const answer = await asAnyone(service)
    .post('/v1/auth/login')
    .send({ email: person.email, password: person.password });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(Object.keys(answer.body).toSorted(), ['challenge', 'expires_at', 'status']);
  assert.deepEqual(await service.sql('select count(*)::int as sessions from sessions'), sessions);
  const { challenge } = answer.body;
  await asAnyone(service).post('/v1/auth/refresh').send({ refresh_token: challenge }).expect(401);
  assert.deepEqual((await eventsOf(service, person.userId)).slice(-2), ['login.succeeded', 'factor.added']);
});

test('a log-in that cannot be finished leaves nothing: no session, no event, no failure forgotten', async () => {
  const person = await registerVerified(service);
  const login = { email: person.email, password: person.password };
  await asAnyone(service)
    .post('/v1/auth/login')
    .send({ ...login, password: 'wrong' })
    .expect(401);
  const events = await eventsOf(service, person.userId);
  // The last thing that a log-in writes.
  await service.sql(`create function refuse_reset() returns trigger language plpgsql as
    $$ begin if old.failures > 0 and new.failures = 0 then raise exception 'no'; end if; return new; end $$`);
  await service.sql(
    'create trigger refuse_reset before update on login_guards for each row execute function refuse_reset()',
  );
  try {
    await asAnyone(service).post('/v1/auth/login').send(login).expect(500);
  } finally {
    await service.sql('drop trigger refuse_reset on login_guards');
    await service.sql('drop function refuse_reset');
  }
  const rows = await service.sql('select id from sessions where user_id = $1', [
    uuidOf('usr', person.userId),
  ]);
  assert.deepEqual(rows, []);
  assert.deepEqual(await eventsOf(service, person.userId), events);
  await logIn(service, person);
});

test('outcomes are counted without anything of a person in the labels', async () => {
  const metrics = await (await fetch(`http://127.0.0.1:${service.auth.opsPort}/metrics`)).text();
  for (const outcome of ['logged_in', 'second_factor_required', 'login_failed', 'email_not_verified'])
    assert.match(metrics, new RegExp(`centra_auth_logins_total\\{[^}]*outcome="${outcome}"[^}]*\\} [1-9]`));
  assert.doesNotMatch(metrics, /usr_|@|203\.0\.113/);
});
