import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CURRENCY_CODES } from '@centra/money/currency.ts';
import { supportsCurrency, toProviderCurrency, toProviderMinor } from '@centra/money/provider-amount.ts';
import * as fc from 'fast-check';
import { FAILURES } from '../failure.ts';
import type { FailureCode } from '../failure.ts';
import { allowanceMinor, failureOfCodes, moneyOf } from './stripe-mapping.ts';

describe('decline codes in our words', () => {
  const cases: [code: string | undefined, declineCode: string | undefined, ours: FailureCode][] = [
    ['card_declined', 'insufficient_funds', 'insufficient_funds'],
    ['card_declined', 'lost_card', 'lost_card'],
    ['card_declined', 'stolen_card', 'stolen_card'],
    ['card_declined', 'pickup_card', 'stolen_card'],
    ['card_declined', 'do_not_honor', 'card_declined'],
    ['card_declined', 'generic_decline', 'card_declined'],
    ['card_declined', 'fraudulent', 'suspected_fraud'],
    ['card_declined', 'try_again_later', 'try_again_later'],
    ['card_declined', 'authentication_required', 'authentication_required'],
    ['expired_card', 'expired_card', 'expired_card'],
    ['incorrect_cvc', undefined, 'incorrect_cvc'],
    ['incorrect_number', undefined, 'incorrect_number'],
    ['invalid_expiry_year', undefined, 'invalid_expiry'],
    ['processing_error', undefined, 'processing_error'],
    ['payment_intent_authentication_failure', undefined, 'authentication_failed'],
    ['a_code_of_2030', 'another_of_2030', 'card_declined'],
    [undefined, undefined, 'card_declined'],
    // Names that every object inherits are no codes either.
    ['constructor', 'toString', 'card_declined'],
  ];
  for (const [code, declineCode, ours] of cases)
    test(`${code} / ${declineCode} is ${ours}`, () => {
      assert.deepEqual(failureOfCodes(code, declineCode), {
        code: ours,
        message: FAILURES[ours].message,
        retryable: FAILURES[ours].retryable,
      });
    });

  test('a lost or stolen card tells the guest no more than a plain decline', () => {
    assert.equal(FAILURES.lost_card.message, FAILURES.card_declined.message);
    assert.equal(FAILURES.stolen_card.message, FAILURES.card_declined.message);
    assert.equal(FAILURES.suspected_fraud.message, FAILURES.card_declined.message);
  });
});

describe('amounts as Stripe tells them', () => {
  const currency = fc.constantFrom(...CURRENCY_CODES.filter((code) => supportsCurrency('stripe', code)));

  test('any integer and any text is money or nothing, and never throws', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.oneof(
          fc.string(),
          currency.map((code) => code.toLowerCase()),
        ),
        (units, name) => {
          const money = moneyOf(units, name);
          if (money !== undefined) assert.equal(toProviderMinor('stripe', { ...money, amountMinor: 0n }), 0n);
          assert.ok(allowanceMinor(units, name) >= 0n);
        },
      ),
    );
    assert.equal(moneyOf(undefined, 'eur'), undefined);
    assert.equal(moneyOf(1, undefined), undefined);
  });

  test('an allowance is rounded down to what can be charged, and is never negative', () => {
    assert.equal(allowanceMinor(1_875, 'eur'), 1_875n);
    assert.equal(allowanceMinor(-1, 'eur'), 0n);
    assert.equal(allowanceMinor(0, 'eur'), 0n);
    // Stripe computes a percentage: 15 % of 5 KWD may end in a digit that no charge can have.
    assert.equal(allowanceMinor(757, 'kwd'), 750n);
    assert.equal(allowanceMinor(1_575, 'isk'), 15n);
    fc.assert(
      fc.property(currency, fc.nat(99_999_999), (code, units) => {
        const allowed = allowanceMinor(units, toProviderCurrency('stripe', code));
        const sent = toProviderMinor('stripe', { amountMinor: allowed, currency: code });
        assert.ok(sent <= BigInt(units) && BigInt(units) - sent < 100n, `${units} ${code}`);
      }),
    );
  });
});
