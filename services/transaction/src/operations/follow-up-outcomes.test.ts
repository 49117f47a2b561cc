import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import type { FollowUp } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { age, makeDue, storedOperation } from '../testing/rows.ts';
import {
  amountFor,
  ask,
  effectsAtStripe,
  FOLLOW_UPS,
  isDone,
  keysOf,
  readyAtStripe,
  reservedMinor,
  STRIPE_PATHS,
} from '../testing/follow-ups.ts';
import type { FollowUpKind } from '../testing/follow-ups.ts';
import { followUpOf, paymentOf, refusalOf, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { resolveDue } from './resolve-unknown.ts';

const { OPERATION_STATE_UNKNOWN, OPERATION_STATE_SUCCEEDED } = OperationState;
// Short, so that a late answer is late; a loaded machine may take a good part of it for an ordinary one.
const TIMEOUT_MS = 4_000;

let world: World;
/** Swept only when a test says so. */
let service: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world, {
    providerTimeoutMs: TIMEOUT_MS,
    operationLeaseMs: 9_000,
    sweepIntervalMs: 600_000,
    holdIntervalMs: 600_000,
  });
});
after(async () => {
  await service.close();
  await world.close();
});
afterEach(async () => await world.stripe.clearFaults());

type Asked = { hotel: Hotel; payment: Payment; followUp: FollowUp };

/** Asks with that fault armed; the outcome must be in doubt and what was asked for reserved. */
async function askInDoubt(
  kind: FollowUpKind,
  fault: { fault: string } & Record<string, unknown>,
): Promise<Asked> {
  const hotel = await world.stripeHotel();
  const payment = await readyAtStripe(world, service, hotel, kind);
  await world.stripe.arm({ path: STRIPE_PATHS[kind], method: 'POST', ...fault });
  const followUp = followUpOf(hotel, payment.paymentId);
  const reply = await ask(service, kind, followUp, { amount: amountFor(kind) });
  assert.equal(reply.state, OPERATION_STATE_UNKNOWN);
  const open = paymentOf(reply);
  const expected = { capture: 5_000n, refund: 5_000n, adjust: 2_500n, void: 0n };
  assert.equal(reservedMinor(kind, open), expected[kind], 'what is asked for counts as used');
  assert.deepEqual(
    [open.capturedMinor, open.refundedMinor, open.authorizedMinor, open.status],
    [payment.capturedMinor, 0n, 12_500n, payment.status],
  );
  return { hotel, payment, followUp };
}

/** Sweeps until the operation is settled; Stripe may need a moment for a call it still works on. */
async function settle({ hotel, followUp: { operationId } }: Asked): Promise<string> {
  for (let sweeps = 0; sweeps < 20; sweeps += 1) {
    await makeDue(world, operationId);
    await resolveDue(service.context);
    const { state } = await storedOperation(world, hotel, operationId);
    if (state === 'succeeded' || state === 'declined') return state;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return 'open';
}

async function assertDone(kind: FollowUpKind, asked: Asked): Promise<void> {
  const { hotel, payment, followUp } = asked;
  assert.equal(await settle(asked), 'succeeded');
  const now = await service.get(hotel, payment.paymentId);
  assert.ok(
    isDone(kind, now),
    JSON.stringify(now, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
  );
  assert.equal(reservedMinor(kind, now), 0n);
  assert.equal(await effectsAtStripe(world, kind, payment), 1);
  assert.deepEqual(
    [...new Set(await keysOf(world, followUp.operationId))],
    [`centra-${followUp.operationId}`],
    'every call carried the one key',
  );
  const again = await ask(service, kind, followUp, { amount: amountFor(kind) });
  assert.deepEqual([again.replayed, again.state], [true, OPERATION_STATE_SUCCEEDED]);
  assert.deepEqual(again.payment, now);
}

const LOST = [
  ['5: a reply lost after the effect', { fault: 'act_then_drop' }],
  ['6: a connection that broke before the effect', { fault: 'drop_before_act' }],
  ['5: an answer that comes after our timeout', { fault: 'answer_late', delay_ms: TIMEOUT_MS + 1_000 }],
  ['7: a 500 after the effect, which Stripe keeps repeating', { fault: 'error_after' }],
  ['7: a 502 after the effect, from in front of Stripe', { fault: 'error_after', status: 502 }],
  ['6: a 500 before the effect', { fault: 'error_before' }],
  ['a key that is still in use by an earlier call', { fault: 'idempotency_in_use' }],
  ['an answer that ends in the middle', { fault: 'truncated_body' }],
] as const;

for (const kind of FOLLOW_UPS)
  describe(`a ${kind} whose outcome was lost is found out, and takes place exactly once`, () => {
    for (const [name, fault] of LOST)
      test(name, async () => {
        const asked = await askInDoubt(kind, fault);
        await world.stripe.clearFaults();
        await assertDone(kind, asked);
      });

    test('9: after the key window it is asked for and never sent again: what happened is found', async () => {
      const asked = await askInDoubt(kind, { fault: 'act_then_drop' });
      await age(world, asked.followUp.operationId, 'created_at', '24 hours');
      const sent = (await keysOf(world, asked.followUp.operationId)).length;
      await assertDone(kind, asked);
      assert.equal((await keysOf(world, asked.followUp.operationId)).length, sent);
    });

    test(`6, 9: after the key window what did not happen is ${kind === 'void' ? 'sent again' : 'declined and free again'} at the second look`, async () => {
      const asked = await askInDoubt(kind, { fault: 'drop_before_act' });
      const { hotel, payment, followUp } = asked;
      await age(world, followUp.operationId, 'created_at', '24 hours');
      await makeDue(world, followUp.operationId);
      await resolveDue(service.context);
      const once = await storedOperation(world, hotel, followUp.operationId);
      assert.deepEqual(
        [once.state, once.absent_since === null],
        ['unknown', false],
        'one look proves nothing',
      );
      await age(world, followUp.operationId, 'absent_since', '61 s');
      if (kind === 'void') {
        // Wanted still, and harmless to ask for again: the hold must not stay.
        await assertDone(kind, asked);
        return;
      }
      assert.equal(await settle(asked), 'declined');
      const now = await service.get(hotel, payment.paymentId);
      assert.deepEqual([now.status, reservedMinor(kind, now), now.hold], [payment.status, 0n, payment.hold]);
      assert.equal(await effectsAtStripe(world, kind, payment), 0);
      const next = await ask(service, kind, followUpOf(hotel, payment.paymentId), {
        amount: amountFor(kind),
      });
      assert.equal(next.state, OPERATION_STATE_SUCCEEDED);
    });

    test('8: a look that is behind the truth proves nothing', async () => {
      const asked = await askInDoubt(kind, { fault: 'act_then_drop' });
      await age(world, asked.followUp.operationId, 'created_at', '24 hours');
      await world.stripe.arm(
        kind === 'refund'
          ? { fault: 'not_found_after_create', for_ms: 600_000, times: 0 }
          : { fault: 'stale_get', for_ms: 3_000, path: '/v1/payment_intents', times: 1 },
      );
      await makeDue(world, asked.followUp.operationId);
      await resolveDue(service.context);
      const { state } = await storedOperation(world, asked.hotel, asked.followUp.operationId);
      assert.notEqual(state, 'declined');
      await world.stripe.clearFaults();
      await assertDone(kind, asked);
    });
  });

for (const kind of FOLLOW_UPS)
  test(`16: while a ${kind} is in doubt what it asked for is nobody else's`, async () => {
    const { hotel, payment, followUp } = await askInDoubt(kind, { fault: 'act_then_drop' });
    const second = ask(
      service,
      kind === 'refund' ? 'refund' : 'capture',
      followUpOf(hotel, payment.paymentId),
      kind === 'refund' ? { amount: { amountMinor: 7_501n, currency: 'EUR' } } : {},
    );
    const { error } = await refusalOf(second);
    assert.equal(error.code, kind === 'refund' ? 'amount_exceeds_captured' : 'operation_pending');
    await assertDone(kind, { hotel, payment, followUp });
  });

for (const kind of FOLLOW_UPS)
  test(`Stripe out of reach for a ${kind}: nothing was sent, the same id then does it once`, async () => {
    const hotel = await world.stripeHotel();
    const payment = await readyAtStripe(world, service, hotel, kind);
    const followUp = followUpOf(hotel, payment.paymentId);
    await world.stripe.stop();
    const refused = await refusalOf(ask(service, kind, followUp, { amount: amountFor(kind) }));
    await world.stripe.start();
    assert.equal(refused.error.code, 'provider_unreachable');
    assert.equal((await storedOperation(world, hotel, followUp.operationId)).state, 'prepared');
    const reply = await ask(service, kind, followUp, { amount: amountFor(kind) });
    assert.deepEqual([reply.replayed, reply.state], [false, OPERATION_STATE_SUCCEEDED]);
    assert.ok(isDone(kind, paymentOf(reply)));
    assert.equal(await effectsAtStripe(world, kind, payment), 1);
  });

for (const kind of FOLLOW_UPS)
  test(`a ${kind} that was released unsent and that nobody repeats is not done, and frees what it reserved`, async () => {
    const hotel = await world.stripeHotel();
    const payment = await readyAtStripe(world, service, hotel, kind);
    const followUp = followUpOf(hotel, payment.paymentId);
    await world.stripe.arm({ fault: 'rate_limit', path: STRIPE_PATHS[kind] });
    const refused = await refusalOf(ask(service, kind, followUp, { amount: amountFor(kind) }));
    assert.equal(refused.error.code, 'provider_unreachable');
    assert.equal(await settle({ hotel, payment, followUp }), 'declined');
    const now = await service.get(hotel, payment.paymentId);
    assert.deepEqual([now.status, reservedMinor(kind, now)], [payment.status, 0n]);
    assert.equal(await effectsAtStripe(world, kind, payment), 0);
    const next = await ask(service, kind, followUpOf(hotel, payment.paymentId), { amount: amountFor(kind) });
    assert.equal(next.state, OPERATION_STATE_SUCCEEDED);
  });
