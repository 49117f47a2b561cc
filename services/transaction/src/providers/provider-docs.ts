import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exponentOf, requireCurrency } from '@centra/money/currency.ts';
import { formatAmount } from '@centra/money/format-amount.ts';
import { fromProviderMinor } from '@centra/money/provider-amount.ts';
import { AMOUNT_RULES } from '@centra/money/provider-rules.ts';
import { createCardVaults } from './card-transport.ts';
import { FAILURES } from './failure.ts';
import type { Capabilities } from './provider.ts';
import { SIMULATOR_CAPABILITIES } from './simulator/simulator.ts';
import {
  behaviourWords,
  brandTable,
  chargeEffectWords,
  followUpEffectWords,
} from './simulator/simulator-words.ts';
import { CHARGE_AMOUNTS, FOLLOW_UP_AMOUNTS } from './simulator/simulator-amounts.ts';
import { TEST_CARDS } from './simulator/simulator-cards.ts';
import { createStripe } from './stripe/stripe.ts';
import { STRIPE_CODES } from './stripe/stripe-mapping.ts';

/** The pages of docs/providers with tables of ours, and where they lie. */
export const PROVIDER_PAGES = ['simulator', 'stripe'] as const;
export type ProviderPage = (typeof PROVIDER_PAGES)[number];

export function pagePath(page: ProviderPage): string {
  return join(import.meta.dirname, '..', '..', '..', '..', 'docs', 'providers', `${page}.md`);
}

/**
 * The page with each table between `<!-- table: name -->` and `<!-- end -->` made anew from the code. What stands
 * outside of them is written by hand. Throws when a page names a table that does not exist, or leaves one out.
 */
export function withTables(page: ProviderPage, text: string): string {
  const tables = tablesOf(page);
  const used = new Set<string>();
  const filled = text.replaceAll(
    /<!-- table: ([a-z-]+) -->\n[\s\S]*?<!-- end -->/g,
    (_whole, name: string) => {
      const found = tables[name];
      if (found === undefined) throw new Error(`${page}.md names the table ${name}, which does not exist`);
      used.add(name);
      return `<!-- table: ${name} -->\n${found}\n<!-- end -->`;
    },
  );
  const missing = Object.keys(tables).filter((name) => !used.has(name));
  if (missing.length > 0) throw new Error(`${page}.md leaves out the table ${missing.join(', ')}`);
  return filled;
}

function tablesOf(page: ProviderPage): Readonly<Record<string, string>> {
  if (page === 'simulator')
    return {
      capabilities: capabilityTable(SIMULATOR_CAPABILITIES),
      cards: cardTable(),
      brands: table(['brand', 'held for', 'started by the hotel', 'extended', 'extras'], brandTable()),
      amounts: amountTable(CHARGE_AMOUNTS, chargeEffectWords),
      'follow-up-amounts': amountTable(FOLLOW_UP_AMOUNTS, followUpEffectWords),
    };
  const vaults = createCardVaults({});
  const stripe = createStripe({
    apiUrl: 'https://api.stripe.com',
    timeoutMs: 1_000,
    vaults,
    failpoint: () => {},
  });
  stripe.close();
  return {
    capabilities: capabilityTable(stripe.capabilities),
    currencies: stripeCurrencyTable(),
    minimums: stripeMinimumTable(),
    declines: declineTable(),
  };
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [tableLine(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(tableLine)].join('\n');
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function capabilityTable(capabilities: Capabilities): string {
  const { idempotencyWindowMs: windowMs, refundWindowDays: days, holdExpiry } = capabilities;
  const forHowLong = windowMs === 0 ? 'never: not declared' : `${windowMs / 3_600_000} hours`;
  // By name, so that a capability without words does not compile.
  const words: Record<keyof Capabilities, [what: string, value: string]> = {
    idempotencyWindowMs: ['a repeated key surely gives the first answer for', forHowLong],
    lookupByReference: [
      'an operation is found by our own reference',
      yesOrNo(capabilities.lookupByReference),
    ],
    cancelChallenge: [
      'an unfinished challenge (3-D Secure) can be withdrawn',
      yesOrNo(capabilities.cancelChallenge),
    ],
    manualCapture: ['money can be held first and collected later', yesOrNo(capabilities.manualCapture)],
    partialCapture: ['less than the hold can be captured', yesOrNo(capabilities.partialCapture)],
    multipleCapture: ['a hold can be captured several times', perHold(capabilities.multipleCapture)],
    incrementalAuthorization: ['a hold can be raised', perHold(capabilities.incrementalAuthorization)],
    decreaseAuthorization: [
      'a hold can be lowered without capturing',
      yesOrNo(capabilities.decreaseAuthorization),
    ],
    overcapture: ['more than the hold can be captured', perHold(capabilities.overcapture)],
    partialApproval: ['the bank may approve a part, when asked to', yesOrNo(capabilities.partialApproval)],
    hostedPage: ['it has a hosted page that collects the card', yesOrNo(capabilities.hostedPage)],
    holdExpiry: [
      'who tells when a hold lapses',
      holdExpiry === 'provider' ? 'the provider, for each hold' : 'nobody',
    ],
    refundWindowDays: [
      'money can be given back for',
      days === undefined ? 'no limit is known' : `${days} days`,
    ],
    partialRefunds: ['several refunds of parts are possible', yesOrNo(capabilities.partialRefunds)],
    events: ['it sends signed events', yesOrNo(capabilities.events)],
  };
  return table(['capability', ''], Object.values(words));
}

function perHold(value: 'never' | 'per_hold'): string {
  return value === 'never' ? 'no' : "as each hold's own answer says";
}

function yesOrNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

function cardTable(): string {
  const rows = TEST_CARDS.map((card) => [
    `\`${card.token}\``,
    card.tokenOnly === true ? 'the token only' : `${card.brand} ${card.first6}…${card.last4}`,
    behaviourWords(card),
  ]);
  return table(['card token', 'stands for, also when it comes from the vault', 'outcome'], rows);
}

function amountTable<Effect>(
  amounts: ReadonlyMap<bigint, Effect>,
  words: (effect: Effect) => string,
): string {
  const rows = [...amounts].map(([amountMinor, effect]) => [
    String(amountMinor),
    formatAmount({ amountMinor, currency: 'EUR' }),
    words(effect),
  ]);
  return table(['minor units', 'for example', 'what happens'], rows);
}

/** Where Stripe writes or limits a currency otherwise than ISO 4217 would have it. */
function stripeCurrencyTable(): string {
  const { exponentOverrides, multiples, digitsMaxOverrides, refusals, digitsMax } = AMOUNT_RULES.stripe;
  const notes = new Map<string, string[]>();
  const note = (code: string, words: string): void =>
    void notes.set(code, [...(notes.get(code) ?? []), words]);
  for (const [code, decimals] of Object.entries(exponentOverrides))
    note(code, `sent with ${decimals} decimals (ISO ${exponentOf(requireCurrency(code))})`);
  for (const [code, multiple] of Object.entries(multiples))
    note(code, `only multiples of ${multiple} units: anything finer is \`amount_not_allowed\``);
  for (const [code, digits] of Object.entries(digitsMaxOverrides))
    note(code, `up to ${digits} digits (others ${digitsMax})`);
  for (const [code, why] of Object.entries(refusals)) note(code, `not taken: ${why}`);
  const rows = [...notes]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([code, words]) => [code, words.join('; ')]);
  return table(['currency', ''], rows);
}

function stripeMinimumTable(): string {
  const rows = Object.entries(AMOUNT_RULES.stripe.minimums).map(([code, units]) => [
    code,
    formatAmount(fromProviderMinor('stripe', units, code)),
  ]);
  // Three currencies a line: the list is long and each entry short.
  const lines = Array.from({ length: Math.ceil(rows.length / 3) }, (_, index) =>
    rows.slice(index * 3, index * 3 + 3).flat(),
  );
  return table(
    ['currency', 'at least', 'currency', 'at least', 'currency', 'at least'],
    lines.map((cells) => [...cells, ...Array.from({ length: 6 - cells.length }, () => '')]),
  );
}

function declineTable(): string {
  const rows = Object.entries(FAILURES).flatMap(([ours, { message, retryable }]) => {
    const theirs = [...STRIPE_CODES].filter(([, code]) => code === ours).map(([code]) => `\`${code}\``);
    if (ours === 'card_declined') theirs.push('any other');
    return theirs.length === 0 ? [] : [[theirs.join(', '), `\`${ours}\``, retryable ? 'yes' : 'no', message]];
  });
  return table(
    ["Stripe's decline or error code", 'ours', 'the same card may work later', 'words for the guest'],
    rows,
  );
}

// Run as a program: brings the pages up to date.
if (import.meta.main) {
  for (const page of PROVIDER_PAGES)
    writeFileSync(pagePath(page), withTables(page, readFileSync(pagePath(page), 'utf8')));
}
