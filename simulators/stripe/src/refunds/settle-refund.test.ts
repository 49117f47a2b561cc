import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Stripe } from 'stripe';

import { errorOf, fieldOf, startRig, type Rig } from '../testing/rig.ts';

const card = {
  amount: 10_000,
  currency: 'eur',
  payment_method: 'pm_card_visa',
  allowed_payment_method_types: ['card'],
  confirm: true,
};

const pay = ({ stripe }: Rig, more: Partial<Stripe.PaymentIntentCreateParams> = {}) =>
  stripe.paymentIntents.create({ ...card, ...more });
const chargeOf = ({ stripe }: Rig, intent: Stripe.PaymentIntent) =>
  stripe.charges.retrieve(fieldOf(intent, 'latest_charge'));
const amounts = async (rig: Rig, effect: string) =>
  (await rig.effects(effect)).map(({ amount }) => Number(amount));

async function pendingEuros({ stripe }: Rig): Promise<number> {
  return (await stripe.balance.retrieve()).pending.find(({ currency }) => currency === 'eur')?.amount ?? 0;
}

test('card …7726: a refund is pending, reserves its amount, and succeeds on the simulator clock', async (t) => {
  const rig = await startRig(t, { refundSettleMs: 60_000 });
  const paid = await pay(rig, { payment_method: 'pm_card_pendingRefund' });
  const refund = await rig.stripe.refunds.create(
    { payment_intent: paid.id, amount: 7_000 },
    { idempotencyKey: 'later' },
  );
  assert.deepEqual([refund.status, refund.pending_reason], ['pending', 'processing']);
  const tooMuch = await errorOf(rig.stripe.refunds.create({ payment_intent: paid.id, amount: 3_001 }));
  assert.equal(tooMuch.param, 'amount');
  assert.deepEqual(await amounts(rig, 'refund.pending'), [7_000]);
  assert.deepEqual(await amounts(rig, 'refund.succeeded'), []);
  await rig.restart();
  await rig.control('POST', '/clock', { advance_ms: 60_000 });
  const settled = await rig.stripe.refunds.retrieve(refund.id);
  assert.deepEqual([settled.status, settled.pending_reason], ['succeeded', undefined]);
  const [line] = await rig.effects('refund.succeeded');
  assert.deepEqual([line?.['amount'], line?.['idempotency_key']], [7_000, 'later']);
  const events = (await rig.stripe.events.list({ limit: 2 })).data.toReversed();
  assert.deepEqual(
    events.map(({ type }) => type),
    ['refund.updated', 'charge.refund.updated'],
  );
  assert.deepEqual(events[0]?.data.previous_attributes, { pending_reason: 'processing', status: 'pending' });
});

test('card …5126: a refund succeeds, fails later, and its money comes back', async (t) => {
  const rig = await startRig(t, { refundSettleMs: 60_000 });
  const paid = await pay(rig, { payment_method: 'pm_card_refundFail' });
  const refund = await rig.stripe.refunds.create({ payment_intent: paid.id });
  assert.equal(refund.status, 'succeeded');
  assert.equal((await chargeOf(rig, paid)).refunded, true);
  assert.equal(await pendingEuros(rig), 0);
  await rig.control('POST', '/clock', { advance_ms: 60_000 });
  const failed = await rig.stripe.refunds.retrieve(refund.id);
  assert.deepEqual([failed.status, failed.failure_reason], ['failed', 'expired_or_canceled_card']);
  assert.match(fieldOf(failed, 'failure_balance_transaction'), /^txn_/);
  const charge = await chargeOf(rig, paid);
  assert.deepEqual([charge.amount_refunded, charge.refunded], [0, false]);
  assert.equal(await pendingEuros(rig), 10_000);
  assert.deepEqual(await amounts(rig, 'refund.succeeded'), [10_000]);
  assert.deepEqual(await amounts(rig, 'refund.failed'), [10_000]);
  const events = (await rig.stripe.events.list({ limit: 3 })).data.toReversed();
  assert.deepEqual(
    events.map(({ type }) => type),
    ['refund.failed', 'refund.updated', 'charge.refund.updated'],
  );
  assert.deepEqual(events[2]?.data.previous_attributes, {
    failure_balance_transaction: null,
    failure_reason: null,
    status: 'succeeded',
  });
});

test('control: a refund is made to fail or to succeed later, only along legal moves', async (t) => {
  const rig = await startRig(t, { refundSettleMs: 3_600_000 });
  const decide = (id: string, body: object) => rig.control('POST', `/refunds/${id}`, body);
  const normal = await rig.stripe.refunds.create({ payment_intent: (await pay(rig)).id, amount: 100 });
  const failed = await decide(normal.id, { status: 'failed', failure_reason: 'lost_or_stolen_card' });
  assert.deepEqual(
    [failed.status, fieldOf(failed.body, 'status'), fieldOf(failed.body, 'failure_reason')],
    [200, 'failed', 'lost_or_stolen_card'],
  );
  assert.equal((await decide(normal.id, { status: 'succeeded' })).status, 409);
  const pending = await pay(rig, { payment_method: 'pm_card_pendingRefund' });
  const later = await rig.stripe.refunds.create({ payment_intent: pending.id });
  assert.equal((await decide(later.id, { status: 'succeeded' })).status, 200);
  assert.equal((await decide(later.id, { status: 'succeeded' })).status, 409);
  assert.equal((await decide('re_none', { status: 'failed' })).status, 404);
  assert.equal((await decide(later.id, { status: 'pending' })).status, 400);
  await rig.control('POST', '/clock', { advance_ms: 3_600_000 });
  assert.deepEqual(await amounts(rig, 'refund.succeeded'), [100, 10_000]);
  assert.deepEqual(await amounts(rig, 'refund.failed'), [100]);
});
