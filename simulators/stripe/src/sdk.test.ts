import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Stripe } from 'stripe';

import type { accountJson } from './accounts/get-account.ts';
import type { balanceJson } from './accounts/get-balance.ts';
import type { Charge } from './charges/charge.ts';
import type { CheckoutSession } from './checkout-sessions/checkout-session.ts';
import type { LineItem } from './checkout-sessions/line-item.ts';
import type { Dispute } from './disputes/dispute.ts';
import type { EarlyFraudWarning } from './early-fraud-warnings/early-fraud-warning.ts';
import type { eventJson } from './events/event.ts';
import type { PaymentIntent } from './payment-intents/payment-intent.ts';
import type { PaymentMethod } from './payment-methods/payment-method.ts';
import type { Refund } from './refunds/refund.ts';
import type { WebhookEndpoint } from './webhooks/webhook-endpoint.ts';
import { errorOf, startRig } from './testing/rig.ts';

const card = {
  amount: 12_345,
  currency: 'eur',
  payment_method: 'pm_card_visa',
  allowed_payment_method_types: ['card'],
};

// Compiled, never run: the simulator's JSON must be what the SDK's types promise its users.
export const conforms = {
  account: (json: ReturnType<typeof accountJson>): Stripe.Account => json,
  balance: (json: ReturnType<typeof balanceJson>): Stripe.Balance => json,
  charge: (json: Charge): Stripe.Charge => json,
  checkoutSession: (json: CheckoutSession): Stripe.Checkout.Session => json,
  dispute: (json: Dispute): Stripe.Dispute => json,
  earlyFraudWarning: (json: EarlyFraudWarning): Stripe.Radar.EarlyFraudWarning => json,
  // The SDK turns the price's decimal text into an object of its own.
  lineItem: (json: Omit<LineItem, 'price'>): Omit<Stripe.LineItem, 'price'> => json,
  event: (json: ReturnType<typeof eventJson>): Stripe.EventBase => json,
  paymentIntent: (json: PaymentIntent): Stripe.PaymentIntent => json,
  paymentMethod: (json: PaymentMethod): Stripe.PaymentMethod => json,
  refund: (json: Refund): Stripe.Refund => json,
  webhookEndpoint: (json: WebhookEndpoint): Stripe.WebhookEndpoint => json,
};

test('the official SDK creates, confirms, retrieves, updates and cancels payments', async (t) => {
  const { stripe } = await startRig(t);
  const created = await stripe.paymentIntents.create({
    ...card,
    metadata: { order: 'o-1', note: 'a b&c=[d]' },
    description: 'Room 12',
  });
  assert.equal(created.status, 'requires_confirmation');
  const updated = await stripe.paymentIntents.update(created.id, {
    metadata: { note: '', more: 'x' },
    amount: 20_000,
  });
  assert.deepEqual(updated.metadata, { order: 'o-1', more: 'x' });
  const paid = await stripe.paymentIntents.confirm(created.id, { expand: ['latest_charge'] });
  assert.equal(paid.status, 'succeeded');
  assert.equal(paid.amount_received, 20_000);
  const charge = paid.latest_charge;
  assert.ok(charge && typeof charge === 'object');
  assert.deepEqual(
    [charge.amount, charge.paid, charge.captured, charge.status, charge.livemode],
    [20_000, true, true, 'succeeded', false],
  );
  const fetched = await stripe.paymentIntents.retrieve(created.id);
  assert.equal(fetched.latest_charge, charge.id);
  assert.deepEqual(await stripe.charges.retrieve(charge.id), charge);
  const open = await stripe.paymentIntents.create({ amount: 500, currency: 'eur' });
  assert.equal(open.status, 'requires_payment_method');
  const canceled = await stripe.paymentIntents.cancel(open.id, { cancellation_reason: 'abandoned' });
  assert.deepEqual([canceled.status, canceled.cancellation_reason], ['canceled', 'abandoned']);
});

test('an answer carries a request id, and a replay says what it replays', async (t) => {
  const { stripe, call } = await startRig(t);
  const options = { idempotencyKey: 'once' };
  const first = await stripe.paymentIntents.create({ ...card, confirm: true }, options);
  const second = await stripe.paymentIntents.create({ ...card, confirm: true }, options);
  assert.equal(second.id, first.id);
  assert.match(first.lastResponse.requestId, /^req_/);
  assert.equal(first.lastResponse.headers['idempotent-replayed'], undefined);
  assert.equal(second.lastResponse.headers['idempotent-replayed'], 'true');
  assert.equal(second.lastResponse.headers['original-request'], first.lastResponse.requestId);
  const raw = await call('GET', '/v1/balance');
  assert.equal(raw.headers['content-type'], 'application/json');
});

const eur = (side: { amount: number; currency: string }[]) =>
  side.find(({ currency }) => currency === 'eur')?.amount;

test('the account and its balance show what was charged', async (t) => {
  const { stripe, account } = await startRig(t);
  assert.equal((await stripe.accounts.retrieveCurrent()).id, account);
  await stripe.paymentIntents.create({ ...card, confirm: true });
  await stripe.paymentIntents.create({ ...card, payment_method: 'pm_card_bypassPending', confirm: true });
  await stripe.paymentIntents.create({ ...card, capture_method: 'manual', confirm: true });
  const balance = await stripe.balance.retrieve();
  assert.deepEqual([eur(balance.available), eur(balance.pending)], [12_345, 12_345]);
});

test('lists page through everything, newest first, in both directions', async (t) => {
  const { stripe } = await startRig(t);
  const ids: string[] = [];
  for (let at = 0; at < 23; at += 1)
    ids.unshift((await stripe.paymentIntents.create({ amount: 1_000 + at, currency: 'eur' })).id);
  const all: string[] = [];
  for await (const intent of stripe.paymentIntents.list({ limit: 5 })) all.push(intent.id);
  assert.deepEqual(all, ids);
  const back = await stripe.paymentIntents.list({ limit: 3, ending_before: ids[10] ?? '' });
  assert.deepEqual([back.data.map(({ id }) => id), back.has_more], [ids.slice(7, 10), true]);
  const none = await stripe.paymentIntents.list({ created: { gt: Math.floor(Date.now() / 1000) + 1_000 } });
  assert.deepEqual([none.data, none.has_more], [[], false]);
  assert.equal((await errorOf(stripe.paymentIntents.list({ limit: 101 }))).code, 'parameter_invalid_integer');
  assert.equal(
    (await errorOf(stripe.paymentIntents.list({ starting_after: 'pi_none' }))).code,
    'resource_missing',
  );
});

test('search finds by metadata, status and amount, and pages', async (t) => {
  const { stripe } = await startRig(t);
  for (let at = 0; at < 12; at += 1) {
    await stripe.paymentIntents.create({
      ...card,
      amount: 1_000 + at,
      metadata: { hotel: 'riad', order: `o-${at}` },
      confirm: at % 2 === 0,
    });
  }
  const find = async (query: string) => {
    const found: number[] = [];
    for await (const intent of stripe.paymentIntents.search({ query, limit: 5 })) found.push(intent.amount);
    return found;
  };
  assert.deepEqual(await find("metadata['order']:'o-3'"), [1_003]);
  assert.deepEqual(
    await find('metadata["hotel"]:"riad" AND status:"succeeded"'),
    [1_010, 1_008, 1_006, 1_004, 1_002, 1_000],
  );
  assert.deepEqual(await find("metadata['order']:'o-1' OR metadata['order']:'o-2'"), [1_002, 1_001]);
  assert.deepEqual(await find("amount>1009 AND currency:'eur'"), [1_011, 1_010]);
  assert.deepEqual(await find("-metadata['order']:null AND amount<=1000"), [1_000]);
  assert.deepEqual(await find("metadata['order']:'nothing'"), []);
  for (const query of [
    'amount:',
    "status:'a' AND amount>1 OR amount<2",
    "colour:'red'",
    "status>'a'",
    "metadata['a':'b'",
  ]) {
    assert.equal((await errorOf(stripe.paymentIntents.search({ query }))).statusCode, 400, query);
  }
});

test('search is behind by the index delay, on the simulator clock', async (t) => {
  const { stripe, control } = await startRig(t, { searchDelayMs: 3_600_000 });
  const created = await stripe.paymentIntents.create({ ...card, metadata: { order: 'o-1' } });
  const query = "metadata['order']:'o-1'";
  assert.deepEqual((await stripe.paymentIntents.search({ query })).data, []);
  await control('POST', '/clock', { advance_ms: 3_600_000 });
  const [found] = (await stripe.paymentIntents.search({ query })).data;
  assert.equal(found?.id, created.id);
  await stripe.paymentIntents.confirm(created.id);
  assert.equal((await stripe.paymentIntents.search({ query })).data[0]?.status, 'requires_confirmation');
});

test('every kind of refusal reaches the SDK as its own error class', async (t) => {
  const { stripe, client, control, arm } = await startRig(t);
  const { errors } = Stripe;
  await control('POST', '/accounts', {
    secret_key: 'rk_test_readonly1',
    permissions: ['rak_payment_intent_read'],
  });
  const create = (confirm = true) =>
    stripe.paymentIntents.create({ ...card, payment_method: 'pm_card_chargeDeclined', confirm });
  assert.ok(
    (await errorOf(stripe.paymentIntents.retrieve('pi_none'))) instanceof errors.StripeInvalidRequestError,
  );
  assert.ok((await errorOf(create())) instanceof errors.StripeCardError);
  assert.ok(
    (await errorOf(client('sk_test_unknown').balance.retrieve())) instanceof errors.StripeAuthenticationError,
  );
  assert.ok(
    (await errorOf(client('rk_test_readonly1').paymentIntents.create(card))) instanceof
      errors.StripePermissionError,
  );
  await stripe.paymentIntents.create(card, { idempotencyKey: 'k' });
  assert.ok(
    (await errorOf(
      stripe.paymentIntents.create({ ...card, amount: 99_999 }, { idempotencyKey: 'k' }),
    )) instanceof errors.StripeIdempotencyError,
  );
  await arm({ fault: 'rate_limit' });
  assert.ok((await errorOf(stripe.balance.retrieve())) instanceof errors.StripeRateLimitError);
  await arm({ fault: 'error_before', status: 503 });
  const broken = await errorOf(stripe.balance.retrieve());
  assert.deepEqual([broken instanceof errors.StripeAPIError, broken.statusCode], [true, 503]);
  await arm({ fault: 'idempotency_in_use' });
  const inUse = await errorOf(stripe.paymentIntents.create(card));
  assert.deepEqual(
    [inUse.type, inUse.statusCode, inUse.code],
    ['StripeAPIError', 409, 'idempotency_key_in_use'],
  );
  await arm({ fault: 'drop_before_act', times: 2 });
  assert.ok((await errorOf(stripe.balance.retrieve())) instanceof errors.StripeConnectionError);
});
