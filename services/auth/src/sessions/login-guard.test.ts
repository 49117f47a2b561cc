import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createLog } from '@centra/service-kit/log.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { mailsIn } from '../emails/test-maildir.ts';
import { startTestAuth } from '../test-service.ts';
import type { Row, TestAuth } from '../test-service.ts';
import { asAnyone, asPerson, newEmail, registerVerified } from '../testing-accounts.ts';
import { accountHashOf } from './login-guard.ts';
import {
  addConfirmedFactor,
  challengeOf,
  eventsOf,
  freshCode,
  logIn,
  registerWithFactor,
  tryPassword,
} from './test-logins.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

async function failTimes(email: string, times: number): Promise<void> {
  for (let count = 0; count < times; count += 1)
    assert.equal((await tryPassword(service, email)).status, 401);
}

const guardOf = async (email: string): Promise<Row | undefined> =>
  (
    await service.sql(
      `select failures, judging, locked_until, locked_until > now() as locked from login_guards where account_hash = $1`,
      [accountHashOf(email)],
    )
  )[0];

/** Lets time pass for one account. */
const age = async (email: string, minutes: number): Promise<void> => {
  await service.sql(
    `update login_guards set last_failed_at = last_failed_at - make_interval(mins => $2),
       locked_until = locked_until - make_interval(mins => $2), tried_at = tried_at - make_interval(mins => $2)
     where account_hash = $1`,
    [accountHashOf(email), minutes],
  );
};

const lockMails = (email: string): number =>
  mailsIn(service.config.mail.maildir).filter(({ to, token }) => to === email && token === undefined).length;

const tryCode = async (challenge: string, code: string): Promise<number> =>
  (await asAnyone(service).post('/v1/auth/login/factor').send({ challenge, code })).status;

describe('the fifth failure locks the account', () => {
  test('for 30 minutes, also for the right password; one event and one mail tell of it', async () => {
    const person = await registerVerified(service);
    await failTimes(person.email, 5);
    const locked = await tryPassword(service, person.email, person.password);
    assert.deepEqual([locked.status, locked.code], [429, 'too_many_attempts']);
    assert.ok(locked.retryAfter !== undefined && locked.retryAfter > 60 && locked.retryAfter <= 1_800);
    assert.equal((await tryPassword(service, person.email)).status, 429);
    const events = (await eventsOf(service, person.userId)).filter((action) => /failed|locked/.test(action));
    assert.deepEqual(events, [...Array(5).fill('login.failed'), 'account.locked']);
    await waitFor('the mail', async () => (lockMails(person.email) > 0 ? true : undefined));
    assert.equal(lockMails(person.email), 1);
  });

  test('whatever address it is tried from', async () => {
    const { email, password } = await registerVerified(service);
    for (let host = 1; host <= 5; host += 1)
      assert.equal((await tryPassword(service, email, 'wrong', `198.51.100.${host}`)).status, 401);
    assert.equal((await tryPassword(service, email, password, '198.51.100.99')).status, 429);
  });

  test('and an address without an account alike, which nobody is told of', async () => {
    const email = newEmail();
    await failTimes(email, 5);
    const locked = await tryPassword(service, email);
    assert.deepEqual([locked.status, locked.code], [429, 'too_many_attempts']);
    assert.ok(locked.retryAfter !== undefined && locked.retryAfter > 60);
    assert.equal((await guardOf(email))?.['failures'], 5);
    assert.equal(lockMails(email), 0);
  });

  test('and its owner gets back in at once by a reset', async () => {
    const { email } = await registerVerified(service);
    await failTimes(email, 5);
    await asAnyone(service).post('/v1/auth/password/forgot').send({ email }).expect(202);
    // The first mail was to verify the address; of the lock and the reset one carries a link.
    const link = await waitFor('the link', async () =>
      mailsIn(service.config.mail.maildir)
        .filter(({ to, token }) => to === email && token !== undefined)
        .at(1),
    );
    const password = 'seven herons wade at dusk';
    await asAnyone(service)
      .post('/v1/auth/password/reset')
      .send({ token: link.token, new_password: password })
      .expect(200);
    assert.equal((await tryPassword(service, email, password)).status, 200);
  });

  test('and it opens by itself after 30 minutes, with five new tries', async () => {
    const { email, password } = await registerVerified(service);
    await failTimes(email, 5);
    await age(email, 29);
    assert.equal((await tryPassword(service, email, password)).status, 429);
    await age(email, 2);
    await failTimes(email, 4);
    assert.equal((await tryPassword(service, email, password)).status, 200);
  });
});

test('a whole log-in forgets the failures, and so do 30 minutes', async () => {
  const { email, password } = await registerVerified(service);
  await failTimes(email, 4);
  assert.equal((await tryPassword(service, email, password)).status, 200);
  await failTimes(email, 4);
  await age(email, 31);
  await failTimes(email, 4);
  assert.equal((await tryPassword(service, email, password)).status, 200);
  assert.deepEqual(await guardOf(email), { failures: 0, judging: 0, locked_until: null, locked: null });
});

describe('many at once', () => {
  test('of 20 wrong passwords exactly 5 are judged, and the account is locked once', async () => {
    const person = await registerVerified(service);
    const work = async (): Promise<number> => {
      const text = await (await fetch(`http://127.0.0.1:${service.auth.opsPort}/metrics`)).text();
      return Number(/centra_auth_password_work_total\{[^}]*compare[^}]*\} (\d+)/.exec(text)?.[1] ?? 0);
    };
    const workBefore = await work();
    const tries = await Promise.all(Array.from({ length: 20 }, () => tryPassword(service, person.email)));
    const statuses = tries.map(({ status }) => status).toSorted((one, other) => one - other);
    assert.deepEqual(statuses, [...Array(5).fill(401), ...Array(15).fill(429)]);
    assert.equal((await work()) - workBefore, 5);
    assert.equal((await tryPassword(service, person.email, person.password)).status, 429);
    const events = (await eventsOf(service, person.userId)).filter((action) => /failed|locked/.test(action));
    assert.deepEqual(events, [...Array(5).fill('login.failed'), 'account.locked']);
  });

  test('over two replicas no more either', async () => {
    const { email } = await registerVerified(service);
    const other = await service.startReplica();
    const tries = await Promise.all(
      Array.from({ length: 20 }, (_none, index) =>
        tryPassword(service, email, 'wrong', `198.51.100.${index}`, index % 2 === 0 ? service.auth : other),
      ),
    );
    assert.equal(tries.filter(({ status }) => status === 401).length, 5);
    await other.close();
  });

  test('right passwords give their attempts back', async () => {
    const { email, password } = await registerVerified(service);
    for (let round = 0; round < 3; round += 1) {
      const tries = await Promise.all(Array.from({ length: 5 }, () => tryPassword(service, email, password)));
      assert.deepEqual(
        tries.map(({ status }) => status),
        Array(5).fill(200),
      );
    }
    assert.equal((await guardOf(email))?.['judging'], 0);
  });

  test('right and wrong ones, with codes and recovery codes, do not block each other', async () => {
    const person = await registerWithFactor(service);
    for (const recoveryCode of person.recoveryCodes.slice(0, 8)) {
      const challenge = await challengeOf(service, person);
      const statuses = await Promise.all([
        tryCode(challenge, recoveryCode),
        tryCode(challenge, '000000'),
        tryPassword(service, person.email).then(({ status }) => status),
      ]);
      assert.deepEqual(statuses, [200, 401, 401]);
      await service.sql('delete from login_guards where account_hash = $1', [accountHashOf(person.email)]);
    }
  });

  test('attempts of a process that died stop counting after a minute', async () => {
    const { email, password } = await registerVerified(service);
    await logIn(service, { email, password });
    await service.sql('update login_guards set judging = 5, tried_at = now() where account_hash = $1', [
      accountHashOf(email),
    ]);
    const refused = await tryPassword(service, email, password);
    assert.equal(refused.status, 429);
    assert.ok(refused.retryAfter !== undefined && refused.retryAfter < 60);
    await age(email, 2);
    assert.equal((await tryPassword(service, email, password)).status, 200);
  });
});

describe('codes of the second factor count like passwords', () => {
  test('five wrong ones lock; then a right one is not looked at', async () => {
    const person = await registerWithFactor(service);
    const challenge = await challengeOf(service, person);
    for (let count = 0; count < 5; count += 1) assert.equal(await tryCode(challenge, '000000'), 401);
    assert.equal(await tryCode(challenge, await freshCode(service, person)), 429);
    const events = (await eventsOf(service, person.userId)).filter((action) => /failed|locked/.test(action));
    assert.deepEqual(events, [...Array(5).fill('login.failed'), 'account.locked']);
  });

  test('a right password in between does not have wrong codes forgotten', async () => {
    const person = await registerWithFactor(service);
    const first = await challengeOf(service, person);
    for (let count = 0; count < 4; count += 1) assert.equal(await tryCode(first, '000000'), 401);
    assert.equal(await tryCode(await challengeOf(service, person), '000000'), 401);
    assert.equal((await tryPassword(service, person.email, person.password)).status, 429);
  });

  test('of 20 codes at once exactly 5 are judged', async () => {
    const person = await registerWithFactor(service);
    const challenge = await challengeOf(service, person);
    const tries = await Promise.all(Array.from({ length: 20 }, () => tryCode(challenge, '000000')));
    assert.equal(tries.filter((status) => status === 401).length, 5);
    assert.equal(tries.filter((status) => status === 429).length, 15);
  });

  test('and so do passwords and codes that manage factors', async () => {
    const person = await registerVerified(service);
    const session = await logIn(service, person);
    const guarded = await addConfirmedFactor(service, person, session);
    const agent = asPerson(service, session);
    for (let count = 0; count < 2; count += 1) {
      await agent.post('/v1/auth/factors').send({ name: 'Tablet', password: 'wrong' }).expect(401);
      await agent.post('/v1/auth/factors/recovery-codes').send({ code: '000000' }).expect(401);
    }
    const remove = { password: person.password, code: '000000' };
    await agent.post(`/v1/auth/factors/${guarded.factorId}/remove`).send(remove).expect(401);
    await agent.post(`/v1/auth/factors/${guarded.factorId}/remove`).send(remove).expect(429);
  });
});

test('refused log-ins are logged with the account when there is one, and never with an address that is nobody’s', async (t) => {
  const lines: string[] = [];
  const log = createLog('auth', 'silent');
  t.mock.method(log, 'info', (fields: object) => void lines.push(JSON.stringify(fields)));
  const replica = await service.startReplica({ log });
  const person = await registerVerified(service);
  const nobody = newEmail();
  await tryPassword(service, person.email, 'a wrong secret', '203.0.113.7', replica);
  await tryPassword(service, nobody, 'a wrong secret', '203.0.113.7', replica);
  const text = lines.join('\n');
  assert.ok(text.includes(person.userId), text);
  assert.ok(text.includes(accountHashOf(nobody).toString('hex', 0, 6)), text);
  assert.ok(!text.includes(nobody) && !text.includes(person.email) && !text.includes('a wrong secret'), text);
  await replica.close();
});
