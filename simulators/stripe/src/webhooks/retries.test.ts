import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startReceiver, startRig, until } from '../testing/rig.ts';

const HOUR_MS = 3_600_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('test mode gives up after four tries, on the simulator clock', async (t) => {
  const rig = await startRig(t, { webhookRetryMs: HOUR_MS });
  const receiver = await startReceiver(t);
  await rig.stripe.webhookEndpoints.create({
    url: receiver.url,
    enabled_events: ['payment_intent.created'],
  });
  receiver.statuses = Array.from({ length: 20 }, () => 503);
  await rig.stripe.paymentIntents.create({ amount: 500, currency: 'eur' });
  await until('the end of the retries', async () => {
    await rig.control('POST', '/clock', { advance_ms: 24 * HOUR_MS });
    return (await rig.stripe.events.list()).data[0]?.pending_webhooks === 0 ? true : undefined;
  });
  await rig.control('POST', '/clock', { advance_ms: 24 * HOUR_MS });
  await pause(100);
  assert.equal(receiver.deliveries.length, 4);
});

test('live mode tries for three days with growing pauses and then gives up, on the simulator clock', async (t) => {
  const rig = await startRig(t, { webhookRetryMs: HOUR_MS });
  const receiver = await startReceiver(t);
  await rig.control('POST', '/accounts', { id: rig.account, secret_key: 'sk_live_webhooks1' });
  const live = rig.client('sk_live_webhooks1');
  await live.webhookEndpoints.create({ url: receiver.url, enabled_events: ['payment_intent.created'] });
  receiver.statuses = Array.from({ length: 30 }, () => 503);
  await live.paymentIntents.create({ amount: 500, currency: 'eur' });
  let hours = 0;
  await until('the end of the retries', async () => {
    await pause(20);
    await rig.control('POST', '/clock', { advance_ms: HOUR_MS });
    hours += 1;
    return (await live.events.list()).data[0]?.pending_webhooks === 0 ? true : undefined;
  });
  // Tries at 0, 1, 3, 7, 15, 31 and 63 hours; the next one would be after 127. A slow machine starts some pauses an hour late.
  assert.ok(hours >= 31 && hours <= 73, `it gave up after ${hours} hours`);
  assert.ok(
    receiver.deliveries.length === 6 || receiver.deliveries.length === 7,
    `${receiver.deliveries.length} tries`,
  );
  assert.equal(new Set(receiver.deliveries.map(({ event }) => event.id)).size, 1);
  const tries = receiver.deliveries.length;
  await rig.control('POST', '/clock', { advance_ms: 200 * HOUR_MS });
  await pause(100);
  assert.equal(receiver.deliveries.length, tries);
});
