import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { startFaultProxy, targetOf } from '@centra/testkit/fault-proxy.ts';
import type { FaultProxy } from '@centra/testkit/fault-proxy.ts';
import { amountFor, ask, FOLLOW_UPS, hold, paymentIn, readyFor } from '../testing/follow-ups.ts';
import { storedOperation } from '../testing/rows.ts';
import {
  eur,
  followUpOf,
  paymentOf,
  refusalOf,
  saleRequest,
  startTestService,
} from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';

// 503 promises that nothing was done, so that its hearer may take another key. Whoever cannot read back what was done must
// not be told that.

let world: World;
let proxy: FaultProxy;
let service: TestService;
let hotel: Hotel;

before(async () => {
  world = await startWorld();
  proxy = await startFaultProxy({ targets: [targetOf(world.database.url)] });
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
  hotel = await world.simulatorHotel();
});

for (const kind of FOLLOW_UPS)
  for (const statement of ['find-operation', 'step-of-follow-up'])
    test(`a ${kind} that was done and whose ${statement} goes unheard is in progress, and the same key tells its end`, async () => {
      const payment = await readyFor(service, hotel, kind);
      const followUp = followUpOf(hotel, payment.paymentId);
      proxy.set({ kind: 'lose-reply', match: statement });
      const refused = await refusalOf(ask(service, kind, followUp, { amount: amountFor(kind) })).finally(() =>
        proxy.clear(),
      );
      assert.equal(refused.error.code, 'in_progress');
      assert.equal((await storedOperation(world, hotel, followUp.operationId)).state, 'succeeded');
      const { state, replayed } = await ask(service, kind, followUp, { amount: amountFor(kind) });
      assert.deepEqual([state, replayed], [OperationState.OPERATION_STATE_SUCCEEDED, true]);
    });

test('a sale that another holder settled and whose record cannot be read is in progress', async () => {
  const request = saleRequest(hotel, 'sim_card_visa');
  const original = service.context.writeTransition;
  service.context.writeTransition = async (operation, transition) => {
    assert.equal((await original(operation, transition)).kind, 'written');
    proxy.set({ kind: 'lose-reply', match: 'find-operation' });
    return await original(operation, transition);
  };
  const refused = await refusalOf(service.sale(request)).finally(() => {
    service.context.writeTransition = original;
    proxy.clear();
  });
  assert.equal(refused.error.code, 'in_progress');
  assert.equal(paymentOf(await service.sale(request)).capturedMinor, 12_500n);
});

test('a void that waits for an open outcome is in progress when its own answer goes unheard', async () => {
  const payment = await paymentIn(service, hotel, 'processing');
  const followUp = followUpOf(hotel, payment.paymentId);
  proxy.set({ kind: 'lose-reply', match: 'wait-for-outcome' });
  const refused = await refusalOf(ask(service, 'void', followUp)).finally(() => proxy.clear());
  assert.equal(refused.error.code, 'in_progress');
  assert.equal((await storedOperation(world, hotel, followUp.operationId)).state, 'unknown');
});

// The simulator cannot be reached the first time for these amounts (docs/providers/simulator.md).
const UNREACHABLE = { sale: eur(66_631), capture: eur(66_643) };

test('a capture that was not sent, but that a sweeper has taken over meanwhile, is not called undone', async () => {
  const { paymentId } = await hold(service, hotel, 'sim_card_visa', eur(100_000));
  const followUp = followUpOf(hotel, paymentId);
  const original = service.context.writeTransition;
  service.context.writeTransition = async (operation, transition) => {
    // The sweeper's claim: from here on it may send at any moment.
    await world.admin.query(
      `update operations set attempt = attempt + 1, may_have_charged = true where id = $1`,
      [operation.id],
    );
    return await original(operation, transition);
  };
  const answer = await ask(service, 'capture', followUp, { amount: UNREACHABLE.capture }).finally(() => {
    service.context.writeTransition = original;
  });
  assert.equal(answer.state, OperationState.OPERATION_STATE_SENT);
});

for (const kind of ['sale', 'capture'] as const)
  test(`a ${kind} that is taken up again after "nothing was sent" is in progress when that goes unheard`, async () => {
    const { paymentId } = await hold(service, hotel, 'sim_card_visa', eur(100_000));
    const request = saleRequest(hotel, 'sim_card_visa', { amount: UNREACHABLE.sale });
    const followUp = followUpOf(hotel, paymentId);
    const call = async (): Promise<unknown> =>
      kind === 'sale'
        ? await service.sale(request)
        : await ask(service, 'capture', followUp, { amount: UNREACHABLE.capture });
    assert.equal((await refusalOf(call())).error.code, 'provider_unreachable');
    proxy.set({ kind: 'lose-reply', match: 'claim-prepared-operation' });
    const refused = await refusalOf(call()).finally(() => proxy.clear());
    assert.equal(refused.error.code, 'in_progress');
    const { operationId } = kind === 'sale' ? request : followUp;
    assert.equal((await storedOperation(world, hotel, operationId)).state, 'sent');
  });
