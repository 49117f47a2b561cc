import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { holdTermsOf, outcomeOfIntent, readIntent } from './stripe-intent.ts';
import type { Expected } from './stripe-intent.ts';

const MONEY = { amountMinor: 12_500n, currency: 'EUR' };
const SALE: Expected = { money: MONEY, captureMethod: 'automatic' };
const HOLD: Expected = { money: MONEY, captureMethod: 'manual' };

function intentOf(fields: Record<string, unknown>): Record<string, unknown> {
  return {
    id: 'pi_1',
    object: 'payment_intent',
    amount: 12_500,
    amount_capturable: 0,
    amount_received: 0,
    currency: 'eur',
    ...fields,
  };
}

const CARD = {
  amount_authorized: 12_500,
  brand: 'visa',
  last4: '4242',
  exp_month: 9,
  exp_year: 2048,
  capture_before: 1_800_000_000,
  incremental_authorization: { status: 'available' },
  multicapture: { status: 'available' },
  overcapture: { status: 'available', maximum_amount_capturable: 14_375 },
  network_transaction_id: 'nti_1',
};
const charged = (card: Record<string, unknown> = {}): Record<string, unknown> => ({
  latest_charge: { id: 'ch_1', amount: 12_500, payment_method_details: { card: { ...CARD, ...card } } },
});

type Case = [fields: Record<string, unknown>, kind: string, detail?: string];

function judged(expected: Expected, cases: readonly Case[]): void {
  for (const [fields, kind, detail] of cases)
    test(`${JSON.stringify(fields)} is ${kind}${detail === undefined ? '' : ` (${detail})`}`, () => {
      const outcome = outcomeOfIntent(intentOf(fields), expected);
      assert.equal(outcome.kind, kind);
      assert.equal(
        'providerReference' in outcome && outcome.providerReference,
        'pi_1',
        'the reference is never lost',
      );
      if (outcome.kind === 'declined') {
        assert.equal(outcome.failure.code, detail);
        assert.equal(outcome.beforeCharge, undefined, "Stripe's word on the intent is final");
      }
      if (outcome.kind === 'unknown') assert.match(outcome.reason, new RegExp(detail ?? ''));
    });
}

const NOT_SETTLED: readonly Case[] = [
  [
    {
      status: 'requires_action',
      next_action: {
        type: 'redirect_to_url',
        redirect_to_url: { url: 'https://bank.example/3ds', return_url: 'https://h.example' },
      },
    },
    'requires_action',
  ],
  [{ status: 'requires_action', next_action: { type: 'use_stripe_sdk' } }, 'unknown', 'without a redirect'],
  [
    {
      status: 'requires_payment_method',
      last_payment_error: { code: 'card_declined', decline_code: 'lost_card' },
    },
    'declined',
    'lost_card',
  ],
  [
    {
      status: 'requires_payment_method',
      last_payment_error: { code: 'payment_intent_authentication_failure' },
    },
    'declined',
    'authentication_failed',
  ],
  [{ status: 'requires_payment_method', last_payment_error: null }, 'unknown', 'not tried yet'],
  [{ status: 'canceled', cancellation_reason: 'abandoned' }, 'declined', 'authentication_abandoned'],
  [{ status: 'canceled', cancellation_reason: 'requested_by_customer' }, 'declined', 'not_charged'],
  [{ status: 'canceled', cancellation_reason: 'a_reason_of_2030' }, 'declined', 'not_charged'],
  [{ status: 'processing' }, 'unknown', 'processing'],
  [{ status: 'requires_confirmation' }, 'unknown', 'requires_confirmation'],
  [{ status: 'a_status_of_2030' }, 'unknown', 'a_status_of_2030'],
  [{}, 'unknown', 'undefined'],
];

describe('where the intent of a sale stands', () => {
  judged(SALE, [
    [{ status: 'succeeded', amount_received: 12_500 }, 'succeeded'],
    [{ status: 'succeeded', amount_received: 12_499 }, 'unknown', 'mismatch'],
    [{ status: 'succeeded', amount_received: null }, 'unknown', 'mismatch'],
    [{ status: 'succeeded', amount_received: 12_500, currency: 'usd' }, 'unknown', 'mismatch'],
    [{ status: 'requires_capture', amount_capturable: 12_500 }, 'unknown', 'requires_capture'],
    ...NOT_SETTLED,
  ]);
});

describe('where the intent of an authorisation stands', () => {
  judged(HOLD, [
    [{ status: 'requires_capture', amount_capturable: 12_500 }, 'succeeded'],
    [{ status: 'requires_capture', amount_capturable: 12_000 }, 'unknown', 'mismatch'],
    [{ status: 'requires_capture', amount_capturable: 12_500, currency: 'usd' }, 'unknown', 'mismatch'],
    [{ status: 'requires_capture', amount_capturable: undefined }, 'unknown', 'mismatch'],
    // Somebody captured in Stripe's dashboard before we asked: it was authorised all the same.
    [{ status: 'requires_capture', amount_capturable: 2_500, amount_received: 10_000 }, 'succeeded'],
    [{ status: 'succeeded', amount_received: 10_000, ...charged() }, 'succeeded'],
    [{ status: 'succeeded', amount: 9_000, amount_received: 9_000 }, 'unknown', 'mismatch'],
    ...NOT_SETTLED,
  ]);

  test("an authorisation tells its card, its hold's terms and the network's id; a sale has no hold", () => {
    const fields = { status: 'requires_capture', amount_capturable: 12_500, ...charged() };
    assert.deepEqual(outcomeOfIntent(intentOf(fields), HOLD), {
      kind: 'succeeded',
      providerReference: 'pi_1',
      card: { brand: 'visa', last4: '4242', expiryMonth: 9, expiryYear: 2048 },
      networkTransactionId: 'nti_1',
      hold: {
        expiresAt: new Date('2027-01-15T08:00:00.000Z'),
        multipleCapture: true,
        incremental: true,
        overcaptureMinor: 1_875n,
      },
    });
    const sold = outcomeOfIntent(
      intentOf({ status: 'succeeded', amount_received: 12_500, ...charged() }),
      SALE,
    );
    assert.ok(sold.kind === 'succeeded');
    assert.equal(sold.hold, undefined);
    assert.equal(sold.networkTransactionId, 'nti_1');
  });
});

const over = (status: string, most: unknown): Record<string, unknown> => ({
  overcapture: { status, maximum_amount_capturable: most },
});

describe("what a hold allows comes from the charge's own answer", () => {
  const none = { expiresAt: undefined, multipleCapture: false, incremental: false, overcaptureMinor: 0n };
  const cases: [card: Record<string, unknown>, overcaptureMinor: bigint][] = [
    [over('available', 14_375), 1_875n],
    [over('available', 12_500), 0n],
    [over('available', 12_000), 0n],
    [over('available', null), 0n],
    [over('unavailable', 14_375), 0n],
    [over('a_status_of_2030', 14_375), 0n],
  ];
  for (const [card, expected] of cases)
    test(`${JSON.stringify(card)} allows ${expected} more`, () => {
      const intent = readIntent(intentOf(charged(card)));
      assert.ok(intent);
      assert.equal(holdTermsOf(intent).overcaptureMinor, expected);
    });

  test('nothing is assumed of a charge that says nothing, or was not expanded', () => {
    const empty = { latest_charge: { id: 'ch_1', payment_method_details: { card: {} } } };
    for (const fields of [empty, { latest_charge: 'ch_1' }, { latest_charge: null }, {}]) {
      const intent = readIntent(intentOf(fields));
      assert.ok(intent);
      assert.deepEqual(holdTermsOf(intent), none);
    }
  });

  test('unknown words for its features allow nothing', () => {
    const odd = { status: 'a_status_of_2030' };
    const intent = readIntent(
      intentOf(
        charged({
          capture_before: undefined,
          incremental_authorization: odd,
          multicapture: odd,
          overcapture: odd,
        }),
      ),
    );
    assert.ok(intent);
    assert.deepEqual(holdTermsOf(intent), none);
  });
});

test('whatever Stripe answers, reading it never throws and only its explicit words decide', () => {
  const status = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'succeeded',
      'requires_capture',
      'canceled',
      'requires_action',
      'requires_payment_method',
    ),
  );
  const odd = fc.record(
    {
      id: fc.oneof(fc.constant('pi_1'), fc.anything()),
      status: fc.oneof(status, fc.anything()),
      amount: fc.anything(),
      amount_capturable: fc.anything(),
      amount_received: fc.anything(),
      currency: fc.anything(),
      next_action: fc.anything(),
      last_payment_error: fc.anything(),
      latest_charge: fc.anything(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(fc.anything(), odd), fc.constantFrom(SALE, HOLD), (value, expected) => {
      assert.notEqual(outcomeOfIntent(value, expected).kind, 'succeeded');
    }),
  );
});
