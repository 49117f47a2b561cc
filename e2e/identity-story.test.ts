import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { mailsIn } from '@centra/auth/emails/test-maildir.ts';
import { addColleague, followLink, logIn, setMember, tokensSchema, totpCode } from '@centra/dev/people.ts';
import type { Person, Tokens } from '@centra/dev/people.ts';
import { createHotel } from '@centra/dev/seed.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { z } from 'zod';
import { NO_LIMITS } from './no-limits.ts';
import { charge, startPlatformUnderTest } from './platform-under-test.ts';
import type { Answer, PlatformUnderTest } from './platform-under-test.ts';
import { stepsAt } from './story-steps.ts';

// A hotel's people and keys from the first mail to the last session, through the public door; each test goes on where the one
// before ended.

let platform: PlatformUnderTest;
let hotel: Hotel;
let owner: Person;
let totpSecret: string;
/** With both factors. */
let tokens: Tokens;

before(async () => {
  platform = await startPlatformUnderTest({ env: NO_LIMITS });
  hotel = await createHotel(platform, { name: 'Riad Story', provider: 'simulator' });
});
after(async () => await platform.end());

const { ask, done, refused, endsIn } = stepsAt(() => platform);

test('nobody logs in before the address is proved, and then its owner does', async () => {
  const wanted = {
    email: 'amina@story.example',
    name: 'Amina Story',
    password: 'five otters paddle at dawn',
  };
  await done(ask('POST', '/v1/auth/register', { body: wanted }), z.looseObject({}), 202);
  const { email, password } = wanted;
  await refused(ask('POST', '/v1/auth/login', { body: { email, password } }), 403, 'email_not_verified');
  await refused(
    ask('POST', '/v1/auth/login', { body: { email, password: `${password}!` } }),
    401,
    'login_failed',
  );
  // The refused log-in with the right password sent another link, which is the one that counts.
  await followLink(platform, wanted, 2);
  owner = wanted;
  const { user, merchant_id: at } = await logIn(platform, owner);
  assert.deepEqual([user.email, user.name, at], [email, 'Amina Story', null]);
});

const factorSchema = z.looseObject({ id: z.string(), secret: z.string(), otpauth_uri: z.string() });
const confirmedSchema = z.object({
  factor: z.looseObject({ confirmed: z.literal(true) }),
  recovery_codes: z.array(z.string()).length(10),
});

test('a second factor is added, and from then on asked for', async () => {
  const { access_token: as } = await logIn(platform, owner);
  const body = { name: 'Phone', password: owner.password };
  const factor = await done(ask('POST', '/v1/auth/factors', { as, body }), factorSchema, 201);
  totpSecret = factor.secret;
  assert.ok(factor.otpauth_uri.includes(totpSecret));
  const code = totpCode(totpSecret);
  const path = `/v1/auth/factors/${factor.id}/confirm`;
  const { recovery_codes: recovery } = await done(ask('POST', path, { as, body: { code } }), confirmedSchema);
  assert.equal(new Set(recovery).size, 10);

  const { email, password } = owner;
  const login = ask('POST', '/v1/auth/login', { body: { email, password } });
  const challenged = z.object({
    status: z.literal('second_factor_required'),
    challenge: z.string(),
    expires_at: z.string(),
  });
  const { challenge } = await done(login, challenged);
  const again = ask('POST', '/v1/auth/login/factor', { body: { challenge, code } });
  await refused(again, 401, 'second_factor_wrong');
  await refused(ask('GET', '/v1/auth/me', { as: challenge }), 401, 'unauthenticated');
  // A code is good once, so the next one is used: the clock may be one ahead.
  tokens = await logIn(platform, owner, { code: totpCode(totpSecret, 30) });
  assert.equal(tokens.second_factor, true);
});

test('bound to the hotel, the owner works there after a refresh that names it', async () => {
  await refused(ask('GET', '/v1/payments', { as: tokens.access_token }), 403, 'forbidden');
  await setMember(platform, { merchantId: hotel.merchantId, email: owner.email, role: 'owner' });
  tokens = await done(
    ask('POST', '/v1/auth/refresh', { body: { refresh_token: tokens.refresh_token } }),
    tokensSchema,
  );
  if (tokens.merchant_id === null) {
    const me = z.object({
      memberships: z.array(z.looseObject({ merchant_id: z.string(), role: z.string() })),
    });
    const { memberships } = await done(ask('GET', '/v1/auth/me', { as: tokens.access_token }), me);
    const body = { refresh_token: tokens.refresh_token, merchant_id: memberships[0]?.merchant_id };
    tokens = await done(ask('POST', '/v1/auth/refresh', { body }), tokensSchema);
  }
  await done(
    ask('GET', '/v1/payments', { as: tokens.access_token }),
    z.looseObject({ data: z.array(z.unknown()) }),
  );
});

test('a hotel that asks for a second factor bars who lacks one, and lets in who has one', async () => {
  const { merchantId } = hotel;
  const person = await addColleague(platform, merchantId, {
    email: 'basim@story.example',
    name: 'Basim',
    role: 'staff',
  });
  const { access_token: as } = await logIn(platform, person, { merchantId });
  assert.equal((await ask('GET', '/v1/payments', { as })).status, 200);
  const set = async (required: boolean): Promise<void> => {
    const body = { second_factor_required: required };
    await done(
      ask('POST', '/v1/security', { as: tokens.access_token, body }),
      z.object({ second_factor_required: z.literal(required) }),
    );
  };
  await set(true);
  await endsIn(async () => await ask('GET', '/v1/payments', { as }), 403);
  await refused(ask('GET', '/v1/payments', { as }), 403, 'second_factor_required');
  assert.equal((await ask('GET', '/v1/auth/me', { as })).status, 200, 'what is their own stays open');
  assert.equal((await ask('GET', '/v1/payments', { as: tokens.access_token })).status, 200);
  assert.equal(
    (await ask('GET', '/v1/payments', { as: hotel.apiKey })).status,
    200,
    'keys have no second factor',
  );
  await set(false);
  await endsIn(async () => await ask('GET', '/v1/payments', { as }), 200);
});

const keySchema = z.looseObject({ id: z.string(), secret: z.string(), rotated_from: z.string().nullish() });

test('a key made by the owner charges, its use is counted, and it is rotated with an overlap', async () => {
  const body = { name: 'Booking engine', scopes: ['payments:read', 'payments:write'] };
  const as = tokens.access_token;
  const key = await done(ask('POST', '/v1/api-keys', { as, body }), keySchema, 201);
  const paid = await charge(
    platform,
    { apiKey: key.secret },
    { cardToken: 'sim_card_visa', key: randomUUID() },
  );
  assert.equal(paid.status, 201, paid.text);
  const usage = await waitFor('the use to be counted', async () => {
    const page = z.looseObject({ data: z.array(z.object({ day: z.string(), requests: z.int() })) });
    return (await done(ask('GET', `/v1/api-keys/${key.id}/usage`, { as }), page)).data[0];
  });
  assert.deepEqual(usage, { day: new Date().toISOString().slice(0, 10), requests: 1 });

  const next = await done(
    ask('POST', `/v1/api-keys/${key.id}/rotate`, { as, body: { overlap_seconds: 3_600 } }),
    keySchema,
    201,
  );
  assert.equal(next.rotated_from, key.id);
  for (const each of [key.secret, next.secret])
    assert.equal((await ask('GET', '/v1/payments', { as: each })).status, 200, 'both are good meanwhile');
  const last = await done(
    ask('POST', `/v1/api-keys/${next.id}/rotate`, { as, body: { overlap_seconds: 0 } }),
    keySchema,
    201,
  );
  await endsIn(async () => await ask('GET', '/v1/payments', { as: next.secret }), 401);
  assert.equal((await ask('GET', '/v1/payments', { as: last.secret })).status, 200);
});

test('sessions are listed, one is ended and only that one', async () => {
  const { merchantId } = hotel;
  const person = await addColleague(platform, merchantId, {
    email: 'chadia@story.example',
    name: 'Chadia',
    role: 'staff',
  });
  const [here, there] = [await logIn(platform, person), await logIn(platform, person)];
  const as = here.access_token;
  const page = z.looseObject({ data: z.array(z.looseObject({ id: z.string(), current: z.boolean() })) });
  const { data } = await done(ask('GET', '/v1/auth/sessions', { as }), page);
  assert.deepEqual(
    data.map(({ id, current }) => [id, current]),
    [
      [there.session_id, false],
      [here.session_id, true],
    ],
  );
  assert.equal((await ask('DELETE', `/v1/auth/sessions/${there.session_id}`, { as })).status, 204);
  await endsIn(async () => await ask('GET', '/v1/auth/me', { as: there.access_token }), 401);
  const body = { refresh_token: there.refresh_token };
  await refused(ask('POST', '/v1/auth/refresh', { body }), 401, 'unauthenticated');
  assert.equal((await ask('GET', '/v1/auth/me', { as })).status, 200);
  assert.equal((await ask('POST', '/v1/auth/logout', { as })).status, 204);
  await endsIn(async () => await ask('GET', '/v1/auth/me', { as }), 401);
});

test('24: five wrong passwords lock the account, eleven characters are no password, and its owner gets in again by mail', async () => {
  const { email, password } = await addColleague(platform, hotel.merchantId, {
    email: 'driss@story.example',
    name: 'Driss',
    role: 'staff',
  });
  const statuses: number[] = [];
  for (let count = 0; count < 10; count += 1) {
    const body = { email, password: `wrong ${count} and long enough` };
    statuses.push((await ask('POST', '/v1/auth/login', { body })).status);
  }
  assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429, 429, 429, 429]);
  // Locked for its owner too, whoever tried.
  const locked = await ask('POST', '/v1/auth/login', { body: { email, password } });
  assert.equal(locked.status, 429, locked.text);
  assert.ok(Number(locked.headers['retry-after']) > 25 * 60, String(locked.headers['retry-after']));
  await done(ask('POST', '/v1/auth/password/forgot', { body: { email } }), z.looseObject({}), 202);
  const reset = await waitFor('the mail with the link', async () =>
    mailsIn(platform.maildir).findLast((mail) => mail.to === email && mail.text.includes('reset-password')),
  );
  const change = async (chosen: string): Promise<Answer> =>
    await ask('POST', '/v1/auth/password/reset', { body: { token: reset.token, new_password: chosen } });
  await refused(change('elevenchars'), 400, 'validation_failed');
  const chosen = 'six cranes circle the minaret';
  await done(change(chosen), z.looseObject({ status: z.literal('reset') }));
  await refused(ask('POST', '/v1/auth/login', { body: { email, password } }), 401, 'login_failed');
  assert.equal((await logIn(platform, { email, password: chosen })).user.email, email);
});
