import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import {
  amountFor,
  ask,
  effectsAtStripe,
  FOLLOW_UPS,
  isDone,
  readyAtStripe,
  reservedMinor,
  STRIPE_PATHS,
} from '../testing/follow-ups.ts';
import { recordingLog } from '../testing/recording-log.ts';
import { age, makeDue, storedOperation } from '../testing/rows.ts';
import { followUpOf, paymentOf, refusalOf, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { resolveDue } from './resolve-unknown.ts';

const { OPERATION_STATE_UNKNOWN, OPERATION_STATE_DECLINED, OPERATION_STATE_SUCCEEDED } = OperationState;

let world: World;
/** Swept only when a test says so; keeps the messages of its errors. */
let service: TestService;
let errors: string[];

before(async () => {
  world = await startWorld();
  const recording = recordingLog();
  errors = recording.errors;
  const idle = { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 };
  service = await startTestService(world, idle, {}, recording.log);
});
after(async () => {
  await service.close();
  await world.close();
});
afterEach(async () => await world.stripe.clearFaults());

/** Another key for the same account, stored as its next version. */
async function rotate(hotel: Hotel): Promise<string> {
  const secretKey = `sk_test_${randomBytes(12).toString('hex')}`;
  await world.stripe.account(secretKey, { id: hotel.stripeAccount });
  world.merchant.rotate(hotel.providerAccountId, {
    secret_key: secretKey,
    webhook_secret: hotel.webhookSecret,
  });
  return secretKey;
}

async function sweep(operationId: string): Promise<void> {
  await makeDue(world, operationId);
  await resolveDue(service.context);
}

for (const kind of FOLLOW_UPS)
  describe(`57: a ${kind}`, () => {
    const amount = amountFor(kind);

    test('under way keeps the credentials it began with, whatever is stored since; the next uses the new ones', async () => {
      const hotel = await world.stripeHotel();
      const payment = await readyAtStripe(world, service, hotel, kind);
      await world.stripe.arm({ fault: 'drop_before_act', path: STRIPE_PATHS[kind], method: 'POST' });
      const followUp = followUpOf(hotel, payment.paymentId);
      assert.equal((await ask(service, kind, followUp, { amount })).state, OPERATION_STATE_UNKNOWN);
      const newKey = await rotate(hotel);
      // Only the old key is good: had the new one been used, it would have failed.
      await world.stripe.revokeKey(hotel.stripeAccount, newKey);
      await sweep(followUp.operationId);
      const operation = await storedOperation(world, hotel, followUp.operationId);
      assert.deepEqual([operation.state, operation.provider_account_version], ['succeeded', 1]);
      assert.ok(isDone(kind, await service.get(hotel, payment.paymentId)));
      assert.equal(await effectsAtStripe(world, kind, payment), 1);
      const other = await readyAtStripeWithNewKey(hotel, kind);
      assert.equal(other, 2);
    });

    test('with a revoked key is declined at once: nothing was done, nothing stays reserved, and somebody is told', async () => {
      const hotel = await world.stripeHotel();
      const payment = await readyAtStripe(world, service, hotel, kind);
      await world.stripe.revokeKey(hotel.stripeAccount, hotel.secretKey);
      const known = errors.length;
      const reply = await ask(service, kind, followUpOf(hotel, payment.paymentId), { amount });
      assert.equal(reply.state, OPERATION_STATE_DECLINED);
      const now = paymentOf(reply);
      assert.deepEqual([now.status, reservedMinor(kind, now)], [payment.status, 0n]);
      assert.equal(await effectsAtStripe(world, kind, payment), 0);
      assert.ok(errors.slice(known).includes('provider refused the hotel, not the card'));
      // With a key that works again the hotel goes on.
      await rotate(hotel);
      const again = await ask(service, kind, followUpOf(hotel, payment.paymentId), { amount });
      assert.equal(again.state, OPERATION_STATE_SUCCEEDED);
    });

    test('in doubt whose key is revoked stays in doubt, with what it reserved, and somebody is told', async () => {
      const hotel = await world.stripeHotel();
      const payment = await readyAtStripe(world, service, hotel, kind);
      await world.stripe.arm({ fault: 'act_then_drop', path: STRIPE_PATHS[kind], method: 'POST' });
      const followUp = followUpOf(hotel, payment.paymentId);
      const open = paymentOf(await ask(service, kind, followUp, { amount }));
      await world.stripe.revokeKey(hotel.stripeAccount, hotel.secretKey);
      const known = errors.length;
      for (let sweeps = 0; sweeps < 3; sweeps += 1) await sweep(followUp.operationId);
      assert.equal((await storedOperation(world, hotel, followUp.operationId)).state, 'unknown');
      assert.deepEqual(await service.get(hotel, payment.paymentId), open);
      assert.ok(errors.slice(known).includes('provider refused the hotel, not the card'));
      // Given back its rights, the same key finds what happened.
      await world.stripe.account(hotel.secretKey, { id: hotel.stripeAccount });
      await sweep(followUp.operationId);
      assert.ok(isDone(kind, await service.get(hotel, payment.paymentId)));
      assert.equal(await effectsAtStripe(world, kind, payment), 1);
    });

    test('in doubt whose account is disconnected is still found out; with its secrets destroyed it waits for a person', async () => {
      const hotel = await world.stripeHotel();
      const [found, lost] = [
        await readyAtStripe(world, service, hotel, kind),
        await readyAtStripe(world, service, hotel, kind),
      ];
      await world.stripe.arm({ fault: 'act_then_drop', path: STRIPE_PATHS[kind], method: 'POST', times: 2 });
      const followUps = [followUpOf(hotel, found.paymentId), followUpOf(hotel, lost.paymentId)] as const;
      for (const followUp of followUps) await ask(service, kind, followUp, { amount });
      await world.stripe.clearFaults();
      world.merchant.disconnect(hotel.providerAccountId);
      await sweep(followUps[0].operationId);
      assert.ok(isDone(kind, await service.get(hotel, found.paymentId)));
      world.merchant.destroy(hotel.providerAccountId);
      await age(world, followUps[1].operationId, 'created_at', '25 hours');
      await sweep(followUps[1].operationId);
      const waiting = await storedOperation(world, hotel, followUps[1].operationId);
      assert.deepEqual([waiting.state, waiting.escalated_at === null], ['unknown', false]);
      assert.ok(errors.some((message) => message.includes('a person must ask the provider')));
      const { error } = await refusalOf(ask(service, kind, followUpOf(hotel, found.paymentId), { amount }));
      assert.notEqual(error.code, 'internal');
    });

    /** The version that an operation begun now is stored with. */
    async function readyAtStripeWithNewKey(hotel: Hotel, of: typeof kind): Promise<number> {
      await rotate(hotel);
      const payment = await readyAtStripe(world, service, hotel, of);
      const followUp = followUpOf(hotel, payment.paymentId);
      assert.equal((await ask(service, of, followUp, { amount })).state, OPERATION_STATE_SUCCEEDED);
      // Version 2 was revoked; the one after it is used.
      return (await storedOperation(world, hotel, followUp.operationId)).provider_account_version - 1;
    }
  });
