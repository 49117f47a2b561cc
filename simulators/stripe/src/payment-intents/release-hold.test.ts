import assert from 'node:assert/strict';
import { test } from 'node:test';

import { errorOf, fieldOf, startRig, type Rig } from '../testing/rig.ts';

const DAY_MS = 86_400_000;
const HOUR_S = 3_600;
const hold = {
  amount: 10_000,
  currency: 'eur',
  payment_method: 'pm_card_visa',
  allowed_payment_method_types: ['card'],
  capture_method: 'manual' as const,
  confirm: true,
};
const several = { card: { request_multicapture: 'if_available' as const } };

const advance = (rig: Rig, ms: number) => rig.control('POST', '/clock', { advance_ms: ms });

test('a cancellation releases the hold without a refund, and says why', async (t) => {
  const rig = await startRig(t);
  const held = await rig.stripe.paymentIntents.create({ ...hold, metadata: { stay: 's-1' } });
  const canceled = await rig.stripe.paymentIntents.cancel(
    held.id,
    { cancellation_reason: 'requested_by_customer' },
    { idempotencyKey: 'void-1' },
  );
  assert.deepEqual(
    [canceled.status, canceled.cancellation_reason, canceled.amount_capturable, canceled.amount_received],
    ['canceled', 'requested_by_customer', 0, 0],
  );
  const charge = await rig.stripe.charges.retrieve(fieldOf(held, 'latest_charge'));
  assert.deepEqual(
    [charge.captured, charge.amount_captured, charge.refunded, charge.amount_refunded],
    [false, 0, false, 0],
  );
  assert.deepEqual((await rig.stripe.refunds.list({ charge: charge.id })).data, []);
  const [line, ...others] = await rig.effects('authorization.released');
  assert.deepEqual(others, []);
  assert.deepEqual(
    [line?.['amount'], line?.['idempotency_key'], line?.['metadata']],
    [10_000, 'void-1', { stay: 's-1' }],
  );
  const types = (await rig.stripe.events.list()).data.map(({ type }) => type);
  assert.deepEqual(types[0], 'payment_intent.canceled');
  assert.ok(!types.includes('charge.refunded') && !types.includes('charge.expired'));
  const again = await errorOf(rig.stripe.paymentIntents.cancel(held.id));
  assert.equal(again.code, 'payment_intent_unexpected_state');
});

test('canceling a payment that was captured in part releases the rest and keeps the part', async (t) => {
  const rig = await startRig(t);
  const held = await rig.stripe.paymentIntents.create({ ...hold, payment_method_options: several });
  await rig.stripe.paymentIntents.capture(held.id, { amount_to_capture: 3_000, final_capture: false });
  const ended = await rig.stripe.paymentIntents.cancel(held.id);
  assert.deepEqual(
    [ended.status, ended.amount_received, ended.amount_capturable, ended.canceled_at],
    ['succeeded', 3_000, 0, null],
  );
  assert.equal((await rig.effects('authorization.released'))[0]?.['amount'], 7_000);
  assert.equal((await rig.effects('payment_intent.canceled')).length, 0);
  assert.equal((await rig.stripe.refunds.create({ payment_intent: held.id })).amount, 3_000);
});

test('how long a hold lasts depends on the network, on who began it, and on an extended authorisation', async (t) => {
  const { stripe } = await startRig(t);
  const extended = { card: { request_extended_authorization: 'if_available' as const } };
  const cases: [string, object, number][] = [
    ['pm_card_visa', {}, 7 * 24],
    ['pm_card_visa', { off_session: true }, 5 * 24 - 6],
    [
      'pm_card_visa',
      { payment_method_options: { card: { mit_exemption: { network_transaction_id: '4' } } } },
      5 * 24 - 6,
    ],
    ['pm_card_mastercard', { off_session: true }, 7 * 24],
    ['pm_card_amex', {}, 7 * 24],
    ['pm_card_discover', {}, 7 * 24],
    ['pm_card_visa', { payment_method_options: extended }, 30 * 24 - 6],
    ['pm_card_mastercard', { payment_method_options: extended }, 30 * 24],
    ['pm_card_amex', { payment_method_options: extended }, 30 * 24],
    ['pm_card_jcb', { payment_method_options: extended }, 7 * 24],
  ];
  for (const [payment_method, options, hours] of cases) {
    const held = await stripe.paymentIntents.create({ ...hold, payment_method, ...options });
    const charge = await stripe.charges.retrieve(fieldOf(held, 'latest_charge'));
    const until = charge.payment_method_details?.card?.capture_before;
    assert.equal(until, charge.created + hours * HOUR_S, `${payment_method} ${JSON.stringify(options)}`);
  }
});

test('an uncaptured payment expires by itself: canceled, released, announced, and no longer capturable', async (t) => {
  const rig = await startRig(t);
  const held = await rig.stripe.paymentIntents.create(hold);
  const captured = await rig.stripe.paymentIntents.create(hold);
  await rig.stripe.paymentIntents.capture(captured.id);
  await advance(rig, 7 * DAY_MS - 60_000);
  assert.equal((await rig.stripe.paymentIntents.retrieve(held.id)).status, 'requires_capture');
  await advance(rig, 60_000);
  const expired = await rig.stripe.paymentIntents.retrieve(held.id);
  assert.deepEqual(
    [expired.status, expired.cancellation_reason, expired.amount_capturable],
    ['canceled', 'expired', 0],
  );
  const lines = await rig.effects('authorization.released');
  assert.deepEqual(
    lines.map((line) => [line['payment_intent'], line['amount'], line['idempotency_key']]),
    [[held.id, 10_000, null]],
  );
  const { data } = await rig.stripe.events.list({ limit: 2 });
  assert.deepEqual(
    data.map(({ type, request }) => [type, request?.id]),
    [
      ['payment_intent.canceled', null],
      ['charge.expired', null],
    ],
  );
  const refused = await errorOf(rig.stripe.paymentIntents.capture(held.id));
  assert.deepEqual([refused.statusCode, refused.code], [400, 'payment_intent_unexpected_state']);
  assert.equal((await rig.stripe.paymentIntents.retrieve(captured.id)).status, 'succeeded');
});

test('400: between its end and its cancellation a hold is charge_expired_for_capture', async (t) => {
  const rig = await startRig(t, { expiryDelayMs: 3_600_000 });
  const held = await rig.stripe.paymentIntents.create(hold);
  await advance(rig, 7 * DAY_MS + 1_000);
  const refused = await errorOf(rig.stripe.paymentIntents.capture(held.id));
  assert.deepEqual([refused.statusCode, refused.code], [400, 'charge_expired_for_capture']);
  await advance(rig, 3_600_000);
  assert.equal((await rig.stripe.paymentIntents.retrieve(held.id)).status, 'canceled');
  assert.deepEqual(await rig.effects('capture.succeeded'), []);
});

test('when the window closes on a payment captured in part, it succeeds with what it has', async (t) => {
  const rig = await startRig(t);
  const held = await rig.stripe.paymentIntents.create({ ...hold, payment_method_options: several });
  await rig.stripe.paymentIntents.capture(held.id, { amount_to_capture: 2_000, final_capture: false });
  await advance(rig, 7 * DAY_MS);
  const ended = await rig.stripe.paymentIntents.retrieve(held.id, { expand: ['latest_charge'] });
  assert.deepEqual([ended.status, ended.amount_received], ['succeeded', 2_000]);
  assert.ok(typeof ended.latest_charge === 'object' && ended.latest_charge?.captured);
  assert.equal((await rig.effects('authorization.released'))[0]?.['amount'], 8_000);
});

test('a hold that ran out while nothing was running expires after the restart', async (t) => {
  const rig = await startRig(t);
  const held = await rig.stripe.paymentIntents.create(hold);
  await advance(rig, 6 * DAY_MS);
  await rig.restart();
  assert.equal((await rig.stripe.paymentIntents.retrieve(held.id)).status, 'requires_capture');
  await advance(rig, DAY_MS);
  assert.equal((await rig.stripe.paymentIntents.retrieve(held.id)).status, 'canceled');
});

test('orders by telephone are not challenged, and a card that wants the absent cardholder declines with 402', async (t) => {
  const rig = await startRig(t);
  const card = { ...hold, payment_method: 'pm_card_authenticationRequired' };
  const byTelephone = await rig.stripe.paymentIntents.create({
    ...card,
    payment_method_options: { card: { moto: true } },
  });
  assert.equal(byTelephone.status, 'requires_capture');
  const charge = await rig.stripe.charges.retrieve(fieldOf(byTelephone, 'latest_charge'));
  const details = charge.payment_method_details?.card;
  assert.deepEqual([details?.moto, details?.three_d_secure], [true, null]);
  assert.match(details?.network_transaction_id ?? '', /^\d{15}$/);
  const later = await rig.stripe.charges.retrieve(charge.id);
  assert.equal(later.payment_method_details?.card?.network_transaction_id, details?.network_transaction_id);
  const declined = await errorOf(rig.stripe.paymentIntents.create({ ...card, off_session: true }));
  assert.deepEqual(
    [declined.statusCode, declined.code, declined.decline_code, declined.payment_intent?.status],
    [402, 'authentication_required', 'authentication_required', 'requires_payment_method'],
  );
});
