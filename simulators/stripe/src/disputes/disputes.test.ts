import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Stripe } from 'stripe';

import { errorOf, startReceiver, startRig, until, type Rig } from '../testing/rig.ts';

/** Disputes come when the test moves the clock, never by themselves. */
const DELAY_MS = 3_600_000;

async function rigWithDelay(t: Parameters<typeof startRig>[0]): Promise<Rig> {
  return startRig(t, { disputeDelayMs: DELAY_MS });
}

async function charge(
  rig: Rig,
  payment_method = 'pm_card_visa',
  more: Partial<Stripe.PaymentIntentCreateParams> = {},
) {
  const intent = await rig.stripe.paymentIntents.create({
    amount: 20_000,
    currency: 'eur',
    payment_method,
    allowed_payment_method_types: ['card'],
    confirm: true,
    ...more,
  });
  assert.ok(typeof intent.latest_charge === 'string');
  return { intent, chargeId: intent.latest_charge };
}

async function disputeOf(rig: Rig, chargeId: string): Promise<Stripe.Dispute> {
  return until('the dispute', async () => (await rig.stripe.disputes.list({ charge: chargeId })).data[0]);
}

async function openOne(rig: Rig, body: Record<string, unknown> = {}) {
  const { intent, chargeId } = await charge(rig);
  const made = await rig.control('POST', '/disputes', { payment_intent: intent.id, ...body });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return { chargeId, intent, dispute: await disputeOf(rig, chargeId) };
}

async function advance(rig: Rig, ms = DELAY_MS): Promise<void> {
  await rig.control('POST', '/clock', { advance_ms: ms });
}

async function reaches(rig: Rig, id: string, status: string): Promise<Stripe.Dispute> {
  return until(`the status ${status}`, async () => {
    const dispute = await rig.stripe.disputes.retrieve(id);
    return dispute.status === status ? dispute : undefined;
  });
}

async function disputeEvents(rig: Rig): Promise<string[]> {
  const types: string[] = [];
  for await (const event of rig.stripe.events.list({ type: 'charge.dispute.*', limit: 100 }))
    types.unshift(event.type.replace('charge.dispute.', ''));
  return types;
}

async function euros(rig: Rig): Promise<number> {
  const { available, pending } = await rig.stripe.balance.retrieve();
  return [...available, ...pending]
    .filter(({ currency }) => currency === 'eur')
    .reduce((sum, { amount }) => sum + amount, 0);
}

const nets = (dispute: Stripe.Dispute) =>
  dispute.balance_transactions.map(({ amount, fee, net }) => [amount, fee, net]);

test('the dispute cards charge first and are disputed a while later, with their reason and status', async (t) => {
  const rig = await rigWithDelay(t);
  const cases = [
    ['pm_card_createDispute', 'fraudulent', 'needs_response', true],
    ['pm_card_createDisputeProductNotReceived', 'product_not_received', 'needs_response', true],
    ['pm_card_createDisputeInquiry', 'fraudulent', 'warning_needs_response', false],
  ] as const;
  const charges = await Promise.all(cases.map(([card]) => charge(rig, card)));
  assert.deepEqual((await rig.stripe.disputes.list()).data, []);
  await advance(rig);
  for (const [at, [card, reason, status, isTaken]] of cases.entries()) {
    const made = charges[at];
    assert.ok(made);
    const { chargeId, intent } = made;
    const dispute = await disputeOf(rig, chargeId);
    assert.deepEqual(
      [dispute.reason, dispute.status, dispute.is_charge_refundable, dispute.payment_intent, dispute.amount],
      [reason, status, !isTaken, intent.id, 20_000],
      card,
    );
    assert.deepEqual(nets(dispute), isTaken ? [[-20_000, 1_500, -21_500]] : [], card);
    assert.equal((await rig.stripe.charges.retrieve(chargeId)).disputed, isTaken, card);
    const due = dispute.evidence_details.due_by ?? 0;
    assert.ok(due > dispute.created && due % 86_400 === 86_399, card);
  }
  assert.equal((await rig.effects('dispute.opened')).length, 3);
  assert.equal(await euros(rig), 3 * 20_000 - 2 * 21_500);
});

test('a held amount is disputed only once it was captured', async (t) => {
  const rig = await rigWithDelay(t);
  const { intent, chargeId } = await charge(rig, 'pm_card_createDispute', { capture_method: 'manual' });
  await advance(rig, 2 * DELAY_MS);
  await rig.stripe.paymentIntents.capture(intent.id, { amount_to_capture: 12_000 });
  assert.deepEqual((await rig.stripe.disputes.list()).data, []);
  await advance(rig);
  assert.equal((await disputeOf(rig, chargeId)).amount, 12_000);
});

test('winning evidence gives the money and the fee back, losing evidence does not', async (t) => {
  const rig = await rigWithDelay(t);
  for (const [text, status, movements, rest] of [
    [
      'winning_evidence',
      'won',
      [
        [-20_000, 1_500, -21_500],
        [20_000, -1_500, 21_500],
      ],
      20_000,
    ],
    ['losing_evidence', 'lost', [[-20_000, 1_500, -21_500]], 20_000 - 1_500],
  ] as const) {
    const { dispute } = await openOne(rig);
    const staged = await rig.stripe.disputes.update(dispute.id, {
      evidence: { uncategorized_text: text, customer_name: 'Amina' },
      submit: false,
    });
    assert.deepEqual(
      [staged.status, staged.evidence_details.has_evidence, staged.evidence_details.submission_count],
      ['needs_response', true, 0],
    );
    const submitted = await rig.stripe.disputes.update(dispute.id, { submit: true });
    assert.deepEqual(
      [submitted.status, submitted.evidence.customer_name, submitted.evidence_details.submission_count],
      ['under_review', 'Amina', 1],
    );
    await advance(rig);
    const closed = await reaches(rig, dispute.id, status);
    assert.deepEqual(nets(closed), movements);
    assert.equal(await euros(rig), rest);
  }
  const outcomes = (await rig.effects('dispute.closed')).map((line) => [
    line['status'],
    line['balance_change'],
  ]);
  assert.deepEqual(outcomes, [
    ['won', 0],
    ['lost', -21_500],
  ]);
  const opened = ['created', 'funds_withdrawn', 'updated', 'updated', 'closed'];
  assert.deepEqual(await disputeEvents(rig), [...opened, 'funds_reinstated', ...opened]);
});

test('other evidence stays under review until the bank decides', async (t) => {
  const rig = await rigWithDelay(t);
  const { dispute } = await openOne(rig);
  await rig.stripe.disputes.update(dispute.id, { evidence: { product_description: 'Two nights' } });
  await advance(rig, 30 * 86_400_000);
  assert.equal((await rig.stripe.disputes.retrieve(dispute.id)).status, 'under_review');
  const decided = await rig.control('POST', `/disputes/${dispute.id}`, { status: 'won' });
  assert.equal(decided.status, 200);
  assert.equal((await rig.stripe.disputes.retrieve(dispute.id)).status, 'won');
});

test('an inquiry takes no money until it is escalated, and closes without taking any', async (t) => {
  const rig = await rigWithDelay(t);
  const { dispute, chargeId } = await openOne(rig, { status: 'warning_needs_response' });
  await rig.stripe.disputes.update(dispute.id, {
    evidence: { uncategorized_text: 'escalate_inquiry_evidence' },
  });
  await reaches(rig, dispute.id, 'warning_under_review');
  assert.equal(await euros(rig), 20_000);
  await advance(rig);
  const grown = await reaches(rig, dispute.id, 'needs_response');
  assert.deepEqual(
    [nets(grown), grown.is_charge_refundable, grown.payment_method_details?.card?.case_type],
    [[[-20_000, 1_500, -21_500]], false, 'chargeback'],
  );
  assert.equal((await rig.stripe.charges.retrieve(chargeId)).disputed, true);
  const quiet = await openOne(rig, { status: 'warning_needs_response' });
  assert.equal((await rig.stripe.disputes.close(quiet.dispute.id)).status, 'warning_closed');
  assert.deepEqual(nets(await rig.stripe.disputes.retrieve(quiet.dispute.id)), []);
});

test('silence loses a chargeback when its time is over, and ends an inquiry, also after a restart', async (t) => {
  const rig = await rigWithDelay(t);
  const chargeback = await openOne(rig);
  const inquiry = await openOne(rig, { status: 'warning_needs_response' });
  await rig.restart();
  await advance(rig, 18 * 86_400_000);
  const lost = await reaches(rig, chargeback.dispute.id, 'lost');
  assert.equal(lost.evidence_details.past_due, true);
  await reaches(rig, inquiry.dispute.id, 'warning_closed');
});

test('an appeal of a lost dispute gives time again, and can still be won', async (t) => {
  const rig = await rigWithDelay(t);
  const { dispute } = await openOne(rig);
  await advance(rig, 18 * 86_400_000);
  const lost = await reaches(rig, dispute.id, 'lost');
  for (const status of ['appeal_needs_response', 'appeal_under_review', 'won'])
    assert.equal((await rig.control('POST', `/disputes/${dispute.id}`, { status })).status, 200, status);
  const won = await rig.stripe.disputes.retrieve(dispute.id);
  assert.ok((won.evidence_details.due_by ?? 0) > (lost.evidence_details.due_by ?? 0));
  assert.equal(await euros(rig), 20_000);
});

test('a dispute still to come, one to be decided and one closed survive a restart', async (t) => {
  const rig = await rigWithDelay(t);
  const coming = await charge(rig, 'pm_card_createDispute');
  const decided = await openOne(rig);
  await rig.stripe.disputes.update(decided.dispute.id, {
    evidence: { uncategorized_text: 'winning_evidence' },
  });
  const closed = await openOne(rig);
  await rig.stripe.disputes.close(closed.dispute.id);
  const before = await rig.stripe.disputes.retrieve(closed.dispute.id);
  const balance = await euros(rig);
  await rig.restart();
  const { lastResponse: _a, ...after } = await rig.stripe.disputes.retrieve(closed.dispute.id);
  const { lastResponse: _b, ...expected } = before;
  assert.deepEqual(after, expected);
  assert.equal(await euros(rig), balance);
  await advance(rig);
  await reaches(rig, decided.dispute.id, 'won');
  assert.equal((await disputeOf(rig, coming.chargeId)).status, 'needs_response');
});

test('a disputed charge cannot be refunded, an inquired one can', async (t) => {
  const rig = await rigWithDelay(t);
  const chargeback = await openOne(rig);
  const error = await errorOf(rig.stripe.refunds.create({ payment_intent: chargeback.intent.id }));
  assert.deepEqual([error.statusCode, error.code], [400, 'charge_disputed']);
  const inquiry = await openOne(rig, { status: 'warning_needs_response' });
  assert.equal((await rig.stripe.refunds.create({ payment_intent: inquiry.intent.id })).status, 'succeeded');
});

test('disputes are listed by charge and by payment, and expand both', async (t) => {
  const rig = await rigWithDelay(t);
  const first = await openOne(rig, { amount: 500, reason: 'duplicate' });
  await openOne(rig);
  const byIntent = await rig.stripe.disputes.list({
    payment_intent: first.intent.id,
    expand: ['data.charge'],
  });
  assert.deepEqual(
    byIntent.data.map(({ id, amount, reason }) => [id, amount, reason]),
    [[first.dispute.id, 500, 'duplicate']],
  );
  assert.ok(typeof byIntent.data[0]?.charge === 'object');
  assert.equal((await rig.stripe.disputes.list()).data.length, 2);
});

test('a webhook shows the dispute as it was, and what it was before', async (t) => {
  const rig = await rigWithDelay(t);
  const receiver = await startReceiver(t);
  await rig.stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ['charge.dispute.closed'] });
  const { dispute } = await openOne(rig);
  await rig.stripe.disputes.close(dispute.id);
  const { event } = await until('the webhook', () => receiver.deliveries[0]);
  assert.ok(event.type === 'charge.dispute.closed');
  assert.deepEqual([event.data.object.id, event.data.object.status], [dispute.id, 'lost']);
  assert.equal(event.data.previous_attributes?.status, 'needs_response');
});

test('400: evidence that comes too late, an unknown file, an unknown field', async (t) => {
  const rig = await rigWithDelay(t);
  const { dispute } = await openOne(rig);
  const file = await errorOf(rig.stripe.disputes.update(dispute.id, { evidence: { receipt: 'file_1' } }));
  assert.deepEqual([file.statusCode, file.code, file.param], [400, 'resource_missing', 'evidence[receipt]']);
  const unknown = await rig.call('POST', `/v1/disputes/${dispute.id}`, 'evidence[mood]=good');
  assert.deepEqual([unknown.status, unknown.body.error?.['code']], [400, 'parameter_unknown']);
  await rig.stripe.disputes.close(dispute.id);
  for (const call of [
    rig.stripe.disputes.update(dispute.id, { evidence: { customer_name: 'Amina' } }),
    rig.stripe.disputes.close(dispute.id),
  ]) {
    const error = await errorOf(call);
    assert.equal(error.statusCode, 400);
    assert.match(error.message, /status of lost/);
  }
  const { metadata } = await rig.stripe.disputes.update(dispute.id, { metadata: { case: '7' } });
  assert.deepEqual(metadata, { case: '7' });
});

test('404: a dispute that the account does not have', async (t) => {
  const rig = await rigWithDelay(t);
  const { dispute } = await openOne(rig);
  await rig.control('POST', '/accounts', { secret_key: 'sk_test_otherother1' });
  const other = rig.client('sk_test_otherother1');
  for (const call of [
    other.disputes.retrieve(dispute.id),
    other.disputes.update(dispute.id, { metadata: { a: 'b' } }),
    other.disputes.close(dispute.id),
  ]) {
    const error = await errorOf(call);
    assert.deepEqual([error.statusCode, error.code], [404, 'resource_missing']);
  }
});

test('control: what cannot be disputed, or go that way, is refused and changes nothing', async (t) => {
  const rig = await rigWithDelay(t);
  const { dispute, chargeId } = await openOne(rig);
  const held = await charge(rig, 'pm_card_visa', { capture_method: 'manual' });
  const refusals: [string, Record<string, unknown>, number][] = [
    ['/disputes', { charge: chargeId }, 409],
    ['/disputes', { charge: 'ch_none' }, 404],
    ['/disputes', {}, 404],
    ['/disputes', { charge: held.chargeId }, 400],
    ['/disputes', { charge: held.chargeId, reason: 'mood' }, 400],
    [`/disputes/${dispute.id}`, { status: 'warning_closed' }, 409],
    ['/disputes/du_none', { status: 'won' }, 404],
  ];
  for (const [path, body, status] of refusals)
    assert.equal((await rig.control('POST', path, body)).status, status, JSON.stringify(body));
  assert.equal((await rig.effects('dispute.opened')).length, 1);
  assert.equal((await rig.stripe.disputes.retrieve(dispute.id)).status, 'needs_response');
});
