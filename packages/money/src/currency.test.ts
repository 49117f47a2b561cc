import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { CURRENCIES, CURRENCY_CODES, exponentOf, isCurrency, numericOf } from './currency.ts';

test('the table is the published ISO 4217 list, row for row', () => {
  // SHA-256 of "AED 784 2\nAFN 971 2\n…" computed from the XML of list one (2026-01-01), not from our table.
  // When ISO amends the list, compute it again from the new XML with the exclusions named in currency.ts.
  const rows = CURRENCY_CODES.map(
    (code) => `${code} ${CURRENCIES[code].numeric} ${CURRENCIES[code].exponent}`,
  );
  const digest = createHash('sha256').update(rows.join('\n')).digest('hex');
  assert.equal(rows.length, 155);
  assert.equal(digest, 'cc40764067a8cc444b1949c9cd2f6f9c1ab877e2743fcce526ebdea6259826ac');
});

test('exactly the published currencies have no decimals, and exactly seven have three', () => {
  assert.equal(withExponent(0), 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF');
  assert.equal(withExponent(3), 'BHD IQD JOD KWD LYD OMR TND');
});

test('two decimals are kept where Intl would drop or change them', () => {
  const expected: [string, number][] = [
    ['HUF', 2],
    ['IDR', 2],
    ['COP', 2],
    ['MGA', 2],
    ['MRU', 2],
    ['TWD', 2],
    ['MAD', 2],
    ['IQD', 3],
  ];
  for (const [code, exponent] of expected) assert.equal(exponentOf(code), exponent, code);
});

test('numeric codes are three characters, unique, and keep their leading zeros', () => {
  const numerics = CURRENCY_CODES.map((code) => numericOf(code));
  for (const numeric of numerics) assert.match(numeric, /^[0-9]{3}$/);
  assert.equal(new Set(numerics).size, CURRENCY_CODES.length);
  const expected: [string, string][] = [
    ['MAD', '504'],
    ['EUR', '978'],
    ['USD', '840'],
    ['GBP', '826'],
    ['AED', '784'],
    ['SAR', '682'],
    ['QAR', '634'],
    ['EGP', '818'],
    ['DZD', '012'],
    ['HUF', '348'],
    ['TWD', '901'],
    ['TND', '788'],
    ['KWD', '414'],
    ['BHD', '048'],
    ['OMR', '512'],
    ['JOD', '400'],
    ['JPY', '392'],
    ['XOF', '952'],
  ];
  for (const [code, numeric] of expected) assert.equal(numericOf(code), numeric, code);
});

test('funds, metals, test codes, withdrawn codes and other spellings are not currencies', () => {
  const refused = [
    'XXX XTS XAU XAG XDR XUA XSU XBA CLF UYI UYW COU MXV BOV CHE CHW USN XAD',
    'HRK BGN ANG CUC STD usd Usd US$ US EURO 978 __proto__ constructor toString',
  ].flatMap((line) => line.split(' '));
  for (const code of [...refused, '', ' EUR', 'EUR ', 'ＥＵＲ']) {
    assert.equal(isCurrency(code), false, code);
    assert.throws(() => exponentOf(code), { name: 'MoneyError', code: 'unknown_currency' }, code);
    assert.throws(() => numericOf(code), { name: 'MoneyError', code: 'unknown_currency' }, code);
  }
});

function withExponent(exponent: number): string {
  return CURRENCY_CODES.filter((code) => exponentOf(code) === exponent).join(' ');
}
