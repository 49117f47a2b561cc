import { dayNumber } from './calendar-date.ts';
import type { PriceLine } from './price.ts';
import { compareText } from './price-items.ts';
import type { Entry } from './price-items.ts';
import { matchesItem, memberOf } from './pricing.ts';
import type { HotelPricing, Tax } from './pricing.ts';
import type { QuoteRequest } from './quote-request.ts';
import { roundShares } from './rounding.ts';
import type { Fraction, Rounding } from './rounding.ts';

/** The taxes on what discounts left, one line each, in order of their names. */
export function priceTaxes(
  pricing: HotelPricing,
  request: QuoteRequest,
  entries: readonly Entry[],
  rounding: Rounding,
): { lines: PriceLine[]; rules: unknown[] } {
  const taxes = Object.entries(pricing.taxes)
    .toSorted(([a], [b]) => compareText(a, b))
    .map(([name, tax]) => ({
      name,
      tax,
      meant: entries.filter((entry) => matchesItem(tax.items, entry.item.item)),
    }))
    .filter(({ meant }) => meant.length > 0);
  const lines: PriceLine[] = [];
  const rules: unknown[] = [];
  for (const { name, tax, meant } of taxes) {
    const { basis_points, included, nights_max, per_person_night: prices } = tax;
    const unit = prices === undefined ? undefined : memberOf(prices, request.currency);
    const line =
      unit === undefined
        ? toRateLine(pricing, name, tax, meant, rounding)
        : toPersonLine(name, tax, meant, request.guests, unit);
    if (line === undefined) continue;
    lines.push(line);
    rules.push(
      unit === undefined ? { name, basis_points, included } : { name, unit: String(unit), nights_max },
    );
  }
  return { lines, rules };
}

function toRateLine(
  pricing: HotelPricing,
  name: string,
  tax: Tax,
  meant: readonly Entry[],
  rounding: Rounding,
): PriceLine {
  const shares = meant.flatMap((entry) =>
    entry.lines.map((line) => shareOf(pricing, tax, entry, line.netMinor)),
  );
  const amountMinor = roundShares(shares, rounding).reduce((sum, part) => sum + part, 0n);
  return {
    kind: 'tax',
    code: name,
    description: tax.description,
    quantity: 1,
    nights: 0,
    unitMinor: amountMinor,
    amountMinor,
    included: tax.included === true,
  };
}

/**
 * The exact tax in, or on, an amount. Taxes that a price includes are all reckoned on the price without any of them: of
 * 110 with 10 % included 10 are tax. Added ones are reckoned on the price as it stands.
 */
function shareOf(pricing: HotelPricing, tax: Tax, entry: Entry, netMinor: bigint): Fraction {
  const numerator = netMinor * BigInt(tax.basis_points ?? 0);
  if (tax.included !== true) return { numerator, denominator: 10_000n };
  const included = Object.values(pricing.taxes)
    .filter((other) => other.included === true && matchesItem(other.items, entry.item.item))
    .reduce((sum, other) => sum + (other.basis_points ?? 0), 0);
  return { numerator, denominator: BigInt(10_000 + included) };
}

/** So much a person and night, for at most `nights_max` nights; undefined when nobody stays a night. */
function toPersonLine(
  name: string,
  tax: Tax,
  meant: readonly Entry[],
  guests: number,
  unitMinor: bigint,
): PriceLine | undefined {
  const nights = Math.min(nightsSpent(meant), tax.nights_max ?? Infinity);
  if (nights === 0) return undefined;
  return {
    kind: 'tax',
    code: name,
    description: tax.description,
    quantity: guests,
    nights,
    unitMinor,
    amountMinor: unitMinor * BigInt(guests) * BigInt(nights),
    included: false,
  };
}

/** Nights of the stay, each once however many rooms there are: a guest sleeps in one of them. */
function nightsSpent(entries: readonly Entry[]): number {
  const dated = new Set<number>();
  let undated = 0;
  for (const { item, nights } of entries) {
    if (item.check_in === undefined) undated = Math.max(undated, nights);
    else {
      const first = dayNumber(item.check_in);
      for (let night = 0; night < nights; night += 1) dated.add(first + night);
    }
  }
  return Math.max(dated.size, undated);
}
