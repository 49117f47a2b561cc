import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fastestMs, leastOf } from '@centra/testkit/fastest.ts';
import * as fc from 'fast-check';
import { AppError } from './errors.ts';
import { parseStrictJson } from './strict-json.ts';

const PUBLISHED_TEST_CARD = '4242424242424242';

describe('accepts', () => {
  test('plain data of every JSON kind', () => {
    assert.deepEqual(parse('{"a":[1,-2,0.5,true,false,null,"x",{}],"b":{"a":""}}'), {
      a: [1, -2, 0.5, true, false, null, 'x', {}],
      b: { a: '' },
    });
    for (const scalar of ['"text"', '0', 'true', 'null', '[]', ' \t\r\n{ } \n'])
      assert.deepEqual(parse(scalar), JSON.parse(scalar));
  });

  test('whatever JSON.stringify makes of plain data within the limits parses back equal', () => {
    fc.assert(
      fc.property(plainData(), fc.constantFrom(0, 2), (value, indent) => {
        assert.deepEqual(parse(JSON.stringify(value, null, indent)), value);
      }),
    );
  });

  test('the largest exact numbers, and texts that only look like structure', () => {
    assert.equal(parse('9007199254740991'), Number.MAX_SAFE_INTEGER);
    assert.equal(parse('-9007199254740991'), Number.MIN_SAFE_INTEGER);
    const tricky = { 'a":{"a': '{"a":1,"a":1e400}', b: '\\', 'c\\': '"', d: '[[[-0', e: 'é😀' };
    assert.deepEqual(parse(JSON.stringify(tricky)), tricky);
  });

  test('the same key in different objects, and as key and value', () => {
    assert.deepEqual(parse('{"a":{"a":"a"},"b":[{"a":1},{"a":2}]}'), {
      a: { a: 'a' },
      b: [{ a: 1 }, { a: 2 }],
    });
  });

  test('32 levels and 1,000 keys', () => {
    assert.doesNotThrow(() => parse('['.repeat(32) + ']'.repeat(32)));
    assert.doesNotThrow(() => parse('{"a":'.repeat(32) + '1' + '}'.repeat(32)));
    assert.doesNotThrow(() => parse(JSON.stringify(manyKeys(1_000))));
  });
});

describe('refuses with malformed_json', () => {
  const refusals: Record<string, string> = {
    'nothing at all': '',
    'an unfinished object': '{"a":1',
    'two values': '{} {}',
    'a trailing comma': '[1,]',
    'a comment': '/* */ {}',
    'single quotes': "{'a':1}",
    NaN: '[NaN]',
    'a byte order mark': '\ufeff{}',
    'a raw control character in a text': '"a\nb"',
    'a number that is infinite as a double': '{"amount":1e400}',
    'a number that is infinite below zero': '-1e400',
    'a number that loses digits: 2^53': '[9007199254740992]',
    'a number that loses digits: -2^53': '[-9007199254740992]',
    'a fraction that loses digits': '[0.1000000000000000055511151231257827]',
    'a number that vanishes': '[1e-400]',
    'minus zero': '{"amount":-0}',
    'minus zero as a fraction': '{"amount":-0.0}',
    'a second spelling of 1': '[1.0]',
    'a second spelling of 100': '[1e2]',
    'a second spelling with a capital': '[1E2]',
    'a duplicate key': '{"a":1,"a":2}',
    'a duplicate key with the same value': '{"a":1,"b":2,"a":1}',
    'a duplicate key in another spelling': '{"a":1,"\\u0061":2}',
    'a duplicate key before spaces': '{"a" \n\t:1,"a":2}',
    'a duplicate key deep inside': '[{"x":{"a":[],"b":{},"a":[]}}]',
    '33 arrays': '['.repeat(33) + ']'.repeat(33),
    '33 objects': '{"a":'.repeat(33) + '1' + '}'.repeat(33),
    '100,000 arrays': '['.repeat(100_000) + ']'.repeat(100_000),
    '1,001 keys': JSON.stringify(manyKeys(1_001)),
    '1,001 keys over many objects': JSON.stringify(Array.from({ length: 1_001 }, () => ({ a: 1 }))),
    'NUL in a text': '["a\\u0000b"]',
    'NUL in a key': '{"\\u0000":1}',
    'a lone high surrogate': '["\\ud83d"]',
    'a lone low surrogate in a key': '{"\\ude00":1}',
    'surrogates in the wrong order': '["\\ude00\\ud83d"]',
  };
  for (const [what, text] of Object.entries(refusals))
    test(what, () => {
      refuses(Buffer.from(text));
    });

  for (const key of ['__proto__', 'constructor', 'prototype']) {
    test(`the key ${key} at any depth and in any spelling`, () => {
      const escaped = `\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}`;
      for (const spelling of [key, escaped])
        for (const text of [`{"${spelling}":{"isAdmin":true}}`, `[{"a":[{"${spelling}":1}]}]`])
          refuses(Buffer.from(text));
      assert.equal(Reflect.get({}, 'isAdmin'), undefined);
    });
  }

  test('bytes that are not UTF-8', () => {
    const invalid: number[][] = [
      [0xff],
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
      [0xf5, 0x80, 0x80, 0x80],
      [0xe2, 0x82],
    ];
    for (const bytes of invalid) refuses(Uint8Array.from([0x22, ...bytes, 0x22]));
    refuses(Buffer.from('{"a":1}', 'utf16le'));
  });
});

test('a refusal never repeats a card number', () => {
  const texts = [
    `{"${PUBLISHED_TEST_CARD}":1,"${PUBLISHED_TEST_CARD}":2}`,
    `{"card ${PUBLISHED_TEST_CARD}":1,"card ${PUBLISHED_TEST_CARD}":2}`,
    `[${PUBLISHED_TEST_CARD}.0]`,
    `[${PUBLISHED_TEST_CARD}e0]`,
    `[${PUBLISHED_TEST_CARD}000]`,
  ];
  for (const text of texts) {
    const { detail } = refuses(Buffer.from(text));
    assert.ok(!String(detail).includes(PUBLISHED_TEST_CARD), detail);
  }
});

// Ten times the text; quadratic work would take a hundred times as long.
const RATIO_MAX = 40;

test('hostile text is read in linear time', () => {
  const shapes: Record<string, (size: number) => string> = {
    backslashes: (size) => JSON.stringify('\\'.repeat(size)),
    'many short texts': (size) => JSON.stringify(Array.from({ length: size }, () => 'a')),
    'spaces after each text': (size) => `{"a":"b"${' '.repeat(size)}}`,
    digits: (size) => `[${'9'.repeat(size)}]`,
    'one long key': (size) => `{"${'k'.repeat(size)}":1}`,
    'escaped letters': (size) => `"${'\\u0061'.repeat(size)}"`,
  };
  for (const [name, shape] of Object.entries(shapes)) {
    const ratio = leastOf(
      () => readingMs(shape(200_000)) / Math.max(readingMs(shape(20_000)), 0.05),
      RATIO_MAX,
    );
    assert.ok(ratio < RATIO_MAX, `${name}: ten times the text took ${ratio.toFixed(1)} times as long`);
  }
});

function parse(text: string): unknown {
  return parseStrictJson(Buffer.from(text));
}

function refuses(bytes: Uint8Array): AppError {
  try {
    parseStrictJson(bytes);
  } catch (error) {
    assert.ok(error instanceof AppError);
    assert.equal(error.code, 'malformed_json');
    assert.match(error.detail ?? '', /^The body is not acceptable: .+\.$/);
    return error;
  }
  return assert.fail('it was accepted');
}

function manyKeys(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));
}

/** JSON values of at most a few levels and some dozens of keys, with names and texts in any script. */
function plainData(): fc.Arbitrary<unknown> {
  const text = fc.string({ unit: 'binary', maxLength: 20 }).filter((value) => !value.includes('\0'));
  const key = text.filter((value) => !['__proto__', 'constructor', 'prototype'].includes(value));
  const number = fc
    .oneof(fc.maxSafeInteger(), fc.double({ noNaN: true, min: -9e15, max: 9e15 }))
    .map((value) => (value === 0 ? 0 : value));
  return fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, false),
      number,
      text,
      fc.array(tie('value'), { maxLength: 5 }),
      fc.dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: true }),
    ),
  })).value;
}

/** How long the text is read, whatever the outcome. */
function readingMs(text: string): number {
  const bytes = Buffer.from(text);
  return fastestMs(() => {
    try {
      parseStrictJson(bytes);
    } catch {
      // Some shapes are refused; only how long it takes matters here.
    }
  });
}
