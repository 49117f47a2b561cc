import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { mailsIn } from '../emails/test-maildir.ts';
import { startTestAuth } from '../test-service.ts';
import type { Row, TestAuth } from '../test-service.ts';
import { asAnyone, asPerson, registerVerified } from '../testing-accounts.ts';
import type { Registered } from '../testing-accounts.ts';
import { tokensSchema } from './issue-tokens.ts';
import { addConfirmedFactor, eventsOf, join, logIn, toLoggedIn, uuidOf } from './test-logins.ts';
import type { LoggedIn } from './test-logins.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

type Answer = { status: number; body: Record<string, unknown>; text: string };

async function refresh(refreshToken: string, extra: Record<string, unknown> = {}): Promise<Answer> {
  return await asAnyone(service)
    .post('/v1/auth/refresh')
    .set('x-request-id', 'req-refresh')
    .send({ refresh_token: refreshToken, ...extra });
}

async function refreshed(refreshToken: string, extra: Record<string, unknown> = {}): Promise<LoggedIn> {
  const answer = await refresh(refreshToken, extra);
  assert.equal(answer.status, 200, answer.text);
  return toLoggedIn(tokensSchema.strict().parse(answer.body));
}

async function newSession(): Promise<{ person: Registered; session: LoggedIn }> {
  const person = await registerVerified(service);
  return { person, session: await logIn(service, person) };
}

const rowOf = async ({ sessionId }: LoggedIn): Promise<Row | undefined> =>
  (await service.sql('select * from sessions where id = $1', [uuidOf('ses', sessionId)]))[0];

test('a refresh token brings the next one, of the same session, and is good once', async () => {
  const { session } = await newSession();
  const next = await refreshed(session.refreshToken);
  assert.equal(next.sessionId, session.sessionId);
  assert.match(next.refreshToken, /^rt_[0-9a-z]{26}_2_/);
  const third = await refreshed(next.refreshToken);
  assert.notEqual(third.accessToken, session.accessToken);
});

test('a refresh prolongs the session to seven days from now, and never beyond 90 from the log-in', async () => {
  const { session } = await newSession();
  const move = async (created: string, expires: string): Promise<void> => {
    await service.sql(
      `update sessions set created_at = now() - $2::interval, expires_at = now() + $3::interval where id = $1`,
      [uuidOf('ses', session.sessionId), created, expires],
    );
  };
  const left = async (): Promise<unknown> =>
    (
      await service.sql(
        `select round(extract(epoch from expires_at - now()) / 86400)::int as days from sessions where id = $1`,
        [uuidOf('ses', session.sessionId)],
      )
    )[0]?.['days'];
  await move('3 days', '1 hour');
  const second = await refreshed(session.refreshToken);
  assert.equal(await left(), 7);
  await move('88 days', '1 day');
  const third = await refreshed(second.refreshToken);
  assert.equal(await left(), 2);
  await move('91 days', '-1 second');
  assert.equal((await refresh(third.refreshToken)).status, 401);
});

describe('a used token that comes again', () => {
  test('ends the session with its newest token, and its person is told: event and mail', async () => {
    const { person, session } = await newSession();
    const other = await logIn(service, person);
    const second = await refreshed(session.refreshToken);
    const third = await refreshed(second.refreshToken);
    assert.equal((await refresh(session.refreshToken)).status, 401);
    assert.equal((await refresh(third.refreshToken)).status, 401, 'the family is gone');
    assert.equal((await rowOf(session))?.['ended_reason'], 'token_reused');
    assert.equal((await rowOf(other))?.['ended_at'], null, 'other sessions stay');
    // A third presentation changes nothing.
    assert.equal((await refresh(session.refreshToken)).status, 401);
    const events = (await eventsOf(service, person.userId)).filter((action) => action === 'token.reused');
    assert.equal(events.length, 1);
    const mails = (): number =>
      mailsIn(service.config.mail.maildir).filter(
        ({ to, token }) => to === person.email && token === undefined,
      ).length;
    await waitFor('the mail', async () => (mails() > 0 ? true : undefined));
    assert.equal(mails(), 1);
  });

  test('at the same moment: one gets the next tokens, the others end the session', async () => {
    const { person, session } = await newSession();
    const answers = await Promise.all(Array.from({ length: 6 }, () => refresh(session.refreshToken)));
    const won = answers.filter(({ status }) => status === 200);
    assert.equal(won.length, 1);
    assert.equal(answers.filter(({ status }) => status === 401).length, 5);
    assert.equal((await refresh(String(won[0]?.body['refresh_token']))).status, 401);
    assert.equal((await rowOf(session))?.['ended_reason'], 'token_reused');
    const events = (await eventsOf(service, person.userId)).filter((action) => action === 'token.reused');
    assert.equal(events.length, 1);
  });

  test('is known for as long as it could have been good', async () => {
    const { session } = await newSession();
    let last = session.refreshToken;
    for (let count = 0; count < 5; count += 1) last = (await refreshed(last)).refreshToken;
    const id = uuidOf('ses', session.sessionId);
    const stored = async (): Promise<number> =>
      (await service.sql('select generation from refresh_tokens where session_id = $1', [id])).length;
    assert.equal(await stored(), 6);
    await service.sql(
      `update refresh_tokens set used_at = used_at - interval '8 days' where session_id = $1 and generation <= 3`,
      [id],
    );
    last = (await refreshed(last)).refreshToken;
    assert.equal(await stored(), 4, 'the old ones are gone');
    assert.equal((await refresh(session.refreshToken)).status, 401);
    await refreshed(last);
  });
});

describe('401, always with the same body', () => {
  test('malformed, made-up, foreign, ended, expired', async () => {
    const { person, session } = await newSession();
    const other = await newSession();
    const bodies = new Set<string>();
    const refuse = async (token: string, why: string): Promise<void> => {
      const answer = await refresh(token);
      assert.equal(answer.status, 401, why);
      bodies.add(answer.text);
    };
    const [, letters = ''] = /^rt_([^_]+)_/.exec(session.refreshToken) ?? [];
    await refuse('x', 'malformed');
    await refuse('rt_'.padEnd(1_000, 'a'), 'long');
    await refuse(session.accessToken, 'an access token');
    await refuse(
      `${session.refreshToken.slice(0, -1)}${session.refreshToken.endsWith('A') ? 'B' : 'A'}`,
      'wrong',
    );
    await refuse(session.refreshToken.slice(0, -1), 'short');
    await refuse(`${session.refreshToken}A`, 'of another length');
    await refuse(session.refreshToken.replace('_1_', '_2_'), 'another generation');
    await refuse(session.refreshToken.replace('_1_', '_999999999_'), 'a generation to come');
    await refuse(other.session.refreshToken.replace(/^rt_[^_]+/, `rt_${letters}`), 'of another session');
    await refuse(`rt_${toPublicId('ses', newUuid()).slice(4)}_1_${'A'.repeat(43)}`, 'of no session');
    assert.equal((await rowOf(session))?.['ended_at'], null, 'guesses end nothing');
    await service.sql(
      `update sessions set expires_at = created_at + interval '1 microsecond' where id = $1`,
      [uuidOf('ses', other.session.sessionId)],
    );
    await refuse(other.session.refreshToken, 'expired');
    await asPerson(service, session).post('/v1/auth/logout').expect(204);
    await refuse(session.refreshToken, 'logged out');
    assert.equal(bodies.size, 1, [...bodies].join('\n'));
    assert.ok(!(await eventsOf(service, person.userId)).includes('token.reused'));
  });
});

describe('400', () => {
  test('a field is missing, unknown or not text', async () => {
    for (const body of [
      {},
      { refresh_token: 1 },
      { refresh_token: 'x', scope: 'all' },
      { refresh_token: 'x', mode: 1 },
    ])
      assert.equal((await asAnyone(service).post('/v1/auth/refresh').send(body)).status, 400);
  });
});

describe('switching the hotel', () => {
  test('takes the person to another of their hotels, which stays until the next switch', async () => {
    const { person, session } = await newSession();
    const [one, two] = [newUuid(), newUuid()];
    await join(service, person.userId, one);
    await join(service, person.userId, two);
    const first = await refreshed(session.refreshToken, {
      merchant_id: toPublicId('mer', one),
      mode: 'live',
    });
    assert.equal(first.merchantId, toPublicId('mer', one));
    const again = await refresh(first.refreshToken);
    assert.deepEqual([again.body['merchant_id'], again.body['mode']], [first.merchantId, 'live']);
    const second = await refreshed(String(again.body['refresh_token']), {
      merchant_id: toPublicId('mer', two),
    });
    assert.equal(second.merchantId, toPublicId('mer', two));
  });

  test('a hotel that the person has left gives way to the only other one, or to none', async () => {
    const { person, session } = await newSession();
    const [left, stays] = [newUuid(), newUuid()];
    await join(service, person.userId, left);
    const there = await refreshed(session.refreshToken);
    assert.equal(there.merchantId, toPublicId('mer', left));
    await service.sql('delete from members where merchant_id = $1', [left]);
    const nowhere = await refreshed(there.refreshToken);
    assert.equal(nowhere.merchantId, null);
    await join(service, person.userId, stays);
    assert.equal((await refreshed(nowhere.refreshToken)).merchantId, toPublicId('mer', stays));
  });

  test('refused with 404 or 403, and the token stays good', async () => {
    const { person, session } = await newSession();
    const [foreign, suspends, demands] = [newUuid(), newUuid(), newUuid()];
    await join(service, (await registerVerified(service)).userId, foreign);
    await join(service, person.userId, suspends, { suspended: true });
    await join(service, person.userId, demands);
    await service.sql('insert into merchant_access (merchant_id, second_factor_required) values ($1, true)', [
      demands,
    ]);
    for (const [merchantId, status, code] of [
      [toPublicId('mer', foreign), 404, 'not_found'],
      ['mer_x', 404, 'not_found'],
      [toPublicId('mer', suspends), 403, 'access_suspended'],
      [toPublicId('mer', demands), 403, 'second_factor_required'],
    ] as const) {
      const answer = await refresh(session.refreshToken, { merchant_id: merchantId });
      assert.deepEqual([answer.status, answer.body['code']], [status, code]);
    }
    await refreshed(session.refreshToken);
  });

  test('a hotel that demands a second factor: the person logs in, adds one, and enters by a refresh', async () => {
    const person = await registerVerified(service);
    const hotel = newUuid();
    await join(service, person.userId, hotel);
    await service.sql('insert into merchant_access (merchant_id, second_factor_required) values ($1, true)', [
      hotel,
    ]);
    const session = await logIn(service, person);
    assert.equal(session.merchantId, null, 'its only hotel bars it');
    await addConfirmedFactor(service, person, session);
    const answer = await refresh(session.refreshToken, { merchant_id: toPublicId('mer', hotel) });
    assert.deepEqual(
      [answer.status, answer.body['merchant_id'], answer.body['second_factor']],
      [200, toPublicId('mer', hotel), true],
    );
  });
});

test('a refresh that cannot be finished changes nothing', async () => {
  const { session } = await newSession();
  await service.sql(`create function refuse_next() returns trigger language plpgsql as
    $$ begin if new.generation = 2 then raise exception 'no'; end if; return new; end $$`);
  await service.sql(
    'create trigger refuse_next before insert on refresh_tokens for each row execute function refuse_next()',
  );
  try {
    assert.equal((await refresh(session.refreshToken)).status, 500);
  } finally {
    await service.sql('drop trigger refuse_next on refresh_tokens');
    await service.sql('drop function refuse_next');
  }
  await refreshed(session.refreshToken);
});

test('outcomes are counted', async () => {
  const metrics = await (await fetch(`http://127.0.0.1:${service.auth.opsPort}/metrics`)).text();
  for (const outcome of [
    'refreshed',
    'token_reused',
    'unauthenticated',
    'not_found',
    'second_factor_required',
  ])
    assert.match(
      metrics,
      new RegExp(`centra_auth_refreshes_total\\{[^}]*outcome="${outcome}"[^}]*\\} [1-9]`),
    );
});
