import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Stripe } from 'stripe';

import { errorOf, fieldOf, startReceiver, startRig, until, type Rig } from '../testing/rig.ts';

const card = {
  amount: 10_000,
  currency: 'eur',
  payment_method: 'pm_card_visa',
  allowed_payment_method_types: ['card'],
  confirm: true,
};

const pay = ({ stripe }: Rig, more: Partial<Stripe.PaymentIntentCreateParams> = {}) =>
  stripe.paymentIntents.create({ ...card, ...more });
const ids = (list: { data: Stripe.Refund[] }) => list.data.map(({ id }) => id);
const chargeOf = ({ stripe }: Rig, intent: Stripe.PaymentIntent) =>
  stripe.charges.retrieve(fieldOf(intent, 'latest_charge'));
const amounts = async (rig: Rig, effect: string) =>
  (await rig.effects(effect)).map(({ amount }) => Number(amount));

async function pendingEuros({ stripe }: Rig): Promise<number> {
  return (await stripe.balance.retrieve()).pending.find(({ currency }) => currency === 'eur')?.amount ?? 0;
}

test('200: a payment is refunded in parts until nothing is left, and the journal has each part once', async (t) => {
  const rig = await startRig(t);
  const paid = await pay(rig);
  const options = { idempotencyKey: 'refund-1' };
  const params = {
    payment_intent: paid.id,
    amount: 4_000,
    reason: 'requested_by_customer',
    metadata: { centra_operation: 'op-1' },
  } as const;
  const first = await rig.stripe.refunds.create(params, options);
  assert.deepEqual(
    [first.object, first.status, first.amount, first.currency, first.reason, first.payment_intent],
    ['refund', 'succeeded', 4_000, 'eur', 'requested_by_customer', paid.id],
  );
  assert.equal((await rig.stripe.refunds.create(params, options)).id, first.id);
  const half = await chargeOf(rig, paid);
  assert.deepEqual([half.amount_refunded, half.refunded], [4_000, false]);
  const second = await rig.stripe.refunds.create({ charge: half.id });
  assert.equal(second.amount, 6_000);
  const whole = await chargeOf(rig, paid);
  assert.deepEqual([whole.amount_refunded, whole.refunded, whole.captured], [10_000, true, true]);
  assert.deepEqual(await amounts(rig, 'refund.succeeded'), [4_000, 6_000]);
  const [line] = await rig.effects('refund.succeeded');
  assert.deepEqual(
    [line?.['refund'], line?.['payment_intent'], line?.['idempotency_key'], line?.['metadata']],
    [first.id, paid.id, 'refund-1', { centra_operation: 'op-1' }],
  );
  assert.equal(await pendingEuros(rig), 0);
  assert.equal((await rig.stripe.paymentIntents.retrieve(paid.id)).status, 'succeeded');
});

test('200: refunds are fetched, listed by payment and by charge, and take new metadata', async (t) => {
  const rig = await startRig(t);
  const [one, two] = [await pay(rig), await pay(rig)];
  const made: string[] = [];
  for (const amount of [1_000, 2_000, 3_000])
    made.push((await rig.stripe.refunds.create({ payment_intent: one.id, amount })).id);
  const other = await rig.stripe.refunds.create({ payment_intent: two.id });
  assert.deepEqual(ids(await rig.stripe.refunds.list({ payment_intent: one.id })), made.toReversed());
  assert.deepEqual(ids(await rig.stripe.refunds.list({ charge: fieldOf(two, 'latest_charge') })), [other.id]);
  const page = await rig.stripe.refunds.list({ limit: 2 });
  assert.deepEqual([ids(page), page.has_more], [[other.id, made[2]], true]);
  const rest = await rig.stripe.refunds.list({ starting_after: made[2] ?? '' });
  assert.deepEqual(ids(rest), [made[1], made[0]]);
  const updated = await rig.stripe.refunds.update(other.id, { metadata: { note: 'x' } });
  assert.deepEqual(updated.metadata, { note: 'x' });
  const fetched = await rig.stripe.refunds.retrieve(other.id, { expand: ['charge', 'payment_intent'] });
  assert.ok(typeof fetched.charge === 'object' && fetched.charge?.object === 'charge');
  assert.ok(typeof fetched.payment_intent === 'object' && fetched.payment_intent?.id === two.id);
});

test("400 and 404: what cannot be refunded is refused in Stripe's words, and nothing moves", async (t) => {
  const rig = await startRig(t);
  const paid = await pay(rig);
  const held = await pay(rig, { capture_method: 'manual' });
  const released = await pay(rig, { capture_method: 'manual' });
  await rig.stripe.paymentIntents.cancel(released.id);
  const open = await pay(rig, { confirm: false });
  const failed = await errorOf(pay(rig, { payment_method: 'pm_card_chargeDeclined' }));
  const back = await pay(rig);
  await rig.stripe.refunds.create({ payment_intent: back.id });
  const cases: [Stripe.RefundCreateParams, number, string | undefined, string | undefined, RegExp][] = [
    [{}, 400, undefined, undefined, /payment_intent or charge/],
    [{ payment_intent: 'pi_none' }, 404, 'resource_missing', 'payment_intent', /No such payment_intent/],
    [{ charge: 'ch_none' }, 404, 'resource_missing', 'id', /No such charge: 'ch_none'/],
    [{ payment_intent: paid.id, charge: fieldOf(back, 'latest_charge') }, 400, undefined, 'charge', /belong/],
    [{ payment_intent: paid.id, amount: 0 }, 400, 'parameter_invalid_integer', 'amount', /equal to 1/],
    [{ payment_intent: paid.id, amount: -5 }, 400, 'parameter_invalid_integer', 'amount', /equal to 1/],
    [
      { payment_intent: paid.id, amount: 10_001 },
      400,
      undefined,
      'amount',
      /^Refund amount \(€100\.01\) is greater than unrefunded amount on charge \(€100\.00\)$/,
    ],
    [{ payment_intent: back.id }, 400, 'charge_already_refunded', undefined, /has already been refunded\.$/],
    [{ payment_intent: held.id }, 400, undefined, undefined, /uncaptured Charge.*cancel the PaymentIntent/],
    [{ payment_intent: released.id }, 400, undefined, undefined, /uncaptured Charge/],
    [{ payment_intent: open.id }, 400, undefined, undefined, /does not have a successful charge/],
    [
      { payment_intent: fieldOf(failed.payment_intent, 'id') },
      400,
      undefined,
      undefined,
      /does not have a successful charge/,
    ],
    [{ payment_intent: paid.id, reverse_transfer: true }, 400, 'parameter_unknown', 'reverse_transfer', /./],
  ];
  for (const [params, status, code, param, words] of cases) {
    const refused = await errorOf(rig.stripe.refunds.create(params));
    assert.deepEqual(
      [refused.statusCode, refused.type, refused.code, refused.param],
      [status, 'StripeInvalidRequestError', code, param],
      JSON.stringify(params),
    );
    assert.match(refused.message, words);
  }
  const reason = await rig.call('POST', '/v1/refunds', `payment_intent=${paid.id}&reason=bored`);
  assert.deepEqual([reason.status, reason.body.error?.['param']], [400, 'reason']);
  assert.deepEqual(await amounts(rig, 'refund.succeeded'), [10_000]);
});

test("404: another account's refunds are as absent as refunds that never were", async (t) => {
  const rig = await startRig(t);
  await rig.control('POST', '/accounts', { secret_key: 'sk_test_otherhotel1' });
  const other = rig.client('sk_test_otherhotel1');
  const paid = await pay(rig);
  const refund = await rig.stripe.refunds.create({ payment_intent: paid.id, amount: 500 });
  const calls = [
    other.refunds.retrieve(refund.id),
    other.refunds.update(refund.id, { metadata: { mine: 'yes' } }),
    other.refunds.cancel(refund.id),
    other.refunds.create({ payment_intent: paid.id }),
    other.refunds.create({ charge: fieldOf(paid, 'latest_charge') }),
    other.refunds.list({ payment_intent: paid.id }),
    rig.stripe.refunds.retrieve('re_none'),
  ];
  for (const refused of await Promise.all(calls.map((call) => errorOf(call))))
    assert.deepEqual([refused.statusCode, refused.code], [404, 'resource_missing']);
  assert.deepEqual((await other.refunds.list()).data, []);
  assert.deepEqual(await amounts(rig, 'refund.succeeded'), [500]);
});

test('400: a card refund cannot be canceled', async (t) => {
  const rig = await startRig(t);
  const paid = await pay(rig, { payment_method: 'pm_card_pendingRefund' });
  const refund = await rig.stripe.refunds.create({ payment_intent: paid.id });
  const refused = await errorOf(rig.stripe.refunds.cancel(refund.id));
  assert.deepEqual([refused.statusCode, refused.message], [400, 'Canceling this refund is unsupported.']);
});

test('403: refunding needs its own permission', async (t) => {
  const rig = await startRig(t);
  const paid = await pay(rig);
  const permissions = ['rak_payment_intent_write', 'rak_charge_read'];
  await rig.control('POST', '/accounts', { id: rig.account, secret_key: 'rk_test_reader1', permissions });
  const reader = rig.client('rk_test_reader1');
  assert.equal((await errorOf(reader.refunds.create({ payment_intent: paid.id }))).statusCode, 403);
  assert.deepEqual((await reader.refunds.list()).data, []);
});

test('a refund announces itself and then the charge it changed, with what was before', async (t) => {
  const rig = await startRig(t);
  const paid = await pay(rig);
  const receiver = await startReceiver(t);
  await rig.stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ['*'] });
  const refund = await rig.stripe.refunds.create({ payment_intent: paid.id, amount: 2_500 });
  const events = (await rig.stripe.events.list({ limit: 2 })).data.toReversed();
  assert.deepEqual(
    events.map(({ type }) => type),
    ['refund.created', 'charge.refunded'],
  );
  assert.equal(fieldOf(events[0]?.data.object, 'id'), refund.id);
  assert.equal(fieldOf(events[1]?.data.object, 'id'), refund.charge);
  assert.deepEqual(events[1]?.data.previous_attributes, { amount_refunded: 0 });
  await until('both webhooks', () => (receiver.deliveries.length >= 2 ? true : undefined));
  const sent = receiver.deliveries.find(({ event }) => event.type === 'charge.refunded')?.event;
  assert.deepEqual(sent?.data.previous_attributes, { amount_refunded: 0 });
});

test('a payment captured in part is refunded up to that, and is refunded whole only after its last capture', async (t) => {
  const rig = await startRig(t);
  const held = await pay(rig, {
    capture_method: 'manual',
    payment_method_options: { card: { request_multicapture: 'if_available' } },
  });
  await rig.stripe.paymentIntents.capture(held.id, { amount_to_capture: 4_000, final_capture: false });
  assert.equal(
    (await errorOf(rig.stripe.refunds.create({ payment_intent: held.id, amount: 4_001 }))).param,
    'amount',
  );
  await rig.stripe.refunds.create({ payment_intent: held.id });
  assert.deepEqual([(await chargeOf(rig, held)).refunded], [false]);
  await rig.stripe.paymentIntents.capture(held.id, { amount_to_capture: 0, final_capture: true });
  const charge = await chargeOf(rig, held);
  assert.deepEqual([charge.amount_refunded, charge.refunded], [4_000, true]);
});

test('64 refunds of 60 of 100 at once: exactly one happens, also when Stripe thinks for a while', async (t) => {
  for (const latencyMs of [0, 3]) {
    const rig = await startRig(t, { latencyMs, lockWaitMs: 60_000 });
    const paid = await pay(rig, { amount: 100 });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 64 }, (_, at) =>
        rig.stripe.refunds.create(
          { payment_intent: paid.id, amount: 60 },
          { idempotencyKey: `refund-${at}` },
        ),
      ),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.deepEqual(await amounts(rig, 'refund.succeeded'), [60]);
    assert.equal((await chargeOf(rig, paid)).amount_refunded, 60);
  }
});

test('refunds survive a restart, and their keys still answer', async (t) => {
  const rig = await startRig(t);
  const paid = await pay(rig);
  const params = { payment_intent: paid.id, amount: 6_000 };
  const refund = await rig.stripe.refunds.create(params, { idempotencyKey: 'refund-1' });
  await rig.restart();
  assert.equal((await rig.stripe.refunds.create(params, { idempotencyKey: 'refund-1' })).id, refund.id);
  assert.deepEqual(await rig.stripe.refunds.retrieve(refund.id), refund);
  assert.equal((await errorOf(rig.stripe.refunds.create(params))).param, 'amount');
  assert.equal(await pendingEuros(rig), 4_000);
});
