import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { FollowUp } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { Failpoint } from '@centra/service-kit/failpoint.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { startFaultProxy, targetOf } from '@centra/testkit/fault-proxy.ts';
import type { FaultProxy } from '@centra/testkit/fault-proxy.ts';
import {
  amountFor,
  ask,
  createRequest,
  effectsAtStripe,
  FOLLOW_UPS,
  isDone,
  keysOf,
  readyAtStripe,
  STRIPE_PATHS,
} from '../testing/follow-ups.ts';
import type { FollowUpKind } from '../testing/follow-ups.ts';
import { chargesAtStripe, countRows, makeDue, storedOperation } from '../testing/rows.ts';
import {
  callOptions,
  followUpOf,
  paymentOf,
  refusalOf,
  saleRequest,
  startTestService,
  withTestService,
} from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';

const { OPERATION_STATE_SUCCEEDED } = OperationState;
const IDLE = { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 };

let world: World;
let proxy: FaultProxy;
/** Never sweeps; reaches its database through the proxy. */
let service: TestService;

before(async () => {
  world = await startWorld();
  proxy = await startFaultProxy({ targets: [targetOf(world.database.url)] });
  service = await startTestService(world, { ...IDLE, databaseUrl: proxy.through(world.database.url) });
});
after(async () => {
  await service.close();
  await proxy.close();
  await world.close();
});

type Asked = { hotel: Hotel; payment: Payment; followUp: FollowUp };

async function ready(kind: FollowUpKind): Promise<Asked> {
  const hotel = await world.stripeHotel();
  const payment = await readyAtStripe(world, service, hotel, kind);
  return { hotel, payment, followUp: followUpOf(hotel, payment.paymentId) };
}

/** Ends the call at the named step, as the death of the process would: nothing after it happens. */
function dieAt(step: string): Failpoint {
  return (name) => {
    if (name === step) throw new Error('died here');
  };
}

async function dying(kind: FollowUpKind, step: string, { followUp }: Asked): Promise<void> {
  const died = await withTestService(
    world,
    { ...IDLE, failpoint: dieAt(`${kind}.${step}`) },
    async (other) => await refusalOf(ask(other, kind, followUp, { amount: amountFor(kind) })),
  );
  assert.equal(died.error.code, 'internal');
}

/** The lease of whoever died ends, and a sweeper takes it up. */
async function successor({ hotel, followUp: { operationId } }: Asked): Promise<void> {
  await makeDue(world, operationId);
  await withTestService(world, { holdIntervalMs: 600_000 }, async () => {
    await waitFor(`operation ${operationId} to settle`, async () => {
      const { state } = await storedOperation(world, hotel, operationId);
      return state === 'succeeded' ? state : undefined;
    });
  });
}

/** Done once, whoever did it: at Stripe, in our rows and in the answer to the same id. */
async function assertOnce(kind: FollowUpKind, { hotel, payment, followUp }: Asked): Promise<void> {
  const reply = await ask(service, kind, followUp, { amount: amountFor(kind) });
  assert.equal(reply.state, OPERATION_STATE_SUCCEEDED);
  const now = await service.get(hotel, payment.paymentId);
  assert.ok(isDone(kind, now));
  assert.deepEqual(reply.payment, now);
  assert.equal(now.version, payment.version + 2, 'asked for and settled, once each');
  assert.equal(await effectsAtStripe(world, kind, payment), 1);
  const keys = await keysOf(world, followUp.operationId);
  assert.deepEqual([...new Set(keys)], [`centra-${followUp.operationId}`]);
  assert.equal((await countRows(world, hotel))['operations'], 2);
}

for (const kind of FOLLOW_UPS)
  describe(`a ${kind}`, () => {
    test('1: a process that died before the first write left nothing; the same id does it', async () => {
      const asked = await ready(kind);
      await dying(kind, 'before-write-1', asked);
      assert.equal((await countRows(world, asked.hotel))['operations'], 1);
      assert.deepEqual(await service.get(asked.hotel, asked.payment.paymentId), asked.payment);
      await assertOnce(kind, asked);
    });

    test('2: a process that died between the first write and the call is taken up with the same provider key', async () => {
      const asked = await ready(kind);
      await dying(kind, 'after-write-1', asked);
      const waiting = await refusalOf(ask(service, kind, asked.followUp, { amount: amountFor(kind) }));
      assert.deepEqual(
        [waiting.error.code, waiting.error.extra['payment_id']],
        ['in_progress', asked.payment.paymentId],
      );
      assert.equal(await effectsAtStripe(world, kind, asked.payment), 0);
      await successor(asked);
      await assertOnce(kind, asked);
    });

    test('3: a process that died after the effect is taken up, and the effect is found, not made again', async () => {
      const asked = await ready(kind);
      await dying(kind, 'after-provider', asked);
      assert.equal(await effectsAtStripe(world, kind, asked.payment), 1);
      await successor(asked);
      await assertOnce(kind, asked);
    });

    test('4: a process that died after the second write has done it: the same id is a replay', async () => {
      const asked = await ready(kind);
      await dying(kind, 'after-write-2', asked);
      assert.equal((await ask(service, kind, asked.followUp, { amount: amountFor(kind) })).replayed, true);
      await assertOnce(kind, asked);
    });

    test('12: a connection lost at the COMMIT of the first write is never called "nothing was done"', async () => {
      const asked = await ready(kind);
      // A prepared statement goes by its name alone or with its text; either holds the name.
      proxy.set({ kind: 'lose-reply', match: `begin-${kind}` });
      const { error } = await refusalOf(ask(service, kind, asked.followUp, { amount: amountFor(kind) }));
      assert.equal(error.code, 'in_progress');
      assert.equal((await storedOperation(world, asked.hotel, asked.followUp.operationId)).state, 'sent');
      await successor(asked);
      await assertOnce(kind, asked);
    });

    test('12: a connection lost at the COMMIT of the outcome is found written, and written once', async () => {
      const asked = await ready(kind);
      proxy.set({ kind: 'lose-reply', match: 'write-transitions' });
      const reply = await ask(service, kind, asked.followUp, { amount: amountFor(kind) });
      assert.deepEqual([reply.replayed, reply.state], [false, OPERATION_STATE_SUCCEEDED]);
      await assertOnce(kind, asked);
    });

    test('13: a holder that slept past its lease writes nothing, and answers what the next holder found', async () => {
      const asked = await ready(kind);
      const [awake, asleep] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const original = service.context.writeTransition;
      service.context.writeTransition = async (operation, transition) => {
        if (operation.id === asked.followUp.operationId) {
          asleep.resolve();
          await awake.promise;
        }
        return await original(operation, transition);
      };
      const answer = ask(service, kind, asked.followUp, { amount: amountFor(kind) });
      await asleep.promise;
      await successor(asked);
      const found = await service.get(asked.hotel, asked.payment.paymentId);
      awake.resolve();
      const late = await answer.finally(() => (service.context.writeTransition = original));
      assert.deepEqual([late.state, late.payment], [OPERATION_STATE_SUCCEEDED, found]);
      assert.equal((await storedOperation(world, asked.hotel, asked.followUp.operationId)).attempt, 2);
      await assertOnce(kind, asked);
    });

    test('17: a caller whose deadline passed asks again with the same id and is answered from the record', async () => {
      const asked = await ready(kind);
      await world.stripe.arm({
        fault: 'answer_late',
        delay_ms: 2_500,
        path: STRIPE_PATHS[kind],
        method: 'POST',
      });
      const { metadata } = callOptions();
      const { followUp } = asked;
      const amount = amountFor(kind);
      const options = { metadata, deadlineMs: 1_000 };
      const { client } = service;
      const calls = {
        capture: async () =>
          await callUnary(client.capture.bind(client), { followUp, amount, keepOpen: false }, options),
        void: async () => await callUnary(client.void.bind(client), { followUp, reason: '' }, options),
        refund: async () =>
          await callUnary(
            client.refund.bind(client),
            { followUp, amount, reason: '', metadata: {} },
            options,
          ),
        adjust: async () => await callUnary(client.adjust.bind(client), { followUp, amount }, options),
      };
      const gone = await refusalOf(calls[kind]());
      assert.equal(gone.status, grpcStatus.DEADLINE_EXCEEDED);
      await waitFor('the operation to go on without its caller', async () => {
        const { rows } = await world.admin.query(
          `select from operations where id = $1 and state = 'succeeded'`,
          [followUp.operationId],
        );
        return rows[0];
      });
      await assertOnce(kind, asked);
    });
  });

test('14: four sweepers on one database: each of eight operations is taken by one of them and done once', async () => {
  const all = await Promise.all(
    [...FOLLOW_UPS, ...FOLLOW_UPS].map(async (kind) => ({ kind, asked: await ready(kind) })),
  );
  for (const kind of FOLLOW_UPS)
    await world.stripe.arm({ fault: 'drop_before_act', path: STRIPE_PATHS[kind], method: 'POST', times: 2 });
  await Promise.all(
    all.map(async ({ kind, asked }) => await ask(service, kind, asked.followUp, { amount: amountFor(kind) })),
  );
  await world.stripe.clearFaults();
  // None is due before all sweepers are up: then each becomes due once.
  await world.admin.query(`update operations set due_at = now() + interval '1 hour' where id = any($1)`, [
    all.map(({ asked }) => asked.followUp.operationId),
  ]);
  const sweepers = await Promise.all(
    Array.from({ length: 4 }, async () => await startTestService(world, { ...IDLE, sweepIntervalMs: 10 })),
  );
  try {
    await Promise.all(all.map(async ({ asked }) => await makeDue(world, asked.followUp.operationId)));
    for (const { asked } of all)
      await waitFor('it to settle', async () => {
        const { state } = await storedOperation(world, asked.hotel, asked.followUp.operationId);
        return state === 'succeeded' ? state : undefined;
      });
  } finally {
    await Promise.all(sweepers.map(async (sweeper) => await sweeper.close()));
  }
  for (const { kind, asked } of all) {
    assert.equal((await storedOperation(world, asked.hotel, asked.followUp.operationId)).attempt, 2);
    assert.equal((await keysOf(world, asked.followUp.operationId)).length, 2, 'the call and one sweep');
    await assertOnce(kind, asked);
  }
});

test('12: the first write of a registered payment whose COMMIT went unheard is never called "nothing was done"', async () => {
  const hotel = await world.stripeHotel();
  const { paymentId } = paymentOf(await service.createPayment(createRequest(hotel)));
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  const request = saleRequest(hotel, token, { paymentId, amount: undefined });
  proxy.set({ kind: 'lose-reply', match: 'begin-on-created' });
  const { error } = await refusalOf(service.sale(request));
  assert.equal(error.code, 'in_progress');
  await successor({
    hotel,
    payment: await service.get(hotel, paymentId),
    followUp: followUpOf(hotel, paymentId, { operationId: request.operationId }),
  });
  const again = await service.sale(request);
  assert.deepEqual([again.replayed, again.payment?.paymentId], [true, paymentId]);
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
});

test('12: so is a registration: the same id finds the payment it made', async () => {
  const hotel = await world.stripeHotel();
  const request = createRequest(hotel);
  proxy.set({ kind: 'lose-reply', match: 'register-payment' });
  const [first] = await Promise.allSettled([service.createPayment(request)]);
  const again = await service.createPayment(request);
  assert.deepEqual(await countRows(world, hotel), {
    payments: 1,
    operations: 1,
    payment_events: 1,
    outbox: 1,
  });
  if (first.status === 'fulfilled') assert.deepEqual(first.value.payment, again.payment);
});
