import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { asCaller, connectStripe, startTestMerchant, stripeKey } from '../test-service.ts';
import type { Caller, TestMerchant } from '../test-service.ts';
import {
  RULES,
  addRule,
  connectSimulator,
  connectVault,
  newRuler,
  ruleOrder,
  rulerOf,
} from './test-rules.ts';
import type { RuleJson } from './test-rules.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

const CONDITIONS = {
  currencies: ['EUR'],
  amount_min: 10_000,
  amount_max: 500_000,
  countries: ['MA', 'FR'],
  card_brands: ['visa'],
  card_countries: ['FR'],
  methods: ['card', 'card_page'],
};

async function audited(merchantId: string): Promise<Record<string, unknown>[]> {
  return await service.sql(
    `select action, object_id, before, after from audit_events where merchant_id = $1 and object_id like 'rr_%' order by seq`,
    [merchantId],
  );
}

const errorsOf = (body: { errors?: { field: string; reason: string }[] }) => body.errors ?? [];

test('a rule is stored, read, listed, changed and deleted, and each change is written down with before and after', async () => {
  const { caller, merchantId } = await newRuler(service);
  const accounts = [await connectSimulator(caller), await connectStripe(caller)];
  const reply = await caller
    .post(RULES)
    .send({ name: 'Large in euro', conditions: CONDITIONS, provider_accounts: accounts })
    .expect(201);
  const created: RuleJson = reply.body;
  assert.equal(reply.headers['location'], `${RULES}/${created.id}`);
  assert.match(created.id, /^rr_/);
  const { name, mode, position, enabled, conditions, provider_accounts: named } = created;
  assert.deepEqual(
    { name, mode, position, enabled, conditions, named },
    {
      name: 'Large in euro',
      mode: 'test',
      position: 1,
      enabled: true,
      conditions: CONDITIONS,
      named: accounts,
    },
  );
  assert.deepEqual((await caller.get(`${RULES}/${created.id}`).expect(200)).body, created);
  assert.deepEqual((await caller.get(RULES).expect(200)).body.data, [created]);

  const change = { name: 'Off', enabled: false, conditions: {}, provider_accounts: accounts.slice(1) };
  const changed: RuleJson = (await caller.post(`${RULES}/${created.id}`).send(change).expect(200)).body;
  assert.deepEqual({ ...changed, updated_at: '' }, { ...created, ...change, updated_at: '' });
  await caller.delete(`${RULES}/${created.id}`).expect(204);
  await caller.get(`${RULES}/${created.id}`).expect(404);
  await caller.delete(`${RULES}/${created.id}`).expect(404);
  assert.deepEqual(await audited(merchantId), [
    { action: 'routing_rule.created', object_id: created.id, before: null, after: created },
    { action: 'routing_rule.updated', object_id: created.id, before: created, after: changed },
    { action: 'routing_rule.deleted', object_id: created.id, before: changed, after: null },
  ]);
});

test('what a change does not name stays', async () => {
  const { caller } = await newRuler(service);
  const accounts = [await connectSimulator(caller)];
  const created = await addRule(caller, accounts, { conditions: CONDITIONS, enabled: false });
  const changed: RuleJson = (await caller.post(`${RULES}/${created.id}`).send({}).expect(200)).body;
  assert.deepEqual({ ...changed, updated_at: '' }, { ...created, updated_at: '' });
});

describe('places', () => {
  let caller: Caller;
  let accounts: string[];
  const ids: Record<string, string> = {};
  before(async () => {
    ({ caller } = await newRuler(service));
    accounts = [await connectSimulator(caller)];
    for (const [name, position] of [
      ['b', undefined],
      ['c', 99],
      ['a', 1],
    ] as const)
      ids[name] = (
        await addRule(caller, accounts, { name, ...(position === undefined ? {} : { position }) })
      ).id;
  });

  test('a new rule goes to the end, or where it is told, and the others make room', async () => {
    assert.deepEqual(await ruleOrder(caller), ['1 a', '2 b', '3 c']);
  });

  test('a rule that is moved, and one that is deleted, leave no gap', async () => {
    await caller.post(`${RULES}/${ids['a']}`).send({ position: 2 }).expect(200);
    assert.deepEqual(await ruleOrder(caller), ['1 b', '2 a', '3 c']);
    const d = await addRule(caller, accounts, { name: 'd', position: 2 });
    assert.deepEqual(await ruleOrder(caller), ['1 b', '2 d', '3 a', '4 c']);
    await caller.delete(`${RULES}/${d.id}`).expect(204);
    assert.deepEqual(await ruleOrder(caller), ['1 b', '2 a', '3 c']);
  });

  test('a list that is exactly the rules orders them; any other is 409 and changes nothing', async () => {
    const rightly = [ids['c'], ids['a'], ids['b']];
    const foreign = toPublicId('rr', newUuid());
    for (const rule_ids of [
      [],
      rightly.slice(1),
      [...rightly, foreign],
      [ids['c'], ids['a'], foreign],
      [ids['c'], ids['a'], ids['a']],
    ])
      assert.equal(
        (await caller.post(`${RULES}/order`).send({ rule_ids }).expect(409)).body.code,
        'state_conflict',
      );
    assert.deepEqual(await ruleOrder(caller), ['1 b', '2 a', '3 c']);
    const page = (await caller.post(`${RULES}/order`).send({ rule_ids: rightly }).expect(200)).body;
    assert.deepEqual(
      page.data.map(({ id }: RuleJson) => id),
      rightly,
    );
    assert.deepEqual(await ruleOrder(caller), ['1 c', '2 a', '3 b']);
  });

  test('pages meet without gap or repetition', async () => {
    const first = (await caller.get(`${RULES}?limit=2`).expect(200)).body;
    assert.equal(first.has_more, true);
    const second = (await caller.get(`${RULES}?limit=2&cursor=${first.next_cursor}`).expect(200)).body;
    assert.deepEqual([second.has_more, second.next_cursor], [false, null]);
    assert.deepEqual(
      [...first.data, ...second.data].map(({ name }: RuleJson) => name),
      ['c', 'a', 'b'],
    );
    await caller.get(`${RULES}?cursor=nonsense`).expect(400);
    await caller.get(`${RULES}?limit=101`).expect(400);
  });
});

test('many rules made at once get places without gap or repetition', async () => {
  const { caller } = await newRuler(service);
  const accounts = [await connectSimulator(caller)];
  await Promise.all(
    Array.from(
      { length: 8 },
      async (_, index) => await addRule(caller, accounts, { name: `${index}`, position: 1 }),
    ),
  );
  const places = (await ruleOrder(caller)).map((line) => Number(line.split(' ')[0]));
  assert.deepEqual(places, [1, 2, 3, 4, 5, 6, 7, 8]);
});

test('a mode has at most 100 rules: one more is 409', async () => {
  const { caller, merchantId } = await newRuler(service);
  const account = await connectSimulator(caller);
  await service.sql(
    `insert into routing_rules (merchant_id, id, mode, name, position, enabled, currencies, countries, card_brands,
       card_countries, methods, provider_account_ids)
     select $1, uuidv7(), 'test', 'rule ' || n, n, true, '{}', '{}', '{}', '{}', '{}', array[a.id]
       from generate_series(1, 100) as n, provider_accounts as a where a.merchant_id = $1`,
    [merchantId],
  );
  const body = { name: 'one more', conditions: {}, provider_accounts: [account] };
  assert.equal((await caller.post(RULES).send(body).expect(409)).body.code, 'state_conflict');
});

describe('400', () => {
  let caller: Caller;
  let account: string;
  before(async () => {
    ({ caller } = await newRuler(service));
    account = await connectSimulator(caller);
  });

  const CASES: [name: string, change: object, field: string][] = [
    ['bounds without a currency', { conditions: { amount_min: 1 } }, 'conditions.amount_min'],
    [
      'bounds in two currencies',
      { conditions: { amount_max: 1, currencies: ['EUR', 'MAD'] } },
      'conditions.amount_max',
    ],
    [
      'bounds the wrong way round',
      { conditions: { amount_min: 2, amount_max: 1, currencies: ['EUR'] } },
      'conditions.amount_max',
    ],
    ['a bound of zero', { conditions: { amount_min: 0, currencies: ['EUR'] } }, 'conditions.amount_min'],
    ['a fraction', { conditions: { amount_min: 1.5, currencies: ['EUR'] } }, 'conditions.amount_min'],
    ['no such currency', { conditions: { currencies: ['XXX'] } }, 'conditions.currencies.0'],
    ['a currency twice', { conditions: { currencies: ['EUR', 'EUR'] } }, 'conditions.currencies'],
    ['an empty list', { conditions: { countries: [] } }, 'conditions.countries'],
    ['no such country', { conditions: { countries: ['ZZ'] } }, 'conditions.countries.0'],
    ['no such brand', { conditions: { card_brands: ['VISA'] } }, 'conditions.card_brands.0'],
    ['no such method', { conditions: { methods: ['cash'] } }, 'conditions.methods.0'],
    ['no account', { provider_accounts: [] }, 'provider_accounts'],
    ['a place of zero', { position: 0 }, 'position'],
    ['a control character', { name: 'a\u0007b' }, 'name'],
  ];
  for (const [name, change, field] of CASES)
    test(`${name} names ${field}`, async () => {
      const body = { name: 'x', conditions: {}, provider_accounts: [account], ...change };
      const refused = await caller.post(RULES).send(body).expect(400);
      assert.deepEqual(
        errorsOf(refused.body).map((error) => error.field),
        [field],
      );
    });

  test('more than lists may hold, an account twice, an unknown field', async () => {
    const many = Array.from({ length: 51 }, () => 'EUR');
    for (const change of [
      { conditions: { currencies: many } },
      { conditions: { countries: Array.from({ length: 251 }, () => 'MA') } },
      { provider_accounts: [account, account] },
      { provider_accounts: Array.from({ length: 11 }, () => toPublicId('pa', newUuid())) },
      { merchant_id: 'x' },
      { conditions: { brand: ['visa'] } },
    ])
      await caller
        .post(RULES)
        .send({ name: 'x', conditions: {}, provider_accounts: [account], ...change })
        .expect(400);
    assert.deepEqual(await ruleOrder(caller), []);
  });
});

describe('accounts', () => {
  test("another hotel's, a deleted one, one of the other mode and one that never was are refused alike, by place", async () => {
    const { caller } = await newRuler(service);
    const other = await newRuler(service, 'live');
    const own = await connectSimulator(caller);
    const gone = await connectSimulator(caller, 'Gone');
    await caller.delete(`/v1/provider-accounts/${gone}`).expect(200);
    const live = await connectStripe(other.caller, stripeKey('live'));
    const foreign = await connectSimulator(other.caller);
    for (const wrong of [foreign, gone, live, toPublicId('pa', newUuid()), 'nonsense']) {
      const body = { name: 'x', conditions: {}, provider_accounts: [own, wrong] };
      const refused = await caller.post(RULES).send(body).expect(400);
      assert.deepEqual(errorsOf(refused.body), [
        { field: 'provider_accounts.1', reason: 'is no account of yours in test mode' },
      ]);
    }
    const liveRule = { name: 'x', conditions: {}, provider_accounts: [foreign] };
    await other.caller.post(RULES).send(liveRule).expect(400);
    assert.deepEqual(await ruleOrder(caller), []);
  });

  test('a card vault, and a provider that carries none of the methods, are refused', async () => {
    const { caller } = await newRuler(service);
    const simulator = await connectSimulator(caller);
    const vault = await connectVault(caller);
    const body = { name: 'x', conditions: {}, provider_accounts: [vault] };
    assert.match(
      errorsOf((await caller.post(RULES).send(body).expect(400)).body)[0]?.reason ?? '',
      /moves no money/,
    );
    const paypal = { ...body, conditions: { methods: ['paypal'] }, provider_accounts: [simulator] };
    assert.equal(
      errorsOf((await caller.post(RULES).send(paypal).expect(400)).body)[0]?.field,
      'provider_accounts.0',
    );
    const rule = await addRule(caller, [simulator], { conditions: { methods: ['card'] } });
    const change = { conditions: { methods: ['paypal'] } };
    const refused = await caller.post(`${RULES}/${rule.id}`).send(change).expect(400);
    assert.equal(errorsOf(refused.body)[0]?.field, 'conditions.methods');
  });

  test('a rule keeps an account that is deleted later, and may still be renamed', async () => {
    const { caller } = await newRuler(service);
    const account = await connectSimulator(caller);
    const rule = await addRule(caller, [account]);
    await caller.delete(`/v1/provider-accounts/${account}`).expect(200);
    const change = { name: 'renamed', conditions: { currencies: ['EUR'] } };
    const changed: RuleJson = (await caller.post(`${RULES}/${rule.id}`).send(change).expect(200)).body;
    assert.deepEqual(changed.provider_accounts, [account]);
  });
});

test("another hotel's rule is 404 for reading, changing and deleting, and is no part of its lists", async () => {
  const own = await newRuler(service);
  const other = await newRuler(service);
  const rule = await addRule(own.caller, [await connectSimulator(own.caller)]);
  await other.caller.get(`${RULES}/${rule.id}`).expect(404);
  await other.caller.post(`${RULES}/${rule.id}`).send({ name: 'mine' }).expect(404);
  await other.caller.delete(`${RULES}/${rule.id}`).expect(404);
  await other.caller
    .post(`${RULES}/order`)
    .send({ rule_ids: [rule.id] })
    .expect(409);
  assert.deepEqual(await ruleOrder(other.caller), []);
  assert.deepEqual(await ruleOrder(own.caller), ['1 A rule']);
});

test('a test key manages test rules only; a live key both, each mode with its own places', async () => {
  const { merchantId, caller: live } = await newRuler(service, 'live');
  const testKey = rulerOf(service, merchantId, 'test');
  const simulator = await connectSimulator(live);
  const stripe = await connectStripe(live, stripeKey('live'), { mode: 'live' });
  const liveRule = await addRule(live, [stripe], { name: 'in live' });
  assert.equal(liveRule.mode, 'live');
  await addRule(live, [simulator], { name: 'in test', mode: 'test' });
  assert.deepEqual(await ruleOrder(live), ['1 in live', '1 in test']);
  assert.deepEqual(await ruleOrder(live, '?mode=test'), ['1 in test']);
  const body = { mode: 'live', name: 'x', conditions: {}, provider_accounts: [stripe] };
  await testKey.post(RULES).send(body).expect(403);
  await testKey.get(`${RULES}?mode=live`).expect(403);
  await testKey
    .post(`${RULES}/order`)
    .send({ mode: 'live', rule_ids: [liveRule.id] })
    .expect(403);
  await testKey.get(`${RULES}/${liveRule.id}`).expect(404);
  await testKey.post(`${RULES}/${liveRule.id}`).send({ enabled: false }).expect(404);
  await testKey.delete(`${RULES}/${liveRule.id}`).expect(404);
  assert.deepEqual(await ruleOrder(testKey), ['1 in test']);
});

test('without the permission every route is 403, and reading does not allow writing', async () => {
  const { merchantId } = await newRuler(service);
  const reader = asCaller(service, { merchantId, scopes: ['routing_rules:read'] });
  const none = asCaller(service, { merchantId, scopes: ['provider_accounts:write'] });
  const id = toPublicId('rr', newUuid());
  await reader.get(RULES).expect(200);
  for (const caller of [reader, none]) {
    await caller.post(RULES).send({}).expect(403);
    await caller.post(`${RULES}/order`).send({}).expect(403);
    await caller.post(`${RULES}/${id}`).send({}).expect(403);
    await caller.delete(`${RULES}/${id}`).expect(403);
  }
  for (const path of [RULES, `${RULES}/${id}`]) await none.get(path).expect(403);
  await none.post(`${RULES}/dry-run`).send({}).expect(403);
});
