import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createApiKey, post } from '@centra/dev/seed.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { seeded } from '@centra/testkit/seeded.ts';
import type { Seeded } from '@centra/testkit/seeded.ts';
import { z } from 'zod';
import { NO_LIMITS } from './no-limits.ts';
import {
  IMPATIENT,
  call,
  card,
  charge,
  journal,
  onboardHotel,
  paymentSchema,
  problemSchema,
  rows,
  startPlatformUnderTest,
} from './platform-under-test.ts';
import type { Answer, PlatformUnderTest } from './platform-under-test.ts';

const SEED = Number(process.env['ROUTING_SEED'] ?? randomBytes(4).readUInt32BE());

let platform: PlatformUnderTest;
let hotel: Hotel;
/** Public ids; the first is the default. */
let accounts: string[];
/** Of each Stripe account of ours the id at Stripe. */
const atStripe = new Map<string, string>();

before(async () => {
  // Rules hold at once, instead of within seconds.
  platform = await startPlatformUnderTest({
    env: { ...NO_LIMITS, transaction: { ...IMPATIENT, CREDENTIAL_TTL_MS: '0' } },
  });
  hotel = await onboardHotel(platform);
  const listed = await ask('GET', '/v1/provider-accounts');
  const page = z.object({ data: z.array(accountSchema) }).parse(listed.json);
  const stripe = page.data.find(({ provider }) => provider === 'stripe');
  assert.ok(stripe);
  accounts = [
    stripe.id,
    await connectStripe(),
    await connectSimulator('First'),
    await connectSimulator('Second'),
  ];
});
after(async () => await platform.end());

const accountSchema = z.object({ id: z.string(), provider: z.string() });
const decisionSchema = z.object({
  rule_id: z.string().nullable(),
  provider_accounts: z.array(accountSchema.loose()),
  refusal: z.string().nullable(),
  reason: z.string(),
  considered: z.array(z.object({ rule_id: z.string(), matched: z.boolean() }).loose()),
});
const routedSchema = paymentSchema.extend({ provider: z.string(), provider_account: z.string() });

async function ask(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: object,
  apiKey = hotel.apiKey,
): Promise<Answer> {
  return await call(platform, method, path, {
    apiKey,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function connect(body: object, apiKey = hotel.apiKey): Promise<string> {
  const answer = await ask('POST', '/v1/provider-accounts', { mode: 'test', ...body }, apiKey);
  assert.equal(answer.status, 201, answer.text);
  return accountSchema.parse(answer.json).id;
}

async function connectSimulator(name: string): Promise<string> {
  return await connect({ provider: 'simulator', name, credentials: {} });
}

/** A second account at Stripe, with a key of its own. */
async function connectStripe(): Promise<string> {
  const secret_key = `sk_test_${randomBytes(24).toString('hex')}`;
  const made = await post(`${platform.stripeUrl}/_control/accounts`, {
    name: 'Second Stripe',
    secret_key,
    raw_card_data: true,
  });
  const id = await connect({ provider: 'stripe', name: 'Second Stripe', credentials: { secret_key } });
  atStripe.set(id, z.object({ id: z.string() }).parse(made).id);
  return id;
}

const CURRENCIES = ['EUR', 'MAD', 'USD', 'JPY'];
const COUNTRIES = ['MA', 'FR', 'US', 'GB'];
const BRANDS = [
  'visa',
  'mastercard',
  'maestro',
  'amex',
  'diners',
  'discover',
  'jcb',
  'unionpay',
  'cartes_bancaires',
];
// Far from the amounts with which the built-in simulator plays its tricks.
const AMOUNT_MIN = 1_000;
const AMOUNT_MAX = 9_000;

/** Some of the things, each at most once, in an order of its own; nothing at all with that probability. */
function some(dice: Seeded, things: readonly string[], nothing: number): string[] {
  if (dice.chance(nothing)) return [];
  const left = [...things];
  return Array.from({ length: dice.between(1, things.length) }, () => {
    const [taken = ''] = left.splice(dice.between(0, left.length - 1), 1);
    return taken;
  });
}

function randomRule(dice: Seeded, index: number): object {
  const lists = {
    currencies: some(dice, CURRENCIES, 0.5),
    countries: some(dice, COUNTRIES, 0.7),
    card_brands: some(dice, BRANDS, 0.7),
    card_countries: some(dice, COUNTRIES, 0.8),
    methods: some(dice, ['card', 'card_page'], 0.7),
  };
  const bounds = [dice.between(AMOUNT_MIN, AMOUNT_MAX), dice.between(AMOUNT_MIN, AMOUNT_MAX)].toSorted(
    (a, b) => a - b,
  );
  const isBounded = lists.currencies.length === 1;
  return {
    name: `Rule ${index}`,
    enabled: dice.chance(0.9),
    conditions: {
      ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)),
      ...(isBounded && dice.chance(0.6) ? { amount_min: bounds[0] } : {}),
      ...(isBounded && dice.chance(0.6) ? { amount_max: bounds[1] } : {}),
    },
    provider_accounts: some(dice, accounts, 0).slice(0, 3),
  };
}

type Wish = { amount: number; currency: string; brand?: string; cardCountry?: string; country?: string };

function randomWish(dice: Seeded): Wish {
  return {
    amount: dice.between(AMOUNT_MIN, AMOUNT_MAX),
    currency: dice.oneOf(CURRENCIES),
    ...(dice.chance(0.7) ? { brand: dice.oneOf(BRANDS) } : {}),
    ...(dice.chance(0.5) ? { cardCountry: dice.oneOf(COUNTRIES) } : {}),
    ...(dice.chance(0.7) ? { country: dice.oneOf(COUNTRIES) } : {}),
  };
}

function cardHints({ brand, cardCountry }: Wish): object {
  const hints = {
    ...(brand === undefined ? {} : { brand }),
    ...(cardCountry === undefined ? {} : { country: cardCountry }),
  };
  return Object.keys(hints).length === 0 ? {} : { card: hints };
}

async function dryRun(wish: Wish): Promise<z.infer<typeof decisionSchema>> {
  const { amount, currency, country } = wish;
  const body = { amount, currency, ...cardHints(wish), ...(country === undefined ? {} : { country }) };
  const answer = await ask('POST', '/v1/routing-rules/dry-run', body);
  assert.equal(answer.status, 200, answer.text);
  return decisionSchema.parse(answer.json);
}

async function pay(wish: Wish, cardToken: string): Promise<z.infer<typeof routedSchema>> {
  const { amount, currency, country } = wish;
  const extra = { ...cardHints(wish), ...(country === undefined ? {} : { guest: { country } }) };
  const answer = await charge(platform, hotel, { cardToken, amount, currency, extra });
  assert.equal(answer.status, 201, answer.text);
  return routedSchema.parse(answer.json);
}

async function clearRules(): Promise<void> {
  const { json } = await ask('GET', '/v1/routing-rules?limit=100');
  const page = z.object({ data: z.array(z.object({ id: z.string() })) }).parse(json);
  for (const { id } of page.data) assert.equal((await ask('DELETE', `/v1/routing-rules/${id}`)).status, 204);
}

async function addRule(rule: object, apiKey = hotel.apiKey): Promise<Answer> {
  return await ask('POST', '/v1/routing-rules', rule, apiKey);
}

const RULE_SETS = 8;
const PAYMENTS_EACH = 6;

test(`the first account of the dry run is the one that every payment really went to (ROUTING_SEED=${SEED})`, async (context) => {
  context.diagnostic(`ROUTING_SEED=${SEED}`);
  const dice = seeded(SEED);
  const went = new Map<string, string>();
  let byRule = 0;
  for (let set = 0; set < RULE_SETS; set += 1) {
    await clearRules();
    for (let index = dice.between(1, 6); index > 0; index -= 1) {
      const answer = await addRule(randomRule(dice, index));
      assert.equal(answer.status, 201, answer.text);
    }
    const cardToken = await card(platform, hotel);
    for (let index = 0; index < PAYMENTS_EACH; index += 1) {
      const wish = randomWish(dice);
      const said = await dryRun(wish);
      assert.equal(said.refusal, null);
      const payment = await pay(wish, cardToken);
      const [first] = said.provider_accounts;
      assert.equal(payment.provider_account, first?.id, JSON.stringify({ SEED, wish, said }));
      assert.equal(payment.provider, first?.provider);
      assert.equal(await ruleOf(payment.id), said.rule_id);
      went.set(payment.id, payment.provider_account);
      byRule += said.rule_id === null ? 0 : 1;
    }
  }
  assert.ok(went.size >= 40 && byRule > 0, `${byRule} of ${went.size} by a rule`);
  await assertWhereMoneyMoved(went);
  context.diagnostic(`${went.size} payments, ${byRule} of them by a rule`);
});

/** The rule that the payment's own history names. */
async function ruleOf(paymentId: string): Promise<string | null> {
  const { json } = await ask('GET', `/v1/payments/${paymentId}/events`);
  const page = z
    .object({ data: z.array(z.object({ details: z.record(z.string(), z.string()) })) })
    .parse(json);
  return page.data[0]?.details['routing_rule'] ?? null;
}

/** Stripe's own journal has exactly the payments that were sent to a Stripe account, each at that account. */
async function assertWhereMoneyMoved(went: ReadonlyMap<string, string>): Promise<void> {
  const charged = (await journal(platform.stripeUrl)).filter(({ effect }) => effect === 'charge.succeeded');
  const moved = new Map(charged.map((entry) => [entry.metadata?.['centra_payment'], entry['account']]));
  const [byDefault, second] = accounts;
  for (const [payment, account] of went) {
    if (account === second) assert.equal(moved.get(payment), atStripe.get(account));
    else if (account === byDefault)
      assert.ok(moved.has(payment) && moved.get(payment) !== atStripe.get(second ?? ''));
    else assert.ok(!moved.has(payment), `${payment} went to the simulator and to Stripe`);
  }
}

test('when surely nothing was sent to the first account the second takes it, once, and the history tells', async () => {
  await clearRules();
  const [stripe, , simulator] = accounts;
  await addRule({ name: 'Simulator first', conditions: {}, provider_accounts: [simulator, stripe] });
  // The built-in simulator's amount for "nobody there".
  const answer = await charge(platform, hotel, { cardToken: await card(platform, hotel), amount: 66_630 });
  assert.equal(answer.status, 201, answer.text);
  const payment = routedSchema.parse(answer.json);
  assert.equal(payment.provider_account, stripe);
  const moved = (await journal(platform.stripeUrl)).filter(
    (entry) => entry.effect === 'charge.succeeded' && entry.metadata?.['centra_payment'] === payment.id,
  );
  assert.equal(moved.length, 1);
  const { json } = await ask('GET', `/v1/payments/${payment.id}/events`);
  const page = z
    .object({ data: z.array(z.object({ type: z.string(), details: z.record(z.string(), z.string()) })) })
    .parse(json);
  assert.deepEqual(
    page.data.map(({ type }) => type),
    ['payment.created', 'payment.rerouted', 'payment.successful'],
  );
  assert.equal(page.data[1]?.details['from_provider_account'], simulator);
  assert.equal(page.data[1]?.details['provider_account'], stripe);
});

test("another hotel's account is refused in a rule and in a payment, like one that never was", async () => {
  await clearRules();
  const other = await onboardHotel(platform, 'Riad Other');
  const foreign = await connect({ provider: 'simulator', name: 'Theirs', credentials: {} }, other.apiKey);
  const never = toPublicId('pa', newUuid());
  const cardToken = await card(platform, hotel);
  const answers = [];
  for (const account of [foreign, never]) {
    const rule = await addRule({ name: 'x', conditions: {}, provider_accounts: [account] });
    const paid = await charge(platform, hotel, { cardToken, extra: { provider_account: account } });
    answers.push([rule, paid].map(({ status, json }) => [status, problemSchema.parse(json).code]));
  }
  assert.deepEqual(answers[0], answers[1]);
  assert.deepEqual(answers[0], [
    [400, 'validation_failed'],
    [422, 'provider_account_missing'],
  ]);
  const own = await addRule({ name: 'x', conditions: {}, provider_accounts: [accounts[0]] });
  const { id } = z.object({ id: z.string() }).parse(own.json);
  for (const [method, body] of [['GET'], ['POST', {}], ['DELETE']] as const)
    assert.equal((await ask(method, `/v1/routing-rules/${id}`, body, other.apiKey)).status, 404);
});

test('test rules say nothing of live payments, and a test key makes no live rules', async () => {
  await clearRules();
  const rule = { name: 'test only', conditions: {}, provider_accounts: [accounts[2]] };
  assert.equal((await addRule(rule)).status, 201);
  assert.equal((await addRule({ ...rule, mode: 'live' })).status, 403);
  const liveKey = await createApiKey(platform, hotel.merchantId, { mode: Mode.MODE_LIVE });
  assert.equal((await addRule(rule, liveKey)).status, 400, 'a test account in a live rule');
  const asked = { amount: 5_000, currency: 'EUR' };
  const live = decisionSchema.parse((await ask('POST', '/v1/routing-rules/dry-run', asked, liveKey)).json);
  assert.deepEqual([live.rule_id, live.refusal], [null, 'provider_account_missing']);
  const paid = await charge(
    platform,
    { apiKey: liveKey },
    { cardToken: 'c5e0a3b0f1c94d1e8a52', key: randomUUID() },
  );
  assert.equal(problemSchema.parse(paid.json).code, 'provider_account_missing');
  const inTest = decisionSchema.parse(
    (await ask('POST', '/v1/routing-rules/dry-run', { ...asked, mode: 'test' }, liveKey)).json,
  );
  assert.equal(inTest.provider_accounts[0]?.id, accounts[2]);
});

test('what the hotel does not accept is refused by the dry run and by the payment alike', async () => {
  await rows(
    platform,
    'merchant',
    `update merchants set currencies = '{MAD}' where merchant_id = $1 returning name`,
    z.object({ name: z.string() }),
    [hotel.merchantId],
  );
  const said = await dryRun({ amount: 5_000, currency: 'EUR' });
  assert.deepEqual([said.refusal, said.provider_accounts], ['method_not_accepted', []]);
  const cardToken = await card(platform, hotel);
  for (const extra of [{}, { provider_account: accounts[0] }]) {
    const refused = await charge(platform, hotel, { cardToken, extra });
    assert.deepEqual([refused.status, problemSchema.parse(refused.json).code], [422, 'method_not_accepted']);
  }
  assert.equal((await charge(platform, hotel, { cardToken, currency: 'MAD' })).status, 201);
});
