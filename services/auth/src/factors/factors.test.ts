import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { Secret } from 'otpauth';
import { waitFor } from '@centra/testkit/pause.ts';
import { mailsIn } from '../emails/test-maildir.ts';
import {
  addConfirmedFactor,
  challengeOf,
  codeOf,
  eventsOf,
  logIn,
  registerWithFactor,
  uuidOf,
} from '../sessions/test-logins.ts';
import type { LoggedIn } from '../sessions/test-logins.ts';
import { startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { asAnyone, asPerson, registerVerified } from '../testing-accounts.ts';
import type { Registered } from '../testing-accounts.ts';
import { addedFactorSchema } from './add-factor.ts';
import { confirmedFactorSchema } from './confirm-factor.ts';
import { factorListSchema } from './list-factors.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

type Answer = { status: number; body: Record<string, unknown>; text: string };

async function newPerson(): Promise<{ person: Registered; session: LoggedIn }> {
  const person = await registerVerified(service);
  return { person, session: await logIn(service, person) };
}

const add = async (session: LoggedIn, password: string, name = 'Phone'): Promise<Answer> =>
  await asPerson(service, session).post('/v1/auth/factors').send({ name, password });
const confirm = async (session: LoggedIn, id: unknown, code: string): Promise<Answer> =>
  await asPerson(service, session)
    .post(`/v1/auth/factors/${String(id)}/confirm`)
    .send({ code });
const list = async (session: LoggedIn): Promise<{ id: string; confirmed: boolean }[]> =>
  factorListSchema.strict().parse((await asPerson(service, session).get('/v1/auth/factors')).body).data;

/** Mails without a link, which are those about factors here. */
const notices = (email: string): number =>
  mailsIn(service.config.mail.maildir).filter(({ to, token }) => to === email && token === undefined).length;

describe('adding', () => {
  test('gives a secret of 160 bits once, and stores it sealed', async () => {
    const { person, session } = await newPerson();
    const answer = await add(session, person.password);
    assert.equal(answer.status, 201, answer.text);
    const added = addedFactorSchema.strict().parse(answer.body);
    assert.equal(Secret.fromBase32(added.secret).bytes.length, 20);
    const uri = new URL(added.otpauth_uri);
    assert.deepEqual(
      [uri.protocol, uri.host, uri.searchParams.get('issuer')],
      ['otpauth:', 'totp', 'Centra Payments'],
    );
    assert.equal(uri.searchParams.get('secret'), added.secret);
    assert.ok(decodeURIComponent(uri.pathname).includes(person.email));
    const [row] = await service.sql('select sealed_secret from factors where id = $1', [
      uuidOf('fac', added.id),
    ]);
    assert.match(String(row?.['sealed_secret']), /^k1:v1\./);
    assert.ok(!JSON.stringify(row).includes(added.secret));
    assert.ok(!JSON.stringify(await list(session)).includes(added.secret));
  });

  test('protects nothing before its first code: the password alone still logs in', async () => {
    const { person, session } = await newPerson();
    await add(session, person.password);
    await logIn(service, person);
    assert.deepEqual(
      (await list(session)).map(({ confirmed }) => confirmed),
      [false],
    );
  });

  test('replaces the one that waited', async () => {
    const { person, session } = await newPerson();
    const first = await add(session, person.password);
    const second = await add(session, person.password, 'Tablet');
    assert.equal((await list(session)).length, 1);
    assert.equal(
      (await confirm(session, first.body['id'], codeOf(String(first.body['secret'])))).status,
      404,
    );
    assert.equal(
      (await confirm(session, second.body['id'], codeOf(String(second.body['secret'])))).status,
      200,
    );
  });

  test('401 for a wrong password; 400 for a bad name; 401 once the session has ended', async () => {
    const { person, session } = await newPerson();
    assert.deepEqual((await add(session, 'wrong')).body['code'], 'login_failed');
    for (const name of ['', 'x'.repeat(101), 'a\u202eb', 'a\nb'])
      assert.equal((await add(session, person.password, name)).status, 400);
    await asPerson(service, session).post('/v1/auth/logout').expect(204);
    assert.deepEqual((await add(session, person.password)).body['code'], 'unauthenticated');
    assert.deepEqual(
      await service.sql('select id from factors where user_id = $1', [uuidOf('usr', person.userId)]),
      [],
    );
  });

  test('403 from a session that proved none, when there is one; 409 for a sixth', async () => {
    const { person, session } = await newPerson();
    const other = await logIn(service, person);
    await addConfirmedFactor(service, person, session);
    const refused = await add(other, person.password);
    assert.deepEqual([refused.status, refused.body['code']], [403, 'second_factor_required']);
    for (let count = 0; count < 4; count += 1) await addConfirmedFactor(service, person, session);
    const sixth = await add(session, person.password);
    assert.deepEqual([sixth.status, sixth.body['code']], [409, 'state_conflict']);
    assert.equal((await list(session)).length, 5);
  });
});

describe('confirming', () => {
  test('makes the session count as proved, brings ten recovery codes once, and tells the person', async () => {
    const { person, session } = await newPerson();
    const added = await add(session, person.password);
    const answer = await confirm(session, added.body['id'], codeOf(String(added.body['secret'])));
    assert.equal(answer.status, 200, answer.text);
    const { factor, recovery_codes: codes = [] } = confirmedFactorSchema.strict().parse(answer.body);
    assert.deepEqual([factor.confirmed, factor.id], [true, added.body['id']]);
    assert.equal(new Set(codes).size, 10);
    for (const code of codes) assert.match(code, /^([0-9a-hjkmnp-tv-z]{4}-){6}[0-9a-hjkmnp-tv-z]{4}$/);
    const stored = await service.sql('select code_hash from recovery_codes where user_id = $1', [
      uuidOf('usr', person.userId),
    ]);
    assert.equal(stored.length, 10);
    assert.ok(stored.every(({ code_hash: hash }) => Buffer.isBuffer(hash) && hash.length === 32));
    const [row] = await service.sql('select factor_at is not null as proved from sessions where id = $1', [
      uuidOf('ses', session.sessionId),
    ]);
    assert.equal(row?.['proved'], true);
    assert.ok((await eventsOf(service, person.userId)).includes('factor.added'));
    await waitFor('the mail', async () => (notices(person.email) === 1 ? true : undefined));
    const again = await addConfirmedFactor(service, person, session);
    assert.deepEqual(again.recoveryCodes, [], 'not with the second');
  });

  test('401 for a wrong code, which is no failed log-in; 409 when confirmed; 404 for what is not there', async () => {
    const { person, session } = await newPerson();
    const added = await add(session, person.password);
    const id = added.body['id'];
    for (let count = 0; count < 6; count += 1) {
      const wrong = await confirm(session, id, '000000');
      assert.deepEqual([wrong.status, wrong.body['code']], [401, 'second_factor_wrong']);
    }
    const code = codeOf(String(added.body['secret']));
    const foreign = await newPerson();
    assert.equal((await confirm(foreign.session, id, code)).status, 404);
    for (const unknown of [toPublicId('fac', newUuid()), 'fac_x'])
      assert.equal((await confirm(session, unknown, code)).status, 404);
    assert.equal((await confirm(session, id, code)).status, 200);
    assert.equal((await confirm(session, id, code)).status, 409);
  });

  test('404 after a quarter of an hour', async () => {
    const { person, session } = await newPerson();
    const added = await add(session, person.password);
    await service.sql(`update factors set created_at = now() - interval '16 minutes' where user_id = $1`, [
      uuidOf('usr', person.userId),
    ]);
    const late = await confirm(session, added.body['id'], codeOf(String(added.body['secret'])));
    assert.equal(late.status, 404);
    assert.deepEqual(await list(session), []);
  });

  test('its code is used up by it', async () => {
    const { person, session } = await newPerson();
    const added = await add(session, person.password);
    const code = codeOf(String(added.body['secret']));
    assert.equal((await confirm(session, added.body['id'], code)).status, 200);
    const challenge = await challengeOf(service, person);
    await asAnyone(service).post('/v1/auth/login/factor').send({ challenge, code }).expect(401);
  });
});

test('a sealed secret does not open in the row of somebody else', async () => {
  const [person, thief] = [await registerWithFactor(service), await registerWithFactor(service)];
  await service.sql(
    `update factors set sealed_secret = (select sealed_secret from factors where user_id = $1), last_step = null
     where user_id = $2`,
    [uuidOf('usr', thief.userId), uuidOf('usr', person.userId)],
  );
  const challenge = await challengeOf(service, person);
  const answer = await asAnyone(service)
    .post('/v1/auth/login/factor')
    .send({ challenge, code: codeOf(thief.secret) });
  assert.equal(answer.status, 500);
});

test('without a person nothing of this answers', async () => {
  const person = await registerWithFactor(service);
  const anyone = asAnyone(service);
  await anyone.get('/v1/auth/factors').expect(401);
  for (const path of ['', '/recovery-codes', `/${person.factorId}/confirm`, `/${person.factorId}/remove`])
    await anyone.post(`/v1/auth/factors${path}`).send({}).expect(401);
});
