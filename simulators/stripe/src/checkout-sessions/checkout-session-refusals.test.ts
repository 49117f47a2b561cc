import assert from 'node:assert/strict';
import { test } from 'node:test';

import { inSeconds, intentOf, night, params, pay } from '../testing/checkout.ts';
import { errorOf, startRig } from '../testing/rig.ts';

function line(more: Record<string, unknown>) {
  return { ...params, line_items: [{ ...night, ...more }] };
}

function priced(more: Record<string, unknown>) {
  return line({ price_data: { ...night.price_data, ...more } });
}

test('400: what a session may not be made of is refused in words and by parameter', async (t) => {
  const { stripe, call } = await startRig(t);
  const usd = { ...night, price_data: { ...night.price_data, currency: 'usd' } };
  const refusals: [Record<string, unknown>, string | undefined, string | undefined][] = [
    [{ ...params, line_items: undefined }, 'parameter_missing', 'line_items'],
    [{ ...params, success_url: undefined }, 'parameter_missing', 'success_url'],
    [{ ...params, mode: undefined }, 'parameter_missing', 'mode'],
    [{ ...params, mode: 'subscription' }, undefined, 'mode'],
    [{ ...params, success_url: 'nowhere' }, 'url_invalid', 'success_url'],
    [{ ...params, customer_email: 'nobody' }, 'email_invalid', 'customer_email'],
    [{ ...params, expires_at: inSeconds(1_500) }, undefined, 'expires_at'],
    [{ ...params, expires_at: inSeconds(90_000) }, undefined, 'expires_at'],
    [{ ...params, locale: 'xx' }, undefined, 'locale'],
    [{ ...params, ui_mode: 'hosted' }, undefined, 'ui_mode'],
    [{ ...params, colour: 'red' }, 'parameter_unknown', 'colour'],
    [
      { ...params, payment_method_options: { card: { moto: true } } },
      'parameter_unknown',
      'payment_method_options[card][moto]',
    ],
    [{ ...params, payment_method_types: ['card'] }, 'parameter_unknown', 'payment_method_types'],
    [{ ...params, line_items: [night, usd] }, undefined, 'line_items[1]'],
    [line({ quantity: undefined }), 'parameter_missing', 'line_items[0][quantity]'],
    [line({ quantity: 0 }), 'parameter_invalid_integer', 'line_items[0][quantity]'],
    [line({ price: 'price_1', price_data: undefined }), 'resource_missing', 'line_items[0][price]'],
    [line({ price_data: undefined }), 'parameter_missing', 'line_items[0][price_data]'],
    [priced({ unit_amount: 10 }), 'amount_too_small', 'line_items'],
    [priced({ unit_amount: 99_999_999 }), 'amount_too_large', 'line_items'],
    [priced({ unit_amount: -1 }), 'parameter_invalid_integer', 'line_items[0][price_data][unit_amount]'],
    [priced({ unit_amount: undefined }), 'parameter_missing', 'line_items[0][price_data][unit_amount]'],
    [priced({ product_data: undefined }), 'parameter_missing', 'line_items[0][price_data][product_data]'],
    [priced({ currency: 'xyz' }), undefined, 'currency'],
  ];
  for (const [body, code, param] of refusals) {
    const error = await errorOf(stripe.checkout.sessions.create(JSON.parse(JSON.stringify(body))));
    assert.deepEqual([error.statusCode, error.code, error.param], [400, code, param], JSON.stringify(body));
  }
  const old =
    'mode=payment&ui_mode=hosted&success_url=https://hotel.test&line_items[0][quantity]=1' +
    '&line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=900&line_items[0][price_data][product_data][name]=x';
  const accepted = await call('POST', '/v1/checkout/sessions', old, {
    'stripe-version': '2025-09-30.clover',
  });
  assert.deepEqual([accepted.status, accepted.body['status']], [200, 'open']);
});

test('400: only an open session can be expired, and the answer names its status', async (t) => {
  const rig = await startRig(t);
  const { id } = await rig.stripe.checkout.sessions.create(params);
  assert.equal((await rig.stripe.checkout.sessions.expire(id)).status, 'expired');
  const twice = await errorOf(rig.stripe.checkout.sessions.expire(id));
  assert.deepEqual(
    [twice.statusCode, twice.message],
    [
      400,
      'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of `expired`.',
    ],
  );
  const paid = await rig.stripe.checkout.sessions.create(params);
  await pay(rig, paid.id);
  assert.match((await errorOf(rig.stripe.checkout.sessions.expire(paid.id))).message, /status of `complete`/);
});

test('400: the PaymentIntent of an open session is not canceled by itself', async (t) => {
  const rig = await startRig(t);
  const { id } = await rig.stripe.checkout.sessions.create(params);
  const { session } = await pay(rig, id, { card: 'pm_card_chargeDeclined' });
  const error = await errorOf(rig.stripe.paymentIntents.cancel(intentOf(session)));
  assert.deepEqual([error.statusCode, error.code], [400, 'payment_intent_unexpected_state']);
});

test("404: another account's session, and one that does not exist", async (t) => {
  const rig = await startRig(t);
  const { id } = await rig.stripe.checkout.sessions.create(params);
  await rig.control('POST', '/accounts', { secret_key: 'sk_test_otherother1' });
  const other = rig.client('sk_test_otherother1');
  for (const call of [
    other.checkout.sessions.retrieve(id),
    other.checkout.sessions.expire(id),
    other.checkout.sessions.listLineItems(id),
    rig.stripe.checkout.sessions.retrieve('cs_test_none'),
  ]) {
    const error = await errorOf(call);
    assert.deepEqual([error.statusCode, error.code], [404, 'resource_missing']);
  }
  await pay(rig, 'cs_test_none', {}, 404);
});

test('403: a restricted key needs the permission for sessions', async (t) => {
  const rig = await startRig(t);
  await rig.control('POST', '/accounts', {
    secret_key: 'rk_test_readsessions1',
    permissions: ['rak_checkout_session_read'],
  });
  const client = rig.client('rk_test_readsessions1');
  assert.deepEqual((await client.checkout.sessions.list()).data, []);
  assert.equal((await errorOf(client.checkout.sessions.create(params))).statusCode, 403);
});
