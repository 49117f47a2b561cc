import { AppError } from '@centra/service-kit/errors.ts';
import { dayNumber, nightsBetween } from './calendar-date.ts';
import { memberOf } from './pricing.ts';
import type { HotelPricing, PricedItem } from './pricing.ts';
import type { QuoteItem, QuoteRequest } from './quote-request.ts';

/** One item of the request with its prices; discounts lower `netMinor`. */
export type Entry = {
  item: QuoteItem;
  /** How the request names it, for refusals. */
  field: string;
  per: PricedItem['per'];
  /** Nights of its stay; 0 where it has none. */
  nights: number;
  /** One for each price of a night: a stay across seasons has several. */
  lines: EntryLine[];
  /** What of the pricing made it. */
  rule: unknown;
};

export type EntryLine = {
  description: string;
  /** 0 where the item is not priced per night. */
  nights: number;
  unitMinor: bigint;
  amountMinor: bigint;
  /** What is left of it after discounts. */
  netMinor: bigint;
};

/** Looks every item up and multiplies. Entries come in an order of their own, so that the request's does not matter. */
export function priceItems(pricing: HotelPricing, request: QuoteRequest): Entry[] {
  if (!Object.hasOwn(pricing.currencies, request.currency))
    throw notPriced('currency', 'is not a currency of the pricing');
  return request.items
    .map((item, index) => priceItem(pricing, request.currency, item, `items.${index}`))
    .toSorted((a, b) => compareText(orderOf(a.item), orderOf(b.item)));
}

function priceItem(pricing: HotelPricing, currency: string, item: QuoteItem, field: string): Entry {
  const priced = memberOf(pricing.items, item.item);
  if (priced === undefined) throw notPriced(`${field}.item`, 'is not an item of the pricing');
  const base = memberOf(priced.price, currency);
  if (base === undefined) throw notPriced(`${field}.item`, 'has no price in this currency');
  refuseMeaningless(priced, item, field);
  const nights = nightsOf(priced, item, field);
  const parts = partsOf(pricing, priced, item, { currency, base, nights }, field);
  return {
    item,
    field,
    per: priced.per,
    nights,
    lines: parts.map((part) => {
      const counted = priced.per === 'night' ? part.nights : 1;
      const amountMinor = part.unitMinor * BigInt(item.quantity) * BigInt(counted);
      return {
        ...part,
        nights: priced.per === 'night' ? part.nights : 0,
        amountMinor,
        netMinor: amountMinor,
      };
    }),
    rule: {
      item: item.item,
      per: priced.per,
      parts: parts.map(({ description, unitMinor }) => ({ description, unit: String(unitMinor) })),
    },
  };
}

/** A wish that would change nothing must not be ignored: the guest expects what it says. */
function refuseMeaningless(priced: PricedItem, item: QuoteItem, field: string): void {
  if (priced.per === 'night') return;
  if (item.nights !== undefined)
    throw unusable(`${field}.nights`, `is only for items per night; this one is per ${priced.per}`);
  if (priced.per !== 'stay' && item.check_out !== undefined)
    throw unusable(`${field}.check_out`, `is only for stays; this item is per ${priced.per}`);
}

function nightsOf(priced: PricedItem, item: QuoteItem, field: string): number {
  const { check_in: checkIn, check_out: checkOut, nights } = item;
  const counted = checkIn !== undefined && checkOut !== undefined ? nightsBetween(checkIn, checkOut) : nights;
  if (counted !== undefined) return counted;
  if (priced.per !== 'night') return 0;
  throw unusable(field, 'needs check_in and check_out, or nights: it is priced per night');
}

type Part = { description: string; unitMinor: bigint; nights: number };

/** The stay cut by price: nights out of season first, then the seasons in order of time. */
function partsOf(
  pricing: HotelPricing,
  priced: PricedItem,
  item: QuoteItem,
  base: { currency: string; base: bigint; nights: number },
  field: string,
): Part[] {
  const plain = { description: priced.description, unitMinor: base.base };
  const seasons = Object.entries(priced.seasons ?? {});
  if (seasons.length === 0) return [{ ...plain, nights: base.nights }];
  if (item.check_in === undefined)
    throw unusable(`${field}.check_in`, 'is missing: the price depends on the season');
  const first = dayNumber(item.check_in);
  // What is not priced per night has the price of its first day.
  const nights = priced.per === 'night' ? base.nights : 1;
  const inSeason = seasons
    .map(([name, price]) => {
      const season = memberOf(pricing.seasons, name);
      const overlap = overlapOf(season?.ranges ?? [], first, first + nights - 1);
      const description = `${priced.description}, ${season?.description ?? name}`;
      const unitMinor = memberOf(price, base.currency) ?? base.base;
      return { description, unitMinor, nights: overlap.nights, begins: overlap.begins };
    })
    .filter((part) => part.nights > 0)
    .toSorted((a, b) => a.begins - b.begins);
  const outside = nights - inSeason.reduce((sum, part) => sum + part.nights, 0);
  return [
    ...(outside > 0 ? [{ ...plain, nights: outside }] : []),
    ...inSeason.map(({ description, unitMinor, nights: count }) => ({
      description,
      unitMinor,
      nights: count,
    })),
  ];
}

/** How many nights of first…last lie in the ranges, and which is the first of them. Ranges do not overlap. */
function overlapOf(
  ranges: readonly { from: string; to: string }[],
  first: number,
  last: number,
): { nights: number; begins: number } {
  let nights = 0;
  let begins = last + 1;
  for (const { from, to } of ranges) {
    const start = Math.max(first, dayNumber(from));
    const end = Math.min(last, dayNumber(to));
    if (end < start) continue;
    nights += end - start + 1;
    begins = Math.min(begins, start);
  }
  return { nights, begins };
}

/** 422 for what the pricing does not sell. */
export function notPriced(field: string, reason: string): AppError {
  return new AppError('quote_not_priced', { errors: [{ field, reason }] });
}

function unusable(field: string, reason: string): AppError {
  return new AppError('validation_failed', { errors: [{ field, reason }] });
}

function orderOf(item: QuoteItem): string {
  const { check_in: checkIn = '', check_out: checkOut = '', nights = 0, quantity } = item;
  return [
    item.item,
    checkIn,
    checkOut,
    String(nights).padStart(4, '0'),
    String(quantity).padStart(4, '0'),
  ].join(' ');
}

/** By UTF-16 code units: the same order on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
