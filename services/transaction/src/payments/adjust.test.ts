import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import type { AdjustResponse } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { ask, hold, paymentOptions } from '../testing/follow-ups.ts';
import { makeDue } from '../testing/rows.ts';
import {
  eur,
  followUpOf,
  paymentOf,
  refusalOf,
  saleRequest,
  startTestService,
  withTestService,
} from '../testing/test-service.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';

let world: World;
/** Never sweeps. */
let service: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world, { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 });
});
after(async () => {
  await service.close();
  await world.close();
});

async function adjust(hotel: Hotel, paymentId: string, amountMinor: number): Promise<AdjustResponse> {
  return await service.adjust({ followUp: followUpOf(hotel, paymentId), amount: eur(amountMinor) });
}

test('53: a hold is raised to a new total and lowered again; payment and hold are of that total', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await hold(service, hotel);
  const raised = paymentOf(await adjust(hotel, paymentId, 20_000));
  assert.deepEqual(
    [raised.amount, raised.authorizedMinor, raised.authorizePendingMinor, raised.hold?.capturableMinor],
    [eur(20_000), 20_000n, 0n, 20_000n],
  );
  assert.equal(raised.hold?.overcaptureMinor, 3_000n, 'the allowance grows with it');
  const lowered = paymentOf(await adjust(hotel, paymentId, 7_500));
  assert.deepEqual(
    [lowered.amount, lowered.authorizedMinor, lowered.hold?.capturableMinor],
    [eur(7_500), 7_500n, 7_500n],
  );
  assert.equal(paymentOf(await ask(service, 'capture', followUpOf(hotel, paymentId))).capturedMinor, 7_500n);
});

test('a raise is reserved while it is under way, and nothing else touches the hold meanwhile', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await hold(service, hotel);
  const followUp = followUpOf(hotel, paymentId);
  // Its answer is lost after it was made.
  const lost = await service.adjust({ followUp, amount: eur(66_640) });
  assert.deepEqual(
    [lost.state, lost.payment?.authorizedMinor, lost.payment?.authorizePendingMinor],
    [OperationState.OPERATION_STATE_UNKNOWN, 12_500n, 54_140n],
  );
  for (const kind of ['capture', 'void', 'adjust'] as const) {
    const amount = kind === 'void' ? undefined : eur(100);
    const { status, error } = await refusalOf(ask(service, kind, followUpOf(hotel, paymentId), { amount }));
    assert.deepEqual([status, error.code], [grpcStatus.ABORTED, 'operation_pending']);
    assert.ok((error.retryAfterSeconds ?? 0) > 0);
  }
  await makeDue(world, followUp.operationId);
  const payment = await withTestService(
    world,
    { holdIntervalMs: 600_000 },
    async () =>
      await waitFor('the raise to be found', async () => {
        const now = await service.get(hotel, paymentId);
        return now.authorizePendingMinor === 0n ? now : undefined;
      }),
  );
  assert.deepEqual([payment.authorizedMinor, payment.amount], [66_640n, eur(66_640)]);
  assert.equal(paymentOf(await adjust(hotel, paymentId, 70_000)).authorizedMinor, 70_000n);
});

test('the same total is amount_unchanged; a hold that cannot be raised is not_supported, but can be lowered', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = paymentOf(await service.authorize(saleRequest(hotel, 'sim_card_visa')));
  const same = await refusalOf(adjust(hotel, paymentId, 12_500));
  assert.deepEqual([same.status, same.error.code], [grpcStatus.FAILED_PRECONDITION, 'amount_unchanged']);
  assert.equal((await refusalOf(adjust(hotel, paymentId, 12_501))).error.code, 'not_supported');
  assert.equal(paymentOf(await adjust(hotel, paymentId, 12_499)).authorizedMinor, 12_499n);
});

test('a raise that the bank declines leaves the hold as it was, with the reason', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId, hold: terms } = await hold(service, hotel, 'sim_card_raise_declined');
  const reply = await adjust(hotel, paymentId, 20_000);
  assert.deepEqual(
    [reply.state, reply.failure?.code],
    [OperationState.OPERATION_STATE_DECLINED, 'insufficient_funds'],
  );
  const payment = paymentOf(reply);
  assert.deepEqual(
    [payment.authorizedMinor, payment.authorizePendingMinor, payment.amount, payment.hold],
    [12_500n, 0n, eur(12_500), terms],
  );
  assert.equal(paymentOf(await ask(service, 'capture', followUpOf(hotel, paymentId))).capturedMinor, 12_500n);
});

test('I26: a hold past its deadline is not adjusted: hold_expired', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await hold(service, hotel);
  await world.admin.query(`update payments set hold_expires_at = now() - interval '1 ms' where id = $1`, [
    fromPublicId('pay', paymentId),
  ]);
  assert.equal((await refusalOf(adjust(hotel, paymentId, 20_000))).error.code, 'hold_expired');
});

test('P17: why a hold is not adjusted is told by the time of the database, whatever our own clock says', async (t) => {
  const hotel = await world.simulatorHotel();
  const { paymentId, authorizedMinor } = await hold(service, hotel);
  const same = Number(authorizedMinor);
  const day = 24 * 60 * 60_000;
  const now = Date.now();
  t.mock.timers.enable({ apis: ['Date'], now: now + 8 * day });
  assert.equal((await refusalOf(adjust(hotel, paymentId, same))).error.code, 'amount_unchanged');
  await world.admin.query(`update payments set hold_expires_at = now() - interval '1 minute' where id = $1`, [
    fromPublicId('pay', paymentId),
  ]);
  t.mock.timers.setTime(now - 8 * day);
  assert.equal((await refusalOf(adjust(hotel, paymentId, same))).error.code, 'hold_expired');
});

test('a hold that was only approved in part is raised from what the bank approved', async () => {
  const hotel = await world.simulatorHotel();
  const extras = { multipleCapture: false, incremental: true, overcapture: false, extended: false };
  const options = paymentOptions({ allowPartialApproval: true, extras });
  const held = paymentOf(
    await service.authorize(saleRequest(hotel, 'sim_card_partial_approval', { options })),
  );
  assert.equal(held.authorizedMinor, 6_250n);
  const raised = paymentOf(await adjust(hotel, held.paymentId, 12_500));
  assert.deepEqual([raised.authorizedMinor, raised.amount], [12_500n, eur(12_500)]);
});
