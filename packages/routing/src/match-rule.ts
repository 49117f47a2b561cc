import type { Conditions, Facts } from './routing.ts';

/** One condition of a rule held against a payment, and how that is said to staff. */
export type Check = { holds: boolean; because: string };

/** Every condition that the rule has, in a fixed order. The rule matches when all hold; one without any always does. */
export function checkConditions(conditions: Conditions, facts: Facts): Check[] {
  return [
    ...oneOf(conditions.currencies, facts.currency, 'the currency'),
    ...amountBounds(conditions, facts),
    ...oneOf(conditions.methods, facts.method, 'the method'),
    ...oneOf(conditions.cardBrands, facts.cardBrand, "the card's brand"),
    ...oneOf(conditions.cardCountries, facts.cardCountry, "the card's country"),
    ...oneOf(conditions.countries, facts.country, "the guest's country"),
  ];
}

/** A condition on something that is not known does not hold: a guess would send money where nobody asked for it. */
function oneOf(named: readonly string[], known: string | undefined, what: string): Check[] {
  if (named.length === 0) return [];
  if (known === undefined || known === '') return [{ holds: false, because: `${what} is not known` }];
  const holds = named.includes(known);
  return [{ holds, because: `${what} ${known} is ${holds ? 'one' : 'none'} of ${shortList(named)}` }];
}

/**
 * 10000 MAD and 10000 JPY are not the same amount, so bounds only hold in the one currency that the rule names. A rule that
 * names none or several cannot be saved; were one there, it would match nothing rather than the wrong thing.
 */
function amountBounds({ currencies, amountMinMinor, amountMaxMinor }: Conditions, facts: Facts): Check[] {
  if (amountMinMinor === undefined && amountMaxMinor === undefined) return [];
  const [only] = currencies;
  if (only === undefined || currencies.length > 1)
    return [{ holds: false, because: 'the rule bounds the amount without naming one currency' }];
  const amount = `the amount, ${facts.amountMinor} minor units,`;
  if (facts.currency !== only)
    return [{ holds: false, because: `${amount} is not in ${only} and so cannot be compared` }];
  return [
    ...(amountMinMinor === undefined
      ? []
      : [bound(facts.amountMinor >= amountMinMinor, amount, `at least ${amountMinMinor}`)]),
    ...(amountMaxMinor === undefined
      ? []
      : [bound(facts.amountMinor <= amountMaxMinor, amount, `at most ${amountMaxMinor}`)]),
  ];
}

function bound(holds: boolean, amount: string, wanted: string): Check {
  return { holds, because: `${amount} is ${holds ? '' : 'not '}${wanted}` };
}

// A rule may name 250 countries; a sentence should not.
const NAMED_MAX = 8;

function shortList(named: readonly string[]): string {
  const shown = named.slice(0, NAMED_MAX).join(', ');
  return named.length > NAMED_MAX ? `${shown} and ${named.length - NAMED_MAX} more` : shown;
}
