import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fastestMs, leastOf } from '@centra/testkit/fastest.ts';
import * as fc from 'fast-check';
import { containsCardNumber, maskCardNumbers, passesLuhn, refuseCardData } from './card-data.ts';
import { AppError } from './errors.ts';

// Published test numbers of the card schemes and providers, of every length and grouping that cards have.
const VISA = '4242424242424242';
const TEST_CARDS = [
  VISA,
  '4000056655665556',
  '4222222222222',
  '5555555555554444',
  '2223003122003222',
  '5105105105105100',
  '378282246310005',
  '371449635398431',
  '6011111111111117',
  '30569309025904',
  '36227206271667',
  '3566002020360505',
  '6200000000000005',
  '6205500000000000004',
];

describe('a card number is found', () => {
  for (const number of TEST_CARDS) {
    test(`${number} plain, spaced, dashed, dotted and in wide digits`, () => {
      for (const spelling of [...spellings(number), Array.from(number).join(' ')])
        assert.ok(containsCardNumber(spelling), spelling);
    });
  }

  test('inside other text', () => {
    for (const text of [
      `Guest paid with ${VISA}.`,
      `card:${VISA},exp:12/28`,
      `pan_${VISA}`,
      `"${VISA}"`,
      `${VISA}\n${VISA}`,
      `+${VISA}`,
      `Carte n°${VISA}`,
    ])
      assert.ok(containsCardNumber(text), text);
  });

  test('beside other digits: a room before it, an expiry date or security code after it', () => {
    for (const spelling of spellings(VISA))
      for (const text of [
        `Room 2 ${spelling}`,
        `2-${spelling}`,
        `${spelling} 12/28`,
        `${spelling} 123`,
        `${spelling}-123`,
        `${spelling} 12 28 123`,
        `${spelling}.0`,
        `214 ${spelling} 1228`,
        `${spelling} ${spelling}`,
        `4000 0000 ${spelling}`,
      ])
        assert.ok(containsCardNumber(text), text);
  });
});

describe('nothing is found in', () => {
  const harmless: Record<string, string[]> = {
    'tokens of 32 hexadecimal digits': [
      '5f2b4c6d8e9f0a1b2c3d4e5f6a7b8c9d',
      '42424242424242424242424242424242',
      'tok_4242424242424242aaaaaaaaaaaaaaaa',
      'aaaaaaaaaaaaaaaa4242424242424242',
    ],
    UUIDs: [
      '01890a5d-ac96-774b-bcce-b302099a8057',
      '550e8400-e29b-41d4-a716-446655440000',
      // Its first 16 characters are digits that a card number could have.
      uuidWithCardLikeStart(),
      uuidWithCardLikeStart().toUpperCase(),
    ],
    'phone numbers': ['+212 522 43 44 45', '00212522434445', '+44 20 7946 0958', '+1 (202) 555-0143'],
    'numbers of 16 digits with a wrong check digit': [
      '4242424242424241',
      '4242 4242 4242 4243',
      '5555555555554440',
    ],
    'points in time': [
      '2026-01-31T23:59:59.123456Z',
      '2026-01-31 23:59:59',
      '1767225600000',
      '20260131235959',
    ],
    'too few and too many digits': ['424242424242', '42424242424242424242', '4242-4242-4242'],
    'numbers no card starts with': ['0000000000000000', '1111111111111117', '9999999999999995'],
    'booking references and amounts': [
      'BK-2026-000123',
      '1234567.89',
      'INV 2026/04/000017',
      '1 234 567 890,00 MAD',
    ],
    nothing: ['', ' ', '-'],
  };
  for (const [what, texts] of Object.entries(harmless))
    test(what, () => {
      for (const text of texts) assert.equal(containsCardNumber(text), false, text);
    });
});

describe('refuseCardData', () => {
  test('names the field, never the value', () => {
    const bodies: [unknown, string][] = [
      [VISA, 'body'],
      [{ description: `paid with ${VISA}` }, 'description'],
      [{ guest: { name: '4242 4242 4242 4242' } }, 'guest.name'],
      [{ metadata: { notes: ['x', { a: VISA }] } }, 'metadata.notes[1].a'],
      [[VISA], '[0]'],
      [{ amount: Number(VISA) }, 'amount'],
      [{ amount: -Number(VISA) }, 'amount'],
      [{ metadata: { [VISA]: 'x' } }, 'metadata'],
      [{ [`card ${VISA}`]: 1 }, 'body'],
    ];
    for (const [body, field] of bodies) {
      const refusal = refused(body);
      assert.deepEqual(
        refusal.errors.map((error) => error.field),
        [field],
      );
      assert.ok(!JSON.stringify(refusal.errors).includes('4242'));
      assert.ok(!refusal.message.includes('4242'));
    }
  });

  test('refuses fields that only ever hold card data, whatever they hold', () => {
    const names = [
      'card_number',
      'cardNumber',
      'CardNumber',
      'card-number',
      'pan',
      'PAN',
      'cvv',
      'cvv2',
      'CVC',
      'cvc2',
    ];
    for (const name of [...names, 'security_code', 'securityCode', 'service_code'])
      assert.deepEqual(refused({ a: { [name]: '' } }).errors[0]?.field, `a.${name}`);
  });

  test('lets plain data through', () => {
    assert.doesNotThrow(() =>
      refuseCardData({
        amount: 123_450,
        created: 1_767_225_600_000,
        currency: 'MAD',
        company: 'Pan Hotels',
        expansion: 'x',
        paid: true,
        nothing: null,
        list: ['550e8400-e29b-41d4-a716-446655440000', 1, -1],
      }),
    );
  });
});

describe('maskCardNumbers', () => {
  test('leaves nothing that could be found again', () => {
    for (const number of TEST_CARDS)
      for (const spelling of spellings(number))
        for (const text of [spelling, `a ${spelling} b`, `${spelling} 12/28`, `1 ${spelling}, ${spelling}`]) {
          const masked = maskCardNumbers(text);
          assert.equal(containsCardNumber(masked), false, text);
          assert.match(masked, /\[card number\]/);
        }
  });

  test('keeps every other text as it is', () => {
    const text = 'order 4242424242424241 of 550e8400-e29b-41d4-a716-446655440000, ﬁne';
    assert.equal(maskCardNumbers(text), text);
  });
});

test('the check digit makes every digit string valid in exactly one way', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...Array.from('0123456789')), minLength: 1, maxLength: 18 }),
      (digits) => {
        const valid = Array.from('0123456789').filter((check) => passesLuhn(digits + check));
        assert.equal(valid.length, 1);
      },
    ),
  );
  assert.equal(passesLuhn(''), false);
});

// Ten times the text; quadratic work would take a hundred times as long.
const RATIO_MAX = 40;

test('hostile text is searched in linear time', () => {
  const shapes = [
    '4',
    '4 ',
    '4-',
    '42 ',
    '4242 ',
    '4242424242424241 ',
    '4242-4242-',
    '4242424242424241a',
    '-',
    '0a5d-',
    ' ',
  ];
  for (const shape of shapes) {
    const searchMs = (size: number): number => {
      const text = shape.repeat(Math.ceil(size / shape.length));
      return fastestMs(() => void containsCardNumber(text));
    };
    const ratio = leastOf(() => searchMs(200_000) / Math.max(searchMs(20_000), 0.05), RATIO_MAX);
    assert.ok(ratio < RATIO_MAX, `"${shape}": ten times the text took ${ratio.toFixed(1)} times as long`);
  }
});

function spellings(number: string): string[] {
  const grouped = (separator: string): string => (number.match(/\d{1,4}/g) ?? []).join(separator);
  const wide = Array.from(number, (digit) => String.fromCharCode(digit.charCodeAt(0) - 0x30 + 0xff10)).join(
    '',
  );
  return [
    number,
    grouped(' '),
    grouped('-'),
    grouped('.'),
    grouped('\u00a0'),
    grouped('\u2011'),
    grouped('–'),
    wide,
  ];
}

/** A version 4 UUID whose first three groups are 16 digits with a right check digit. */
function uuidWithCardLikeStart(): string {
  const check = Array.from('0123456789').find((digit) => passesLuhn(`512345671234412${digit}`));
  return `51234567-1234-412${check}-9abc-123456789abc`;
}

function refused(body: unknown): AppError {
  try {
    refuseCardData(body);
  } catch (error) {
    assert.ok(error instanceof AppError);
    assert.equal(error.code, 'card_data_not_allowed');
    return error;
  }
  return assert.fail('it was accepted');
}

test("a network's transaction id of 15 digits is no card in its own field, and is one anywhere else", () => {
  // Passes for an American Express number: a published test card.
  const id = '378282246310005';
  assert.doesNotThrow(() => refuseCardData({ original_network_transaction_id: id }));
  for (const value of [
    { metadata: { id } },
    { original_network_transaction_id: '4242424242424242' },
    { original_network_transaction_id: `x ${id}` },
  ])
    assert.throws(() => refuseCardData(value), isRefusal);
});

function isRefusal(error: unknown): boolean {
  return error instanceof AppError && error.code === 'card_data_not_allowed';
}
