import assert from 'node:assert/strict';
import { test } from 'node:test';

import { errorOf, fieldOf, startRig } from '../testing/rig.ts';

const card = {
  amount: 5_000,
  currency: 'eur',
  payment_method: 'pm_card_visa',
  allowed_payment_method_types: ['card'],
};

test("400: parameters are refused in Stripe's words, and nothing is created", async (t) => {
  const { call, effects } = await startRig(t);
  const base = 'amount=5000&currency=eur';
  const cases: [string, string | undefined, string | undefined][] = [
    ['currency=eur', 'parameter_missing', 'amount'],
    ['amount=5000', 'parameter_missing', 'currency'],
    ['amount=12.5&currency=eur', 'parameter_invalid_integer', 'amount'],
    ['amount=abc&currency=eur', 'parameter_invalid_integer', 'amount'],
    ['amount=-5&currency=eur', 'parameter_invalid_integer', 'amount'],
    ['amount=49&currency=eur', 'amount_too_small', 'amount'],
    ['amount=100000000&currency=eur', 'amount_too_large', 'amount'],
    ['amount=5124&currency=kwd', 'invalid_charge_amount', 'amount'],
    ['amount=7050&currency=isk', 'invalid_charge_amount', 'amount'],
    ['amount=5000&currency=xxx', undefined, 'currency'],
    [`${base}&colour=red`, 'parameter_unknown', 'colour'],
    [`${base}&__proto__[x]=1`, 'parameter_unknown', '__proto__'],
    [
      `${base}&automatic_payment_methods[enabled]=true&automatic_payment_methods[maybe]=1`,
      'parameter_unknown',
      'automatic_payment_methods[maybe]',
    ],
    [`${base}&capture_method=later`, undefined, 'capture_method'],
    [`${base}&confirm=perhaps`, undefined, 'confirm'],
    [`${base}&payment_method_types[]=sofort`, 'payment_intent_invalid_parameter', 'payment_method_types[0]'],
    [
      `${base}&payment_method_types[]=card&automatic_payment_methods[enabled]=true`,
      'parameters_exclusive',
      'automatic_payment_methods',
    ],
    [`${base}&return_url=https://a.test`, undefined, 'return_url'],
    [`${base}&confirm=true&return_url=javascript:alert(1)`, 'url_invalid', 'return_url'],
    [`${base}&metadata[${'k'.repeat(41)}]=1`, undefined, 'metadata'],
    [`${base}&metadata[k]=${'v'.repeat(501)}`, undefined, 'metadata'],
    [
      `${base}&${Array.from({ length: 51 }, (_, at) => `metadata[k${at}]=v`).join('&')}`,
      undefined,
      'metadata',
    ],
    [`${base}&statement_descriptor_suffix=<b>`, undefined, 'statement_descriptor_suffix'],
    [`${base}&payment_method=pm_none`, 'resource_missing', 'payment_method'],
    [`${base}&expand[]=customer.nothing`, undefined, 'expand'],
    [`${base}&confirm=true&payment_method_types[]=card`, 'payment_intent_unexpected_state', undefined],
  ];
  for (const [form, code, param] of cases) {
    const { status, body } = await call('POST', '/v1/payment_intents', form);
    assert.deepEqual(
      [status, body.error?.['type'], body.error?.['code'], body.error?.['param']],
      [400, 'invalid_request_error', code, param],
      form,
    );
    assert.match(String(body.error?.['request_log_url']), /\/req_/);
  }
  assert.deepEqual(await effects(), []);
});

test("currencies without decimals and with three are taken in Stripe's own units", async (t) => {
  const { stripe } = await startRig(t);
  for (const [amount, currency] of [
    [500, 'jpy'],
    [5_120, 'kwd'],
    [10_000, 'tnd'],
    [7_000, 'isk'],
    [123_450, 'mad'],
    [123_450, 'huf'],
    [99_999_999, 'usd'],
    [999_999_999_999, 'idr'],
  ] as const) {
    const { status, amount_received } = await stripe.paymentIntents.create({
      ...card,
      amount,
      currency,
      confirm: true,
    });
    assert.deepEqual([status, amount_received], ['succeeded', amount], currency);
  }
});

test('a server-side confirmation needs a return_url unless redirects are ruled out', async (t) => {
  const { stripe } = await startRig(t);
  const { allowed_payment_method_types: _, ...open } = { ...card, confirm: true };
  const refused = await errorOf(stripe.paymentIntents.create(open));
  assert.match(refused.message, /you must provide a `return_url`/);
  const automatic_payment_methods = { enabled: true, allow_redirects: 'never' as const };
  assert.equal(
    (await stripe.paymentIntents.create({ ...open, automatic_payment_methods })).status,
    'succeeded',
  );
  assert.equal(
    (await stripe.paymentIntents.create({ ...open, return_url: 'https://shop.test/back' })).status,
    'succeeded',
  );
});

test('the parameter that names payment method types depends on the API version, as it does at Stripe', async (t) => {
  const { call } = await startRig(t);
  const post = (types: string, version: string) =>
    call('POST', '/v1/payment_intents', `amount=500&currency=eur&${types}[]=card`, {
      'stripe-version': version,
    });
  assert.equal((await post('payment_method_types', '2026-08-26.dahlia')).status, 200);
  const refused = await post('payment_method_types', '2026-10-28.endive');
  assert.deepEqual([refused.status, refused.body.error?.['code']], [400, 'parameter_unknown']);
  const allowed = await post('allowed_payment_method_types', '2026-10-28.endive');
  assert.deepEqual(
    [allowed.body['allowed_payment_method_types'], allowed.body['automatic_payment_methods']],
    [['card'], null],
  );
});

test('manual capture holds the amount: authorised, not charged, and released by a cancellation', async (t) => {
  const { stripe, effects } = await startRig(t);
  const held = await stripe.paymentIntents.create({
    ...card,
    capture_method: 'manual',
    confirm: true,
    expand: ['latest_charge'],
    payment_method_options: { card: { request_incremental_authorization: 'if_available' } },
  });
  assert.deepEqual(
    [held.status, held.amount_capturable, held.amount_received],
    ['requires_capture', 5_000, 0],
  );
  const charge = held.latest_charge;
  assert.ok(charge && typeof charge === 'object');
  const { card: details } = charge.payment_method_details ?? {};
  assert.deepEqual(
    [
      charge.captured,
      charge.amount_captured,
      details?.incremental_authorization?.status,
      details?.multicapture?.status,
    ],
    [false, 0, 'available', 'unavailable'],
  );
  assert.equal(details?.capture_before, charge.created + 7 * 86_400);
  assert.equal((await effects('authorization.succeeded')).length, 1);
  assert.equal((await effects('charge.succeeded')).length, 0);
  const canceled = await stripe.paymentIntents.cancel(held.id);
  assert.deepEqual([canceled.status, canceled.amount_capturable], ['canceled', 0]);
  const released = await stripe.charges.retrieve(charge.id);
  assert.deepEqual([released.refunded, released.amount_refunded, released.captured], [false, 0, false]);
  assert.equal((await effects('authorization.released')).length, 1);
});

test('an operation the status forbids is refused and charges nothing', async (t) => {
  const { stripe, effects } = await startRig(t);
  const paid = await stripe.paymentIntents.create({ ...card, confirm: true });
  const canceled = await stripe.paymentIntents.create(card);
  await stripe.paymentIntents.cancel(canceled.id);
  const empty = await stripe.paymentIntents.create({
    amount: 700,
    currency: 'eur',
    allowed_payment_method_types: ['card'],
  });
  const refused = [
    stripe.paymentIntents.confirm(paid.id),
    stripe.paymentIntents.cancel(paid.id),
    stripe.paymentIntents.update(paid.id, { amount: 6_000 }),
    stripe.paymentIntents.confirm(canceled.id, { payment_method: 'pm_card_visa' }),
    stripe.paymentIntents.confirm(empty.id),
  ];
  for (const promise of refused) {
    const error = await errorOf(promise);
    assert.deepEqual(
      [error.statusCode, error.code, error.payment_intent?.object],
      [400, 'payment_intent_unexpected_state', 'payment_intent'],
    );
  }
  assert.equal(
    (await stripe.paymentIntents.update(paid.id, { metadata: { late: 'yes' } })).metadata['late'],
    'yes',
  );
  assert.equal((await effects('charge.succeeded')).length, 1);
});

test('a payment method pays once, unless the payment was to set it up', async (t) => {
  const { stripe } = await startRig(t);
  const { id } = await stripe.paymentMethods.create({
    type: 'card',
    card: { number: '4242424242424242', exp_month: 1, exp_year: 2040, cvc: '123' },
  });
  await stripe.paymentIntents.create({ ...card, payment_method: id, confirm: true });
  const again = await errorOf(stripe.paymentIntents.create({ ...card, payment_method: id, confirm: true }));
  assert.match(again.message, /was previously used/);
  const kept = await stripe.paymentIntents.create({
    ...card,
    confirm: true,
    setup_future_usage: 'off_session',
  });
  const reused = await stripe.paymentIntents.create({
    ...card,
    payment_method: fieldOf(kept, 'payment_method'),
    confirm: true,
    off_session: true,
  });
  assert.equal(reused.status, 'succeeded');
});

test('the journal has exactly one line of money for each charge that moved money', async (t) => {
  const { stripe, account, effects } = await startRig(t);
  const paid = await stripe.paymentIntents.create(
    { ...card, confirm: true, metadata: { payment: 'p-1' } },
    { idempotencyKey: 'key-1' },
  );
  const [line, ...others] = await effects('charge.succeeded');
  assert.deepEqual(others, []);
  assert.ok(line);
  const { seq: _seq, at: _at, request_id: _request, ...facts } = line;
  assert.deepEqual(facts, {
    kind: 'effect',
    effect: 'charge.succeeded',
    account,
    livemode: false,
    payment_intent: paid.id,
    charge: paid.latest_charge,
    amount: 5_000,
    currency: 'eur',
    idempotency_key: 'key-1',
    metadata: { payment: 'p-1' },
    statement_descriptor_suffix: null,
    more: true,
  });
});
