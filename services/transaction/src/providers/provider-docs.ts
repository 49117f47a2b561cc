import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exponentOf, requireCurrency } from '@centra/money/currency.ts';
import { formatAmount } from '@centra/money/format-amount.ts';
import { fromProviderMinor } from '@centra/money/provider-amount.ts';
import { AMOUNT_RULES } from '@centra/money/provider-rules.ts';
import { createCardVaults } from './card-transport.ts';
import { FAILURES } from './failure.ts';
import type { Capabilities, Provider } from './provider.ts';
import { createSimulator } from './simulator/simulator.ts';
import { MAGIC_AMOUNTS, TEST_CARDS } from './simulator/simulator-cards.ts';
import type { AmountEffect } from './simulator/simulator-cards.ts';
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
  const vaults = createCardVaults({});
  if (page === 'simulator')
    return {
      capabilities: capabilityTable(createSimulator({ vaults })),
      cards: cardTable(),
      amounts: magicAmountTable(),
    };
  const stripe = createStripe({
    apiUrl: 'https://api.stripe.com',
    timeoutMs: 1_000,
    vaults,
    failpoint: () => {},
  });
  stripe.close();
  return {
    capabilities: capabilityTable(stripe),
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

const CAPABILITY_WORDS = {
  idempotencyWindowMs: 'a repeated key surely gives the first answer for',
  lookupByReference: 'an operation is found by our own reference',
  cancelChallenge: 'an unfinished challenge (3-D Secure) can be withdrawn',
} as const satisfies Record<keyof Capabilities, string>;

function capabilityTable({ capabilities }: Provider): string {
  const { idempotencyWindowMs: windowMs, lookupByReference, cancelChallenge } = capabilities;
  return table(
    ['capability', ''],
    [
      [
        CAPABILITY_WORDS.idempotencyWindowMs,
        windowMs === 0 ? 'never: not declared' : `${windowMs / 3_600_000} hours`,
      ],
      [CAPABILITY_WORDS.lookupByReference, lookupByReference ? 'yes' : 'no'],
      [CAPABILITY_WORDS.cancelChallenge, cancelChallenge ? 'yes' : 'no'],
    ],
  );
}

function cardTable(): string {
  const rows = TEST_CARDS.map(({ token, brand, first6, last4, decline }) => [
    `\`${token}\``,
    `${brand} ${first6}…${last4}`,
    decline === undefined ? 'approved' : `declined: \`${decline}\``,
  ]);
  return table(['card token', 'stands for, also when it comes from the vault', 'outcome'], rows);
}

function magicAmountTable(): string {
  const rows = [...MAGIC_AMOUNTS].map(([amountMinor, effect]) => [
    String(amountMinor),
    formatAmount({ amountMinor, currency: 'EUR' }),
    effectWords(effect),
  ]);
  return table(['minor units', 'for example', 'what happens'], rows);
}

function effectWords(effect: AmountEffect): string {
  switch (effect.kind) {
    case 'decline':
      return `declined: \`${effect.code}\``;
    case 'lost':
      return effect.charged
        ? 'the answer is lost after the charge: `processing`, and a moment later `succeeded`'
        : 'the answer is lost and nothing was charged: `processing`, and after more than a minute `failed` with `not_charged`';
    case 'delay':
      return `approved after ${effect.ms / 1_000} s`;
    case 'unreachable':
      return '503 `provider_unreachable`: nothing was sent';
    default:
      throw new Error(`no words for ${JSON.stringify(effect satisfies never)}`);
  }
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
