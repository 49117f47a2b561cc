import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Failpoint } from '@centra/service-kit/failpoint.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { startFaultProxy, targetOf } from '@centra/testkit/fault-proxy.ts';
import type { FaultProxy } from '@centra/testkit/fault-proxy.ts';
import { createTransitionWriter } from '../payments/transition.ts';
import { chargesAtStripe, countRows, history, makeDue, storedOperation } from '../testing/rows.ts';
import {
  paymentOf,
  refusalOf,
  saleRequest,
  startTestService,
  withTestService,
} from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { World } from '../testing/world.ts';

const { PAYMENT_STATUS_PROCESSING, PAYMENT_STATUS_REQUIRES_ACTION, PAYMENT_STATUS_SUCCEEDED } = PaymentStatus;
const ONE_PAYMENT = { payments: 1, operations: 1, payment_events: 2, outbox: 2 };

let world: World;
let proxy: FaultProxy;
let service: TestService;

before(async () => {
  world = await startWorld();
  proxy = await startFaultProxy({ targets: [targetOf(world.database.url)] });
  // Swept only when a test says so: its first sweep at the start finds nothing.
  service = await startTestService(world, {
    databaseUrl: proxy.through(world.database.url),
    sweepIntervalMs: 600_000,
  });
});
after(async () => {
  await service.close();
  await proxy.close();
  await world.close();
});
beforeEach(async () => {
  // One prepared statement of each kind on a connection, so that the next one is sent by its name alone or with its text.
  await service.sale(saleRequest(await world.simulatorHotel(), 'sim_card_visa'));
});

test('12: a connection lost at the COMMIT of the first write is found written, and the sale goes on once', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  proxy.set({ kind: 'lose-reply', match: 'begin-operations' });
  const answer = await service.sale(request);
  assert.equal(paymentOf(answer).status, PAYMENT_STATUS_SUCCEEDED);
  assert.equal(answer.replayed, false);
  assert.deepEqual(await countRows(world, hotel), ONE_PAYMENT);
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
});

test('12: a first write whose COMMIT went unheard, with the database away since, is never called "nothing was done"', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  const original = service.context.beginOperation;
  service.context.beginOperation = async (operation) => {
    proxy.set({ kind: 'lose-reply', match: 'begin-operations' });
    return await original(operation).catch((error: unknown) => {
      proxy.set({ kind: 'refuse' });
      throw error;
    });
  };
  const refused = await refusalOf(service.sale(request)).finally(() => {
    service.context.beginOperation = original;
    proxy.clear();
  });
  assert.equal(refused.error.code, 'in_progress');
  // It was written, so the sweeper charges it; the caller who repeats the key, as told, learns of that charge.
  await makeDue(world, request.operationId);
  await withTestService(world, {}, async (other) => {
    const operation = await storedOperation(world, hotel, request.operationId);
    await other.settled(hotel, toPublicId('pay', operation.payment_id));
  });
  const again = await service.sale(request);
  assert.equal(paymentOf(again).status, PAYMENT_STATUS_SUCCEEDED);
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
});

test('12: a connection lost at the COMMIT of the outcome is found written, and written once', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  proxy.set({ kind: 'lose-reply', match: 'write-transitions' });
  const payment = paymentOf(await service.sale(request));
  assert.deepEqual(
    [payment.status, payment.version, payment.capturedMinor],
    [PAYMENT_STATUS_SUCCEEDED, 2, 12_500n],
  );
  assert.deepEqual(await history(world, payment.paymentId), ['1 - > processing', '2 processing > succeeded']);
  assert.deepEqual(await countRows(world, hotel), ONE_PAYMENT);
});

test('12: so is a challenge: its redirect is answered although the COMMIT went unheard', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4000002760003184');
  proxy.set({ kind: 'lose-reply', match: 'write-transitions' });
  const payment = paymentOf(
    await service.sale(saleRequest(hotel, token, { returnUrl: 'https://hotel.example.com/back' })),
  );
  assert.deepEqual([payment.status, payment.version], [PAYMENT_STATUS_REQUIRES_ACTION, 2]);
  assert.ok(payment.nextAction?.redirectUrl.startsWith(world.stripe.url));
});

test('61: a database that goes away after the charge leaves the payment processing, never "nothing was done"', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  const write = createTransitionWriter(service.context.pool);
  const original = service.context.writeTransition;
  service.context.writeTransition = async (operation, transition) => {
    proxy.set({ kind: 'refuse' });
    return await write(operation, transition);
  };
  const answer = await service.sale(request).finally(() => {
    service.context.writeTransition = original;
    proxy.clear();
  });
  assert.equal(paymentOf(answer).status, PAYMENT_STATUS_PROCESSING);
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
  // The lease ends and the sweeper of any replica takes it up.
  await makeDue(world, request.operationId);
  const { paymentId } = paymentOf(answer);
  const settled = await withTestService(world, {}, async (other) => await other.settled(hotel, paymentId));
  assert.equal(settled.status, PAYMENT_STATUS_SUCCEEDED);
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
});

test('61: a database that is away before the first write refuses with UNAVAILABLE and asks no provider', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  proxy.set({ kind: 'refuse' });
  const refused = await refusalOf(service.sale(request)).finally(() => proxy.clear());
  assert.deepEqual([refused.status, refused.error.code], [grpcStatus.UNAVAILABLE, 'unavailable']);
  assert.equal(await chargesAtStripe(world, request.operationId), 0);
  const answer = await service.sale(request);
  assert.equal(paymentOf(answer).status, PAYMENT_STATUS_SUCCEEDED);
  assert.deepEqual(await countRows(world, hotel), ONE_PAYMENT);
});

/** Ends the call at the named step, as the death of the process would: nothing after it happens. */
function dieAt(step: string): Failpoint {
  return (name) => {
    if (name === step) throw new Error('died here');
  };
}

test('2: a process that died between the first write and the call is taken up with the same provider key', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  const failpoint = dieAt('sale.after-write-1');
  await withTestService(
    world,
    { sweepIntervalMs: 600_000, failpoint },
    async (dying) => await refusalOf(dying.sale(request)),
  );
  const left = await storedOperation(world, hotel, request.operationId);
  assert.deepEqual([left.state, left.attempt], ['sent', 1]);
  const waiting = await refusalOf(service.sale(request));
  assert.equal(waiting.error.code, 'in_progress');
  assert.equal(waiting.error.extra['payment_id'], toPublicId('pay', left.payment_id));
  await makeDue(world, request.operationId);
  const paymentId = toPublicId('pay', left.payment_id);
  const settled = await withTestService(
    world,
    {},
    async (successor) => await successor.settled(hotel, paymentId),
  );
  assert.equal(settled.status, PAYMENT_STATUS_SUCCEEDED);
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
});

test('3: a process that died after the charge is taken up, and the charge is found, not made again', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  const failpoint = dieAt('sale.after-provider');
  await withTestService(
    world,
    { sweepIntervalMs: 600_000, failpoint },
    async (dying) => await refusalOf(dying.sale(request)),
  );
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
  const left = await storedOperation(world, hotel, request.operationId);
  assert.equal(left.state, 'sent');
  await makeDue(world, request.operationId);
  const paymentId = toPublicId('pay', left.payment_id);
  const settled = await withTestService(
    world,
    {},
    async (successor) => await successor.settled(hotel, paymentId),
  );
  assert.equal(settled.status, PAYMENT_STATUS_SUCCEEDED);
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
});
