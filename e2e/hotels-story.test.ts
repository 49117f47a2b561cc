import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { mailsTo } from '@centra/auth/emails/test-maildir.ts';
import { logIn, registerPerson, tokensSchema } from '@centra/dev/people.ts';
import type { Person, Tokens } from '@centra/dev/people.ts';
import { clientOf, post } from '@centra/dev/seed.ts';
import { captureTestCard } from '@centra/dev/take-payment.ts';
import { MerchantServiceClient, MerchantVerdict } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { z } from 'zod';
import { NO_LIMITS } from './no-limits.ts';
import { charge, startPlatformUnderTest } from './platform-under-test.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';
import { stepsAt } from './story-steps.ts';

// A small chain of hotels that runs itself: from the owner's first log-in to the day a manager leaves, through the public
// door; each test goes on where the one before ended.

let platform: PlatformUnderTest;
let owner: Person;
let tokens: Tokens;
let manager: Person;
let managerTokens: Tokens;
/** Public ids. */
let organisation: string;
let riad: string;
let kasbah: string;
let stripeAccount: string;
let simulatorAccount: string;
let key: string;
const stripeKey = `sk_test_${randomBytes(24).toString('hex')}`;
const vaulteraKey = randomBytes(16).toString('hex');

before(async () => {
  platform = await startPlatformUnderTest({ env: NO_LIMITS });
  await Promise.all([
    post(`${platform.stripeUrl}/_control/accounts`, {
      name: 'Riad Andalus',
      secret_key: stripeKey,
      raw_card_data: true,
    }),
    post(`${platform.vaulteraUrl}/_control/accounts`, { name: 'Riad Andalus', api_key: vaulteraKey }),
  ]);
});
after(async () => await platform.end());

const { ask, done, refused, endsIn } = stepsAt(() => platform);

const objectSchema = z.looseObject({ id: z.string() });
const pageSchema = z.looseObject({ data: z.array(z.looseObject({})) });
const merchantSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  missing: z.array(z.looseObject({ field: z.string(), reason: z.string() })),
});

const inOrder = (one: string, other: string): number => one.localeCompare(other);

/** Switches a session to a hotel. */
async function at(session: Tokens, merchantId: string, mode: 'test' | 'live' = 'test'): Promise<Tokens> {
  const body = { refresh_token: session.refresh_token, merchant_id: merchantId, mode };
  return await done(ask('POST', '/v1/auth/refresh', { body }), tokensSchema);
}

test('an owner makes an organisation with two hotels', async () => {
  owner = await registerPerson(platform, { email: 'amina@chain.example', name: 'Amina Chain' });
  tokens = await logIn(platform, owner);
  const as = tokens.access_token;
  const body = { name: 'Andalus Hotels' };
  organisation = (await done(ask('POST', '/v1/organisations', { as, body }), objectSchema, 201)).id;
  const open = async (name: string): Promise<string> => {
    const hotel = {
      organisation_id: organisation,
      name,
      country: 'MA',
      time_zone: 'Africa/Casablanca',
      default_currency: 'EUR',
    };
    const made = await done(ask('POST', '/v1/merchants', { as, body: hotel }), merchantSchema, 201);
    assert.equal(made.state, 'draft');
    return made.id;
  };
  riad = await open('Riad Andalus');
  kasbah = await open('Kasbah Andalus');
  const mine = await waitFor('both hotels to be the owner’s', async () => {
    const { data } = await done(ask('GET', '/v1/merchants', { as }), pageSchema);
    return data.length === 2 ? data : undefined;
  });
  assert.deepEqual(
    mine.map(({ name, role, state }) => `${String(name)} ${String(role)} ${String(state)}`).toSorted(inOrder),
    ['Kasbah Andalus owner draft', 'Riad Andalus owner draft'],
  );
  tokens = await at(tokens, riad);
});

test('the owner invites a manager to one of them, who joins by the mail', async () => {
  const as = tokens.access_token;
  const email = 'basim@chain.example';
  const body = { email, role: 'manager' };
  await done(ask('POST', `/v1/merchants/${riad}/invitations`, { as, body }), objectSchema, 201);
  const [mail] = await mailsTo(platform.maildir, email, 1);
  assert.ok(mail !== undefined && mail.text.includes('Riad Andalus'), mail?.text ?? 'no mail');
  const { token } = mail;
  const seen = z.looseObject({ merchant_name: z.string(), role: z.string(), has_account: z.boolean() });
  const preview = await done(ask('POST', '/v1/invitations/preview', { body: { token } }), seen);
  assert.deepEqual(
    [preview.merchant_name, preview.role, preview.has_account],
    ['Riad Andalus', 'manager', false],
  );
  manager = { email, name: 'Basim Chain', password: 'seven storks above the medina' };
  const { name, password } = manager;
  const joins = { token, name, password };
  await done(ask('POST', '/v1/invitations/register', { body: joins }), z.looseObject({}), 201);
  await refused(ask('POST', '/v1/invitations/register', { body: joins }), 410, 'link_expired');
  managerTokens = await logIn(platform, manager);
  assert.equal(managerTokens.merchant_id, riad, 'the only hotel is chosen');
});

test('the manager sees the one hotel and nothing of the other, and raises no role', async () => {
  const as = managerTokens.access_token;
  await done(ask('GET', `/v1/merchants/${riad}`, { as }), merchantSchema);
  await refused(ask('GET', `/v1/merchants/${kasbah}`, { as }), 404, 'not_found');
  await refused(ask('GET', `/v1/organisations/${organisation}`, { as }), 404, 'not_found');
  const body = { refresh_token: managerTokens.refresh_token, merchant_id: kasbah };
  await refused(ask('POST', '/v1/auth/refresh', { body }), 404, 'not_found');
  const role = ask('POST', `/v1/merchants/${riad}/members/${managerTokens.user.id}/role`, {
    as,
    body: { role: 'owner' },
  });
  await refused(role, 403, 'forbidden');
  managerTokens = await logIn(platform, manager);
});

test('a wrong Stripe key is refused in words for staff, and the right one is connected', async () => {
  const as = managerTokens.access_token;
  const connect = (provider: string, credentials: object) =>
    ask('POST', '/v1/provider-accounts', { as, body: { provider, credentials } });
  const words = await refused(
    connect('stripe', { secret_key: `sk_test_${'0'.repeat(48)}` }),
    422,
    'provider_credentials_rejected',
  );
  assert.match(words, /Stripe/);
  assert.doesNotMatch(words, /sk_test_0/);
  await refused(
    connect('stripe', { secret_key: `sk_live_${'0'.repeat(48)}` }),
    422,
    'provider_credentials_rejected',
  );
  await refused(connect('stripe', { secret_key: 'hunter2' }), 400, 'validation_failed');
  const saved = await done(connect('stripe', { secret_key: stripeKey }), objectSchema, 201);
  stripeAccount = saved.id;
  assert.equal(JSON.stringify(saved).includes(stripeKey), false);
  simulatorAccount = (await done(connect('simulator', {}), objectSchema, 201)).id;
  await done(connect('vaultera', { api_key: vaulteraKey }), objectSchema, 201);
  const checks = z.looseObject({ data: z.array(z.looseObject({ result: z.string() })) });
  const log = await done(ask('GET', `/v1/provider-accounts/${stripeAccount}/tests`, { as }), checks);
  assert.deepEqual(
    log.data.map(({ result }) => result),
    ['ok'],
  );
});

test('routing sends large amounts to Stripe and the rest to the other account, as the dry run says', async () => {
  const as = managerTokens.access_token;
  const rule = async (name: string, conditions: object, accounts: string[]): Promise<string> => {
    const body = { name, conditions, provider_accounts: accounts };
    return (await done(ask('POST', '/v1/routing-rules', { as, body }), objectSchema, 201)).id;
  };
  const large = await rule('Large', { currencies: ['EUR'], amount_min: 100_000 }, [stripeAccount]);
  const rest = await rule('Everything else', {}, [simulatorAccount, stripeAccount]);
  const decision = z.looseObject({
    rule_id: z.string().nullable(),
    provider_accounts: z.array(z.looseObject({ id: z.string() })),
    considered: z.array(z.looseObject({ matched: z.boolean(), because: z.array(z.string()) })),
  });
  const dryRun = async (amount: number) =>
    await done(ask('POST', '/v1/routing-rules/dry-run', { as, body: { amount, currency: 'EUR' } }), decision);
  const [big, small] = [await dryRun(100_000), await dryRun(99_999)];
  assert.deepEqual([big.rule_id, big.provider_accounts[0]?.id], [large, stripeAccount]);
  assert.deepEqual([small.rule_id, small.provider_accounts[0]?.id], [rest, simulatorAccount]);
  assert.deepEqual(
    small.considered.map(({ matched }) => matched),
    [false, true],
  );
});

test('a key of the manager’s making charges, each amount at the account that routing chose', async () => {
  const as = managerTokens.access_token;
  const body = { name: 'Booking engine', scopes: ['payments:read', 'payments:write'] };
  const made = z.looseObject({ secret: z.string() });
  key = (await done(ask('POST', '/v1/api-keys', { as, body }), made, 201)).secret;
  const paid = z.looseObject({ status: z.string(), provider: z.string() });
  const cardToken = await captureTestCard(platform, { vaulteraKey });
  const large = charge(platform, { apiKey: key }, { cardToken, amount: 125_000 });
  assert.deepEqual(pick(await done(large, paid, 201)), ['succeeded', 'stripe']);
  const small = charge(platform, { apiKey: key }, { cardToken: 'sim_card_visa', amount: 12_550 });
  assert.deepEqual(pick(await done(small, paid, 201)), ['succeeded', 'simulator']);
});

const pick = ({ status, provider }: { status: string; provider: string }): string[] => [status, provider];

test('nothing is taken in live mode before the platform has verified the hotel', async () => {
  const as = tokens.access_token;
  const submit = () => ask('POST', `/v1/merchants/${riad}/submit`, { as });
  await refused(submit(), 409, 'onboarding_incomplete');
  const { missing } = await done(ask('GET', `/v1/merchants/${riad}`, { as }), merchantSchema);
  assert.ok(missing.length > 0 && missing.every(({ reason }) => reason.length > 0));
  const profile = {
    legal_name: 'Riad Andalus SARL',
    business_type: 'riad',
    registration_number: 'RC 12345',
    phone: '+212524000000',
    email: 'front-desk@riad-andalus.example',
    address: { line1: '12 Derb Snane', city: 'Marrakesh', postal_code: '40000', country: 'MA' },
  };
  const body = { profile, currencies: ['EUR', 'MAD'], statement_descriptor: 'RIAD ANDALUS' };
  const complete = await done(ask('POST', `/v1/merchants/${riad}`, { as, body }), merchantSchema);
  assert.deepEqual(complete.missing, []);
  assert.equal((await done(submit(), merchantSchema)).state, 'submitted');

  const live = await at(await logIn(platform, owner, {}), riad, 'live');
  const wanted = { name: 'Live', scopes: ['payments:write'] };
  const made = z.looseObject({ secret: z.string() });
  const liveKey = (
    await done(ask('POST', '/v1/api-keys', { as: live.access_token, body: wanted }), made, 201)
  ).secret;
  const early = charge(platform, { apiKey: liveKey }, { cardToken: 'f'.repeat(32) });
  await refused(early, 403, 'merchant_not_verified');
  await review(MerchantVerdict.MERCHANT_VERDICT_VERIFY);
  const { state } = await done(ask('GET', `/v1/merchants/${riad}`, { as }), merchantSchema);
  assert.equal(state, 'verified');
});

/** The platform's decision on the hotel. */
async function review(verdict: MerchantVerdict): Promise<void> {
  const to = { address: platform.grpc.merchant, server: 'merchant' };
  const client = clientOf(platform, 'operator', MerchantServiceClient, to);
  try {
    const merchantId = fromPublicId('mer', riad) ?? '';
    const request = { merchantId, verdict, reason: '', actor: 'operator:story' };
    await callUnary(client.reviewMerchant.bind(client), request, {
      metadata: callMetadata('story'),
      deadlineMs: 10_000,
    });
  } finally {
    client.close();
  }
}

test('the owner removes the manager, whose next call is refused, while the hotel goes on', async () => {
  const as = tokens.access_token;
  const removed = managerTokens.access_token;
  assert.equal((await ask('GET', '/v1/routing-rules', { as: removed })).status, 200);
  const path = `/v1/merchants/${riad}/members/${managerTokens.user.id}`;
  assert.equal((await ask('DELETE', path, { as })).status, 204);
  await endsIn(async () => await ask('GET', '/v1/routing-rules', { as: removed }), 401);
  assert.equal((await ask('GET', '/v1/payments', { as: key })).status, 200);
});

test('the audit log tells all of it, from both services, newest first', async () => {
  const as = tokens.access_token;
  const event = z.looseObject({ source: z.string(), at: z.string(), actor: z.string(), action: z.string() });
  const page = z.looseObject({ data: z.array(event), next_cursor: z.string().nullable() });
  const all: z.infer<typeof event>[] = [];
  for (let cursor = ''; ;) {
    const { data, next_cursor: next } = await done(
      ask('GET', `/v1/audit-log?limit=7${cursor === '' ? '' : `&cursor=${cursor}`}`, { as }),
      page,
    );
    all.push(...data);
    if (next === null) break;
    cursor = next;
  }
  const times = all.map(({ at: time }) => time);
  assert.deepEqual(times, times.toSorted(inOrder).toReversed());
  const actions = new Set(all.map(({ source, action }) => `${source} ${action}`));
  for (const action of [
    'merchant provider_account.created',
    'merchant routing_rule.created',
    'auth invitation.created',
    'auth api_key.created',
  ])
    assert.ok(actions.has(action), `${action} in ${[...actions].join(', ')}`);
  const text = JSON.stringify(all);
  for (const secret of [stripeKey, vaulteraKey, key]) assert.equal(text.includes(secret), false);
});

test('a closed hotel lets nobody in, and the other one goes on', async () => {
  const as = tokens.access_token;
  const body = { reason: 'Sold' };
  const closed = await done(ask('POST', `/v1/merchants/${riad}/close`, { as, body }), merchantSchema);
  assert.equal(closed.state, 'closed');
  await endsIn(async () => await ask('GET', '/v1/payments', { as: key }), 403);
  const there = await at(await logIn(platform, owner, {}), kasbah);
  await done(ask('GET', `/v1/merchants/${kasbah}`, { as: there.access_token }), merchantSchema);
});
