import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { z } from 'zod';
import { AppError } from '@centra/service-kit/errors.ts';
import type { FieldError } from '@centra/service-kit/errors.ts';
import { price } from './price.ts';
import type { HotelPricing } from './pricing.ts';
import { SHIPPED_PRICING_FILE, parsePricing } from './pricing-file.ts';
import { quoteRequestSchema } from './quote-request.ts';

const SHIPPED = readFileSync(SHIPPED_PRICING_FILE, 'utf8');
const SPRING_DAY = '2026-04-01';
const DOUBLE_3 = { item: 'room.double', check_in: '2026-03-28', check_out: '2026-03-31' };

/** The shipped prices, with one text replaced by another. */
function pricing(from = '', to = ''): HotelPricing {
  assert.ok(SHIPPED.includes(from), from);
  return parsePricing(Buffer.from(SHIPPED.replace(from, to))).default;
}

type Asked = z.input<typeof quoteRequestSchema>;
function priceOf(asked: Asked, hotel = pricing(), today = SPRING_DAY) {
  return price(hotel, quoteRequestSchema.parse(asked), today);
}

test('a code counts on its first and last day, and on no other', () => {
  const asked = { currency: 'EUR', items: [DOUBLE_3], discount_codes: ['SPRING26'] };
  for (const day of ['2026-03-01', '2026-05-31'])
    assert.equal(priceOf(asked, undefined, day).discountMinor, 5_400n);
  assert.deepEqual(refusalOf(asked, '2026-06-01'), {
    code: 'quote_not_priced',
    errors: [{ field: 'discount_codes.0', reason: 'was valid until 2026-05-31' }],
  });
  assert.deepEqual(refusalOf(asked, '2026-02-28').errors, [
    { field: 'discount_codes.0', reason: 'is valid from 2026-03-01' },
  ]);
});

const REFUSALS: [string, Asked, string, FieldError][] = [
  [
    'a currency',
    { currency: 'CHF', items: [DOUBLE_3] },
    'quote_not_priced',
    { field: 'currency', reason: 'is not a currency of the pricing' },
  ],
  [
    'an item',
    { currency: 'EUR', items: [DOUBLE_3, { item: 'room.suite' }] },
    'quote_not_priced',
    { field: 'items.1.item', reason: 'is not an item of the pricing' },
  ],
  [
    'a name of every object',
    { currency: 'EUR', items: [{ item: 'constructor' }] },
    'quote_not_priced',
    { field: 'items.0.item', reason: 'is not an item of the pricing' },
  ],
  [
    'an item without a price in the currency',
    { currency: 'JPY', items: [{ item: 'parking' }] },
    'quote_not_priced',
    { field: 'items.0.item', reason: 'has no price in this currency' },
  ],
  [
    'a code',
    { currency: 'EUR', items: [DOUBLE_3], discount_codes: ['NOPE'] },
    'quote_not_priced',
    { field: 'discount_codes.0', reason: 'is not a discount of the pricing' },
  ],
  [
    'a code without an amount in the currency',
    { currency: 'KWD', items: [DOUBLE_3], discount_codes: ['WELCOME'] },
    'quote_not_priced',
    { field: 'discount_codes.0', reason: 'is not given in this currency' },
  ],
  [
    'a code for longer stays',
    { currency: 'EUR', items: [{ item: 'room.single', nights: 1 }], discount_codes: ['SPRING26'] },
    'quote_not_priced',
    { field: 'discount_codes.0', reason: 'is for stays of at least 2 nights' },
  ],
  [
    'a code for other items',
    { currency: 'EUR', items: [{ item: 'parking' }], discount_codes: ['SPRING26'] },
    'quote_not_priced',
    { field: 'discount_codes.0', reason: 'is for none of these items' },
  ],
  [
    'nights untold',
    { currency: 'EUR', items: [{ item: 'breakfast' }] },
    'validation_failed',
    { field: 'items.0', reason: 'needs check_in and check_out, or nights: it is priced per night' },
  ],
  [
    'nights without the dates that decide the season',
    { currency: 'EUR', items: [{ item: 'room.double', nights: 2 }] },
    'validation_failed',
    { field: 'items.0.check_in', reason: 'is missing: the price depends on the season' },
  ],
  [
    'nights of what is not priced so',
    { currency: 'EUR', items: [{ item: 'parking', nights: 3 }] },
    'validation_failed',
    { field: 'items.0.nights', reason: 'is only for items per night; this one is per stay' },
  ],
  [
    'a departure of what is no stay',
    { currency: 'EUR', items: [{ item: 'meeting-room', check_in: '2026-03-01', check_out: '2026-03-02' }] },
    'validation_failed',
    { field: 'items.0.check_out', reason: 'is only for stays; this item is per duration' },
  ],
];

for (const [name, asked, code, error] of REFUSALS)
  test(`refused: ${name}`, () => {
    assert.deepEqual(refusalOf(asked), { code, errors: [error] });
  });

test('a total that JSON cannot carry exactly is refused, before or after taxes', () => {
  const dear = pricing("{ EUR: '60.00', MAD: '650.00' }", '{ EUR: 10000000000000 }');
  const asked = { currency: 'EUR', items: [{ item: 'meeting-room', quantity: 900 }] };
  assert.equal(priceOf(asked, dear).totalMinor, 9_000_000_000_000_000n);
  const more = { currency: 'EUR', items: [{ item: 'meeting-room', quantity: 901 }] };
  assert.equal(refusalOf(more, SPRING_DAY, dear).code, 'quote_not_priced');
  const taxed: HotelPricing = {
    ...dear,
    taxes: {
      vat: { ...dear.taxes['vat'], description: 'VAT', items: ['*'], basis_points: 1_000, included: false },
    },
  };
  assert.equal(refusalOf(asked, SPRING_DAY, taxed).code, 'quote_not_priced');
});

function refusalOf(asked: Asked, today = SPRING_DAY, hotel = pricing()) {
  try {
    priceOf(asked, hotel, today);
  } catch (error) {
    if (error instanceof AppError) return { code: error.code, errors: error.errors };
    throw error;
  }
  throw new assert.AssertionError({ message: 'it was priced' });
}
