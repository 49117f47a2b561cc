import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { z } from 'zod';
import { price } from './price.ts';
import { SHIPPED_PRICING_FILE, parsePricing } from './pricing-file.ts';
import type { HotelPricing } from './pricing.ts';
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

type Case = {
  name: string;
  asked: Asked;
  hotel?: HotelPricing;
  today?: string;
  /** `kind code quantity×nights×unit = amount`, with a star where the amount is included. */
  lines: string[];
  /** subtotal − discount, tax, total. */
  sums: [bigint, bigint, bigint, bigint];
};

const CASES: Case[] = [
  {
    name: 'three nights double with breakfast for two, over the change of clocks',
    asked: {
      currency: 'EUR',
      items: [DOUBLE_3, { item: 'breakfast', quantity: 2, check_in: '2026-03-28', check_out: '2026-03-31' }],
      guests: 2,
    },
    lines: [
      'item breakfast 2×3×1500 = 9000',
      'item room.double 1×3×12000 = 36000',
      'tax city 2×3×250 = 1500',
      // 9000/11 = 818.18 and 36000/11 = 3272.73, each rounded.
      'tax vat 1×0×4091 = 4091*',
    ],
    sums: [45_000n, 0n, 5_591n, 46_500n],
  },
  {
    name: 'a week has the weekly discount, on rooms only',
    asked: {
      currency: 'EUR',
      items: [
        { item: 'room.double', check_in: '2026-10-01', check_out: '2026-10-08' },
        { item: 'breakfast', nights: 7 },
      ],
    },
    lines: [
      'item breakfast 1×7×1500 = 10500',
      'item room.double 1×7×12000 = 84000',
      'discount weekly 1×0×-8400 = -8400',
      'tax city 1×7×250 = 1750',
      // 10500/11 = 954.55, 75600/11 = 6872.73.
      'tax vat 1×0×7828 = 7828*',
    ],
    sums: [94_500n, 8_400n, 9_578n, 87_850n],
  },
  {
    name: 'six nights have no weekly discount',
    asked: { currency: 'MAD', items: [{ item: 'room.single', nights: 6 }] },
    lines: ['item room.single 1×6×98000 = 588000', 'tax city 1×6×2700 = 16200', 'tax vat 1×0×53455 = 53455*'],
    sums: [588_000n, 0n, 69_655n, 604_200n],
  },
  {
    name: 'the season changes in mid-stay: each night at its own price',
    asked: {
      currency: 'EUR',
      items: [{ item: 'room.double', check_in: '2026-06-29', check_out: '2026-07-03' }],
      guests: 2,
    },
    lines: [
      'item room.double 1×2×12000 = 24000',
      'item room.double 1×2×16000 = 32000',
      'tax city 2×4×250 = 2000',
      'tax vat 1×0×5091 = 5091*',
    ],
    sums: [56_000n, 0n, 7_091n, 58_000n],
  },
  {
    name: 'the last night of a season belongs to it, the day of departure does not count',
    asked: {
      currency: 'EUR',
      items: [{ item: 'room.double', check_in: '2026-08-31', check_out: '2026-09-01' }],
    },
    lines: ['item room.double 1×1×16000 = 16000', 'tax city 1×1×250 = 250', 'tax vat 1×0×1455 = 1455*'],
    sums: [16_000n, 0n, 1_705n, 16_250n],
  },
  {
    name: 'city tax: per person and night, once for two rooms, for at most seven nights',
    asked: {
      currency: 'EUR',
      items: [{ item: 'room.single', quantity: 2, check_in: '2026-03-01', check_out: '2026-03-11' }],
      guests: 3,
    },
    lines: [
      'item room.single 2×10×9000 = 180000',
      'discount weekly 1×0×-18000 = -18000',
      'tax city 3×7×250 = 5250',
      'tax vat 1×0×14727 = 14727*',
    ],
    sums: [180_000n, 18_000n, 19_977n, 167_250n],
  },
  {
    name: 'city tax: rooms one after the other add up their nights, at the same time they do not',
    asked: {
      currency: 'EUR',
      items: [
        { item: 'room.single', check_in: '2026-03-01', check_out: '2026-03-03' },
        { item: 'room.single', check_in: '2026-03-02', check_out: '2026-03-05' },
      ],
    },
    lines: [
      'item room.single 1×2×9000 = 18000',
      'item room.single 1×3×9000 = 27000',
      'tax city 1×4×250 = 1000',
      'tax vat 1×0×4091 = 4091*',
    ],
    sums: [45_000n, 0n, 5_091n, 46_000n],
  },
  {
    name: 'JPY has no decimals and its own rule: tax rounds down to whole yen',
    asked: { currency: 'JPY', items: [{ item: 'room.single', nights: 1 }], discount_codes: ['SPRING26'] },
    hotel: pricing('nights_min: 2', 'nights_min: 1'),
    // 15 % of 14500 are 2175; 12325/11 = 1120.45.
    lines: [
      'item room.single 1×1×14500 = 14500',
      'discount SPRING26 1×0×-2175 = -2175',
      'tax city 1×1×400 = 400',
      'tax vat 1×0×1120 = 1120*',
    ],
    sums: [14_500n, 2_175n, 1_520n, 12_725n],
  },
  {
    name: 'KWD has three decimals',
    asked: {
      currency: 'KWD',
      items: [{ item: 'room.double', check_in: '2026-03-01', check_out: '2026-03-02' }],
    },
    // 40125/11 = 3647.73.
    lines: ['item room.double 1×1×40125 = 40125', 'tax city 1×1×850 = 850', 'tax vat 1×0×3648 = 3648*'],
    sums: [40_125n, 0n, 4_498n, 40_975n],
  },
  {
    name: 'a code in percent and one of an amount: the amount comes off what the percentage left',
    asked: { currency: 'EUR', items: [DOUBLE_3], discount_codes: ['welcome', 'spring26'] },
    lines: [
      'item room.double 1×3×12000 = 36000',
      'discount SPRING26 1×0×-5400 = -5400',
      'discount WELCOME 1×0×-2000 = -2000',
      'tax city 1×3×250 = 750',
      'tax vat 1×0×2600 = 2600*',
    ],
    sums: [36_000n, 7_400n, 3_350n, 29_350n],
  },
  {
    name: 'an amount off takes no more than there is',
    asked: { currency: 'EUR', items: [{ item: 'breakfast', nights: 1 }], discount_codes: ['WELCOME'] },
    lines: ['item breakfast 1×1×1500 = 1500', 'discount WELCOME 1×0×-1500 = -1500', 'tax vat 1×0×0 = 0*'],
    sums: [1_500n, 1_500n, 0n, 0n],
  },
  {
    name: 'a group that stays a week has the larger of the two discounts, not both',
    asked: { currency: 'EUR', items: [{ item: 'room.single', quantity: 5, nights: 7 }], guests: 5 },
    lines: [
      'item room.single 5×7×9000 = 315000',
      'discount weekly 1×0×-31500 = -31500',
      'tax city 5×7×250 = 8750',
      'tax vat 1×0×25773 = 25773*',
    ],
    sums: [315_000n, 31_500n, 34_523n, 292_250n],
  },
  {
    name: 'five rooms of two kinds are a group',
    asked: {
      currency: 'EUR',
      items: [
        { item: 'room.single', quantity: 2, nights: 1 },
        { ...DOUBLE_3, quantity: 3 },
      ],
    },
    lines: [
      'item room.double 3×3×12000 = 108000',
      'item room.single 2×1×9000 = 18000',
      'discount group 1×0×-6300 = -6300',
      'tax city 1×3×250 = 750',
      'tax vat 1×0×10882 = 10882*',
    ],
    sums: [126_000n, 6_300n, 11_632n, 120_450n],
  },
  {
    name: 'per stay, per unit and per hour',
    asked: {
      currency: 'EUR',
      items: [
        { item: 'parking', check_in: '2026-03-01', check_out: '2026-03-04' },
        { item: 'transfer.airport', quantity: 2, check_in: '2026-03-04' },
        { item: 'meeting-room', quantity: 3 },
      ],
    },
    lines: [
      'item meeting-room 3×0×6000 = 18000',
      'item parking 1×0×2500 = 2500',
      'item transfer.airport 2×0×4500 = 9000',
      'tax vat 1×0×2681 = 2681*',
    ],
    sums: [29_500n, 0n, 2_681n, 29_500n],
  },
  {
    name: 'an added tax comes on top of what discounts left',
    hotel: pricing('included: true', 'included: false'),
    asked: { currency: 'USD', items: [{ item: 'room.single', nights: 7 }] },
    lines: [
      'item room.single 1×7×9900 = 69300',
      'discount weekly 1×0×-6930 = -6930',
      'tax city 1×7×275 = 1925',
      'tax vat 1×0×6237 = 6237',
    ],
    sums: [69_300n, 6_930n, 8_162n, 70_532n],
  },
  {
    name: 'rounded per total, the exact sum of the taxes is rounded once',
    hotel: pricing('per: line', 'per: total'),
    asked: {
      currency: 'EUR',
      items: [
        { item: 'parking' },
        { item: 'transfer.airport', quantity: 2 },
        { item: 'meeting-room', quantity: 3 },
      ],
    },
    // 29500/11 = 2681.82, where the lines' own roundings came to 2681.
    lines: [
      'item meeting-room 3×0×6000 = 18000',
      'item parking 1×0×2500 = 2500',
      'item transfer.airport 2×0×4500 = 9000',
      'tax vat 1×0×2682 = 2682*',
    ],
    sums: [29_500n, 0n, 2_682n, 29_500n],
  },
];

for (const { name, asked, hotel, today, lines, sums } of CASES)
  test(`price: ${name}`, () => {
    const priced = priceOf(asked, hotel, today);
    assert.deepEqual(
      priced.lines.map(
        ({ kind, code, quantity, nights, unitMinor, amountMinor, included }) =>
          `${kind} ${code} ${quantity}×${nights}×${unitMinor} = ${amountMinor}${included ? '*' : ''}`,
      ),
      lines,
    );
    const { subtotalMinor, discountMinor, taxMinor, totalMinor } = priced;
    assert.deepEqual([subtotalMinor, discountMinor, taxMinor, totalMinor], sums);
  });

test('several included taxes are all reckoned on the price without any of them', () => {
  const hotel = pricing(
    '    city:',
    '    levy: { description: Levy, items: ["*"], basis_points: 1500, included: true }\n    city:',
  );
  const { lines, totalMinor } = priceOf(
    { currency: 'EUR', items: [{ item: 'meeting-room', quantity: 2 }] },
    hotel,
  );
  // 12000 holds 25 % in all: 9600 net, 960 and 1440 tax.
  assert.deepEqual(
    lines.filter(({ kind }) => kind === 'tax').map(({ code, amountMinor }) => [code, amountMinor]),
    [
      ['levy', 1_440n],
      ['vat', 960n],
    ],
  );
  assert.equal(totalMinor, 12_000n);
});
