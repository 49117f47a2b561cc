import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CardErrors } from './card-rules.ts';
import { cardErrors, cardTypeOf, luhnValid } from './card-rules.ts';

const NOW_MS = Date.UTC(2030, 5, 15);

const TYPES = [
  ['4111111111111111', 'visa'],
  ['4222222222222', 'visa'],
  ['5555555555554444', 'mastercard'],
  ['2223003122003222', 'mastercard'],
  ['378282246310005', 'amex'],
  ['6011111111111117', 'discover'],
  ['30569309025904', 'diners'],
  ['3566002020360505', 'jcb'],
  ['6200000000000005', 'unionpay'],
  ['6759649826438453', 'maestro'],
] as const;

for (const [number, type] of TYPES) {
  test(`${number} is a valid ${type} number, and not with any one digit changed`, () => {
    assert.equal(cardTypeOf(number)?.type, type);
    assert.equal(luhnValid(number), true);
    for (let at = 0; at < number.length; at += 1) {
      const wrong = number.slice(0, at) + ((Number(number[at]) + 1) % 10) + number.slice(at + 1);
      assert.equal(luhnValid(wrong), false, wrong);
    }
  });
}

const GOOD = {
  card_number: '4111111111111111',
  cardholder_name: 'Ada Lovelace',
  expiration_month: '06',
  expiration_year: '2030',
  service_code: '123',
};

const CASES: [string, Partial<typeof GOOD>, CardErrors][] = [
  ['good details', {}, {}],
  ['no number', { card_number: '' }, { card_number: ["can't be blank"] }],
  ['a wrong check digit', { card_number: '4111111111111112' }, { card_number: ['is invalid'] }],
  ['a number of no scheme', { card_number: '9111111111111111' }, { card_number: ['is invalid'] }],
  ['a number too short for its scheme', { card_number: '411111111111116' }, { card_number: ['is invalid'] }],
  ['letters in the number', { card_number: '4111x11111111111' }, { card_number: ['is invalid'] }],
  ['no name', { cardholder_name: '  ' }, { cardholder_name: ["can't be blank"] }],
  ['a control character in the name', { cardholder_name: 'A\nB' }, { cardholder_name: ['is invalid'] }],
  ['a name of 256', { cardholder_name: 'x'.repeat(256) }, { cardholder_name: ['is invalid'] }],
  ['last month', { expiration_month: '05' }, { expiration_year: ['has expired'] }],
  ['one-digit month', { expiration_month: '6' }, {}],
  ['month 13', { expiration_month: '13' }, { expiration_month: ['is invalid'] }],
  ['two-digit year', { expiration_year: '30' }, { expiration_year: ['is invalid'] }],
  ['no year', { expiration_year: '' }, { expiration_year: ["can't be blank"] }],
  ['a CVV of four on a Visa', { service_code: '1234' }, { service_code: ['is invalid'] }],
  ['a CVV of three on an Amex', { card_number: '378282246310005' }, { service_code: ['is invalid'] }],
  ['a CVV of four on an Amex', { card_number: '378282246310005', service_code: '1234' }, {}],
  ['letters in the CVV', { service_code: '12a' }, { service_code: ['is invalid'] }],
  ['no CVV', { service_code: '' }, { service_code: ["can't be blank"] }],
];

for (const [name, change, expected] of CASES) {
  test(`${name} → ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(
      cardErrors({ ...GOOD, ...change }, { nowMs: NOW_MS, serviceCodeRequired: true }),
      expected,
    );
  });
}

test('a card is good in every time zone until its month has ended there', () => {
  const rules = { serviceCodeRequired: true };
  const endOfJune = Date.UTC(2030, 6, 1);
  assert.deepEqual(cardErrors(GOOD, { ...rules, nowMs: endOfJune + 12 * 3_600_000 - 1 }), {});
  assert.deepEqual(cardErrors(GOOD, { ...rules, nowMs: endOfJune + 12 * 3_600_000 }), {
    expiration_year: ['has expired'],
  });
});

test('a type that is not accepted is refused, and a CVV may be left out where it is not required', () => {
  const rules = { nowMs: NOW_MS, serviceCodeRequired: false };
  assert.deepEqual(cardErrors(GOOD, { ...rules, accepted: ['amex'] }), { card_number: ['is not accepted'] });
  assert.deepEqual(cardErrors({ ...GOOD, service_code: '' }, { ...rules, accepted: ['visa'] }), {});
});
