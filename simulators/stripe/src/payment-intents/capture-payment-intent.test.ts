import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Stripe } from 'stripe';

import { errorOf, fieldOf, startRig, type Rig } from '../testing/rig.ts';

const hold = {
  amount: 10_000,
  currency: 'eur',
  payment_method: 'pm_card_visa',
  allowed_payment_method_types: ['card'],
  capture_method: 'manual' as const,
  confirm: true,
};
const several = { card: { request_multicapture: 'if_available' as const } };
const more = { card: { request_overcapture: 'if_available' as const } };

async function chargeOf({ stripe }: Rig, intent: Stripe.PaymentIntent) {
  return stripe.charges.retrieve(fieldOf(intent, 'latest_charge'));
}

/** The types of the newest events of the account, oldest first, after `id`. */
async function eventsSince({ stripe }: Rig, id: string) {
  const { data } = await stripe.events.list({ ending_before: id, limit: 100 });
  return data.toReversed();
}

async function newestEvent({ stripe }: Rig): Promise<string> {
  return (await stripe.events.list({ limit: 1 })).data[0]?.id ?? '';
}

test('200: a capture takes what was held, once, and says so in the journal', async (t) => {
  const rig = await startRig(t);
  const held = await rig.stripe.paymentIntents.create({ ...hold, metadata: { room: '12' } });
  const mark = await newestEvent(rig);
  const paid = await rig.stripe.paymentIntents.capture(
    held.id,
    { metadata: { centra_operation: 'op-1', room: '' } },
    { idempotencyKey: 'capture-1' },
  );
  assert.deepEqual(
    [paid.status, paid.amount, paid.amount_capturable, paid.amount_received],
    ['succeeded', 10_000, 0, 10_000],
  );
  assert.deepEqual(paid.metadata, { centra_operation: 'op-1' });
  const charge = await chargeOf(rig, paid);
  assert.deepEqual(
    [charge.captured, charge.amount_captured, charge.refunded, typeof charge.balance_transaction],
    [true, 10_000, false, 'string'],
  );
  const again = await rig.stripe.paymentIntents.capture(
    held.id,
    { metadata: { centra_operation: 'op-1', room: '' } },
    { idempotencyKey: 'capture-1' },
  );
  assert.equal(again.id, paid.id);
  const [line, ...others] = await rig.effects('capture.succeeded');
  assert.deepEqual(others, []);
  assert.deepEqual(
    [line?.['account'], line?.['payment_intent'], line?.['charge'], line?.['amount'], line?.['currency']],
    [rig.account, held.id, charge.id, 10_000, 'eur'],
  );
  assert.deepEqual(
    [line?.['idempotency_key'], line?.['metadata']],
    ['capture-1', { centra_operation: 'op-1' }],
  );
  assert.deepEqual(await rig.effects('authorization.released'), []);
  const events = await eventsSince(rig, mark);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['charge.captured', 'payment_intent.succeeded'],
  );
  assert.deepEqual(events[0]?.data.previous_attributes, {
    amount_captured: 0,
    balance_transaction: null,
    captured: false,
  });
});

test('200: a partial capture releases the rest and ends the payment', async (t) => {
  const rig = await startRig(t);
  const held = await rig.stripe.paymentIntents.create(hold);
  const paid = await rig.stripe.paymentIntents.capture(held.id, { amount_to_capture: 6_000 });
  assert.deepEqual(
    [paid.status, paid.amount, paid.amount_capturable, paid.amount_received],
    ['succeeded', 10_000, 0, 6_000],
  );
  const charge = await chargeOf(rig, paid);
  assert.deepEqual(
    [charge.captured, charge.amount, charge.amount_captured, charge.amount_refunded],
    [true, 10_000, 6_000, 0],
  );
  assert.equal((await rig.effects('capture.succeeded'))[0]?.['amount'], 6_000);
  assert.equal((await rig.effects('authorization.released'))[0]?.['amount'], 4_000);
  assert.deepEqual((await rig.stripe.refunds.list({ payment_intent: held.id })).data, []);
  const pending = (await rig.stripe.balance.retrieve()).pending.find(({ currency }) => currency === 'eur');
  assert.equal(pending?.amount, 6_000);
});

test('200: with multicapture a payment is captured in parts until one of them is final', async (t) => {
  const rig = await startRig(t);
  const held = await rig.stripe.paymentIntents.create({ ...hold, payment_method_options: several });
  assert.equal((await chargeOf(rig, held)).payment_method_details?.card?.multicapture?.status, 'available');
  const mark = await newestEvent(rig);
  const first = await rig.stripe.paymentIntents.capture(held.id, {
    amount_to_capture: 7_000,
    final_capture: false,
  });
  assert.deepEqual(
    [first.status, first.amount_capturable, first.amount_received],
    ['requires_capture', 3_000, 7_000],
  );
  const open = await chargeOf(rig, first);
  assert.deepEqual([open.captured, open.amount_captured], [false, 7_000]);
  const events = await eventsSince(rig, mark);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['charge.updated', 'payment_intent.amount_capturable_updated'],
  );
  assert.deepEqual(events[1]?.data.previous_attributes, { amount_capturable: 10_000, amount_received: 0 });
  const tooMuch = await errorOf(
    rig.stripe.paymentIntents.capture(held.id, { amount_to_capture: 3_001, final_capture: false }),
  );
  assert.equal(tooMuch.code, 'amount_too_large');
  const last = await rig.stripe.paymentIntents.capture(held.id, { amount_to_capture: 2_000 });
  assert.deepEqual([last.status, last.amount_capturable, last.amount_received], ['succeeded', 0, 9_000]);
  const final = (await eventsSince(rig, mark)).slice(2);
  assert.deepEqual(
    final.map(({ type }) => type),
    [
      'charge.updated',
      'payment_intent.amount_capturable_updated',
      'charge.captured',
      'payment_intent.succeeded',
    ],
  );
  assert.deepEqual(
    (await rig.effects('capture.succeeded')).map(({ amount }) => amount),
    [7_000, 2_000],
  );
  assert.deepEqual(
    (await rig.effects('authorization.released')).map(({ amount }) => amount),
    [1_000],
  );
});

test('200: a final capture of nothing releases what a multicapture left', async (t) => {
  const rig = await startRig(t);
  const held = await rig.stripe.paymentIntents.create({ ...hold, payment_method_options: several });
  await rig.stripe.paymentIntents.capture(held.id, { amount_to_capture: 4_000, final_capture: false });
  const done = await rig.stripe.paymentIntents.capture(held.id, {
    amount_to_capture: 0,
    final_capture: true,
  });
  assert.deepEqual([done.status, done.amount_received], ['succeeded', 4_000]);
  assert.equal((await rig.effects('capture.succeeded')).length, 1);
  assert.equal((await rig.effects('authorization.released'))[0]?.['amount'], 6_000);
  assert.equal((await chargeOf(rig, done)).captured, true);
});

test('200: an overcapture takes up to 15 per cent more, and the payment is then for that much', async (t) => {
  const rig = await startRig(t);
  const held = await rig.stripe.paymentIntents.create({ ...hold, payment_method_options: more });
  const over = (await chargeOf(rig, held)).payment_method_details?.card?.overcapture;
  assert.deepEqual([over?.status, over?.maximum_amount_capturable], ['available', 11_500]);
  const refused = await errorOf(rig.stripe.paymentIntents.capture(held.id, { amount_to_capture: 11_501 }));
  assert.deepEqual([refused.statusCode, refused.code], [400, 'amount_too_large']);
  const paid = await rig.stripe.paymentIntents.capture(held.id, { amount_to_capture: 11_500 });
  assert.deepEqual(
    [paid.status, paid.amount, paid.amount_received, paid.amount_capturable],
    ['succeeded', 11_500, 11_500, 0],
  );
  const charge = await chargeOf(rig, paid);
  assert.deepEqual(
    [charge.amount_captured, charge.payment_method_details?.card?.amount_authorized],
    [11_500, 10_000],
  );
  assert.deepEqual(await rig.effects('authorization.released'), []);
});

test('400: a capture that the payment does not allow changes nothing', async (t) => {
  const rig = await startRig(t);
  const { stripe } = rig;
  const held = await stripe.paymentIntents.create(hold);
  const cases: [Stripe.PaymentIntentCaptureParams, string | undefined, string | undefined][] = [
    [{ amount_to_capture: 10_001 }, 'amount_too_large', undefined],
    [{ amount_to_capture: 0 }, 'parameter_invalid_integer', 'amount'],
    [{ amount_to_capture: -1 }, undefined, 'amount_to_capture'],
    [{ final_capture: false }, undefined, 'final_capture'],
    [{ statement_descriptor: 'RIAD' }, undefined, 'statement_descriptor'],
    [{ statement_descriptor_suffix: '<b>' }, undefined, 'statement_descriptor_suffix'],
    [{ application_fee_amount: 5 }, 'parameter_unknown', 'application_fee_amount'],
  ];
  for (const [params, code, param] of cases) {
    const refused = await errorOf(stripe.paymentIntents.capture(held.id, params));
    assert.deepEqual(
      [refused.statusCode, refused.type, refused.code, refused.param],
      [400, 'StripeInvalidRequestError', code, param],
      JSON.stringify(params),
    );
  }
  assert.deepEqual(await rig.effects('capture.succeeded'), []);
  assert.deepEqual(await stripe.paymentIntents.retrieve(held.id), held);
  await stripe.paymentIntents.capture(held.id);
  const open = await stripe.paymentIntents.create({ ...hold, confirm: false });
  const sold = await stripe.paymentIntents.create({ ...hold, capture_method: 'automatic' });
  const canceled = await stripe.paymentIntents.create(hold);
  await stripe.paymentIntents.cancel(canceled.id);
  for (const { id } of [held, open, sold, canceled]) {
    const refused = await errorOf(stripe.paymentIntents.capture(id));
    assert.deepEqual(
      [refused.statusCode, refused.code, refused.payment_intent?.id],
      [400, 'payment_intent_unexpected_state', id],
    );
  }
  assert.equal((await errorOf(stripe.paymentIntents.capture('pi_none'))).statusCode, 404);
  assert.equal((await rig.effects('capture.succeeded')).length, 1);
});

test('400: the fifty-first capture of a payment is refused', async (t) => {
  const rig = await startRig(t);
  const held = await rig.stripe.paymentIntents.create({ ...hold, payment_method_options: several });
  const part = { amount_to_capture: 100, final_capture: false };
  for (let at = 0; at < 50; at += 1) await rig.stripe.paymentIntents.capture(held.id, part);
  const refused = await errorOf(rig.stripe.paymentIntents.capture(held.id, part));
  assert.equal(refused.statusCode, 400);
  const done = await rig.stripe.paymentIntents.capture(held.id, {
    amount_to_capture: 0,
    final_capture: true,
  });
  assert.deepEqual([done.status, done.amount_received], ['succeeded', 5_000]);
});

test('a capture and a cancellation at the same moment: one of them wins, whole', async (t) => {
  const rig = await startRig(t);
  for (let round = 0; round < 8; round += 1) {
    const held = await rig.stripe.paymentIntents.create(hold);
    const calls = [rig.stripe.paymentIntents.capture(held.id), rig.stripe.paymentIntents.cancel(held.id)];
    const outcomes = await Promise.allSettled(round % 2 === 0 ? calls : calls.toReversed());
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    const { status, amount_received } = await rig.stripe.paymentIntents.retrieve(held.id);
    assert.deepEqual(amount_received, status === 'succeeded' ? 10_000 : 0);
    const lines = (await rig.effects()).filter((line) => line['payment_intent'] === held.id);
    const ends = lines.filter(({ effect }) =>
      ['authorization.released', 'capture.succeeded'].includes(String(effect)),
    );
    assert.equal(ends.length, 1);
  }
});

test('captures survive a restart, and their keys still answer', async (t) => {
  const rig = await startRig(t);
  const held = await rig.stripe.paymentIntents.create({ ...hold, payment_method_options: several });
  const part = { amount_to_capture: 2_500, final_capture: false };
  const options = { idempotencyKey: 'part-1' };
  await rig.stripe.paymentIntents.capture(held.id, part, options);
  await rig.restart();
  const replayed = await rig.stripe.paymentIntents.capture(held.id, part, options);
  assert.equal(replayed.amount_received, 2_500);
  const done = await rig.stripe.paymentIntents.capture(held.id);
  assert.deepEqual([done.status, done.amount_received], ['succeeded', 10_000]);
  assert.deepEqual(
    (await rig.effects('capture.succeeded')).map(({ amount }) => amount),
    [2_500, 7_500],
  );
});
