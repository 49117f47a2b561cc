import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as allocation from './allocate.ts';
import * as formatting from './format-amount.ts';
import * as moneys from './money.ts';
import * as parsing from './parse-amount.ts';
import * as providers from './provider-amount.ts';
import * as rounding from './round.ts';

// JavaScript callers, `any` and unchecked JSON get past the types; floats must not get past the functions.
const INEXACT: unknown[] = [
  1.5,
  0.1 + 0.2,
  NaN,
  Infinity,
  -0,
  '100',
  '1.5',
  null,
  undefined,
  [],
  {},
  true,
  new Date(0),
];
// An integer number is fine where a count is asked for, and wrong where an amount is.
const NO_BIGINT: unknown[] = [...INEXACT, 100];

const MAD = { amountMinor: 100n, currency: 'MAD' };
const moneyOf = (amountMinor: unknown): unknown => ({ amountMinor, currency: 'MAD' });

type Attack = { valid: unknown[]; at: number; with: unknown[] };
const amountAt = (at: number, ...valid: unknown[]): Attack => ({ valid, at, with: NO_BIGINT });
const moneyAt = (at: number, ...valid: unknown[]): Attack => ({ valid, at, with: NO_BIGINT.map(moneyOf) });
const countAt = (at: number, ...valid: unknown[]): Attack => ({ valid, at, with: INEXACT });
// Text is what these read, so the numbers are the attack.
const textAt = (at: number, ...valid: unknown[]): Attack => ({
  valid,
  at,
  with: NO_BIGINT.filter((value) => typeof value !== 'string'),
});

const ATTACKS: Record<string, Attack[]> = {
  money: [amountAt(0, 1n, 'MAD')],
  zero: [],
  add: [moneyAt(0, MAD, MAD), moneyAt(1, MAD, MAD)],
  subtract: [moneyAt(0, MAD, MAD), moneyAt(1, MAD, MAD)],
  negate: [moneyAt(0, MAD)],
  compare: [moneyAt(0, MAD, MAD), moneyAt(1, MAD, MAD)],
  equals: [moneyAt(0, MAD, MAD), moneyAt(1, MAD, MAD)],
  isZero: [moneyAt(0, MAD)],
  toJsonAmount: [amountAt(0, 1n)],
  fromJsonAmount: [countAt(0, 1)],
  requireBigint: [amountAt(0, 1n)],
  parseAmount: [textAt(0, '1', 'MAD')],
  parseUnits: [textAt(0, '1', 2)],
  formatAmount: [moneyAt(0, MAD)],
  formatUnits: [amountAt(0, 1n, 2)],
  formatForDisplay: [moneyAt(0, MAD, 'en')],
  divideRounded: [amountAt(0, 1n, 2n, 'down'), amountAt(1, 1n, 2n, 'down')],
  applyBasisPoints: [moneyAt(0, MAD, 1, 'down'), countAt(1, MAD, 1, 'down')],
  convert: [moneyAt(0, MAD, 'EUR', '0.1', 'down'), textAt(2, MAD, 'EUR', '0.1', 'down')],
  allocate: [
    moneyAt(0, MAD, [1n]),
    { valid: [MAD, [1n]], at: 1, with: NO_BIGINT.map((weight) => [1n, weight]) },
  ],
  splitEvenly: [moneyAt(0, MAD, 1), countAt(1, MAD, 1)],
  toProviderMinor: [moneyAt(1, 'stripe', MAD)],
  fromProviderMinor: [amountAt(1, 'stripe', 1n, 'MAD')],
  toProviderDecimal: [moneyAt(1, 'cmi', MAD)],
  fromProviderDecimal: [textAt(1, 'cmi', '1.00', 'MAD')],
  supportsCurrency: [],
  toProviderCurrency: [],
  fromProviderCurrency: [],
  minimumCharge: [],
  requireChargeable: [moneyAt(1, 'stripe', MAD)],
};

const exported = Object.entries({
  ...moneys,
  ...parsing,
  ...formatting,
  ...rounding,
  ...allocation,
  ...providers,
});

test('every function of the package is in the table of attacks', () => {
  assert.deepEqual(exported.map(([name]) => name).toSorted(), Object.keys(ATTACKS).toSorted());
});

for (const [name, call] of exported) {
  for (const { valid, at, with: replacements } of ATTACKS[name] ?? []) {
    test(`${name} takes nothing inexact as argument ${at + 1}`, () => {
      assert.doesNotThrow(() => Reflect.apply(call, undefined, valid), 'the valid arguments are valid');
      assert.ok(replacements.length > 5);
      for (const replacement of replacements) {
        const call1 = (): unknown => Reflect.apply(call, undefined, valid.with(at, replacement));
        assert.throws(
          call1,
          { name: 'MoneyError' },
          JSON.stringify(replacement, (_, v: unknown) => String(v)),
        );
      }
    });
  }
}
