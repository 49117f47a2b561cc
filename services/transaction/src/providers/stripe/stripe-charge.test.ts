import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { ChargeAttempt, FollowUpAttempt, HostedAttempt } from '../provider.ts';
import { chargeParams } from './stripe-charge.ts';
import { sessionParams } from './stripe-checkout.ts';
import { captureParams } from './stripe-follow-up.ts';
import { refundParams } from './stripe-refund.ts';

const ACCOUNT = '01990000-0000-7000-8000-00000000000a';
const OPERATION = '0190d7a5-7a86-7c6e-9f0a-2f4b5c6d7e8f';
const CREATED = new Date('2026-11-21T12:00:00Z');
const NO_EXTRAS = { multipleCapture: false, incremental: false, overcapture: false, extended: false };
const COMMON = {
  providerKey: `centra-${OPERATION}`,
  operationId: OPERATION,
  paymentId: 'pay_01',
  money: { amountMinor: 12_500n, currency: 'EUR' },
  bookingReference: 'BK-1',
  createdAt: CREATED,
  account: { id: ACCOUNT, version: 1, mode: 'test' as const, provider: 'stripe', credentials: new Map() },
};
const METADATA = {
  centra_operation: OPERATION,
  centra_payment: 'pay_01',
  centra_account: toPublicId('pa', ACCOUNT),
  booking_reference: 'BK-1',
};

const charge = (change: Partial<ChargeAttempt>): ChargeAttempt => ({
  ...COMMON,
  captureMethod: 'automatic',
  cardToken: 'token',
  description: 'Two nights',
  guest: { name: 'Ada Lovelace', email: 'ada@example.com' },
  returnUrl: 'https://hotel.example.com/back',
  vaultAccount: undefined,
  initiation: 'customer',
  originalNetworkTransactionId: undefined,
  extras: NO_EXTRAS,
  allowPartialApproval: false,
  ...change,
});

describe('what a charge asks of Stripe', () => {
  test('a sale by the guest: everything in one call, expanded once', () => {
    assert.deepEqual(chargeParams(charge({}), 'pm_1'), {
      amount: 12_500,
      currency: 'eur',
      payment_method: 'pm_1',
      allowed_payment_method_types: ['card'],
      capture_method: 'automatic',
      confirm: true,
      description: 'Two nights',
      return_url: 'https://hotel.example.com/back',
      metadata: METADATA,
      expand: ['latest_charge'],
    });
  });

  type Case = [change: Partial<ChargeAttempt>, has: Record<string, unknown>, lacks: readonly string[]];
  const cases: Case[] = [
    [{ captureMethod: 'manual' }, { capture_method: 'manual' }, ['payment_method_options']],
    [{ returnUrl: undefined }, { error_on_requires_action: true }, ['return_url', 'off_session']],
    [{ initiation: 'merchant' }, { off_session: true }, ['return_url', 'error_on_requires_action']],
    [
      { initiation: 'moto' },
      { error_on_requires_action: true, payment_method_options: { card: { moto: true } } },
      ['return_url', 'off_session'],
    ],
    [{ description: '' }, {}, ['description']],
    [
      { originalNetworkTransactionId: 'nti_1' },
      { metadata: { ...METADATA, original_network_transaction_id: 'nti_1' } },
      [],
    ],
    [
      { captureMethod: 'manual', extras: { ...NO_EXTRAS, multipleCapture: true } },
      { payment_method_options: { card: { request_multicapture: 'if_available' } } },
      [],
    ],
    [
      { captureMethod: 'manual', extras: { ...NO_EXTRAS, incremental: true, overcapture: true } },
      {
        payment_method_options: {
          card: {
            request_incremental_authorization: 'if_available',
            request_overcapture: 'if_available',
          },
        },
      },
      [],
    ],
    [
      { captureMethod: 'manual', initiation: 'moto', extras: { ...NO_EXTRAS, extended: true } },
      { payment_method_options: { card: { moto: true, request_extended_authorization: 'if_available' } } },
      [],
    ],
    [{ extras: { ...NO_EXTRAS, multipleCapture: true } }, {}, ['payment_method_options']],
    [{ money: { amountMinor: 5n, currency: 'ISK' } }, { amount: 500, currency: 'isk' }, []],
  ];
  for (const [change, has, lacks] of cases)
    test(JSON.stringify({ ...change, money: change.money?.currency }), () => {
      const params: Record<string, unknown> = { ...chargeParams(charge(change), 'pm_1') };
      for (const [name, value] of Object.entries(has)) assert.deepEqual(params[name], value, name);
      for (const name of lacks) assert.ok(!(name in params), `${name} is not sent`);
    });
});

const hosted = (change: Partial<HostedAttempt>): HostedAttempt => ({
  ...COMMON,
  captureMethod: 'manual',
  description: 'Two nights',
  guest: { name: 'Ada Lovelace', email: 'ada@example.com' },
  successUrl: 'https://hotel.example.com/paid',
  cancelUrl: 'https://hotel.example.com/left',
  expiresAt: new Date(CREATED.getTime() + 60 * 60_000),
  extras: { ...NO_EXTRAS, multipleCapture: true },
  ...change,
});

/** After how many minutes a page closes that was to close after so many. */
function closesAfter(minutes: number): number {
  const params = sessionParams(hosted({ expiresAt: new Date(CREATED.getTime() + minutes * 60_000) }));
  return ((params.expires_at ?? 0) - CREATED.getTime() / 1_000) / 60;
}

describe('what a hosted page asks of Stripe', () => {
  test('one line of exactly the amount, our references on the session and on its payment', () => {
    assert.deepEqual(sessionParams(hosted({})), {
      mode: 'payment',
      ui_mode: 'hosted_page',
      allowed_payment_method_types: ['card'],
      line_items: [
        {
          quantity: 1,
          price_data: { currency: 'eur', unit_amount: 12_500, product_data: { name: 'Two nights' } },
        },
      ],
      client_reference_id: 'pay_01',
      customer_email: 'ada@example.com',
      success_url: 'https://hotel.example.com/paid',
      cancel_url: 'https://hotel.example.com/left',
      expires_at: CREATED.getTime() / 1_000 + 3_600,
      payment_method_options: { card: { request_multicapture: 'if_available' } },
      metadata: METADATA,
      payment_intent_data: { capture_method: 'manual', description: 'Two nights', metadata: METADATA },
      expand: ['payment_intent.latest_charge'],
    });
  });

  test('the page closes within what Stripe allows, and the same attempt always says the same time', () => {
    assert.equal(closesAfter(1), 31);
    assert.equal(closesAfter(45), 45);
    assert.equal(closesAfter(24 * 60), 24 * 60 - 1);
  });

  test('a page without words is named after its booking; without an e-mail address none is sent', () => {
    const params = sessionParams(hosted({ description: '', guest: { name: '', email: '' } }));
    assert.equal(params.line_items?.[0]?.price_data?.product_data?.name, 'BK-1');
    assert.ok(!('customer_email' in params));
    assert.ok(params.payment_intent_data && !('description' in params.payment_intent_data));
  });
});

const followUp = (change: Partial<FollowUpAttempt>): FollowUpAttempt => ({
  ...COMMON,
  kind: 'capture',
  paymentReference: 'pi_1',
  providerReference: undefined,
  before: { authorizedMinor: 12_500n, capturedMinor: 0n, refundedMinor: 0n },
  isFinal: true,
  reason: '',
  ...change,
});

describe('what a follow-up asks of Stripe', () => {
  const part = { amountMinor: 5_000n, currency: 'EUR' };

  const finals: [change: Partial<FollowUpAttempt>, finalCapture: false | undefined][] = [
    [{ isFinal: true }, undefined],
    [{ isFinal: true, money: part }, undefined],
    [{ isFinal: false, money: part }, false],
    // Stripe keeps no hold of nothing.
    [{ isFinal: false }, undefined],
    [
      {
        isFinal: false,
        money: part,
        before: { authorizedMinor: 12_500n, capturedMinor: 7_500n, refundedMinor: 0n },
      },
      undefined,
    ],
  ];
  for (const [change, finalCapture] of finals)
    test(`a capture keeps the hold only when it must: ${change.isFinal} ${change.money?.amountMinor ?? 'all'} ${change.before?.capturedMinor ?? 0}`, () => {
      const params = captureParams(followUp(change));
      assert.equal(params.final_capture, finalCapture);
      assert.equal(params.amount_to_capture, Number(change.money?.amountMinor ?? 12_500n));
    });

  test("a capture names itself and leaves the name of the payment's own operation", () => {
    const { metadata } = captureParams(followUp({}));
    assert.deepEqual(metadata, {
      centra_capture: OPERATION,
      centra_payment: 'pay_01',
      centra_account: toPublicId('pa', ACCOUNT),
      booking_reference: 'BK-1',
    });
  });

  for (const [reason, sent] of [
    ['requested_by_customer', 'requested_by_customer'],
    ['duplicate', 'duplicate'],
    ['fraudulent', 'fraudulent'],
    ['abandoned', undefined],
    ['', undefined],
  ] as const)
    test(`a refund for "${reason}" tells Stripe ${sent ?? 'no reason'}`, () => {
      assert.deepEqual(refundParams(followUp({ kind: 'refund', money: part, reason })), {
        payment_intent: 'pi_1',
        amount: 5_000,
        ...(sent === undefined ? {} : { reason: sent }),
        metadata: METADATA,
      });
    });
});
