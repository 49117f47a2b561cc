import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { DisputeFacts, PaymentStanding } from '../provider.ts';
import { howToFindOut } from './stripe-dashboard.ts';
import { disputeFacts } from './stripe-dispute.ts';
import { readSession, standingOfIntent } from './stripe-standing.ts';

type Fields = Record<string, unknown>;
const intentOf = (fields: Fields): Fields => ({
  id: 'pi_1',
  amount: 10_000,
  amount_capturable: 0,
  amount_received: 0,
  currency: 'eur',
  ...fields,
});
const charge = (fields: Fields): Fields => ({
  latest_charge: {
    id: 'ch_1',
    amount: 10_000,
    amount_captured: 0,
    amount_refunded: 0,
    disputed: false,
    paid: true,
    ...fields,
  },
});
const NOTHING = {
  authorizedMinor: 0n,
  capturedMinor: 0n,
  refundedMinor: 0n,
  capturableMinor: 0n,
  disputed: false,
};
const NO_TERMS = { expiresAt: undefined, multipleCapture: false, incremental: false, overcaptureMinor: 0n };

const session = (fields: Fields): Fields => ({
  id: 'cs_1',
  currency: 'eur',
  payment_intent: null,
  ...fields,
});

const refund = (fields: Fields): Fields => ({
  amount: 1_000,
  status: 'succeeded',
  balance_transaction: 'txn_1',
  ...fields,
});

describe('where a payment stands', () => {
  type Case = [
    name: string,
    fields: Fields,
    expected: PaymentStanding | undefined,
    refunds?: readonly unknown[],
  ];
  const all = { amount_received: 10_000, status: 'succeeded' };
  const part = { amount_received: 6_000, status: 'succeeded' };
  const took = { ...NOTHING, authorizedMinor: 10_000n, capturedMinor: 10_000n, state: 'captured' } as const;
  const tookPart = { ...took, capturedMinor: 6_000n } as const;
  const cases: Case[] = [
    ['not paid yet', { status: 'requires_payment_method' }, { ...NOTHING, state: 'open' }],
    ['at the bank', { status: 'requires_action' }, { ...NOTHING, state: 'open' }],
    [
      'declined',
      { status: 'requires_payment_method', last_payment_error: { code: 'card_declined' } },
      { ...NOTHING, state: 'failed' },
    ],
    [
      'held',
      { status: 'requires_capture', amount_capturable: 10_000, ...charge({}) },
      { ...NOTHING, state: 'held', authorizedMinor: 10_000n, capturableMinor: 10_000n, hold: NO_TERMS },
    ],
    [
      'captured in part and still held',
      {
        status: 'requires_capture',
        amount_capturable: 4_000,
        amount_received: 6_000,
        ...charge({ amount_captured: 6_000 }),
      },
      {
        ...NOTHING,
        state: 'held',
        authorizedMinor: 10_000n,
        capturedMinor: 6_000n,
        capturableMinor: 4_000n,
        hold: NO_TERMS,
      },
    ],
    ['captured', { ...all, ...charge({ amount_captured: 10_000 }) }, took],
    [
      'refunded in part',
      { ...all, ...charge({ amount_captured: 10_000, amount_refunded: 3_000 }) },
      { ...took, refundedMinor: 3_000n },
    ],
    [
      'disputed',
      { ...all, ...charge({ amount_captured: 10_000, disputed: true }) },
      { ...took, disputed: true },
    ],
    [
      'captured in part, the rest told as a refund that moved nothing',
      { ...part, ...charge({ amount_captured: 6_000, amount_refunded: 5_000 }) },
      { ...tookPart, refundedMinor: 1_000n },
      [refund({ amount: 4_000, balance_transaction: null }), refund({})],
    ],
    [
      'captured in part, only real refunds told',
      { ...part, ...charge({ amount_captured: 6_000, amount_refunded: 2_000 }) },
      { ...tookPart, refundedMinor: 2_000n },
      [
        refund({}),
        refund({ status: 'pending', balance_transaction: null }),
        refund({ status: 'failed' }),
        'no refund',
      ],
    ],
    [
      'released by us',
      {
        status: 'canceled',
        cancellation_reason: 'requested_by_customer',
        ...charge({ amount_refunded: 10_000 }),
      },
      { ...NOTHING, state: 'canceled', authorizedMinor: 10_000n, canceledBy: 'request' },
    ],
    [
      'let go by Stripe',
      { status: 'canceled', cancellation_reason: 'automatic', ...charge({ amount_refunded: 10_000 }) },
      { ...NOTHING, state: 'canceled', authorizedMinor: 10_000n, canceledBy: 'expiry' },
    ],
    ['in another currency', { ...all, currency: 'usd' }, undefined],
    ['of a new status', { ...all, status: 'a_status_of_2030' }, undefined],
    ['without amounts', { ...all, amount_received: null }, undefined],
  ];
  for (const [name, fields, expected, refunds] of cases)
    test(name, () => assert.deepEqual(standingOfIntent(intentOf(fields), 'EUR', refunds ?? []), expected));

  test('a hosted page is open, gone, or its payment', () => {
    assert.deepEqual(readSession(session({ status: 'open' }), 'EUR'), {
      standing: { state: 'open', ...NOTHING },
    });
    assert.deepEqual(readSession(session({ status: 'expired' }), 'EUR'), {
      standing: { state: 'canceled', ...NOTHING },
    });
    assert.deepEqual(readSession(session({ status: 'complete' }), 'EUR'), { standing: undefined });
    assert.deepEqual(readSession(session({ status: 'open', currency: 'usd' }), 'EUR'), {
      standing: undefined,
    });
    const read = readSession(
      session({ status: 'complete', payment_intent: intentOf({ status: 'succeeded' }) }),
      'EUR',
    );
    assert.equal('intent' in read && read.intent.id, 'pi_1');
  });
});

describe('a dispute in our words', () => {
  const cases: [status: string, ours: DisputeFacts['status'], isInquiry: boolean][] = [
    ['warning_needs_response', 'open', true],
    ['warning_under_review', 'under_review', true],
    ['warning_closed', 'closed', true],
    ['needs_response', 'open', false],
    ['under_review', 'under_review', false],
    ['appeal_needs_response', 'open', false],
    ['appeal_under_review', 'under_review', false],
    ['won', 'won', false],
    ['lost', 'lost', false],
    ['prevented', 'closed', false],
    ['a_status_of_2030', 'open', false],
  ];
  for (const [status, ours, isInquiry] of cases)
    test(`${status} is ${ours}`, () => {
      assert.deepEqual(
        disputeFacts({
          id: 'dp_1',
          amount: 5_000,
          currency: 'eur',
          status,
          reason: 'fraudulent',
          evidence_details: { due_by: 1_800_000_000 },
        }),
        {
          reference: 'dp_1',
          money: { amountMinor: 5_000n, currency: 'EUR' },
          status: ours,
          providerStatus: status,
          reason: 'fraudulent',
          isInquiry,
          evidenceDueAt: new Date('2027-01-15T08:00:00.000Z'),
        },
      );
    });

  test('a dispute without a date is read; what has no money is none', () => {
    const facts = disputeFacts({
      id: 'dp_1',
      amount: 1,
      currency: 'eur',
      status: 'lost',
      evidence_details: { due_by: null },
    });
    assert.deepEqual([facts?.reason, facts?.evidenceDueAt], ['', undefined]);
    assert.equal(disputeFacts({ id: 'dp_1', amount: 1, currency: 'xyz', status: 'lost' }), undefined);
  });
});

test('whatever Stripe answers, reading standings and disputes never throws', () => {
  fc.assert(
    fc.property(fc.anything(), fc.array(fc.anything()), (value, refunds) => {
      assert.equal(standingOfIntent(value, 'EUR', refunds), undefined);
      assert.deepEqual(readSession(value, 'EUR'), { standing: undefined });
      assert.equal(disputeFacts(value), undefined);
    }),
  );
});

describe('where people look', () => {
  const operationId = '0190d7a5-7a86-7c6e-9f0a-2f4b5c6d7e8f';
  const cases: [mode: 'test' | 'live', reference: string | undefined, link: string][] = [
    ['test', 'pi_1', 'https://dashboard.stripe.com/test/payments/pi_1'],
    ['live', 'pi_1', 'https://dashboard.stripe.com/payments/pi_1'],
    ['test', undefined, `https://dashboard.stripe.com/test/search?query=${operationId}`],
    ['live', 'cs_live_1', `https://dashboard.stripe.com/search?query=${operationId}`],
    ['live', 'pi_1/../../settings', `https://dashboard.stripe.com/search?query=${operationId}`],
  ];
  for (const [mode, paymentReference, link] of cases)
    test(`${mode} ${paymentReference}: ${link}`, () => {
      const words = howToFindOut({ mode, operationId, paymentReference });
      assert.ok(
        words.split(/\s/).some((word) => word.replace(/\.$/, '') === link),
        words,
      );
    });
});
