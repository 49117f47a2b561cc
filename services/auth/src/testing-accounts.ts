import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import request from 'supertest';
import type { Locale } from './accounts/user.ts';
import { mailsIn, mailsTo } from './emails/test-maildir.ts';
import type { ReceivedMail } from './emails/test-maildir.ts';
import type { Auth } from './service.ts';
import type { TestAuth } from './test-service.ts';

type Agent = ReturnType<typeof request.agent>;

/** Passes every rule for passwords. */
export const GOOD_PASSWORD = 'five otters paddle at dawn';

export type Registered = {
  /** `usr_…`. */
  userId: string;
  email: string;
  password: string;
  name: string;
};

/** HTTP as the gateway passes it on from somebody without a credential. */
export function asAnyone(service: TestAuth, replica: Auth = service.auth, address = '203.0.113.7'): Agent {
  return request
    .agent(replica.httpUrl)
    .set('x-centra-identity', service.signer('api-gateway').serviceToken('auth'))
    .set('x-centra-client-address', address);
}

/** HTTP as the gateway passes it on from a person who logged in; `usr_…` and `ses_…`. */
export function asPerson(
  service: TestAuth,
  person: { userId: string; sessionId: string },
  replica: Auth = service.auth,
): Agent {
  return request
    .agent(replica.httpUrl)
    .set('x-centra-identity', service.signer('api-gateway').userToken('auth', person))
    .set('x-centra-client-address', '203.0.113.7');
}

/** An address that nobody has. */
export function newEmail(): string {
  return `guest-${randomBytes(6).toString('hex')}@riad-atlas.example`;
}

type Wanted = { email?: string; password?: string; name?: string; locale?: Locale };

/** Registers by the public route and does not verify the address. */
export async function registerUnverified(service: TestAuth, wanted: Wanted = {}): Promise<Registered> {
  const { email = newEmail(), password = GOOD_PASSWORD, name = 'Amina Haddad', locale } = wanted;
  const answer = await asAnyone(service)
    .post('/v1/auth/register')
    .send({ email, password, name, ...(locale === undefined ? {} : { locale }) });
  assert.equal(answer.status, 202, answer.text);
  const [row] = await service.sql('select id from users where email_key = lower($1)', [email]);
  return { userId: toPublicId('usr', String(row?.['id'])), email, password, name };
}

/** Registers by the public routes and verifies the address by the link in the mail. */
export async function registerVerified(service: TestAuth, wanted: Wanted = {}): Promise<Registered> {
  const person = await registerUnverified(service, wanted);
  const mails = await mailsTo(service.config.mail.maildir, person.email);
  const answer = await asAnyone(service)
    .post('/v1/auth/verify-email')
    .send({ token: mails.at(-1)?.token, password: person.password });
  assert.equal(answer.status, 200, answer.text);
  return person;
}

/** Logs in by the public route, without a second factor, from an address of its own. */
export async function logIn(
  service: TestAuth,
  person: Registered,
): Promise<{ userId: string; sessionId: string; accessToken: string; refreshToken: string }> {
  const { email, password } = person;
  const answer = await asAnyone(service).post('/v1/auth/login').send({ email, password });
  assert.equal(answer.body.status, 'logged_in', answer.text);
  const { session_id: sessionId, access_token: accessToken, refresh_token: refreshToken } = answer.body;
  return { userId: person.userId, sessionId, accessToken, refreshToken };
}

/** Every mail to an address, once nothing is waiting to be sent any more. */
export async function allMailsTo(service: TestAuth, email: string): Promise<ReceivedMail[]> {
  await waitFor('an empty queue', async () => {
    const [row] = await service.sql('select count(*)::int as jobs from graphile_worker._private_jobs');
    return row?.['jobs'] === 0 ? true : undefined;
  });
  return mailsIn(service.config.mail.maildir).filter(({ to }) => to === email);
}

/** What happened to the person's account, in order. */
export async function userEvents(service: TestAuth, person: { email: string }): Promise<unknown[]> {
  const rows = await service.sql(
    `select action from user_events join users on users.id = user_id where email_key = lower($1) order by sequence`,
    [person.email],
  );
  return rows.map((row) => row['action']);
}

/** How many slow hashes the replica has computed, whatever for. */
export async function passwordWork(replica: Auth): Promise<number> {
  const { text } = await request(`http://127.0.0.1:${replica.opsPort}`).get('/metrics');
  const counts = [...text.matchAll(/^centra_auth_password_work_total\{.*\} (\d+)$/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}
