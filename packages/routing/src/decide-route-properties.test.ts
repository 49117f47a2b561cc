import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decideRoute } from './decide-route.ts';
import { checkConditions } from './match-rule.ts';
import { anyFacts, anyRouting, anyRule } from './routing-arbitraries.ts';
import type { Facts, Rule } from './routing.ts';

const RUNS = { numRuns: 2_000 };

const matches = (rule: Rule, facts: Facts): boolean =>
  rule.enabled && checkConditions(rule, facts).every(({ holds }) => holds);

test('the same input gives the same decision, and the input is left as it was', () => {
  fc.assert(
    fc.property(anyRouting, anyFacts, (routing, facts) => {
      const before = fc.stringify({ routing, facts });
      assert.deepEqual(decideRoute(routing, facts), decideRoute(structuredClone(routing), { ...facts }));
      assert.equal(fc.stringify({ routing, facts }), before);
    }),
    RUNS,
  );
});

test('the rule that takes it matches and has a usable account, and no rule before it has both', () => {
  let taken = 0;
  fc.assert(
    fc.property(anyRouting, anyFacts, (routing, facts) => {
      const { ruleId, accounts, refusal } = decideRoute(routing, facts);
      if (refusal === 'method_not_accepted') return;
      const usable = (rule: Rule) =>
        rule.accountIds.filter((id) =>
          routing.accounts.some((account) => account.id === id && account.methods.includes(facts.method)),
        );
      const first = routing.rules.find((rule) => matches(rule, facts) && usable(rule).length > 0);
      assert.equal(ruleId, first?.id);
      if (first === undefined) return;
      taken += 1;
      // In the order of the rule, each once.
      assert.deepEqual(
        accounts.map(({ id }) => id),
        usable(first),
      );
    }),
    RUNS,
  );
  assert.ok(taken > 100, `only ${taken} payments were taken by a rule`);
});

test('a rule made narrower never matches more', () => {
  let narrowed = 0;
  fc.assert(
    fc.property(anyRule, anyRule, anyFacts, (wide, other, facts) => {
      const narrow: Rule = {
        ...wide,
        countries: narrower(wide.countries, other.countries),
        cardBrands: narrower(wide.cardBrands, other.cardBrands),
        cardCountries: narrower(wide.cardCountries, other.cardCountries),
        methods: narrower(wide.methods, other.methods),
        amountMinMinor: highest(wide.amountMinMinor, other.amountMinMinor),
        amountMaxMinor: lowest(wide.amountMaxMinor, other.amountMaxMinor),
      };
      if (!matches(narrow, facts)) return;
      narrowed += 1;
      assert.ok(matches(wide, facts));
    }),
    { numRuns: 5_000 },
  );
  assert.ok(narrowed > 50, `only ${narrowed} narrower rules matched`);
});

test('conditions are independent: all hold together exactly when each holds alone', () => {
  const none = {
    currencies: [],
    amountMinMinor: undefined,
    amountMaxMinor: undefined,
    countries: [],
    cardBrands: [],
    cardCountries: [],
    methods: [],
  };
  fc.assert(
    fc.property(anyRule, anyFacts, (rule, facts) => {
      const alone = [
        { ...none, currencies: rule.currencies },
        // A bound means nothing without its currency.
        { ...none, currencies: rule.currencies, amountMinMinor: rule.amountMinMinor },
        { ...none, currencies: rule.currencies, amountMaxMinor: rule.amountMaxMinor },
        { ...none, countries: rule.countries },
        { ...none, cardBrands: rule.cardBrands },
        { ...none, cardCountries: rule.cardCountries },
        { ...none, methods: rule.methods },
      ].every((conditions) => checkConditions(conditions, facts).every(({ holds }) => holds));
      assert.equal(
        checkConditions(rule, facts).every(({ holds }) => holds),
        alone,
      );
    }),
    RUNS,
  );
});

test('the explanation says what came out', () => {
  fc.assert(
    fc.property(anyRouting, anyFacts, (routing, facts) => {
      const { considered, ruleId, accounts, refusal, reason } = decideRoute(routing, facts);
      assert.equal(accounts.length === 0, refusal !== undefined);
      assert.ok(reason.length > 0);
      // The rules in their order, up to the one that took it.
      assert.deepEqual(
        considered.map((each) => each.ruleId),
        routing.rules.slice(0, considered.length).map(({ id }) => id),
      );
      if (ruleId !== undefined) assert.equal(considered.at(-1)?.ruleId, ruleId);
      else if (refusal !== 'method_not_accepted') assert.equal(considered.length, routing.rules.length);
      for (const [index, each] of considered.entries()) {
        const rule = routing.rules[index];
        assert.ok(rule !== undefined && each.because.length > 0);
        assert.equal(each.matched, matches(rule, facts));
        const isPassedOver = each.because.some((words) => words.startsWith('passed over'));
        assert.equal(isPassedOver, each.matched && each.ruleId !== ruleId);
      }
    }),
    RUNS,
  );
});

/** A rule that is switched off, or never matches, changes nothing for anybody else. */
test('a rule that does not match can be taken away without changing the outcome', () => {
  fc.assert(
    fc.property(anyRouting, anyFacts, (routing, facts) => {
      const left = routing.rules.filter((rule) => matches(rule, facts));
      const { ruleId, accounts, refusal } = decideRoute({ ...routing, rules: left }, facts);
      const whole = decideRoute(routing, facts);
      assert.deepEqual(
        { ruleId, accounts, refusal },
        {
          ruleId: whole.ruleId,
          accounts: whole.accounts,
          refusal: whole.refusal,
        },
      );
    }),
    RUNS,
  );
});

/** An empty list is the widest; of two lists what both name, or the first alone where they share nothing. */
function narrower(wide: readonly string[], by: readonly string[]): readonly string[] {
  if (wide.length === 0) return by;
  const both = wide.filter((each) => by.includes(each));
  return both.length === 0 ? wide : both;
}

function highest(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  if (a === undefined || b === undefined) return a;
  return a > b ? a : b;
}

function lowest(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  if (a === undefined || b === undefined) return a;
  return a < b ? a : b;
}
