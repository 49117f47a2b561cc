import type { PriceLine } from './price.ts';
import { compareText, notPriced } from './price-items.ts';
import type { Entry, EntryLine } from './price-items.ts';
import { matchesItem, memberOf } from './pricing.ts';
import type { DiscountCode, HotelPricing } from './pricing.ts';
import type { QuoteRequest } from './quote-request.ts';
import { allocateBy, roundShares } from './rounding.ts';
import type { Rounding } from './rounding.ts';

export type Discounts = { lines: PriceLine[]; rules: unknown[] };

/**
 * Takes discounts off the entries' `netMinor` and says what each took. First those for long stays and many of a kind, one
 * for each item and the largest that holds; then the guest's codes, percentages before amounts, each off what is left.
 */
export function priceDiscounts(
  pricing: HotelPricing,
  request: QuoteRequest,
  entries: readonly Entry[],
  rounding: Rounding,
  today: string,
): Discounts {
  const automatic = priceAutomatic(pricing, entries, rounding);
  const codes = priceCodes(pricing, request, entries, rounding, today);
  return { lines: [...automatic.lines, ...codes.lines], rules: [...automatic.rules, ...codes.rules] };
}

function priceAutomatic(pricing: HotelPricing, entries: readonly Entry[], rounding: Rounding): Discounts {
  const best = new Map<Entry, string>();
  // Smallest first, so that the largest is set last; on a tie the name decides.
  const rising = Object.entries(pricing.discounts).toSorted(
    ([a, one], [b, other]) => one.basis_points - other.basis_points || compareText(b, a),
  );
  for (const [name, discount] of rising) {
    const meant = entries.filter(
      (entry) => matchesItem(discount.items, entry.item.item) && entry.nights >= (discount.nights_min ?? 0),
    );
    const quantity = meant.reduce((sum, entry) => sum + entry.item.quantity, 0);
    if (quantity >= (discount.quantity_min ?? 0)) for (const entry of meant) best.set(entry, name);
  }
  const lines: PriceLine[] = [];
  const rules: unknown[] = [];
  for (const [name, discount] of Object.entries(pricing.discounts).toSorted(([a], [b]) =>
    compareText(a, b),
  )) {
    const chosen = entries.filter((entry) => best.get(entry) === name);
    if (chosen.length === 0) continue;
    const taken = takePercentage(linesOf(chosen), discount.basis_points, rounding);
    lines.push(toLine(name, discount.description, taken));
    rules.push({ name, basis_points: discount.basis_points });
  }
  return { lines, rules };
}

function priceCodes(
  pricing: HotelPricing,
  request: QuoteRequest,
  entries: readonly Entry[],
  rounding: Rounding,
  today: string,
): Discounts {
  const codes = request.discount_codes.map((name, index) => {
    const field = `discount_codes.${index}`;
    const code = memberOf(pricing.codes, name);
    if (code === undefined) throw notPriced(field, 'is not a discount of the pricing');
    refuseOutOfDate(code, field, today);
    const chosen = entriesOfCode(code, entries, field);
    const amount = code.amount === undefined ? undefined : memberOf(code.amount, request.currency);
    if (code.amount !== undefined && amount === undefined)
      throw notPriced(field, 'is not given in this currency');
    return { name, code, chosen, amount };
  });
  const inOrder = codes.toSorted(
    (a, b) => Number(a.amount !== undefined) - Number(b.amount !== undefined) || compareText(a.name, b.name),
  );
  return {
    lines: inOrder.map(({ name, code, chosen, amount }) => {
      const lines = linesOf(chosen);
      const taken =
        amount === undefined
          ? takePercentage(lines, code.basis_points ?? 0, rounding)
          : takeAmount(lines, amount, rounding.currency);
      return toLine(name, code.description, taken);
    }),
    rules: inOrder.map(({ name, code, amount }) =>
      amount === undefined ? { name, basis_points: code.basis_points } : { name, amount: String(amount) },
    ),
  };
}

// ISO dates sort as text.
function refuseOutOfDate(code: DiscountCode, field: string, today: string): void {
  if (code.valid_from !== undefined && today < code.valid_from)
    throw notPriced(field, `is valid from ${code.valid_from}`);
  if (code.valid_to !== undefined && today > code.valid_to)
    throw notPriced(field, `was valid until ${code.valid_to}`);
}

function entriesOfCode(code: DiscountCode, entries: readonly Entry[], field: string): Entry[] {
  const meant = entries.filter((entry) => matchesItem(code.items, entry.item.item));
  if (meant.length === 0) throw notPriced(field, 'is for none of these items');
  const longest = Math.max(...meant.map((entry) => entry.nights));
  if (code.nights_min !== undefined && longest < code.nights_min)
    throw notPriced(field, `is for stays of at least ${code.nights_min} nights`);
  return meant;
}

function linesOf(entries: readonly Entry[]): EntryLine[] {
  return entries.flatMap((entry) => entry.lines);
}

/** A percentage of what is left of the lines. */
function takePercentage(lines: readonly EntryLine[], basisPoints: number, rounding: Rounding): bigint {
  const shares = lines.map((line) => ({
    numerator: line.netMinor * BigInt(basisPoints),
    denominator: 10_000n,
  }));
  return take(lines, roundShares(shares, rounding));
}

/** An amount, or as much of it as is left: a discount never makes a price negative. */
function takeAmount(lines: readonly EntryLine[], amount: bigint, currency: string): bigint {
  const nets = lines.map((line) => line.netMinor);
  const left = nets.reduce((sum, net) => sum + net, 0n);
  return take(lines, allocateBy(amount < left ? amount : left, nets, currency));
}

function take(lines: readonly EntryLine[], parts: readonly bigint[]): bigint {
  let taken = 0n;
  for (const [index, line] of lines.entries()) {
    const part = parts[index] ?? 0n;
    // Shares of at most the whole round to at most the whole; otherwise money would be given away.
    if (part < 0n || part > line.netMinor) throw new Error('a discount takes more than a line holds');
    line.netMinor -= part;
    taken += part;
  }
  return taken;
}

function toLine(code: string, description: string, taken: bigint): PriceLine {
  const amountMinor = -taken;
  return {
    kind: 'discount',
    code,
    description,
    quantity: 1,
    nights: 0,
    unitMinor: amountMinor,
    amountMinor,
    included: false,
  };
}
