import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type { Routing } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { fromPublicId, newUuid } from '@centra/service-kit/ids.ts';
import { GRPC, callOptions, connectStripe, startTestMerchant, stripeKey } from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';
import { RULES, addRule, connectSimulator, connectVault, newRuler } from './test-rules.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

const DRY_RUN = `${RULES}/dry-run`;

async function ask(
  merchantId: string,
  mode: Mode = Mode.MODE_TEST,
  caller = 'transaction',
): Promise<Routing> {
  const client = service.client(caller);
  return await callUnary(client.getRouting.bind(client), { merchantId, mode }, callOptions());
}

const uuid = (publicId: string): string => fromPublicId('pa', publicId) ?? '';

test('transaction gets the enabled rules in order, the accounts that move money, and what the hotel accepts', async () => {
  const { caller, merchantId } = await newRuler(service);
  const first = await connectSimulator(caller, 'First');
  const second = await connectStripe(caller, stripeKey(), { name: 'Second' });
  await connectVault(caller);
  const conditions = {
    currencies: ['EUR'],
    amount_min: 1,
    amount_max: Number.MAX_SAFE_INTEGER,
    countries: ['MA'],
    card_brands: ['visa'],
    card_countries: ['FR'],
    methods: ['card'],
  };
  const last = await addRule(caller, [second], { name: 'last' });
  await addRule(caller, [first], { name: 'off', enabled: false, position: 1 });
  const rule = await addRule(caller, [second, first], { name: 'first', conditions, position: 1 });
  await service.sql(
    `update merchants set currencies = '{EUR,MAD}', methods = '{card}' where merchant_id = $1`,
    [merchantId],
  );
  const routing = await ask(merchantId);
  assert.deepEqual(
    routing.rules.map(({ ruleId }) => ruleId),
    [rule.id, last.id],
  );
  assert.deepEqual(routing.rules[0], {
    ruleId: rule.id,
    name: 'first',
    currencies: ['EUR'],
    amountMinMinor: 1n,
    amountMaxMinor: BigInt(Number.MAX_SAFE_INTEGER),
    countries: ['MA'],
    cardBrands: ['visa'],
    cardCountries: ['FR'],
    methods: ['card'],
    providerAccountIds: [uuid(second), uuid(first)],
  });
  assert.deepEqual(
    routing.accounts.map(({ providerAccountId, provider, name, isDefault }) => ({
      providerAccountId,
      provider,
      name,
      isDefault,
    })),
    [
      { providerAccountId: uuid(first), provider: 'simulator', name: 'First', isDefault: true },
      { providerAccountId: uuid(second), provider: 'stripe', name: 'Second', isDefault: false },
    ],
  );
  assert.deepEqual(routing.accounts[0]?.methods, ['card', 'card_page']);
  assert.deepEqual([routing.currencies, routing.methods], [['EUR', 'MAD'], ['card']]);
  const live = await ask(merchantId, Mode.MODE_LIVE);
  assert.deepEqual([live.rules, live.accounts], [[], []]);
});

test('an unknown hotel is NOT_FOUND, a broken request INVALID_ARGUMENT, any other caller PERMISSION_DENIED', async () => {
  const { merchantId } = await newRuler(service);
  await assert.rejects(ask(newUuid()), { code: GRPC.NOT_FOUND });
  await assert.rejects(ask('nonsense'), { code: GRPC.INVALID_ARGUMENT });
  await assert.rejects(ask(merchantId, Mode.MODE_UNSPECIFIED), { code: GRPC.INVALID_ARGUMENT });
  for (const caller of ['operator', 'payment-api', 'api-gateway'])
    await assert.rejects(ask(merchantId, Mode.MODE_TEST, caller), { code: GRPC.PERMISSION_DENIED });
});

test('a dry run tells the rule, the accounts in order, and why each rule before it was passed over', async () => {
  const { caller } = await newRuler(service);
  const simulator = await connectSimulator(caller, 'Bank');
  const stripe = await connectStripe(caller, stripeKey(), { name: 'Stripe Riad' });
  const gone = await connectSimulator(caller, 'Old bank');
  const later = await caller
    .post('/v1/provider-accounts')
    .send({
      provider: 'paypal',
      name: 'Pal',
      credentials: { client_id: 'A'.repeat(80), client_secret: 'E'.repeat(80) },
    })
    .expect(201);
  const brand = await addRule(caller, [stripe], { name: 'Visa', conditions: { card_brands: ['visa'] } });
  const passed = await addRule(caller, [gone, later.body.id], { name: 'Gone' });
  const taken = await addRule(caller, [gone, stripe, simulator], {
    name: 'Euro',
    conditions: { currencies: ['EUR'] },
  });
  await addRule(caller, [simulator], { name: 'Never looked at' });
  await caller.delete(`/v1/provider-accounts/${gone}`).expect(200);
  const asked = { amount: 12_050, currency: 'EUR' };
  const said = (await caller.post(DRY_RUN).send(asked).expect(200)).body;
  assert.deepEqual(said, {
    rule_id: taken.id,
    provider_accounts: [
      { id: stripe, provider: 'stripe', name: 'Stripe Riad' },
      { id: simulator, provider: 'simulator', name: 'Bank' },
    ],
    refusal: null,
    reason: 'the rule “Euro” takes it',
    considered: [
      { rule_id: brand.id, name: 'Visa', matched: false, because: ["the card's brand is not known"] },
      {
        rule_id: passed.id,
        name: 'Gone',
        matched: true,
        because: [
          'it has no conditions, so it holds for every payment',
          'the account “Old bank” is deleted',
          'the account “Pal” is at PayPal, which takes no payments in this release',
          'passed over: none of its accounts can take this payment',
        ],
      },
      {
        rule_id: taken.id,
        name: 'Euro',
        matched: true,
        because: ['the currency EUR is one of EUR', 'the account “Old bank” is deleted'],
      },
    ],
  });
  const visa = (
    await caller
      .post(DRY_RUN)
      .send({ ...asked, card: { brand: 'visa' } })
      .expect(200)
  ).body;
  assert.equal(visa.rule_id, brand.id);
});

test('a dry run without rules goes to the default account, and tells each refusal', async () => {
  const { caller, merchantId } = await newRuler(service);
  const asked = { amount: 1, currency: 'MAD' };
  const missing = (await caller.post(DRY_RUN).send(asked).expect(200)).body;
  assert.deepEqual([missing.refusal, missing.provider_accounts], ['provider_account_missing', []]);
  const account = await connectSimulator(caller);
  const taken = (await caller.post(DRY_RUN).send(asked).expect(200)).body;
  assert.deepEqual([taken.rule_id, taken.provider_accounts[0]?.id, taken.refusal], [null, account, null]);
  const paypal = (
    await caller
      .post(DRY_RUN)
      .send({ ...asked, method: 'paypal' })
      .expect(200)
  ).body;
  assert.equal(paypal.refusal, 'not_supported');
  await service.sql(`update merchants set currencies = '{EUR}' where merchant_id = $1`, [merchantId]);
  const refused = (await caller.post(DRY_RUN).send(asked).expect(200)).body;
  assert.deepEqual([refused.refusal, refused.provider_accounts], ['method_not_accepted', []]);
  assert.match(refused.reason, /MAD/);
});

test('400 for a dry run of nonsense, 403 for live with a test key', async () => {
  const { caller } = await newRuler(service);
  for (const body of [
    {},
    { amount: 0, currency: 'EUR' },
    { amount: 1, currency: 'eur' },
    { amount: 1, currency: 'EUR', method: 'cash' },
    { amount: 1, currency: 'EUR', country: 'Morocco' },
    { amount: 1, currency: 'EUR', card: { brand: 'VISA' } },
    { amount: 1, currency: 'EUR', card: { number: '4242' } },
    { amount: 1, currency: 'EUR', provider_account: 'pa_1' },
  ])
    await caller.post(DRY_RUN).send(body).expect(400);
  await caller.post(DRY_RUN).send({ mode: 'live', amount: 1, currency: 'EUR' }).expect(403);
});
