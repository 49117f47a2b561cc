import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import type { Stripe } from 'stripe';

import {
  errorOf,
  startReceiver,
  startRig,
  until,
  type Delivery,
  type Receiver,
  type Rig,
} from '../testing/rig.ts';

const params = {
  amount: 2_500,
  currency: 'eur',
  payment_method: 'pm_card_visa',
  allowed_payment_method_types: ['card'],
  confirm: true,
};

type Listening = { rig: Rig; receiver: Receiver; endpoint: Stripe.WebhookEndpoint; secret: string };

async function listen(
  t: TestContext,
  enabled_events: ('*' | 'charge.succeeded' | 'payment_intent.succeeded')[] = ['*'],
  options = {},
): Promise<Listening> {
  const rig = await startRig(t, options);
  const receiver = await startReceiver(t);
  const endpoint = await rig.stripe.webhookEndpoints.create({ url: receiver.url, enabled_events });
  assert.match(endpoint.secret ?? '', /^whsec_/);
  return { rig, receiver, endpoint, secret: endpoint.secret ?? '' };
}

const received = (receiver: Receiver, count: number) =>
  until(`${count} deliveries`, () => (receiver.deliveries.length >= count ? receiver.deliveries : undefined));
const typesOf = (deliveries: Delivery[]) => deliveries.map(({ event }) => event.type).toSorted();
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('a payment is announced with signatures the official SDK accepts', async (t) => {
  const { rig, receiver, secret } = await listen(t);
  const paid = await rig.stripe.paymentIntents.create(params, { idempotencyKey: 'key-1' });
  const deliveries = await received(receiver, 3);
  assert.deepEqual(typesOf(deliveries), [
    'charge.succeeded',
    'payment_intent.created',
    'payment_intent.succeeded',
  ]);
  for (const { body, signature } of deliveries) {
    const event = rig.stripe.webhooks.constructEvent(body, signature, secret);
    assert.deepEqual(
      [event.object, event.livemode, event.request?.idempotency_key, event.api_version],
      ['event', false, 'key-1', '2026-10-28.endive'],
    );
    assert.throws(() => rig.stripe.webhooks.constructEvent(`${body} `, signature, secret));
    assert.throws(() => rig.stripe.webhooks.constructEvent(body, signature, `${secret}x`));
  }
  const created = deliveries.find(({ event }) => event.type === 'payment_intent.created')?.event;
  assert.ok(created?.type === 'payment_intent.created');
  assert.deepEqual(
    [created.data.object.id, created.data.object.status],
    [paid.id, 'requires_payment_method'],
  );
});

test('each kind of outcome has its events', async (t) => {
  const { rig, receiver } = await listen(t);
  const flows: [() => Promise<unknown>, string[]][] = [
    [
      () =>
        errorOf(rig.stripe.paymentIntents.create({ ...params, payment_method: 'pm_card_chargeDeclined' })),
      ['charge.failed', 'payment_intent.created', 'payment_intent.payment_failed'],
    ],
    [
      () => rig.stripe.paymentIntents.create({ ...params, capture_method: 'manual' }),
      ['charge.succeeded', 'payment_intent.amount_capturable_updated', 'payment_intent.created'],
    ],
    [
      () => rig.stripe.paymentIntents.create({ ...params, payment_method: 'pm_card_authenticationRequired' }),
      ['payment_intent.created', 'payment_intent.requires_action'],
    ],
    [
      async () =>
        rig.stripe.paymentIntents.cancel(
          (await rig.stripe.paymentIntents.create({ ...params, confirm: false })).id,
        ),
      ['payment_intent.canceled', 'payment_intent.created'],
    ],
  ];
  for (const [run, types] of flows) {
    receiver.deliveries.length = 0;
    await run();
    assert.deepEqual(typesOf(await received(receiver, types.length)), types);
  }
  await rig.arm({ fault: 'settle_late', for_ms: 0 });
  receiver.deliveries.length = 0;
  await rig.stripe.paymentIntents.create(params);
  assert.deepEqual(typesOf(await received(receiver, 4)), [
    'charge.succeeded',
    'payment_intent.created',
    'payment_intent.processing',
    'payment_intent.succeeded',
  ]);
});

test('an endpoint gets only what it asked for, shows its secret once, and nothing after its deletion', async (t) => {
  const { rig, receiver, endpoint } = await listen(t, ['charge.succeeded']);
  await rig.stripe.paymentIntents.create(params);
  assert.deepEqual(typesOf(await received(receiver, 1)), ['charge.succeeded']);
  const [listed] = (await rig.stripe.webhookEndpoints.list()).data;
  assert.deepEqual(
    [listed?.id, listed?.secret, (await rig.stripe.webhookEndpoints.retrieve(endpoint.id)).secret],
    [endpoint.id, undefined, undefined],
  );
  assert.equal((await rig.stripe.webhookEndpoints.del(endpoint.id)).deleted, true);
  assert.deepEqual((await rig.stripe.webhookEndpoints.list()).data, []);
  await rig.stripe.paymentIntents.create(params);
  await pause(100);
  assert.equal(receiver.deliveries.length, 1);
});

test('webhooks go to loopback addresses only', async (t) => {
  const { stripe } = await startRig(t);
  for (const url of [
    'http://example.test/x',
    'http://10.0.0.1/x',
    'https://127.0.0.1.example.test/x',
    'http://[::ffff:10.0.0.1]/x',
  ]) {
    const refused = await errorOf(stripe.webhookEndpoints.create({ url, enabled_events: ['*'] }));
    assert.deepEqual([refused.statusCode, refused.code], [400, 'url_invalid'], url);
  }
});

test('events are listed and fetched, and count down the endpoints that still wait', async (t) => {
  const { rig, receiver } = await listen(t, ['payment_intent.succeeded']);
  await rig.stripe.paymentIntents.create(params);
  const [delivery] = await received(receiver, 1);
  assert.equal(delivery?.event.pending_webhooks, 1);
  const id = delivery?.event.id ?? '';
  await until('the acknowledgement', async () =>
    (await rig.stripe.events.retrieve(id)).pending_webhooks === 0 ? true : undefined,
  );
  const all = await rig.stripe.events.list({ limit: 2 });
  assert.deepEqual(
    [all.data.map(({ type }) => type), all.has_more],
    [['payment_intent.succeeded', 'charge.succeeded'], true],
  );
  assert.deepEqual(
    (await rig.stripe.events.list({ type: 'charge.*' })).data.map(({ type }) => type),
    ['charge.succeeded'],
  );
  assert.equal((await errorOf(rig.stripe.events.retrieve('evt_none'))).statusCode, 404);
});

test('a failed delivery, a redirect included, is sent again with the same event until it is acknowledged', async (t) => {
  const { rig, receiver } = await listen(t, ['charge.succeeded']);
  receiver.statuses = [500, 302];
  await rig.stripe.paymentIntents.create(params);
  const deliveries = await received(receiver, 3);
  assert.deepEqual(
    [new Set(deliveries.map(({ event }) => event.id)).size, new Set(deliveries.map(({ path }) => path)).size],
    [1, 1],
  );
  await pause(200);
  assert.equal(receiver.deliveries.length, 3);
});

test('what was not acknowledged is sent again after a restart, with the same secret', async (t) => {
  const { rig, receiver, secret } = await listen(t, ['charge.succeeded'], { webhookRetryMs: 3_600_000 });
  receiver.statuses = [500];
  await rig.stripe.paymentIntents.create(params);
  const [first] = await received(receiver, 1);
  await rig.restart();
  const [, again] = await received(receiver, 2);
  assert.equal(again?.event.id, first?.event.id);
  rig.stripe.webhooks.constructEvent(again?.body ?? '', again?.signature ?? '', secret);
});

test('webhook_duplicate: the same event twice, or the same fact under another id', async (t) => {
  const { rig, receiver } = await listen(t, ['charge.succeeded']);
  await rig.arm({ fault: 'webhook_duplicate', copies: 3 });
  await rig.stripe.paymentIntents.create(params);
  assert.equal(new Set((await received(receiver, 3)).map(({ event }) => event.id)).size, 1);
  receiver.deliveries.length = 0;
  await rig.arm({ fault: 'webhook_duplicate', new_id: true });
  await rig.stripe.paymentIntents.create(params);
  const twice = await received(receiver, 2);
  assert.equal(new Set(twice.map(({ event }) => event.id)).size, 2);
  assert.equal(new Set(twice.map(({ event }) => JSON.stringify(event.data))).size, 1);
});

test('webhook_reorder: an event arrives after the ones that followed it', async (t) => {
  const { rig, receiver } = await listen(t);
  await rig.arm({ fault: 'webhook_reorder', event_type: 'payment_intent.created' });
  await rig.stripe.paymentIntents.create(params);
  const deliveries = await received(receiver, 3);
  assert.notEqual(deliveries[0]?.event.type, 'payment_intent.created');
  assert.equal(deliveries.filter(({ event }) => event.type === 'payment_intent.created').length, 1);
});

test('webhook_delay and webhook_lose: late, and never', async (t) => {
  const { rig, receiver } = await listen(t, ['charge.succeeded']);
  await rig.arm({ fault: 'webhook_delay', delay_ms: 60_000 });
  await rig.stripe.paymentIntents.create(params);
  await pause(150);
  assert.equal(receiver.deliveries.length, 0);
  await rig.control('POST', '/clock', { advance_ms: 60_000 });
  await received(receiver, 1);
  await rig.arm({ fault: 'webhook_lose' });
  await rig.stripe.paymentIntents.create(params);
  await rig.control('POST', '/clock', { advance_ms: 60_000 });
  await pause(150);
  assert.equal(receiver.deliveries.length, 1);
  assert.equal((await rig.stripe.events.list({ type: 'charge.succeeded' })).data.length, 2);
});

test('webhook_before_reply: the event is there before the answer is', async (t) => {
  const { rig, receiver } = await listen(t, ['charge.succeeded']);
  await rig.arm({ fault: 'webhook_before_reply' });
  await rig.stripe.paymentIntents.create(params);
  assert.equal(receiver.deliveries.length, 1);
});

test('webhook_bad_signature: one forged delivery, which the SDK refuses, then a good one', async (t) => {
  const { rig, receiver, secret } = await listen(t, ['charge.succeeded']);
  await rig.arm({ fault: 'webhook_bad_signature' });
  receiver.statuses = [400];
  await rig.stripe.paymentIntents.create(params);
  const [forged, good] = await received(receiver, 2);
  assert.throws(
    () => rig.stripe.webhooks.constructEvent(forged?.body ?? '', forged?.signature ?? '', secret),
    { type: 'StripeSignatureVerificationError' },
  );
  rig.stripe.webhooks.constructEvent(good?.body ?? '', good?.signature ?? '', secret);
});

test('webhook_other_account: another account gets the event too, signed with its own secret', async (t) => {
  const { rig, receiver } = await listen(t, ['charge.succeeded']);
  await rig.control('POST', '/accounts', { secret_key: 'sk_test_otherhotel1' });
  const other = rig.client('sk_test_otherhotel1');
  const foreign = await startReceiver(t);
  const endpoint = await other.webhookEndpoints.create({ url: foreign.url, enabled_events: ['*'] });
  await rig.arm({ fault: 'webhook_other_account', event_type: 'charge.' });
  await rig.stripe.paymentIntents.create(params);
  const [own] = await received(receiver, 1);
  const [stray] = await received(foreign, 1);
  assert.equal(stray?.event.id, own?.event.id);
  rig.stripe.webhooks.constructEvent(stray?.body ?? '', stray?.signature ?? '', endpoint.secret ?? '');
});

test('a slow endpoint does not hold up another', async (t) => {
  const rig = await startRig(t);
  const [slow, quick] = [await startReceiver(t), await startReceiver(t)];
  slow.hangs = true;
  await rig.stripe.webhookEndpoints.create({ url: slow.url, enabled_events: ['charge.succeeded'] });
  await rig.stripe.webhookEndpoints.create({ url: quick.url, enabled_events: ['charge.succeeded'] });
  for (let at = 0; at < 20; at += 1) await rig.stripe.paymentIntents.create(params);
  assert.equal(new Set((await received(quick, 20)).map(({ event }) => event.id)).size, 20);
  assert.ok(slow.deliveries.length > 0, 'the slow endpoint was tried');
});
