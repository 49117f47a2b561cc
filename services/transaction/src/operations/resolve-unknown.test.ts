import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { chargesAtStripe, history, keysSentToStripe, makeDue, storedOperation } from '../testing/rows.ts';
import { paymentOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';

const PROCESSING = PaymentStatus.PAYMENT_STATUS_PROCESSING;
const SUCCEEDED = PaymentStatus.PAYMENT_STATUS_SUCCEEDED;
const FAILED = PaymentStatus.PAYMENT_STATUS_FAILED;
// Short, so that a late answer is late; a loaded machine may take a good part of it for an ordinary one.
const TIMEOUT_MS = 4_000;

let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world, { providerTimeoutMs: TIMEOUT_MS, operationLeaseMs: 9_000 });
});
after(async () => {
  await service.close();
  await world.close();
});
afterEach(async () => await world.stripe.clearFaults());

/** Every call for the operation carried the one key, and the money moved so many times. */
async function assertEffects(hotel: Hotel, operationId: string, charges: number): Promise<void> {
  assert.equal(await chargesAtStripe(world, operationId), charges, 'charges at Stripe');
  assert.deepEqual([...new Set(await keysSentToStripe(world, operationId))], [`centra-${operationId}`]);
  const operation = await storedOperation(world, hotel, operationId);
  assert.equal(operation.state, charges === 1 ? 'succeeded' : 'declined');
}

describe('an outcome that was lost is found out, and the card is charged exactly once', () => {
  type Case = { name: string; fault: { fault: string; times?: number } & Record<string, unknown> };
  const cases: Case[] = [
    { name: '5: a reply lost by the provider after the charge', fault: { fault: 'act_then_drop' } },
    { name: '6: a connection that broke before the charge', fault: { fault: 'drop_before_act' } },
    {
      name: '5: an answer that comes after our timeout',
      fault: { fault: 'answer_late', delay_ms: TIMEOUT_MS + 1_000 },
    },
    { name: '7: a 500 after the charge, which Stripe keeps repeating', fault: { fault: 'error_after' } },
    {
      name: '7: a 502 after the charge, from in front of Stripe',
      fault: { fault: 'error_after', status: 502 },
    },
    { name: '6: a 500 before the charge', fault: { fault: 'error_before' } },
    { name: 'a key that is still in use by an earlier call of ours', fault: { fault: 'idempotency_in_use' } },
    { name: 'an answer that ends in the middle', fault: { fault: 'truncated_body' } },
    { name: 'a payment that Stripe itself still decides', fault: { fault: 'settle_late', for_ms: 1_500 } },
  ];
  for (const { name, fault } of cases)
    test(name, async () => {
      const hotel = await world.stripeHotel();
      const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
      await world.stripe.arm({ path: '/v1/payment_intents', method: 'POST', ...fault });
      const first = paymentOf(await service.sale(request));
      assert.equal(first.status, PROCESSING, 'what is not known is not said');
      assert.equal(first.capturedMinor, 0n);
      const settled = await service.settled(hotel, first.paymentId);
      assert.deepEqual([settled.status, settled.capturedMinor, settled.version], [SUCCEEDED, 12_500n, 2]);
      assert.equal(settled.card?.last4, '4242');
      assert.deepEqual(await history(world, first.paymentId), [
        '1 - > processing',
        '2 processing > succeeded',
      ]);
      await assertEffects(hotel, request.operationId, 1);
      const again = await service.sale(request);
      assert.equal(again.replayed, true);
      assert.equal(paymentOf(again).status, SUCCEEDED);
    });
});

test('23: a decline whose reply was lost is found as the same decline, and no second attempt is made', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4000000000000002'));
  await world.stripe.arm({ fault: 'act_then_drop', path: '/v1/payment_intents' });
  const first = paymentOf(await service.sale(request));
  assert.equal(first.status, PROCESSING);
  const settled = await service.settled(hotel, first.paymentId);
  assert.deepEqual([settled.status, settled.failure?.code], [FAILED, 'card_declined']);
  await assertEffects(hotel, request.operationId, 0);
  const declines = (await world.stripe.journal('effect')).filter(
    (line) =>
      line['effect'] === 'charge.failed' && line['idempotency_key'] === `centra-${request.operationId}`,
  );
  assert.equal(declines.length, 1);
});

test('11: a lost reply is not repeated behind our back, where a refusal of the second call would hide the first', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  await world.stripe.arm({ fault: 'act_then_drop', path: '/v1/payment_intents', times: 1 });
  // By its seed this one spares the first call that it matches and meets the second.
  await world.stripe.arm({ fault: 'rate_limit', path: '/v1/payment_intents', probability: 0.5, seed: 1 });
  const first = paymentOf(await service.sale(request));
  assert.equal(first.status, PROCESSING, 'the charge was made: this is no refusal');
  assert.equal((await service.settled(hotel, first.paymentId)).status, SUCCEEDED);
  await assertEffects(hotel, request.operationId, 1);
});

test('8: a payment intent that Stripe does not find right after its creation is not taken for absent', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  await world.stripe.arm({ fault: 'settle_late', path: '/v1/payment_intents', for_ms: 300 });
  await world.stripe.arm({
    fault: 'not_found_after_create',
    path: '/v1/payment_intents',
    times: 2,
    for_ms: 600_000,
  });
  const first = paymentOf(await service.sale(request));
  for (let look = 0; look < 3; look += 1) {
    const last = (await storedOperation(world, hotel, request.operationId)).attempt;
    await makeDue(world, request.operationId);
    while ((await storedOperation(world, hotel, request.operationId)).attempt === last)
      await new Promise((next) => setTimeout(next, 20));
  }
  const settled = await service.settled(hotel, first.paymentId);
  assert.equal(settled.status, SUCCEEDED);
  await assertEffects(hotel, request.operationId, 1);
});

test('8: a stale reading of a payment intent only delays the outcome', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  await world.stripe.arm({ fault: 'settle_late', path: '/v1/payment_intents', for_ms: 300 });
  await world.stripe.arm({ fault: 'stale_get', path: '/v1/payment_intents', times: 1, for_ms: 3_000 });
  const first = paymentOf(await service.sale(request));
  assert.equal(first.status, PROCESSING);
  assert.equal((await service.settled(hotel, first.paymentId)).status, SUCCEEDED);
  await assertEffects(hotel, request.operationId, 1);
});

test('66610 and 66611 of the built-in simulator: a lost answer is looked up, charged or not', async () => {
  const hotel = await world.simulatorHotel();
  const charged = saleRequest(hotel, 'sim_card_visa', { amount: { amountMinor: 66_610n, currency: 'EUR' } });
  const first = paymentOf(await service.sale(charged));
  assert.equal(first.status, PROCESSING);
  assert.equal((await service.settled(hotel, first.paymentId)).status, SUCCEEDED);
  const notCharged = saleRequest(hotel, 'sim_card_visa', {
    amount: { amountMinor: 66_611n, currency: 'EUR' },
  });
  const second = paymentOf(await service.sale(notCharged));
  // Absence needs a second look a minute later; a minute goes by in the database.
  for (;;) {
    const { absent_since: since } = await storedOperation(world, hotel, notCharged.operationId);
    if (since !== null) break;
    await new Promise((next) => setTimeout(next, 50));
  }
  await world.admin.query(
    `update operations set absent_since = absent_since - interval '61 s', due_at = now() where id = $1`,
    [notCharged.operationId],
  );
  const settled = await service.settled(hotel, second.paymentId);
  assert.deepEqual([settled.status, settled.failure?.code], [FAILED, 'not_charged']);
});

test('an operation that could not be asked about is given back at once, not kept for a whole lease', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  const patient = await startTestService(world, { sweepIntervalMs: 600_000 });
  try {
    await world.stripe.arm({ fault: 'act_then_drop', path: '/v1/payment_intents' });
    const find = service.context.accounts.find;
    let refusals = 0;
    service.context.accounts.find = async (merchantId, ...rest) => {
      if (merchantId !== hotel.merchantId || refusals > 0) return await find(merchantId, ...rest);
      refusals += 1;
      throw new AppError('unavailable', { internal: 'merchant cannot be asked' });
    };
    // Its lease would last far longer than this test.
    const lease = service.context.config.operationLeaseMs;
    service.context.config.operationLeaseMs = 600_000;
    try {
      const first = paymentOf(await patient.sale(request));
      assert.equal(first.status, PROCESSING);
      assert.equal((await service.settled(hotel, first.paymentId)).status, SUCCEEDED);
    } finally {
      service.context.accounts.find = find;
      service.context.config.operationLeaseMs = lease;
    }
    assert.equal(refusals, 1);
    await assertEffects(hotel, request.operationId, 1);
  } finally {
    await patient.close();
  }
});
