import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ConfigError } from '@centra/service-kit/env.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { envToConfig } from '../config.ts';
import { SHIPPED_PRICING_FILE, parsePricing, pricingOf, readPricingFile } from './pricing-file.ts';

const HOTEL = '0193a1b2-0000-7000-8000-000000000001';
const MERCHANT = toPublicId('mer', HOTEL);

/** A small file that is right; each refusal changes one thing in it. */
const GOOD = `
version: "7"
default:
  currencies: { EUR: {}, JPY: {} }
  rounding: { rule: half-up, per: line }
  seasons:
    high: { description: High, ranges: [{ from: "2026-07-01", to: "2026-08-31" }] }
  items:
    room.double:
      description: Double room
      per: night
      price: { EUR: "120.5", JPY: 19000 }
      seasons: { high: { EUR: 16000, JPY: "25000" } }
  discounts:
    weekly: { description: Week, items: ["room.*"], nights_min: 7, basis_points: 1000 }
  codes:
    SPRING: { description: Spring, basis_points: 1500, valid_from: "2026-03-01", valid_to: "2026-05-31" }
  taxes:
    city: { description: City tax, items: ["*"], per_person_night: { EUR: "2.50", JPY: 400 }, nights_max: 7 }
`;

function parse(text: string) {
  return parsePricing(Buffer.from(text));
}

function refusal(text: string | Buffer): string {
  try {
    parsePricing(Buffer.from(text));
  } catch (error) {
    if (error instanceof ConfigError)
      return error.message.replace('PRICING_FILE is not a valid pricing: ', '');
    throw error;
  }
  return 'accepted';
}

test('amounts are whole minor units or decimal text, exact in the currency', () => {
  const { default: hotel, version } = parse(GOOD);
  assert.equal(version, '7');
  assert.equal(hotel.time_zone, 'UTC');
  assert.deepEqual(hotel.items['room.double']?.price, { EUR: 12_050n, JPY: 19_000n });
  assert.deepEqual(hotel.items['room.double']?.seasons, { high: { EUR: 16_000n, JPY: 25_000n } });
  assert.deepEqual(hotel.codes['SPRING']?.items, ['*']);
});

test('the shipped file is right, and has JPY, MAD and KWD prices', () => {
  const { items } = readPricingFile(SHIPPED_PRICING_FILE).default;
  const { JPY, MAD, KWD } = items['room.double']?.price ?? {};
  assert.deepEqual([JPY, MAD, KWD], [19_000n, 130_000n, 40_125n]);
});

test('a hotel’s own section replaces the default’s whole; every other section and hotel keeps the default’s', () => {
  const own = `hotels:\n  ${MERCHANT}:\n    taxes: { vat: { description: VAT, items: ["*"], basis_points: 2000, included: true } }\n`;
  const pricing = parse(GOOD + own);
  assert.deepEqual(Object.keys(pricingOf(pricing, HOTEL).taxes), ['vat']);
  assert.deepEqual(pricingOf(pricing, HOTEL).items, pricing.default.items);
  assert.equal(pricingOf(pricing, '0193a1b2-0000-7000-8000-000000000002'), pricing.default);
});

// What is replaced, by what, and the message: which key and why.
const REFUSALS: [string, string, string][] = [
  ['version: "7"', '', 'version: is missing'],
  ['version: "7"', 'version: 7', 'version: must be text; put it in quotes'],
  ['version: "7"', 'version: ""', 'version: must be 1 to 120 characters without control characters'],
  ['version: "7"', 'version: "7"\nitmes: {}', 'itmes: is not a known key'],
  ['default:', 'defaults:', 'default: is missing; defaults: is not a known key'],
  ['rounding: { rule: half-up, per: line }', '', 'default.rounding: is missing'],
  ['half-up', 'up', 'default.rounding.rule: must be half-up, half-even or down'],
  ['per: line', 'per: night', 'default.rounding.per: must be line or total'],
  ['EUR: {}', 'EUR: { rounding: up }', 'default.currencies.EUR.rounding: must be half-up, half-even or down'],
  ['EUR: {}', 'eur: {}, EUR: {}', 'default.currencies.eur: is not an upper-case ISO 4217 code in use'],
  [
    'EUR: {}, JPY: {}',
    'EUR: {}',
    'default.items[room.double].price.JPY: is not among the currencies; default.taxes.city.per_person_night.JPY: is not among the currencies',
  ],
  [
    '"120.5"',
    '120.50',
    'default.items[room.double].price.EUR: must be whole minor units (12000) or a decimal in quotes ("120.00"), never a number with a point',
  ],
  [
    '"120.5"',
    '120.00',
    'default.items[room.double].price.EUR: must be whole minor units (12000) or a decimal in quotes ("120.00"), never a number with a point',
  ],
  [
    '"120.5"',
    '1e4',
    'default.items[room.double].price.EUR: must be whole minor units (12000) or a decimal in quotes ("120.00"), never a number with a point',
  ],
  [
    '"120.5"',
    '"120,50"',
    'default.items[room.double].price.EUR: the amount is not plain decimal digits with at most one point',
  ],
  ['"120.5"', '"120.505"', 'default.items[room.double].price.EUR: the amount has more than 2 decimals'],
  ['"120.5"', '-1', 'default.items[room.double].price.EUR: must not be negative'],
  [
    '"120.5"',
    '10000000000001',
    'default.items[room.double].price.EUR: must be at most 10000000000000 minor units',
  ],
  [
    'JPY: 19000',
    'JPY: "19000.5"',
    'default.items[room.double].price.JPY: the amount has more than 0 decimals',
  ],
  [
    'JPY: 19000',
    'XXX: 19000',
    'default.items[room.double].price.XXX: is not an upper-case ISO 4217 code in use',
  ],
  ['per: night', 'per: week', 'default.items[room.double].per: must be night, stay, unit or duration'],
  [
    '    room.double:',
    '    Room Double:',
    'default.items[Room Double]: an item’s code must be lower-case words joined by points, like room.double',
  ],
  [
    'description: Double room',
    'descriptoin: Double room',
    'default.items[room.double].description: is missing; default.items[room.double].descriptoin: is not a known key',
  ],
  [
    '{ high: { EUR: 16000',
    '{ low: { EUR: 16000',
    'default.items[room.double].seasons.low: is not among the seasons',
  ],
  [
    ', JPY: "25000"',
    '',
    'default.items[room.double].seasons.high: must name the same currencies as the price (EUR, JPY)',
  ],
  [
    '"2026-08-31" }',
    '"2026-02-30" }',
    'default.seasons.high.ranges[0].to: must be a day of the calendar like "2026-07-01"',
  ],
  ['"2026-08-31" }', '20260831 }', 'default.seasons.high.ranges[0].to: must be a date like "2026-07-01"'],
  ['"2026-08-31" }', '"2026-06-30" }', 'default.seasons.high.ranges[0]: ends before it begins'],
  [
    '"2026-08-31" }',
    '"2026-08-31" }, { from: "2026-08-31", to: "2026-09-02" }',
    'default.seasons.high.ranges[1]: overlaps seasons.high.ranges[0]',
  ],
  [
    'nights_min: 7, ',
    '',
    'default.discounts.weekly: must have nights_min or quantity_min; a price for everybody belongs into the item',
  ],
  [
    'nights_min: 7',
    'nights_min: 0',
    'default.discounts.weekly.nights_min: must be a whole number from 1 to 366',
  ],
  [
    'basis_points: 1000',
    'basis_points: 10.5',
    'default.discounts.weekly.basis_points: must be a whole number from 1 to 10000',
  ],
  [
    'basis_points: 1000',
    'basis_points: 10001',
    'default.discounts.weekly.basis_points: must be a whole number from 1 to 10000',
  ],
  ['"room.*"', '"rooms.*"', 'default.discounts.weekly.items[0]: names no item (rooms.*)'],
  [
    '"room.*"',
    '"*.double"',
    'default.discounts.weekly.items[0]: must be an item’s code, a beginning like "room.*", or "*"',
  ],
  ['SPRING:', 'spring:', 'default.codes.spring: a code must be 1 to 32 characters of A-Z 0-9 _ -'],
  [
    'basis_points: 1500',
    'basis_points: 1500, amount: { EUR: 1 }',
    'default.codes.SPRING: must have either basis_points or amount',
  ],
  [
    'basis_points: 1500',
    'amount: { USD: 1 }',
    'default.codes.SPRING.amount.USD: is not among the currencies',
  ],
  ['"2026-05-31"', '"2026-02-01"', 'default.codes.SPRING.valid_to: is before valid_from'],
  [', JPY: 400', '', 'default.taxes.city.per_person_night.JPY: is missing'],
  ['nights_max: 7', 'included: true', 'default.taxes.city: included is only for a tax in basis_points'],
  [
    'per_person_night: { EUR: "2.50", JPY: 400 }, nights_max: 7',
    'basis_points: 1000',
    'default.taxes.city: must say whether it is included in the prices',
  ],
  [
    '  currencies:',
    '  time_zone: Europe/Atlantis\n  currencies:',
    'default.time_zone: must be an IANA name like "Africa/Casablanca"',
  ],
];

for (const [from, to, message] of REFUSALS)
  test(`refused: ${message}`, () => {
    assert.ok(GOOD.includes(from), from);
    assert.equal(refusal(GOOD.replace(from, to)), message);
  });

test('a hotel’s block is held to the same rules, under its own name', () => {
  assert.equal(refusal(block('pay_1', '{}')), 'hotels.pay_1: is not the id of a merchant, mer_…');
  assert.equal(refusal(block(MERCHANT, '{ itmes: {} }')), `hotels.${MERCHANT}.itmes: is not a known key`);
  assert.equal(
    refusal(block(MERCHANT, '{ seasons: {} }')),
    `hotels.${MERCHANT}.items[room.double].seasons.high: is not among the seasons`,
  );
});

test('what is not plain YAML is refused with its place', () => {
  assert.match(refusal(`${GOOD}\ndefault: {}`), /^Map keys must be unique at line \d+, column 1/);
  assert.match(refusal('version: "7'), /^Missing closing "quote at line 1/);
  assert.match(refusal(GOOD.replace('"7"', '!secret "7"')), /^Unresolved tag: !secret at line 2/);
  assert.equal(refusal(''), 'must be a map with version and default');
  assert.equal(refusal('[]'), 'must be a map with version and default');
  assert.equal(refusal(Buffer.from([0x76, 0xff])), 'the file is not UTF-8');
  assert.equal(refusal(Buffer.alloc(2 * 1024 * 1024 + 1, 32)), 'the file is larger than 2 MiB');
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefgh'
      .split('')
      .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(',')}]`),
  ];
  assert.equal(refusal(bomb.join('\n')), 'an alias names nothing, or aliases unfold to too much');
});

test('at most twenty problems are told, and how many more there are', () => {
  const items = Array.from({ length: 30 }, (_, index) => `      i${index}: {}`).join('\n');
  const message = refusal(GOOD.replace('  items:', `  items:\n${items.replaceAll('      ', '    ')}`));
  assert.equal(message.split('; ').length, 21);
  assert.match(message, /; and 70 more$/);
});

test('the service’s configuration refuses a bad file and a bad lifetime, and knows the shipped file and 30 minutes', () => {
  const env = {
    DATABASE_URL: 'postgres://payment-api@127.0.0.1/payment_api',
    // Any file will do: they are read, and checked where they are used.
    SIGNING_KEY_FILE: SHIPPED_PRICING_FILE,
    TRUSTED_KEYS_FILE: SHIPPED_PRICING_FILE,
    TLS_CERT_FILE: SHIPPED_PRICING_FILE,
    TLS_KEY_FILE: SHIPPED_PRICING_FILE,
    TLS_CA_FILE: SHIPPED_PRICING_FILE,
  };
  const config = envToConfig(env);
  assert.deepEqual([config.pricing.version, config.quoteLifetimeMinutes], ['2026-01', 30]);
  for (const bad of [
    { PRICING_FILE: import.meta.filename },
    { PRICING_FILE: '/nowhere' },
    { QUOTE_LIFETIME_MINUTES: '0' },
    { QUOTE_LIFETIME_MINUTES: '1441' },
  ])
    assert.throws(() => envToConfig({ ...env, ...bad }), {
      name: 'ConfigError',
      message: new RegExp(`^${Object.keys(bad)[0]} `),
    });
});

test('a file that cannot be read stops the start, naming the variable and not the path', () => {
  assert.throws(() => readPricingFile('/nowhere/pricing.yaml'), {
    name: 'ConfigError',
    message: 'PRICING_FILE names a file that cannot be read',
  });
  assert.ok(readFileSync(SHIPPED_PRICING_FILE).length > 0);
});

/** A file with a hotel's own block. */
function block(id: string, text: string): string {
  return `${GOOD}hotels:\n  ${id}: ${text}\n`;
}
