import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { mailsIn } from '../emails/test-maildir.ts';
import {
  addConfirmedFactor,
  challengeOf,
  eventsOf,
  freshCode,
  logIn,
  registerWithFactor,
  toLoggedIn,
  uuidOf,
} from '../sessions/test-logins.ts';
import type { LoggedIn, WithFactor } from '../sessions/test-logins.ts';
import { startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { asAnyone, asPerson, registerVerified } from '../testing-accounts.ts';
import { factorListSchema } from './list-factors.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

type Answer = { status: number; body: Record<string, unknown>; text: string };

const remove = async (session: LoggedIn, id: unknown, password: string, code: string): Promise<Answer> =>
  await asPerson(service, session)
    .post(`/v1/auth/factors/${String(id)}/remove`)
    .send({ password, code });
const renew = async (session: LoggedIn, code: string): Promise<Answer> =>
  await asPerson(service, session).post('/v1/auth/factors/recovery-codes').send({ code });
const list = async (session: LoggedIn): Promise<{ id: string; confirmed: boolean }[]> =>
  factorListSchema.strict().parse((await asPerson(service, session).get('/v1/auth/factors')).body).data;

/** Mails without a link, which are those about factors here. */
const notices = (email: string): number =>
  mailsIn(service.config.mail.maildir).filter(({ to, token }) => to === email && token === undefined).length;

const logInWithFactor = async (person: WithFactor): Promise<LoggedIn> => {
  const challenge = await challengeOf(service, person);
  const answer = await asAnyone(service)
    .post('/v1/auth/login/factor')
    .send({ challenge, code: await freshCode(service, person) });
  assert.equal(answer.status, 200, answer.text);
  return toLoggedIn(answer.body);
};

describe('removing', () => {
  test('the last one takes the recovery codes and the other sessions with it; the person is told', async () => {
    const person = await registerWithFactor(service);
    const other = await logInWithFactor(person);
    const answer = await remove(
      person.session,
      person.factorId,
      person.password,
      await freshCode(service, person),
    );
    assert.equal(answer.status, 204, answer.text);
    const id = uuidOf('usr', person.userId);
    assert.deepEqual(await service.sql('select 1 from recovery_codes where user_id = $1', [id]), []);
    const sessions = await service.sql(
      'select id, ended_reason, factor_at from sessions where user_id = $1 order by id',
      [id],
    );
    assert.deepEqual(sessions, [
      { id: uuidOf('ses', person.session.sessionId), ended_reason: null, factor_at: null },
      {
        id: uuidOf('ses', other.sessionId),
        ended_reason: 'factor_removed',
        factor_at: sessions[1]?.['factor_at'],
      },
    ]);
    assert.equal((await eventsOf(service, person.userId)).at(-1), 'factor.removed');
    await waitFor('both mails', async () => (notices(person.email) === 2 ? true : undefined));
    await logIn(service, person);
  });

  test('one of two leaves the other, the codes and the sessions', async () => {
    const person = await registerWithFactor(service);
    const second = await addConfirmedFactor(service, person, person.session);
    const other = await logInWithFactor(second);
    const code = await freshCode(service, second);
    assert.equal((await remove(person.session, person.factorId, person.password, code)).status, 204);
    assert.equal((await list(other)).length, 1);
    assert.equal(
      (await remove(other, second.factorId, person.password, person.recoveryCodes[0] ?? '')).status,
      204,
    );
  });

  test('401 without the password or a code, 404 for another’s; nothing is removed and no code is used up', async () => {
    const person = await registerWithFactor(service);
    const foreign = await registerWithFactor(service);
    const { session, password, factorId } = person;
    const code = await freshCode(service, person);
    assert.equal((await remove(session, factorId, 'wrong', code)).body['code'], 'login_failed');
    assert.equal((await remove(session, factorId, password, '000000')).body['code'], 'second_factor_wrong');
    for (const id of [foreign.factorId, toPublicId('fac', newUuid()), 'fac_x'])
      assert.equal((await remove(session, id, password, code)).status, 404);
    assert.equal((await list(session)).length, 1);
    assert.equal((await list(foreign.session)).length, 1);
    assert.equal((await remove(session, factorId, password, code)).status, 204);
  });
});

describe('new recovery codes', () => {
  test('take the place of the ones before', async () => {
    const person = await registerWithFactor(service);
    const answer = await renew(person.session, await freshCode(service, person));
    assert.equal(answer.status, 200, answer.text);
    const codes = answer.body['recovery_codes'];
    assert.ok(Array.isArray(codes) && codes.length === 10);
    const challenge = await challengeOf(service, person);
    const tryCode = async (code: unknown): Promise<number> =>
      (await asAnyone(service).post('/v1/auth/login/factor').send({ challenge, code })).status;
    assert.equal(await tryCode(person.recoveryCodes[0]), 401);
    assert.equal(await tryCode(codes[0]), 200);
    assert.ok((await eventsOf(service, person.userId)).includes('recovery_codes.renewed'));
  });

  test('401 for a wrong code, 409 without a second factor', async () => {
    const person = await registerWithFactor(service);
    assert.equal((await renew(person.session, '000000')).status, 401);
    const session = await logIn(service, await registerVerified(service));
    assert.equal((await renew(session, '000000')).status, 409);
  });
});
