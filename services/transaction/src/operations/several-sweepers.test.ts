import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import {
  chargesAtStripe,
  countRows,
  history,
  keysSentToStripe,
  makeDue,
  storedOperation,
} from '../testing/rows.ts';
import { paymentOf, saleRequest, startTestService, withTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { NO_SUMS } from '../payments/transition.ts';
import type { Transition } from '../payments/transition.ts';
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

type Swept = Awaited<ReturnType<typeof storedOperation>>[];

/** What became of the requests, each made due once; the sweepers are gone afterwards, whatever happened. */
async function settledBy(
  sweepers: readonly TestService[],
  hotel: Hotel,
  requests: readonly { operationId: string }[],
): Promise<Swept> {
  try {
    await Promise.all(requests.map(async ({ operationId }) => await makeDue(world, operationId)));
    return await waitFor('all twelve to settle', async () => {
      const operations = await Promise.all(
        requests.map(async ({ operationId }) => await storedOperation(world, hotel, operationId)),
      );
      return operations.every(({ state }) => state === 'succeeded') ? operations : undefined;
    });
  } finally {
    await Promise.all(sweepers.map(async (sweeper) => await sweeper.close()));
  }
}

test('14: four sweepers on one database: each operation is taken by one of them and charged once', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  await world.stripe.arm({ fault: 'drop_before_act', path: '/v1/payment_intents', times: 12 });
  const requests = Array.from({ length: 12 }, () => saleRequest(hotel, token));
  await Promise.all(requests.map(async (request) => await door.sale(request)));
  await world.stripe.clearFaults();
  // None is due before all sweepers are up: then each becomes due once.
  await world.admin.query(`update operations set due_at = now() + interval '1 hour' where merchant_id = $1`, [
    hotel.merchantId,
  ]);
  const sweepers = await Promise.all(
    Array.from({ length: 4 }, async () => await startTestService(world, { sweepIntervalMs: 10 })),
  );
  const states = await settledBy(sweepers, hotel, requests);
  for (const { id, attempt } of states) {
    assert.equal(attempt, 2, 'one sweeper took it, once');
    assert.equal(await chargesAtStripe(world, id), 1);
    assert.equal((await keysSentToStripe(world, id)).length, 2, 'the sale and one sweep');
  }
  assert.deepEqual(await countRows(world, hotel), {
    payments: 12,
    operations: 12,
    payment_events: 24,
    outbox: 24,
  });
});

test('13: a holder that slept past its lease writes nothing, and answers what the next holder found', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  const awake = Promise.withResolvers<void>();
  const asleep = Promise.withResolvers<void>();
  // Sleeps right before it stores its outcome, as a stopped process would.
  const original = door.context.writeTransition;
  door.context.writeTransition = async (operation, transition) => {
    asleep.resolve();
    await awake.promise;
    return await original(operation, transition);
  };
  const answer = door.sale(request);
  await asleep.promise;
  await makeDue(world, request.operationId);
  const successor = await startTestService(world);
  const settled = await waitFor('the successor to settle it', async () => {
    const operation = await storedOperation(world, hotel, request.operationId);
    return operation.state === 'succeeded' ? operation : undefined;
  });
  const paymentId = settled.payment_id;
  const found = await world.admin.query(`select * from payments where id = $1`, [paymentId]);
  awake.resolve();
  const late = await answer.finally(() => (door.context.writeTransition = original));
  await successor.close();
  assert.deepEqual([paymentOf(late).status, paymentOf(late).version, late.replayed], [SUCCEEDED, 2, true]);
  const left = await world.admin.query(`select * from payments where id = $1`, [paymentId]);
  assert.deepEqual(left.rows, found.rows, 'the late holder changed nothing');
  assert.equal((await storedOperation(world, hotel, request.operationId)).attempt, 2);
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
});

test('14: claims made at the same moment never share an operation', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  await world.stripe.arm({ fault: 'drop_before_act', path: '/v1/payment_intents', times: 12 });
  const requests = Array.from({ length: 12 }, () => saleRequest(hotel, token));
  await Promise.all(requests.map(async (request) => await door.sale(request)));
  for (let round = 0; round < 10; round += 1) {
    await Promise.all(requests.map(async ({ operationId }) => await makeDue(world, operationId)));
    const claims = await Promise.all(Array.from({ length: 5 }, async () => await claimDue(door.context, 16)));
    const ids = claims.flat().map(({ operation }) => operation.id);
    assert.deepEqual(ids.toSorted(), requests.map(({ operationId }) => operationId).toSorted());
  }
});

/** A wrong verdict of a holder that overslept. */
const NOT_CHARGED: Transition = {
  operationState: 'declined',
  paymentStatus: 'failed',
  eventType: 'payment.failed',
  add: NO_SUMS,
  newAmountMinor: undefined,
  hold: undefined,
  settledMinor: undefined,
  providerReference: undefined,
  paymentReference: undefined,
  networkTransactionId: undefined,
  card: undefined,
  failure: { code: 'not_charged', message: 'wrong', retryable: true },
  redirectUrl: undefined,
  cancellationReason: undefined,
  unknownReason: undefined,
  mayHaveCharged: false,
  dueInMs: 0,
  absent: undefined,
  wipeServiceCode: false,
};

test('13: a late holder writes nothing, neither while the next holder works nor after it', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  await world.stripe.arm({ fault: 'act_then_drop', path: '/v1/payment_intents' });
  const { paymentId } = paymentOf(await door.sale(request));
  const claim = async () => {
    await makeDue(world, request.operationId);
    const claimed = (await claimDue(door.context, 16)).find(
      ({ operation }) => operation.id === request.operationId,
    );
    assert.ok(claimed);
    return claimed.operation;
  };
  const late = await claim();
  await claim();
  assert.equal((await door.context.writeTransition(late, NOT_CHARGED)).kind, 'superseded');
  assert.equal(
    (await storedOperation(world, hotel, request.operationId)).state,
    'unknown',
    'the next holder still works',
  );
  await makeDue(world, request.operationId);
  await withTestService(world, {}, async (successor) => await successor.settled(hotel, paymentId));
  assert.equal((await door.context.writeTransition(late, NOT_CHARGED)).kind, 'superseded');
  assert.equal((await door.get(hotel, paymentId)).status, SUCCEEDED);
  assert.deepEqual(await history(world, paymentId), ['1 - > processing', '2 processing > succeeded']);
  const { rows } = await world.admin.query(`select 1 from outbox where payment_id = $1`, [
    fromPublicId('pay', paymentId),
  ]);
  assert.equal(rows.length, 2);
});
