import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { CURRENCY_CODES, exponentOf } from '@centra/money/currency.ts';
import { hashOf } from './quote-hash.ts';
import { price, sumOf } from './price.ts';
import type { Price } from './price.ts';
import type { HotelPricing } from './pricing.ts';
import { quoteRequestSchema } from './quote-request.ts';
import type { QuoteRequest } from './quote-request.ts';

const TODAY = '2026-03-01';
const ITEMS = ['room.a', 'room.b', 'extra.c', 'extra.d'] as const;

const amount = fc.oneof(fc.bigInt(0n, 200n), fc.bigInt(0n, 10n ** 9n));
const basisPoints = fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.constantFrom(1, 5_000, 9_999, 10_000));
const patterns = fc.constantFrom<string[]>(['*'], ['room.*'], ['extra.c'], ['room.a', 'extra.*']);
const some = <T>(value: fc.Arbitrary<T>, max: number) =>
  fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), value, { maxKeys: max });

/** A hotel that sells four items in one currency, JPY, MAD and KWD oftener than the rest. */
const pricing: fc.Arbitrary<{ hotel: HotelPricing; currency: string }> = fc
  .oneof(fc.constantFrom('JPY', 'MAD', 'KWD'), fc.constantFrom(...CURRENCY_CODES))
  .chain((currency) => {
    const item = (per: 'night' | 'stay' | 'unit') =>
      fc.record({ base: amount, high: amount }).map(({ base, high }) => ({
        description: 'An item',
        per,
        price: { [currency]: base },
        seasons: { high: { [currency]: high } },
      }));
    const hotel = fc.record({
      time_zone: fc.constant('UTC'),
      currencies: fc.constant<HotelPricing['currencies']>({ [currency]: {} }),
      rounding: fc.record({
        rule: fc.constantFrom('half-up' as const, 'half-even' as const, 'down' as const),
        per: fc.constantFrom('line' as const, 'total' as const),
      }),
      seasons: fc.constant<HotelPricing['seasons']>({
        high: { description: 'high', ranges: [{ from: '2026-03-03', to: '2026-03-06' }] },
      }),
      items: fc.record({
        'room.a': item('night'),
        'room.b': item('night'),
        'extra.c': item('stay'),
        'extra.d': item('unit'),
      }),
      discounts: some(
        fc.record({
          description: fc.constant('Long'),
          items: patterns,
          nights_min: fc.integer({ min: 1, max: 6 }),
          basis_points: basisPoints,
        }),
        3,
      ),
      codes: fc.record({
        RATE: fc.record({
          description: fc.constant('r'),
          items: fc.constant<string[]>(['*']),
          basis_points: basisPoints,
        }),
        OFF: fc.record({
          description: fc.constant('o'),
          items: fc.constant<string[]>(['*']),
          amount: amount.map((off) => ({ [currency]: off })),
        }),
      }),
      taxes: some(
        fc.oneof(
          fc.record({
            description: fc.constant('rate'),
            items: patterns,
            basis_points: basisPoints,
            included: fc.boolean(),
          }),
          fc.record({
            description: fc.constant('head'),
            items: patterns,
            per_person_night: amount.map((each) => ({ [currency]: each })),
            nights_max: fc.integer({ min: 1, max: 9 }),
          }),
        ),
        4,
      ),
    });
    return hotel.map((each) => ({ hotel: each, currency }));
  });

const asked = fc.record({
  items: fc.array(
    fc.record({
      item: fc.constantFrom(...ITEMS),
      quantity: fc.integer({ min: 1, max: 30 }),
      first: fc.integer({ min: 1, max: 9 }),
      nights: fc.integer({ min: 1, max: 12 }),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  discount_codes: fc.subarray(['RATE', 'OFF']),
  guests: fc.integer({ min: 1, max: 8 }),
});

function requestOf(
  currency: string,
  { items, ...rest }: typeof asked extends fc.Arbitrary<infer T> ? T : never,
): QuoteRequest {
  return quoteRequestSchema.parse({
    currency,
    ...rest,
    items: items.map(({ item, quantity, first, nights }) => ({
      item,
      quantity,
      check_in: day(first),
      ...(item === 'extra.d' ? {} : { check_out: day(first + nights) }),
    })),
  });
}

function eachPrice(check: (priced: Price, hotel: HotelPricing, request: QuoteRequest) => void): void {
  fc.assert(
    fc.property(pricing, asked, ({ hotel, currency }, wish) => {
      const request = requestOf(currency, wish);
      check(price(hotel, request, TODAY), hotel, request);
    }),
    { numRuns: 300 },
  );
}

test('the total is exactly the sum of the lines that are added, and the sums say what the lines say', () => {
  eachPrice(({ lines, subtotalMinor, discountMinor, taxMinor, totalMinor }) => {
    const of = (kind: string) =>
      sumOf(lines.filter((line) => line.kind === kind).map((line) => line.amountMinor));
    assert.equal(totalMinor, sumOf(lines.filter((line) => !line.included).map((line) => line.amountMinor)));
    assert.deepEqual([of('item'), -of('discount'), of('tax')], [subtotalMinor, discountMinor, taxMinor]);
    for (const { quantity, nights, unitMinor, amountMinor } of lines)
      assert.equal(amountMinor, BigInt(quantity) * BigInt(nights === 0 ? 1 : nights) * unitMinor);
  });
});

test('no discount makes anything negative', () => {
  let discounted = 0;
  eachPrice(({ lines, subtotalMinor, discountMinor, totalMinor }) => {
    assert.ok(totalMinor >= 0n && discountMinor >= 0n && discountMinor <= subtotalMinor);
    for (const line of lines)
      assert.ok(line.kind === 'discount' ? line.amountMinor <= 0n : line.amountMinor >= 0n);
    if (discountMinor > 0n) discounted += 1;
  });
  assert.ok(discounted > 50);
});

test('all included taxes together never exceed the price they are in, and are off by less than a unit a line', () => {
  let seen = 0;
  eachPrice(({ lines, subtotalMinor, discountMinor }, _hotel, request) => {
    const included = lines.filter((line) => line.included);
    const units = BigInt(included.length * (request.items.length * 2));
    assert.ok(sumOf(included.map((line) => line.amountMinor)) <= subtotalMinor - discountMinor + units);
    if (included.length > 0) seen += 1;
  });
  assert.ok(seen > 50);
});

test('an included tax extracts exactly: net and tax are the price, and the tax is the rounded rate of the net', () => {
  fc.assert(
    fc.property(amount, basisPoints, fc.constantFrom('JPY', 'MAD', 'KWD'), (gross, rate, currency) => {
      const hotel: HotelPricing = {
        time_zone: 'UTC',
        currencies: { [currency]: {} },
        rounding: { rule: 'half-up', per: 'line' },
        seasons: {},
        discounts: {},
        codes: {},
        items: { a: { description: 'A', per: 'unit', price: { [currency]: gross } } },
        taxes: { vat: { description: 'VAT', items: ['*'], basis_points: rate, included: true } },
      };
      const request = quoteRequestSchema.parse({ currency, items: [{ item: 'a' }] });
      const { taxMinor, totalMinor } = price(hotel, request, TODAY);
      assert.equal(totalMinor, gross);
      const net = gross - taxMinor;
      // tax / net = rate: the exact tax of this gross is gross·rate/(1+rate), and the tax is within half a unit of it.
      const off = 2n * (taxMinor * BigInt(10_000 + rate) - gross * BigInt(rate));
      assert.ok(off <= BigInt(10_000 + rate) && off > -BigInt(10_000 + rate) - 1n);
      assert.ok(net >= 0n && taxMinor >= 0n);
    }),
  );
});

test('rounded per total, each tax is the rounded exact sum of its lines', () => {
  let seen = 0;
  eachPrice((perAny, hotel, request) => {
    const { taxes, ...others } = hotel;
    const rates = Object.entries(taxes).filter(
      ([, tax]) => tax.basis_points !== undefined && tax.included === false,
    );
    const [first] = rates;
    if (first === undefined) return;
    const [name, tax] = first;
    const single = {
      ...others,
      taxes: { [name]: { ...tax, items: ['*'] } },
      rounding: { rule: 'down' as const, per: 'total' as const },
    };
    const { subtotalMinor, discountMinor, taxMinor } = price(single, request, TODAY);
    assert.equal(taxMinor, ((subtotalMinor - discountMinor) * BigInt(tax.basis_points ?? 0)) / 10_000n);
    assert.ok(perAny.totalMinor >= 0n);
    seen += 1;
  });
  assert.ok(seen > 30);
});

test('the order of items and codes changes neither the price nor its hash; another hotel, mode or guest does', () => {
  const whose = { merchantId: '0193a1b2-0000-7000-8000-000000000001', mode: 'test' };
  fc.assert(
    fc.property(pricing, asked, fc.infiniteStream(fc.nat()), ({ hotel, currency }, wish, dice) => {
      const request = requestOf(currency, wish);
      const priced = price(hotel, request, TODAY);
      const shuffled = {
        ...request,
        items: request.items
          .map((item) => ({ item, thrown: Number(dice.next().value) }))
          .toSorted((a, b) => a.thrown - b.thrown)
          .map(({ item }) => item),
        discount_codes: request.discount_codes.toReversed(),
      };
      const again = price(hotel, shuffled, TODAY);
      assert.deepEqual(again, priced);
      const hash = hashOf(whose, request, priced);
      assert.match(hash, /^[0-9a-f]{64}$/);
      assert.equal(hashOf(whose, shuffled, again), hash);
      for (const other of [
        hashOf({ ...whose, mode: 'live' }, request, priced),
        hashOf({ ...whose, merchantId: '0193a1b2-0000-7000-8000-000000000002' }, request, priced),
        hashOf(whose, { ...request, guests: request.guests + 1 }, priced),
        hashOf(whose, request, { ...priced, totalMinor: priced.totalMinor + 1n }),
        hashOf(whose, request, { ...priced, rules: [] }),
      ])
        assert.notEqual(other, hash);
    }),
    { numRuns: 200 },
  );
});

test('the currencies of these properties have no, two and three decimals', () => {
  assert.deepEqual(['JPY', 'MAD', 'KWD'].map(exponentOf), [0, 2, 3]);
});

function day(number: number): string {
  return `2026-03-${String(number).padStart(2, '0')}`;
}
