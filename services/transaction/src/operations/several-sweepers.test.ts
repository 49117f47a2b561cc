import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { chargesAtStripe, countRows, history, keysSentToStripe, makeDue, storedOperation } from '../testing/rows.ts';
import { paymentOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { World } from '../testing/world.ts';
import { claimDue } from './operation.ts';

const SUCCEEDED = PaymentStatus.PAYMENT_STATUS_SUCCEEDED;

let world: World;
/** Takes sales and never sweeps. */
let door: TestService;

before(async () => {
  world = await startWorld();
  door = await startTestService(world, { sweepIntervalMs: 600_000 });
});
after(async () => {
  await door.close();
  await world.close();
});
afterEach(async () => await world.stripe.clearFaults());

test('14: four sweepers on one database: each operation is taken by one of them and charged once', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  await world.stripe.arm({ fault: 'drop_before_act', path: '/v1/payment_intents', times: 12 });
  const requests = Array.from({ length: 12 }, () => saleRequest(hotel, token));
  await Promise.all(requests.map(async (request) => await door.sale(request)));
  await world.stripe.clearFaults();
  const sweepers = await Promise.all(Array.from({ length: 4 }, async () => await startTestService(world, { sweepIntervalMs: 10 })));
  await Promise.all(requests.map(async ({ operationId }) => await makeDue(world, operationId)));
  const states = await waitFor('all twelve to settle', async () => {
    const operations = await Promise.all(requests.map(async ({ operationId }) => await storedOperation(world, hotel, operationId)));
    return operations.every(({ state }) => state === 'succeeded') ? operations : undefined;
  }).finally(async () => await Promise.all(sweepers.map(async (sweeper) => await sweeper.close())));
  for (const { id, attempt } of states) {
    assert.equal(attempt, 2, 'one sweeper took it, once');
    assert.equal(await chargesAtStripe(world, id), 1);
    assert.equal((await keysSentToStripe(world, id)).length, 2, 'the sale and one sweep');
  }
  assert.deepEqual(await countRows(world, hotel), { payments: 12, operations: 12, payment_events: 24, outbox: 24 });
});

test('13: a holder that slept past its lease writes nothing, and answers what the next holder found', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  let wake = (): void => {};
  const asleep = new Promise<void>((resolve) => (wake = resolve));
  let fallsAsleep = (): void => {};
  const sleeping = new Promise<void>((resolve) => (fallsAsleep = resolve));
  // Sleeps right before it stores its outcome, as a stopped process would.
  const original = door.context.writeTransition;
  door.context.writeTransition = async (operation, transition) => {
    fallsAsleep();
    await asleep;
    return await original(operation, transition);
  };
  const answer = door.sale(request);
  await sleeping;
  await makeDue(world, request.operationId);
  const successor = await startTestService(world);
  const settled = await waitFor('the successor to settle it', async () => {
    const operation = await storedOperation(world, hotel, request.operationId);
    return operation.state === 'succeeded' ? operation : undefined;
  });
  const paymentId = settled.payment_id;
  const before = await world.admin.query(`select * from payments where id = $1`, [paymentId]);
  wake();
  const late = await answer.finally(() => (door.context.writeTransition = original));
  await successor.close();
  assert.deepEqual([paymentOf(late).status, paymentOf(late).version, late.replayed], [SUCCEEDED, 2, true]);
  const after = await world.admin.query(`select * from payments where id = $1`, [paymentId]);
  assert.deepEqual(after.rows, before.rows, 'the late holder changed nothing');
  assert.equal((await storedOperation(world, hotel, request.operationId)).attempt, 2);
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
});

test('13: a late holder with a wrong verdict cannot overwrite the right one', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  await world.stripe.arm({ fault: 'act_then_drop', path: '/v1/payment_intents' });
  const { paymentId } = paymentOf(await door.sale(request));
  await makeDue(world, request.operationId);
  const [late] = await claimDue(door.context, 16);
  assert.ok(late);
  await makeDue(world, request.operationId);
  const successor = await startTestService(world);
  await successor.settled(hotel, paymentId).finally(successor.close);
  const written = await door.context.writeTransition(late.operation, {
    operationState: 'declined',
    paymentStatus: 'failed',
    capturedMinor: 0n,
    providerReference: undefined,
    card: undefined,
    failure: { code: 'not_charged', message: 'wrong', retryable: true },
    redirectUrl: undefined,
    unknownReason: undefined,
    mayHaveCharged: false,
    dueInMs: 0,
    absent: undefined,
    wipeServiceCode: false,
  });
  assert.equal(written.kind, 'superseded');
  assert.equal((await door.get(hotel, paymentId)).status, SUCCEEDED);
  assert.deepEqual(await history(world, paymentId), ['1 - > processing', '2 processing > succeeded']);
  const { rows } = await world.admin.query(`select 1 from outbox where payment_id = $1`, [fromPublicId('pay', paymentId)]);
  assert.equal(rows.length, 2);
});
