import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Stripe } from 'stripe';

import { inSeconds, intentOf, params, pay } from '../testing/checkout.ts';
import { fieldOf, startReceiver, startRig, until, type Rig } from '../testing/rig.ts';

async function eventTypes(rig: Rig): Promise<string[]> {
  const types: string[] = [];
  for await (const event of rig.stripe.events.list({ limit: 100 })) types.unshift(event.type);
  return types;
}

test('a new session is open and unpaid, has no payment yet, and lists its lines', async (t) => {
  const rig = await startRig(t);
  const session = await rig.stripe.checkout.sessions.create(params);
  assert.match(session.id, /^cs_test_a1[0-9a-z]{56}$/);
  assert.equal(session.url, `${rig.simulator.url}/c/pay/${session.id}`);
  assert.deepEqual(
    [session.status, session.payment_status, session.payment_intent, session.amount_total, session.currency],
    ['open', 'unpaid', null, 24_900, 'eur'],
  );
  assert.equal(session.expires_at, session.created + 86_400);
  assert.deepEqual(
    [session.client_reference_id, session.metadata, session.ui_mode],
    ['booking-7', { booking: '7' }, 'hosted_page'],
  );
  const lines = await rig.stripe.checkout.sessions.listLineItems(session.id);
  assert.deepEqual(
    lines.data.map(({ description, quantity, amount_total }) => [description, quantity, amount_total]),
    [['Night with breakfast', 2, 24_900]],
  );
  const [created] = await rig.effects('checkout.session.created');
  assert.deepEqual([created?.['checkout_session'], created?.['amount']], [session.id, 24_900]);
  assert.deepEqual(await eventTypes(rig), []);
});

test('lines are listed in the order they were given, page by page', async (t) => {
  const { stripe } = await startRig(t);
  const line_items = ['a', 'b', 'c', 'd', 'e'].map((name) => ({
    price_data: { currency: 'eur', unit_amount: 100, product_data: { name } },
    quantity: 1,
  }));
  const { id } = await stripe.checkout.sessions.create({ ...params, line_items });
  const names: (string | null)[] = [];
  for await (const line of stripe.checkout.sessions.listLineItems(id, { limit: 2 }))
    names.push(line.description);
  assert.deepEqual(names, ['a', 'b', 'c', 'd', 'e']);
});

test('a paid session is complete and paid, and its money effect carries the metadata of the payment', async (t) => {
  const rig = await startRig(t);
  const { id } = await rig.stripe.checkout.sessions.create({
    ...params,
    customer_email: 'guest@example.com',
  });
  const { kind, session } = await pay(rig, id);
  assert.deepEqual(
    [kind, session.status, session.payment_status, session.url],
    ['paid', 'complete', 'paid', null],
  );
  assert.equal(session.customer_details?.email, 'guest@example.com');
  const [money, ...others] = await rig.effects('charge.succeeded');
  assert.deepEqual(
    [money?.['amount'], money?.['payment_intent'], money?.['metadata'], others],
    [24_900, intentOf(session), { centra_operation: 'op_1' }, []],
  );
  assert.deepEqual(await eventTypes(rig), [
    'payment_intent.created',
    'charge.succeeded',
    'payment_intent.succeeded',
    'checkout.session.completed',
  ]);
  const [completed] = (await rig.stripe.events.list({ type: 'checkout.session.completed' })).data;
  assert.ok(completed?.type === 'checkout.session.completed');
  assert.deepEqual(
    [completed.data.object.status, completed.data.object.payment_status],
    ['complete', 'paid'],
  );
  const shown = await rig.stripe.checkout.sessions.retrieve(id, { expand: ['payment_intent.latest_charge'] });
  assert.ok(shown.payment_intent && typeof shown.payment_intent === 'object');
  assert.deepEqual([shown.payment_intent.status, shown.payment_intent.description], ['succeeded', 'Room 12']);
});

test('with manual capture a complete session stays unpaid until the hold is captured', async (t) => {
  const rig = await startRig(t);
  const { id } = await rig.stripe.checkout.sessions.create({
    ...params,
    payment_intent_data: { ...params.payment_intent_data, capture_method: 'manual' },
  });
  const { session } = await pay(rig, id);
  assert.deepEqual([session.status, session.payment_status], ['complete', 'unpaid']);
  const held = await rig.stripe.paymentIntents.retrieve(intentOf(session));
  assert.deepEqual([held.status, held.amount_capturable], ['requires_capture', 24_900]);
  assert.equal((await rig.effects('authorization.succeeded')).length, 1);
  assert.deepEqual(await rig.effects('charge.succeeded'), []);
  await rig.stripe.paymentIntents.capture(held.id);
  assert.equal((await rig.stripe.checkout.sessions.retrieve(id)).payment_status, 'paid');
});

test('a decline leaves the session open, and the next card pays the same PaymentIntent', async (t) => {
  const rig = await startRig(t);
  const { id } = await rig.stripe.checkout.sessions.create(params);
  const declined = await pay(rig, id, { card: 'pm_card_chargeDeclinedInsufficientFunds' });
  assert.deepEqual(
    [declined.kind, declined.message, declined.session.status],
    ['declined', 'Your card has insufficient funds.', 'open'],
  );
  const paid = await pay(rig, id);
  assert.equal(intentOf(paid.session), intentOf(declined.session));
  assert.equal((await rig.effects('charge.succeeded')).length, 1);
  assert.equal((await rig.effects('checkout.session.completed')).length, 1);
});

test('a delayed payment completes the session unpaid, and the clock decides it', async (t) => {
  const rig = await startRig(t);
  const cases = [
    ['pm_card_visa', 'checkout.session.async_payment_succeeded', 'paid'],
    ['pm_card_chargeDeclined', 'checkout.session.async_payment_failed', 'unpaid'],
  ] as const;
  for (const [card, type, payment_status] of cases) {
    const { id } = await rig.stripe.checkout.sessions.create(params);
    const { session } = await pay(rig, id, { card, delayed: true, delay_ms: 60_000 });
    assert.deepEqual([session.status, session.payment_status], ['complete', 'unpaid']);
    assert.equal((await rig.stripe.paymentIntents.retrieve(intentOf(session))).status, 'processing');
    await rig.control('POST', '/clock', { advance_ms: 60_000 });
    const [event] = await until(type, async () => {
      const { data } = await rig.stripe.events.list({ type });
      return data.length > 0 ? data : undefined;
    });
    assert.ok(event?.type === type);
    assert.deepEqual([event.data.object.id, event.data.object.payment_status], [id, payment_status]);
  }
  assert.equal((await rig.effects('charge.succeeded')).length, 1);
});

test('a session expires on the clock, once, and cancels the payment it had begun', async (t) => {
  const rig = await startRig(t);
  const receiver = await startReceiver(t);
  await rig.stripe.webhookEndpoints.create({
    url: receiver.url,
    enabled_events: ['checkout.session.expired'],
  });
  const { id } = await rig.stripe.checkout.sessions.create({ ...params, expires_at: inSeconds(1_860) });
  await pay(rig, id, { card: 'pm_card_chargeDeclined' });
  await rig.control('POST', '/clock', { advance_ms: 1_900_000 });
  const delivery = await until('the webhook', () => receiver.deliveries[0]);
  assert.equal(fieldOf(delivery.event.data.object, 'id'), id);
  const session = await rig.stripe.checkout.sessions.retrieve(id);
  assert.deepEqual([session.status, session.url], ['expired', null]);
  assert.equal((await rig.stripe.paymentIntents.retrieve(intentOf(session))).status, 'canceled');
  assert.equal((await rig.effects('checkout.session.expired')).length, 1);
  await pay(rig, id, {}, 409);
  assert.deepEqual(await rig.effects('charge.succeeded'), []);
});

test('a payment that was under way when the session expired still completes it', async (t) => {
  const rig = await startRig(t);
  const { id } = await rig.stripe.checkout.sessions.create(params);
  await rig.stripe.checkout.sessions.expire(id);
  await pay(rig, id, {}, 409);
  const { session } = await pay(rig, id, { even_if_expired: true });
  assert.deepEqual([session.status, session.payment_status], ['complete', 'paid']);
  const types = (await eventTypes(rig)).filter((type) => type.startsWith('checkout.'));
  assert.deepEqual(types, ['checkout.session.expired', 'checkout.session.completed']);
  assert.equal((await rig.effects('charge.succeeded')).length, 1);
});

test('an expanded session shows its lines, also in a list', async (t) => {
  const { stripe } = await startRig(t);
  const { id } = await stripe.checkout.sessions.create(params);
  const shown = await stripe.checkout.sessions.retrieve(id, { expand: ['line_items'] });
  assert.equal(shown.line_items?.data[0]?.description, 'Night with breakfast');
  const listed = await stripe.checkout.sessions.list({ expand: ['data.line_items'] });
  assert.equal(listed.data[0]?.line_items?.data.length, 1);
  assert.equal((await stripe.checkout.sessions.retrieve(id)).line_items, undefined);
});

test('sessions are listed newest first, by payment and by status', async (t) => {
  const rig = await startRig(t);
  const ids: string[] = [];
  for (let at = 0; at < 3; at += 1) ids.unshift((await rig.stripe.checkout.sessions.create(params)).id);
  const { session } = await pay(rig, ids[1] ?? '');
  const list = async (filter: Stripe.Checkout.SessionListParams) =>
    (await rig.stripe.checkout.sessions.list(filter)).data.map((found) => found.id);
  assert.deepEqual(await list({}), ids);
  assert.deepEqual(await list({ payment_intent: intentOf(session) }), [ids[1]]);
  assert.deepEqual(await list({ status: 'open' }), [ids[0], ids[2]]);
});

test('open, complete and expired sessions survive a restart, and time goes on for the open ones', async (t) => {
  const rig = await startRig(t);
  const create = () => rig.stripe.checkout.sessions.create(params);
  const [open, complete, expired] = [await create(), await create(), await create()];
  await pay(rig, complete.id);
  await rig.stripe.checkout.sessions.expire(expired.id);
  const seen = async () => (await rig.stripe.checkout.sessions.list()).data;
  const before = await seen();
  await rig.restart();
  assert.deepEqual(await seen(), before);
  assert.equal((await rig.stripe.checkout.sessions.listLineItems(open.id)).data.length, 1);
  await rig.control('POST', '/clock', { advance_ms: 86_401_000 });
  await until('the expiry', async () =>
    (await rig.effects('checkout.session.expired')).length === 2 ? true : undefined,
  );
  assert.equal((await rig.stripe.checkout.sessions.retrieve(open.id)).status, 'expired');
});
