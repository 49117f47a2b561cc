import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Stripe } from 'stripe';

import { errorOf, fieldOf, startRig } from '../testing/rig.ts';

const hold = {
  amount: 10_000,
  currency: 'eur',
  payment_method: 'pm_card_debit_incrementalAuthAuthorized',
  allowed_payment_method_types: ['card'],
  capture_method: 'manual' as const,
  confirm: true,
  payment_method_options: { card: { request_incremental_authorization: 'if_available' as const } },
};

test('200: an increment holds the new total, and the capture takes all of it', async (t) => {
  const { stripe, effects } = await startRig(t);
  const held = await stripe.paymentIntents.create({
    ...hold,
    payment_method_options: {
      card: { ...hold.payment_method_options.card, request_overcapture: 'if_available' },
    },
  });
  const raised = await stripe.paymentIntents.incrementAuthorization(
    held.id,
    { amount: 14_000, metadata: { night: '3' }, description: 'One night more' },
    { idempotencyKey: 'more-1' },
  );
  assert.deepEqual(
    [raised.status, raised.amount, raised.amount_capturable, raised.metadata, raised.description],
    ['requires_capture', 14_000, 14_000, { night: '3' }, 'One night more'],
  );
  const charge = await stripe.charges.retrieve(fieldOf(raised, 'latest_charge'));
  const card = charge.payment_method_details?.card;
  assert.deepEqual(
    [charge.amount, card?.amount_authorized, card?.overcapture?.maximum_amount_capturable],
    [14_000, 14_000, 16_100],
  );
  assert.equal(card?.capture_before, charge.created + 7 * 86_400, 'an increment does not extend the hold');
  const [line, ...others] = await effects('authorization.incremented');
  assert.deepEqual(others, []);
  assert.deepEqual(
    [line?.['amount_new_total'], line?.['amount_added'], line?.['idempotency_key']],
    [14_000, 4_000, 'more-1'],
  );
  const [event] = (await stripe.events.list({ type: 'payment_intent.amount_capturable_updated' })).data;
  assert.deepEqual(event?.data.previous_attributes, {
    amount: 10_000,
    amount_capturable: 10_000,
    description: null,
    metadata: { night: null },
  });
  const paid = await stripe.paymentIntents.capture(held.id);
  assert.deepEqual([paid.status, paid.amount_received], ['succeeded', 14_000]);
});

test('402: a declined increment leaves the old authorisation, and the same key stays declined', async (t) => {
  const rig = await startRig(t);
  const { stripe } = rig;
  const held = await stripe.paymentIntents.create({
    ...hold,
    payment_method: 'pm_card_credit_disableEnterpriseCardFeatures',
  });
  const change = { amount: 12_000, metadata: { late: 'no' } };
  for (let at = 0; at < 2; at += 1) {
    const declined = await errorOf(
      stripe.paymentIntents.incrementAuthorization(held.id, change, { idempotencyKey: 'more-1' }),
    );
    assert.ok(declined instanceof Stripe.errors.StripeCardError);
    assert.deepEqual(
      [declined.statusCode, declined.code, declined.decline_code, declined.payment_intent?.status],
      [402, 'card_declined', 'generic_decline', 'requires_capture'],
    );
  }
  assert.deepEqual(await stripe.paymentIntents.retrieve(held.id), held);
  assert.equal((await rig.effects('authorization.increment_declined')).length, 1);
  const other = await stripe.paymentIntents.create(hold);
  await rig.arm({ fault: 'increment_declined', path: '/v1/payment_intents/[^/]+/increment_authorization' });
  const declined = await errorOf(stripe.paymentIntents.incrementAuthorization(other.id, { amount: 12_000 }));
  assert.deepEqual([declined.statusCode, declined.decline_code], [402, 'insufficient_funds']);
  assert.equal(
    (await stripe.paymentIntents.incrementAuthorization(other.id, { amount: 12_000 })).amount,
    12_000,
  );
});

test('400: an increment needs support, a larger amount and an uncaptured hold, and its step is limited', async (t) => {
  const { stripe, effects } = await startRig(t);
  const held = await stripe.paymentIntents.create(hold);
  const plain = await stripe.paymentIntents.create({ ...hold, payment_method_options: {} });
  const parts = await stripe.paymentIntents.create({
    ...hold,
    payment_method_options: {
      card: { ...hold.payment_method_options.card, request_multicapture: 'if_available' },
    },
  });
  await stripe.paymentIntents.capture(parts.id, { amount_to_capture: 100, final_capture: false });
  const captured = await stripe.paymentIntents.create(hold);
  await stripe.paymentIntents.capture(captured.id);
  const cases: [string, number, string | undefined][] = [
    [held.id, 10_000, undefined],
    [held.id, 9_000, undefined],
    // 500 euros or five times the hold may be added at once, whichever is more.
    [held.id, 60_001, 'amount_too_large'],
    [plain.id, 12_000, undefined],
    [parts.id, 12_000, 'payment_intent_unexpected_state'],
    [captured.id, 12_000, 'payment_intent_unexpected_state'],
  ];
  for (const [id, amount, code] of cases) {
    const refused = await errorOf(stripe.paymentIntents.incrementAuthorization(id, { amount }));
    assert.deepEqual(
      [refused.statusCode, refused.type, refused.code],
      [400, 'StripeInvalidRequestError', code],
      `${id} ${amount}`,
    );
  }
  assert.deepEqual(await effects('authorization.incremented'), []);
  assert.equal(
    (await stripe.paymentIntents.incrementAuthorization(held.id, { amount: 60_000 })).amount,
    60_000,
  );
});

test('400: the eleventh attempt is refused, declines counted, also over a restart', async (t) => {
  const rig = await startRig(t);
  const held = await rig.stripe.paymentIntents.create(hold);
  await rig.arm({ fault: 'increment_declined', times: 3 });
  const attempt = (amount: number) => rig.stripe.paymentIntents.incrementAuthorization(held.id, { amount });
  for (let at = 1; at <= 3; at += 1) assert.equal((await errorOf(attempt(10_000 + at))).statusCode, 402);
  for (let at = 4; at <= 7; at += 1) assert.equal((await attempt(10_000 + at)).amount, 10_000 + at);
  await rig.restart();
  for (let at = 8; at <= 10; at += 1) assert.equal((await attempt(10_000 + at)).amount, 10_000 + at);
  assert.equal((await errorOf(attempt(10_011))).statusCode, 400);
  assert.equal((await rig.stripe.paymentIntents.retrieve(held.id)).amount, 10_010);
});
