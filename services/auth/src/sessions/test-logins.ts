import assert from 'node:assert/strict';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { Secret, TOTP } from 'otpauth';
import type { Auth } from '../service.ts';
import type { Row, TestAuth } from '../test-service.ts';
import { asAnyone, asPerson, registerVerified } from '../testing-accounts.ts';
import type { Registered } from '../testing-accounts.ts';
import { tokensSchema } from './issue-tokens.ts';

export type LoggedIn = {
  /** `usr_…`. */
  userId: string;
  /** `ses_…`. */
  sessionId: string;
  refreshToken: string;
  accessToken: string;
  merchantId: string | null;
};

export function toLoggedIn(body: unknown): LoggedIn {
  const tokens = tokensSchema.parse(body);
  return {
    userId: tokens.user.id,
    sessionId: tokens.session_id,
    refreshToken: tokens.refresh_token,
    accessToken: tokens.access_token,
    merchantId: tokens.merchant_id,
  };
}

type Extra = { merchant_id?: string; mode?: 'test' | 'live' };

/** Logs in by the public route; the person has no second factor. */
export async function logIn(
  service: TestAuth,
  { email, password }: Pick<Registered, 'email' | 'password'>,
  extra: Extra = {},
  replica: Auth = service.auth,
): Promise<LoggedIn> {
  const answer = await asAnyone(service, replica)
    .post('/v1/auth/login')
    .send({ email, password, ...extra });
  assert.equal(answer.status, 200, answer.text);
  return toLoggedIn(answer.body);
}

export type WithFactor = Registered & {
  /** `fac_…`. */
  factorId: string;
  secret: string;
  recoveryCodes: string[];
  /** The session that confirmed it. */
  session: LoggedIn;
};

/** Adds and confirms a second factor by the public routes. */
export async function addConfirmedFactor(
  service: TestAuth,
  person: Registered,
  session: LoggedIn,
): Promise<WithFactor> {
  const added = await asPerson(service, session)
    .post('/v1/auth/factors')
    .send({ name: 'Phone', password: person.password });
  assert.equal(added.status, 201, added.text);
  const secret = String(added.body.secret);
  const confirmed = await asPerson(service, session)
    .post(`/v1/auth/factors/${added.body.id}/confirm`)
    .send({ code: codeOf(secret) });
  assert.equal(confirmed.status, 200, confirmed.text);
  return {
    ...person,
    factorId: String(added.body.id),
    secret,
    recoveryCodes: confirmed.body.recovery_codes ?? [],
    session,
  };
}

/** A verified person with a second factor. */
export async function registerWithFactor(service: TestAuth): Promise<WithFactor> {
  const person = await registerVerified(service);
  return await addConfirmedFactor(service, person, await logIn(service, person));
}

/** What the app shows now. */
export function codeOf(secret: string, aroundS = 0): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({
    timestamp: Date.now() + aroundS * 1_000,
  });
}

/** A code that is good although one of this half minute was used: what the service remembers of it is taken away. */
export async function freshCode(service: TestAuth, { userId, secret }: WithFactor): Promise<string> {
  await service.sql('update factors set last_step = null where user_id = $1', [uuidOf('usr', userId)]);
  return codeOf(secret);
}

/** The challenge that follows a right password. */
export async function challengeOf(
  service: TestAuth,
  { email, password }: Pick<Registered, 'email' | 'password'>,
  extra: Extra = {},
): Promise<string> {
  const answer = await asAnyone(service)
    .post('/v1/auth/login')
    .send({ email, password, ...extra });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.status, 'second_factor_required');
  return String(answer.body.challenge);
}

export function uuidOf(prefix: 'usr' | 'ses' | 'fac', id: string): string {
  const uuid = fromPublicId(prefix, id);
  assert.ok(uuid !== undefined, id);
  return uuid;
}

/** The person's events, oldest first, as `action`. */
export async function eventsOf(service: TestAuth, userId: string): Promise<string[]> {
  const rows = await eventRowsOf(service, userId);
  return rows.map((row) => String(row['action']));
}

export async function eventRowsOf(service: TestAuth, userId: string): Promise<Row[]> {
  return await service.sql(
    'select action, request_id, address, details from user_events where user_id = $1 order by sequence',
    [uuidOf('usr', userId)],
  );
}

/** Makes the person a member of a hotel, as the operator would. */
export async function join(
  service: TestAuth,
  userId: string,
  merchantId: string,
  options: { suspended?: boolean } = {},
): Promise<void> {
  await service.sql(
    `insert into members (merchant_id, user_id, built_in_role, suspended_at)
     values ($1, $2, 'manager', case when $3 then now() end)`,
    [merchantId, uuidOf('usr', userId), options.suspended === true],
  );
}

export type Tried = { status: number; code: unknown; retryAfter: number | undefined };

/** One try at the password, from an address at a replica. */
export async function tryPassword(
  service: TestAuth,
  email: string,
  password = 'wrong password',
  address = '203.0.113.7',
  replica: Auth = service.auth,
): Promise<Tried> {
  const answer = await asAnyone(service, replica, address).post('/v1/auth/login').send({ email, password });
  const retryAfter = answer.headers['retry-after'];
  return {
    status: answer.status,
    code: answer.body.code,
    retryAfter: retryAfter === undefined ? undefined : Number(retryAfter),
  };
}
