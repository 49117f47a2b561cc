import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { ConfigError } from '@centra/service-kit/env.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { dayNumber } from './calendar-date.ts';
import { matchesItem, pricingFileSchema } from './pricing.ts';
import type { HotelPricing, Pricing } from './pricing.ts';

/** The example that is shipped with the service. */
export const SHIPPED_PRICING_FILE = join(import.meta.dirname, '..', '..', 'pricing', 'pricing.yaml');

// Some 10,000 items; it is read and checked in about a second. More would be a file of something else.
const FILE_MAX_BYTES = 2 * 1024 * 1024;
// A person mends the first few; the rest often follow from them.
const PROBLEMS_MAX = 20;

/** Reads and checks a pricing.yaml. Throws ConfigError naming each key and why, so that the service does not start. */
export function readPricingFile(path: string): Pricing {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    throw new ConfigError('PRICING_FILE names a file that cannot be read');
  }
  return parsePricing(bytes);
}

/** The same from the file's content. */
export function parsePricing(bytes: Buffer): Pricing {
  if (bytes.length > FILE_MAX_BYTES) throw invalid(['the file is larger than 2 MiB']);
  const result = pricingFileSchema.safeParse(parseYaml(bytes));
  if (!result.success) throw invalid(result.error.issues.flatMap(toProblems));
  const { version, default: fallback, hotels } = result.data;
  const problems = problemsOfHotel(fallback, 'default');
  const byMerchant = new Map<string, HotelPricing>();
  for (const [id, own] of Object.entries(hotels)) {
    const path = pathOf(['hotels', id]);
    const merchantId = fromPublicId('mer', id);
    if (merchantId === undefined) problems.push(`${path}: is not the id of a merchant, mer_…`);
    else {
      const hotel = overridden(fallback, own);
      problems.push(...problemsOfHotel(hotel, path));
      byMerchant.set(merchantId, hotel);
    }
  }
  if (problems.length > 0) throw invalid(problems);
  return { version, default: fallback, hotels: byMerchant };
}

/** The prices of a hotel: its own, or everybody's. */
export function pricingOf(pricing: Pricing, merchantId: string): HotelPricing {
  return pricing.hotels.get(merchantId) ?? pricing.default;
}

function parseYaml(bytes: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid(['the file is not UTF-8']);
  }
  // Whole numbers as bigint tell 120 (minor units) from 120.00 (which is refused); see pricing.ts.
  const document = parseDocument(text, { intAsBigInt: true, version: '1.2', schema: 'core', merge: false });
  const problems = [...document.errors, ...document.warnings];
  // The first line of a message says what and where; the others draw it.
  if (problems.length > 0) throw invalid(problems.map((problem) => problem.message.split('\n')[0] ?? ''));
  try {
    const value: unknown = document.toJS();
    return value;
  } catch {
    // Aliases that multiply beyond the parser's limit, or that name nothing.
    throw invalid(['an alias names nothing, or aliases unfold to too much']);
  }
}

type Own = z.infer<typeof pricingFileSchema>['hotels'][string];

/** A section that the hotel gives replaces the default's of that name whole: what its block shows is what holds. */
function overridden(fallback: HotelPricing, own: Own): HotelPricing {
  return {
    time_zone: own.time_zone ?? fallback.time_zone,
    currencies: own.currencies ?? fallback.currencies,
    rounding: own.rounding ?? fallback.rounding,
    items: own.items ?? fallback.items,
    seasons: own.seasons ?? fallback.seasons,
    discounts: own.discounts ?? fallback.discounts,
    codes: own.codes ?? fallback.codes,
    taxes: own.taxes ?? fallback.taxes,
  };
}

/** What a schema cannot see: references from one section to another. */
function problemsOfHotel(hotel: HotelPricing, path: string): string[] {
  return [
    ...problemsOfItems(hotel),
    ...problemsOfSeasons(hotel),
    ...problemsOfRules(hotel),
    ...problemsOfAmounts(hotel),
  ].map((problem) => `${path}.${problem}`);
}

function problemsOfItems(hotel: HotelPricing): string[] {
  const problems: string[] = [];
  for (const [code, item] of Object.entries(hotel.items)) {
    const path = ['items', code];
    const currencies = Object.keys(item.price).toSorted().join(', ');
    for (const currency of Object.keys(item.price))
      if (!Object.hasOwn(hotel.currencies, currency))
        problems.push(`${pathOf([...path, 'price', currency])}: is not among the currencies`);
    for (const [season, price] of Object.entries(item.seasons ?? {})) {
      const seasonPath = pathOf([...path, 'seasons', season]);
      if (!Object.hasOwn(hotel.seasons, season)) problems.push(`${seasonPath}: is not among the seasons`);
      // A currency left out would silently be sold at the price of the other seasons.
      if (Object.keys(price).toSorted().join(', ') !== currencies)
        problems.push(`${seasonPath}: must name the same currencies as the price (${currencies})`);
    }
  }
  return problems;
}

function problemsOfSeasons(hotel: HotelPricing): string[] {
  const problems: string[] = [];
  const ranges = Object.entries(hotel.seasons).flatMap(([season, { ranges: own }]) =>
    own.map(({ from, to }, index) => ({
      path: pathOf(['seasons', season, 'ranges', index]),
      first: dayNumber(from),
      last: dayNumber(to),
    })),
  );
  for (const { path, first, last } of ranges)
    if (last < first) problems.push(`${path}: ends before it begins`);
  const inOrder = ranges.toSorted((a, b) => a.first - b.first);
  for (const [index, range] of inOrder.entries()) {
    const before = inOrder[index - 1];
    // A night in two seasons would have two prices.
    if (before !== undefined && range.first <= before.last)
      problems.push(`${range.path}: overlaps ${before.path}`);
  }
  return problems;
}

function problemsOfRules(hotel: HotelPricing): string[] {
  const problems: string[] = [];
  const codes = Object.keys(hotel.items);
  for (const section of ['discounts', 'codes', 'taxes'] as const)
    for (const [name, { items }] of Object.entries(hotel[section]))
      for (const [index, pattern] of items.entries())
        if (!codes.some((code) => matchesItem([pattern], code)))
          problems.push(`${pathOf([section, name, 'items', index])}: names no item (${pattern})`);
  for (const [code, { valid_from: from, valid_to: to }] of Object.entries(hotel.codes))
    if (from !== undefined && to !== undefined && dayNumber(to) < dayNumber(from))
      problems.push(`${pathOf(['codes', code, 'valid_to'])}: is before valid_from`);
  return problems;
}

/** A tax must be known in every currency; an amount off need not, the code is then refused in that currency. */
function problemsOfAmounts(hotel: HotelPricing): string[] {
  const problems: string[] = [];
  for (const [name, { per_person_night: amount }] of Object.entries(hotel.taxes))
    for (const currency of amount === undefined ? [] : Object.keys(hotel.currencies))
      if (!Object.hasOwn(amount ?? {}, currency))
        problems.push(`${pathOf(['taxes', name, 'per_person_night', currency])}: is missing`);
  for (const [path, amount] of [
    ...Object.entries(hotel.taxes).map(
      ([name, tax]) => [['taxes', name, 'per_person_night'], tax.per_person_night] as const,
    ),
    ...Object.entries(hotel.codes).map(([name, code]) => [['codes', name, 'amount'], code.amount] as const),
  ])
    for (const currency of Object.keys(amount ?? {}))
      if (!Object.hasOwn(hotel.currencies, currency))
        problems.push(`${pathOf([...path, currency])}: is not among the currencies`);
  return problems;
}

function toProblems(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${pathOf([...issue.path, key])}: is not a known key`);
  return [issue.path.length === 0 ? issue.message : `${pathOf(issue.path)}: ${issue.message}`];
}

/** `default.items[room.double].price.EUR`: names with points of their own stand in brackets. */
function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => {
      const name = String(part);
      const plain = typeof part !== 'number' && /^[A-Za-z0-9_-]+$/.test(name);
      return plain ? `${index === 0 ? '' : '.'}${name}` : `[${name.slice(0, 64)}]`;
    })
    .join('');
}

function invalid(problems: readonly string[]): ConfigError {
  const shown = problems.slice(0, PROBLEMS_MAX);
  const more = problems.length > shown.length ? [`and ${problems.length - shown.length} more`] : [];
  return new ConfigError(`PRICING_FILE is not a valid pricing: ${[...shown, ...more].join('; ')}`);
}
