import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Stripe } from 'stripe';

import { TEST_CARDS } from '../payment-methods/test-cards.ts';
import { errorOf, startRig, type Rig } from '../testing/rig.ts';

const card = {
  amount: 2_000,
  currency: 'usd',
  allowed_payment_method_types: ['card'],
  confirm: true,
  return_url: 'https://shop.test/back',
};

/** What a one-time payment with each card comes to; `code/decline_code` for a decline. */
const OUTCOMES: Record<string, string> = {
  success: 'succeeded',
  generic_decline: 'card_declined/generic_decline/try_again_later',
  insufficient_funds: 'card_declined/insufficient_funds/try_again_later',
  lost_card: 'card_declined/lost_card/do_not_try_again',
  stolen_card: 'card_declined/stolen_card/do_not_try_again',
  velocity: 'card_declined/card_velocity_exceeded/try_again_later',
  expired_card: 'expired_card//do_not_try_again',
  incorrect_cvc: 'incorrect_cvc//confirm_card_data',
  processing_error: 'processing_error//try_again_later',
  charge_customer_fail: 'card_declined/generic_decline/try_again_later',
  authenticate_unless_set_up: 'requires_action',
  authenticate_always: 'requires_action',
  authenticate_then_insufficient_funds: 'requires_action',
  authenticate_then_decline: 'requires_action',
  authentication_required: 'requires_action',
  authentication_optional: 'succeeded',
  radar_block: 'card_declined/fraudulent/',
  risk_highest: 'card_declined/fraudulent/',
  risk_elevated: 'succeeded',
  dispute_fraudulent: 'succeeded',
  dispute_product_not_received: 'succeeded',
  dispute_inquiry: 'succeeded',
  early_fraud_warning: 'succeeded',
  refund_pending: 'succeeded',
  refund_fails: 'succeeded',
  declines_flexibility: 'succeeded',
  bypass_pending: 'succeeded',
};

test('every test card, by number and by alias, does what Stripe publishes for it', async (t) => {
  const rig = await startRig(t);
  for (const testCard of TEST_CARDS) {
    const expected = OUTCOMES[testCard.behaviour];
    assert.ok(expected, `no outcome is expected for ${testCard.behaviour}`);
    const cvc = testCard.brand === 'amex' ? '1234' : '123';
    const made = await rig.stripe.paymentMethods.create({
      type: 'card',
      card: { number: testCard.number, exp_month: 12, exp_year: 2040, cvc },
    });
    assert.deepEqual([made.card?.brand, made.card?.last4], [testCard.brand, testCard.number.slice(-4)]);
    for (const method of [made.id, ...testCard.aliases]) {
      assert.equal(await outcomeOf(rig, method), expected, `${method} (${testCard.behaviour})`);
    }
  }
});

test('a decline is an error that carries the payment, its charge and the reason, and the payment can be tried again', async (t) => {
  const { stripe, effects } = await startRig(t);
  const declined = await errorOf(
    stripe.paymentIntents.create({ ...card, payment_method: 'pm_card_visa_chargeDeclinedInsufficientFunds' }),
  );
  assert.ok(declined instanceof Stripe.errors.StripeCardError);
  const intent = declined.payment_intent;
  assert.ok(intent);
  assert.deepEqual(
    [intent.status, intent.payment_method, intent.last_payment_error?.decline_code],
    ['requires_payment_method', null, 'insufficient_funds'],
  );
  assert.equal(intent.latest_charge, declined.charge);
  assert.equal(declined.network_decline_code, '51');
  assert.equal(declined.payment_method?.card?.last4, '9995');
  const charge = await stripe.charges.retrieve(declined.charge ?? '');
  assert.deepEqual(
    [charge.status, charge.paid, charge.failure_code, charge.outcome?.type],
    ['failed', false, 'card_declined', 'issuer_declined'],
  );
  const paid = await stripe.paymentIntents.confirm(intent.id, { payment_method: 'pm_card_visa' });
  assert.deepEqual([paid.status, paid.last_payment_error], ['succeeded', null]);
  assert.equal((await effects('charge.failed')).length, 1);
  assert.equal((await effects('charge.succeeded')).length, 1);
});

test('a card the risk engine blocks never reaches the network', async (t) => {
  const { stripe } = await startRig(t);
  const blocked = await errorOf(
    stripe.paymentIntents.create({ ...card, payment_method: 'pm_card_radarBlock' }),
  );
  const { outcome } = await stripe.charges.retrieve(blocked.charge ?? '');
  assert.deepEqual(
    [outcome?.type, outcome?.network_status, outcome?.risk_level],
    ['blocked', 'not_sent_to_network', 'highest'],
  );
});

test('a card that wants authentication declines while the cardholder is away, and when actions are refused', async (t) => {
  const { stripe, effects } = await startRig(t);
  const away = await errorOf(
    stripe.paymentIntents.create({
      ...card,
      payment_method: 'pm_card_authenticationRequired',
      off_session: true,
    }),
  );
  assert.deepEqual(
    [away.statusCode, away.code, away.decline_code],
    [402, 'authentication_required', 'authentication_required'],
  );
  assert.equal(away.payment_intent?.status, 'requires_payment_method');
  const refused = await errorOf(
    stripe.paymentIntents.create({
      ...card,
      payment_method: 'pm_card_threeDSecure2Required',
      error_on_requires_action: true,
    }),
  );
  assert.deepEqual(
    [refused.code, refused.decline_code, refused.charge],
    ['authentication_required', 'authentication_not_handled', undefined],
  );
  assert.equal((await effects('charge.succeeded')).length, 0);
});

test('authentication on request is asked of cards that support it and of no other', async (t) => {
  const { stripe } = await startRig(t);
  const payment_method_options = { card: { request_three_d_secure: 'challenge' as const } };
  const supported = await stripe.paymentIntents.create({
    ...card,
    payment_method: 'pm_card_threeDSecureOptional',
    payment_method_options,
  });
  assert.equal(supported.status, 'requires_action');
  const plain = await stripe.paymentIntents.create({
    ...card,
    payment_method: 'pm_card_visa',
    payment_method_options,
  });
  assert.equal(plain.status, 'succeeded');
});

async function outcomeOf({ stripe }: Rig, payment_method: string): Promise<string> {
  try {
    return (await stripe.paymentIntents.create({ ...card, payment_method })).status;
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeCardError)) throw error;
    assert.equal(error.payment_intent?.status, 'requires_payment_method');
    return [error.code, error.decline_code ?? '', error.advice_code ?? ''].join('/');
  }
}
