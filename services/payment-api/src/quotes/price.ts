import { AppError } from '@centra/service-kit/errors.ts';
import type { HotelPricing } from './pricing.ts';
import { priceDiscounts } from './price-discounts.ts';
import { priceItems } from './price-items.ts';
import type { Entry } from './price-items.ts';
import { priceTaxes } from './price-taxes.ts';
import type { QuoteRequest } from './quote-request.ts';
import { roundingOf } from './rounding.ts';

/** One line of a quote. `quantity × (nights, where there are any) × unitMinor` is `amountMinor`. */
export type PriceLine = {
  kind: 'item' | 'discount' | 'tax';
  /** Of the item, discount or tax in the pricing. */
  code: string;
  description: string;
  quantity: number;
  /** Nights, where the line counts them; otherwise 0. */
  nights: number;
  unitMinor: bigint;
  /** Negative for discounts. */
  amountMinor: bigint;
  /** Contained in the prices already: adds nothing to the total. */
  included: boolean;
};

export type Price = {
  lines: PriceLine[];
  /** The items before discounts. */
  subtotalMinor: bigint;
  /** What discounts take off; not negative. */
  discountMinor: bigint;
  /** All taxes that the total contains, whether they were in the prices or added. */
  taxMinor: bigint;
  /** What there is to pay: the sum of the lines that are not included. Never negative. */
  totalMinor: bigint;
  /** What of the pricing made it, without the conditions that only let it apply; for the hash. */
  rules: unknown;
};

// What JSON carries exactly, and more than any provider charges.
const TOTAL_MAX_MINOR = BigInt(Number.MAX_SAFE_INTEGER);
// A quote is one database row and travels in the trailers of a refusal; see quote-request.ts.
const LINES_MAX = 100;

/**
 * Prices a request. Pure: the same pricing, request and day always give the same price, in whatever order the items come.
 * `today` (YYYY-MM-DD) only decides whether discount codes are valid. Throws AppError `quote_not_priced` for what the
 * pricing does not sell, and `validation_failed` for an item whose dates it would need.
 */
export function price(pricing: HotelPricing, request: QuoteRequest, today: string): Price {
  const { currency } = request;
  const rounding = roundingOf(pricing, currency);
  const items = priceItems(pricing, request);
  requireRepresentable(sumOf(items.flatMap((entry) => entry.lines.map((line) => line.amountMinor))));
  const discounts = priceDiscounts(pricing, request, items, rounding, today);
  const taxes = priceTaxes(pricing, request, items, rounding);

  const itemLines = items.flatMap((entry) => entry.lines.map((line) => toLine(entry, line)));
  const lines = [...itemLines, ...discounts.lines, ...taxes.lines];
  if (lines.length > LINES_MAX)
    throw new AppError('quote_not_priced', {
      detail: `A quote has at most ${LINES_MAX} lines; price the booking in parts.`,
    });
  const totalMinor = sumOf(lines.filter((line) => !line.included).map((line) => line.amountMinor));
  requireRepresentable(totalMinor);
  return {
    lines,
    subtotalMinor: sumOf(itemLines.map((line) => line.amountMinor)),
    discountMinor: -sumOf(discounts.lines.map((line) => line.amountMinor)),
    taxMinor: sumOf(taxes.lines.map((line) => line.amountMinor)),
    totalMinor,
    rules: {
      rounding,
      items: items.map((entry) => entry.rule),
      discounts: discounts.rules,
      taxes: taxes.rules,
    },
  };
}

/** The sum of amounts of one currency. */
export function sumOf(amounts: readonly bigint[]): bigint {
  return amounts.reduce((sum, amount) => sum + amount, 0n);
}

function toLine(entry: Entry, line: Entry['lines'][number]): PriceLine {
  return {
    kind: 'item',
    code: entry.item.item,
    description: line.description,
    quantity: entry.item.quantity,
    nights: line.nights,
    unitMinor: line.unitMinor,
    amountMinor: line.amountMinor,
    included: false,
  };
}

function requireRepresentable(amountMinor: bigint): void {
  if (amountMinor > TOTAL_MAX_MINOR)
    throw new AppError('quote_not_priced', { detail: 'The total is more than one payment can hold.' });
}
