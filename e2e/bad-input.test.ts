import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Hotel } from '@centra/dev/seed.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import {
  call,
  card,
  countMoneyRows,
  journal,
  onboardHotel,
  problemSchema,
  rows,
  startPlatformUnderTest,
} from './platform-under-test.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';

let platform: PlatformUnderTest;
let hotel: Hotel;
let cardToken: string;
before(async () => {
  platform = await startPlatformUnderTest();
  hotel = await onboardHotel(platform);
  cardToken = await card(platform, hotel);
});
after(async () => await platform.end());

type Case = {
  name: string;
  body: string | Buffer;
  status: number;
  code: string;
  field?: string;
  headers?: Record<string, string>;
};

const base = (): Record<string, unknown> => ({
  card_token: cardToken,
  amount: 12_550,
  currency: 'EUR',
  booking_reference: 'BK-BAD',
});
const body = (change: Record<string, unknown>): string => JSON.stringify({ ...base(), ...change });
/** The body with a literal that JSON.stringify would not write. */
const literal = (field: string, text: string): string => body({ [field]: '@@' }).replace('"@@"', text);

// Security rows 5-8, 16-18 and 53, reliability rows 26, 47 and 48; a function, since the card token exists only once the platform is up.
const cases = (): Case[] => [
  { name: 'amount 0', body: literal('amount', '0'), status: 400, code: 'validation_failed', field: 'amount' },
  {
    name: 'amount -1',
    body: literal('amount', '-1'),
    status: 400,
    code: 'validation_failed',
    field: 'amount',
  },
  {
    name: 'amount 1.5',
    body: literal('amount', '1.5'),
    status: 400,
    code: 'validation_failed',
    field: 'amount',
  },
  {
    name: 'amount "100"',
    body: literal('amount', '"100"'),
    status: 400,
    code: 'validation_failed',
    field: 'amount',
  },
  { name: 'amount 1e400', body: literal('amount', '1e400'), status: 400, code: 'malformed_json' },
  { name: 'amount 2^53', body: literal('amount', '9007199254740992'), status: 400, code: 'malformed_json' },
  { name: 'amount -0', body: literal('amount', '-0'), status: 400, code: 'malformed_json' },
  {
    name: 'amount null',
    body: literal('amount', 'null'),
    status: 400,
    code: 'validation_failed',
    field: 'amount',
  },
  {
    name: 'amount []',
    body: literal('amount', '[]'),
    status: 400,
    code: 'validation_failed',
    field: 'amount',
  },
  {
    name: 'currency usd',
    body: body({ currency: 'usd' }),
    status: 400,
    code: 'validation_failed',
    field: 'currency',
  },
  {
    name: 'currency US$',
    body: body({ currency: 'US$' }),
    status: 400,
    code: 'validation_failed',
    field: 'currency',
  },
  {
    name: 'currency XXX',
    body: body({ currency: 'XXX' }),
    status: 400,
    code: 'validation_failed',
    field: 'currency',
  },
  {
    name: 'a currency Stripe does not take',
    body: body({ currency: 'LYD' }),
    status: 422,
    code: 'currency_not_supported',
  },
  {
    name: 'JPY 1.5',
    body: literal('amount', '1.5').replace('EUR', 'JPY'),
    status: 400,
    code: 'validation_failed',
    field: 'amount',
  },
  {
    name: 'KWD 5.124, whose last digit Stripe wants 0',
    body: body({ currency: 'KWD', amount: 5_124 }),
    status: 422,
    code: 'amount_not_allowed',
  },
  { name: 'below the minimum', body: body({ amount: 49 }), status: 422, code: 'amount_not_allowed' },
  {
    name: 'above eight digits',
    body: body({ amount: 100_000_000 }),
    status: 422,
    code: 'amount_not_allowed',
  },
  {
    name: 'an unknown field',
    body: body({ status: 'succeeded' }),
    status: 400,
    code: 'validation_failed',
    field: 'status',
  },
  {
    name: 'a mass assignment',
    body: body({ captured_amount: 1, hotel_id: randomUUID() }),
    status: 400,
    code: 'validation_failed',
  },
  {
    name: '__proto__',
    body: body({}).replace('{', '{"__proto__":{"isAdmin":true},'),
    status: 400,
    code: 'malformed_json',
  },
  {
    name: 'a nested constructor',
    body: body({ metadata: { a: 'b' } }).replace('"a"', '"constructor"'),
    status: 400,
    code: 'malformed_json',
  },
  {
    name: 'a duplicate key',
    body: body({}).replace('{', '{"amount":1,'),
    status: 400,
    code: 'malformed_json',
  },
  {
    name: 'depth 33',
    body: literal('metadata', `${'['.repeat(33)}${']'.repeat(33)}`),
    status: 400,
    code: 'malformed_json',
  },
  {
    name: 'bad UTF-8',
    body: Buffer.concat([Buffer.from('{"card_token":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
    status: 400,
    code: 'malformed_json',
  },
  { name: 'NUL', body: body({ description: 'a\0b' }), status: 400, code: 'malformed_json' },
  { name: 'not JSON', body: 'amount=100', status: 400, code: 'malformed_json' },
  {
    name: '256 KiB and one byte',
    body: body({ description: 'x'.repeat(256 * 1024) }),
    status: 413,
    code: 'payload_too_large',
  },
  {
    name: 'a form',
    body: body({}),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    name: 'a compressed body',
    body: body({}),
    headers: { 'content-encoding': 'gzip' },
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    name: 'a card number in the description',
    body: body({ description: 'card 4242 4242 4242 4242' }),
    status: 422,
    code: 'card_data_not_allowed',
  },
  {
    name: 'a card number in metadata',
    body: body({ metadata: { note: '4000-0000-0000-0002' } }),
    status: 422,
    code: 'card_data_not_allowed',
  },
  {
    name: 'no key',
    body: body({}),
    headers: { 'idempotency-key': '' },
    status: 400,
    code: 'idempotency_key_invalid',
  },
  {
    name: 'a key of 256',
    body: body({}),
    headers: { 'idempotency-key': 'k'.repeat(256) },
    status: 400,
    code: 'idempotency_key_invalid',
  },
];

test('every bad input of the table gets its documented answer and leaves no row and no call outside', async (t) => {
  const rowsBefore = await countMoneyRows(platform);
  const callsBefore = (await journal(platform.stripeUrl)).length;
  for (const one of cases())
    await t.test(one.name, async () => {
      // The hotel's own limit is 20 a second (G3), and refused requests count.
      await pause(60);
      const answer = await call(platform, 'POST', '/v1/charge', {
        apiKey: hotel.apiKey,
        headers: { 'idempotency-key': randomUUID(), ...one.headers },
        body: one.body,
      });
      assert.equal(answer.status, one.status, answer.text);
      assert.equal(String(answer.headers['content-type']).split(';')[0], 'application/problem+json');
      const problem = problemSchema.parse(answer.json);
      assert.equal(problem.code, one.code, answer.text);
      if (one.field !== undefined)
        assert.ok(
          problem.errors?.some((error) => error.field === one.field),
          answer.text,
        );
      assert.ok(!answer.text.includes('4242 4242'), 'a refused value is not echoed');
    });
  assert.equal(await countMoneyRows(platform), rowsBefore);
  assert.equal((await journal(platform.stripeUrl)).length, callsBefore);
  const [stored] = await rows(
    platform,
    'payment-api',
    'select count(*)::int as count from replies',
    z.object({ count: z.int() }),
  );
  assert.equal(stored?.count, 0);
});

test('JPY and a KWD amount that Stripe can say are charged exactly', async () => {
  await pause(1_100);
  for (const [currency, amount] of [
    ['JPY', 500],
    ['KWD', 5_120],
  ] as const) {
    const token = await card(platform, hotel);
    const answer = await call(platform, 'POST', '/v1/charge', {
      apiKey: hotel.apiKey,
      headers: { 'idempotency-key': randomUUID() },
      body: JSON.stringify({ ...base(), card_token: token, currency, amount }),
    });
    assert.equal(answer.status, 201, answer.text);
    const effects = (await journal(platform.stripeUrl)).filter(
      (entry) => entry.effect === 'charge.succeeded',
    );
    assert.equal(effects.at(-1)?.amount, amount);
    assert.equal(effects.at(-1)?.currency, currency.toLowerCase());
  }
});
