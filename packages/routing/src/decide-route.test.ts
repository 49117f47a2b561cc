import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideRoute } from './decide-route.ts';
import type { Facts, RoutableAccount, Routing, Rule } from './routing.ts';

const FACTS: Facts = { amountMinor: 12_050n, currency: 'EUR', method: 'card' };

function rule(change: Partial<Rule> & { id: string }): Rule {
  return {
    name: change.id,
    enabled: true,
    currencies: [],
    amountMinMinor: undefined,
    amountMaxMinor: undefined,
    countries: [],
    cardBrands: [],
    cardCountries: [],
    methods: [],
    accountIds: ['a1'],
    ...change,
  };
}

function account(id: string, change: Partial<RoutableAccount> = {}): RoutableAccount {
  return { id, provider: 'simulator', name: id, isDefault: false, methods: ['card', 'card_page'], ...change };
}

function routing(change: Partial<Routing>): Routing {
  const accounts = [account('a1'), account('a2'), account('a3', { isDefault: true })];
  return { rules: [], accounts, currencies: [], methods: [], ...change };
}

const BOUNDED = rule({ id: 'r', currencies: ['EUR'], amountMinMinor: 12_050n, amountMaxMinor: 20_000n });

const CASES: [name: string, rule: Rule, facts: Partial<Facts>, matches: boolean][] = [
  ['no condition holds for every payment', rule({ id: 'r' }), {}, true],
  ['a currency that is named', rule({ id: 'r', currencies: ['USD', 'EUR'] }), {}, true],
  ['a currency that is not named', rule({ id: 'r', currencies: ['USD'] }), {}, false],
  ['the lower bound itself', BOUNDED, {}, true],
  ['one unit below the lower bound', BOUNDED, { amountMinor: 12_049n }, false],
  ['the upper bound itself', BOUNDED, { amountMinor: 20_000n }, true],
  ['one unit above the upper bound', BOUNDED, { amountMinor: 20_001n }, false],
  ['an amount past what a double holds', BOUNDED, { amountMinor: 9_007_199_254_740_993n }, false],
  ['the same number in another currency', BOUNDED, { currency: 'MAD' }, false],
  ['bounds in no currency', rule({ id: 'r', amountMinMinor: 1n }), {}, false],
  ['bounds in two', rule({ id: 'r', amountMinMinor: 1n, currencies: ['EUR', 'MAD'] }), {}, false],
  ['a method that is named', rule({ id: 'r', methods: ['card'] }), {}, true],
  ['a method that is not named', rule({ id: 'r', methods: ['card'] }), { method: 'card_page' }, false],
  ['a brand that is known', rule({ id: 'r', cardBrands: ['visa'] }), { cardBrand: 'visa' }, true],
  ['a brand that is not known', rule({ id: 'r', cardBrands: ['visa'] }), {}, false],
  ['a brand that is empty', rule({ id: 'r', cardBrands: ['visa'] }), { cardBrand: '' }, false],
  ['the card’s country', rule({ id: 'r', cardCountries: ['MA'] }), { cardCountry: 'MA' }, true],
  ['the guest’s country for the card’s', rule({ id: 'r', cardCountries: ['MA'] }), { country: 'MA' }, false],
  ['the guest’s country', rule({ id: 'r', countries: ['MA'] }), { country: 'MA' }, true],
  ['the card’s country for the guest’s', rule({ id: 'r', countries: ['MA'] }), { cardCountry: 'MA' }, false],
  [
    'one condition of two',
    rule({ id: 'r', currencies: ['EUR'], countries: ['MA'] }),
    { country: 'FR' },
    false,
  ],
  ['a rule that is switched off', rule({ id: 'r', enabled: false }), {}, false],
];

for (const [name, one, facts, matches] of CASES)
  test(`${name}: ${matches ? 'matches' : 'does not match'}`, () => {
    const decision = decideRoute(routing({ rules: [one] }), { ...FACTS, ...facts });
    assert.equal(decision.ruleId, matches ? 'r' : undefined);
    assert.deepEqual(
      decision.accounts.map(({ id }) => id),
      [matches ? 'a1' : 'a3'],
    );
    assert.equal(decision.considered[0]?.matched, matches);
  });

test('the first matching rule with a usable account takes it; those after it are not looked at', () => {
  const rules = [
    rule({ id: 'other', currencies: ['USD'] }),
    rule({ id: 'gone', accountIds: ['deleted'] }),
    rule({ id: 'taken', accountIds: ['a2', 'deleted', 'a1'] }),
    rule({ id: 'late', accountIds: ['a1'] }),
  ];
  const unusable = new Map([['deleted', 'the account “Old” is deleted']]);
  const decision = decideRoute(routing({ rules, unusable }), FACTS);
  assert.equal(decision.ruleId, 'taken');
  assert.deepEqual(
    decision.accounts.map(({ id }) => id),
    ['a2', 'a1'],
  );
  assert.deepEqual(decision.considered, [
    { ruleId: 'other', name: 'other', matched: false, because: ['the currency EUR is none of USD'] },
    {
      ruleId: 'gone',
      name: 'gone',
      matched: true,
      because: [
        'it has no conditions, so it holds for every payment',
        'the account “Old” is deleted',
        'passed over: none of its accounts can take this payment',
      ],
    },
    {
      ruleId: 'taken',
      name: 'taken',
      matched: true,
      because: ['it has no conditions, so it holds for every payment', 'the account “Old” is deleted'],
    },
  ]);
});

test('an account whose provider does not carry the method is left out, and the words say so', () => {
  const accounts = [
    account('a1', { methods: ['card_page'] }),
    account('a2', { isDefault: true, methods: ['card_page'] }),
  ];
  const decision = decideRoute(routing({ accounts, rules: [rule({ id: 'r' })] }), FACTS);
  assert.equal(decision.refusal, 'not_supported');
  assert.deepEqual(decision.accounts, []);
  assert.match(decision.considered[0]?.because.join() ?? '', /simulator does not carry card/);
});

test('without any rule the default account takes it; without a default nobody does', () => {
  const taken = decideRoute(routing({}), FACTS);
  assert.deepEqual(
    [taken.ruleId, taken.refusal, taken.accounts.map(({ id }) => id)],
    [undefined, undefined, ['a3']],
  );
  const refused = decideRoute(routing({ accounts: [account('a1')] }), FACTS);
  assert.deepEqual([refused.refusal, refused.accounts], ['provider_account_missing', []]);
});

test('what the hotel does not accept is refused before any rule is looked at', () => {
  const rules = [rule({ id: 'r' })];
  for (const accepted of [{ currencies: ['MAD'] }, { methods: ['card_page'] }]) {
    const decision = decideRoute(routing({ rules, ...accepted }), FACTS);
    assert.equal(decision.refusal, 'method_not_accepted');
    assert.deepEqual([decision.accounts, decision.considered], [[], []]);
  }
  const accepted = { currencies: ['MAD', 'EUR'], methods: ['card'] };
  assert.equal(decideRoute(routing({ rules, ...accepted }), FACTS).ruleId, 'r');
});
