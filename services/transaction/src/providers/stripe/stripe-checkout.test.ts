import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { outcomeOfSession } from './stripe-checkout.ts';
import type { Expected } from './stripe-intent.ts';

const MONEY = { amountMinor: 12_500n, currency: 'EUR' };
const SALE: Expected = { money: MONEY, captureMethod: 'automatic' };
const HOLD: Expected = { money: MONEY, captureMethod: 'manual' };

type Fields = Record<string, unknown>;
const sessionOf = (fields: Fields): Fields => ({
  id: 'cs_test_1',
  object: 'checkout.session',
  amount_total: 12_500,
  currency: 'eur',
  payment_intent: null,
  payment_status: 'unpaid',
  url: 'https://checkout.stripe.com/c/pay/cs_test_1',
  expires_at: 1_800_000_000,
  ...fields,
});
const intent = (fields: Fields): Fields => ({
  payment_intent: {
    id: 'pi_1',
    amount: 12_500,
    amount_received: 0,
    amount_capturable: 0,
    currency: 'eur',
    ...fields,
  },
});

describe('where a hosted page stands', () => {
  type Case = [
    name: string,
    fields: Fields,
    expected: Expected,
    kind: string,
    reference: string,
    detail?: string,
  ];
  const cases: Case[] = [
    ['open', { status: 'open' }, SALE, 'requires_action', 'cs_test_1'],
    [
      'open without an address',
      { status: 'open', url: null },
      SALE,
      'unknown',
      'cs_test_1',
      'without an address',
    ],
    ['of another amount', { status: 'open', amount_total: 12_499 }, SALE, 'unknown', 'cs_test_1', 'mismatch'],
    ['in another currency', { status: 'open', currency: 'usd' }, SALE, 'unknown', 'cs_test_1', 'mismatch'],
    ['expired', { status: 'expired', url: null }, SALE, 'declined', 'cs_test_1', 'authentication_abandoned'],
    [
      'expired under a payment that then succeeded',
      { status: 'expired', ...intent({ status: 'succeeded', amount_received: 12_500 }) },
      SALE,
      'succeeded',
      'pi_1',
    ],
    [
      'expired under a payment that is still being decided',
      { status: 'expired', ...intent({ status: 'processing' }) },
      SALE,
      'pending',
      'pi_1',
    ],
    [
      'expired while the guest is at the bank',
      { status: 'expired', ...intent({ status: 'requires_action' }) },
      SALE,
      'unknown',
      'cs_test_1',
      'expired, and requires_action',
    ],
    [
      'expired with a declined try',
      { status: 'expired', ...intent({ status: 'requires_payment_method' }) },
      SALE,
      'declined',
      'cs_test_1',
      'authentication_abandoned',
    ],
    [
      'paid',
      {
        status: 'complete',
        payment_status: 'paid',
        ...intent({ status: 'succeeded', amount_received: 12_500 }),
      },
      SALE,
      'succeeded',
      'pi_1',
    ],
    [
      'held',
      { status: 'complete', ...intent({ status: 'requires_capture', amount_capturable: 12_500 }) },
      HOLD,
      'succeeded',
      'pi_1',
    ],
    [
      'held where a sale was asked for',
      { status: 'complete', ...intent({ status: 'requires_capture', amount_capturable: 12_500 }) },
      SALE,
      'unknown',
      'pi_1',
      'requires_capture',
    ],
    [
      'paid something else',
      { status: 'complete', ...intent({ status: 'succeeded', amount_received: 1 }) },
      SALE,
      'unknown',
      'pi_1',
      'mismatch',
    ],
    [
      'a method that settles later',
      { status: 'complete', ...intent({ status: 'processing' }) },
      SALE,
      'pending',
      'pi_1',
    ],
    [
      'a later method that failed',
      {
        status: 'complete',
        ...intent({ status: 'requires_payment_method', last_payment_error: { code: 'card_declined' } }),
      },
      SALE,
      'declined',
      'pi_1',
      'card_declined',
    ],
    [
      'complete without a payment',
      { status: 'complete', payment_status: 'no_payment_required' },
      SALE,
      'unknown',
      'cs_test_1',
      'no_payment_required',
    ],
    [
      'complete, not expanded',
      { status: 'complete', payment_intent: 'pi_1' },
      SALE,
      'unknown',
      'cs_test_1',
      'complete',
    ],
    ['a new status', { status: 'a_status_of_2030' }, SALE, 'unknown', 'cs_test_1', '2030'],
  ];
  for (const [name, fields, expected, kind, reference, detail] of cases)
    test(`${name}: ${kind}`, () => {
      const outcome = outcomeOfSession(sessionOf(fields), expected);
      assert.equal(outcome.kind, kind);
      assert.equal('providerReference' in outcome && outcome.providerReference, reference);
      if (outcome.kind === 'declined') assert.equal(outcome.failure.code, detail);
      if (outcome.kind === 'unknown') assert.match(outcome.reason, new RegExp(detail ?? '.'));
    });

  test('an open page tells its address and when it closes', () => {
    assert.deepEqual(outcomeOfSession(sessionOf({ status: 'open' }), SALE), {
      kind: 'requires_action',
      providerReference: 'cs_test_1',
      redirectUrl: 'https://checkout.stripe.com/c/pay/cs_test_1',
      expiresAt: new Date('2027-01-15T08:00:00.000Z'),
    });
  });

  test('whatever Stripe answers, reading it never throws and never succeeds by accident', () => {
    const odd = fc.record(
      {
        id: fc.constant('cs_1'),
        status: fc.oneof(fc.constant('complete'), fc.anything()),
        amount_total: fc.constant(12_500),
        currency: fc.constant('eur'),
        payment_intent: fc.anything(),
        expires_at: fc.anything(),
        url: fc.anything(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(fc.anything(), odd), (value) => {
        assert.notEqual(outcomeOfSession(value, SALE).kind, 'succeeded');
      }),
    );
  });
});
