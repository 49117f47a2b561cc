import * as fc from 'fast-check';
import type { Facts, RoutableAccount, Routing, Rule } from './routing.ts';
import { CARD_BRANDS, METHODS } from './routing.ts';

// Few values, so that rules and payments meet often.
const CURRENCIES = ['EUR', 'MAD', 'USD', 'JPY'];
const COUNTRIES = ['MA', 'FR', 'US'];
const BRANDS = CARD_BRANDS.slice(0, 3);
const AMOUNT_MAX = 1_000n;
// More than exist below, so that rules name accounts that are gone.
const ACCOUNT_IDS = ['a1', 'a2', 'a3', 'a4', 'a5'];

// Half of the conditions say nothing, else hardly any rule would match.
const some = (values: readonly string[]) => fc.oneof(fc.constant<string[]>([]), fc.subarray([...values]));
const known = (values: readonly string[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
const amount = fc.bigInt({ min: 1n, max: AMOUNT_MAX });

export const anyFacts: fc.Arbitrary<Facts> = fc.record({
  amountMinor: amount,
  currency: fc.constantFrom(...CURRENCIES),
  method: fc.constantFrom(...METHODS),
  cardBrand: known(BRANDS),
  cardCountry: known(COUNTRIES),
  country: known(COUNTRIES),
});

/** A rule as it can be saved: bounds only with exactly one currency. */
export const anyRule: fc.Arbitrary<Rule> = fc
  .record({
    id: fc.uuid(),
    name: fc.string({ minLength: 1, maxLength: 10 }),
    enabled: fc.boolean(),
    currencies: some(CURRENCIES),
    amountMinMinor: fc.option(amount, { nil: undefined }),
    amountMaxMinor: fc.option(amount, { nil: undefined }),
    countries: some(COUNTRIES),
    cardBrands: some(BRANDS),
    cardCountries: some(COUNTRIES),
    methods: some(METHODS),
    accountIds: fc.shuffledSubarray(ACCOUNT_IDS, { minLength: 1 }),
  })
  .map((rule) =>
    rule.currencies.length === 1 ? rule : { ...rule, amountMinMinor: undefined, amountMaxMinor: undefined },
  );

const anyAccounts: fc.Arbitrary<RoutableAccount[]> = fc
  .tuple(
    fc.subarray(ACCOUNT_IDS.slice(0, 4)),
    fc.array(fc.subarray([...METHODS]), { minLength: 4, maxLength: 4 }),
    fc.option(fc.nat(3), { nil: undefined }),
  )
  .map(([ids, methods, byDefault]) =>
    ids.map((id, index) => ({
      id,
      provider: 'simulator',
      name: id,
      isDefault: index === byDefault,
      methods: methods[index] ?? [],
    })),
  );

export const anyRouting: fc.Arbitrary<Routing> = fc.record({
  rules: fc.uniqueArray(anyRule, { maxLength: 6, selector: ({ id }) => id }),
  accounts: anyAccounts,
  currencies: some(CURRENCIES),
  methods: some(METHODS),
});
