import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { PaymentStatus, RefundStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { RefundResponse } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { ask, hold, outcomesOf, paymentIn } from '../testing/follow-ups.ts';
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
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';

const { PAYMENT_STATUS_PARTIALLY_REFUNDED, PAYMENT_STATUS_REFUNDED, PAYMENT_STATUS_PARTIALLY_CAPTURED } =
  PaymentStatus;
const { REFUND_STATUS_SUCCEEDED, REFUND_STATUS_PENDING, REFUND_STATUS_FAILED } = RefundStatus;

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

async function refund(
  hotel: Hotel,
  paymentId: string,
  amountMinor?: number,
  operationId?: string,
): Promise<RefundResponse> {
  const followUp = followUpOf(hotel, paymentId, operationId === undefined ? {} : { operationId });
  return await service.refund({ followUp, amount: eur(amountMinor), reason: '', metadata: {} });
}

test('44: 1 of 125.00 is given back: the status follows from the sums, and the refund has its own id', async () => {
  const hotel = await world.simulatorHotel();
  const sold = await paymentIn(service, hotel, 'succeeded');
  const followUp = followUpOf(hotel, sold.paymentId);
  const metadata = { note: 'minibar — « rien »', '': 'x' };
  const reply = await service.refund({ followUp, amount: eur(1), reason: 'requested_by_customer', metadata });
  const payment = paymentOf(reply);
  assert.deepEqual(
    [payment.status, payment.capturedMinor, payment.refundedMinor, payment.refundPendingMinor],
    [PAYMENT_STATUS_PARTIALLY_REFUNDED, 12_500n, 1n, 0n],
  );
  assert.deepEqual(
    [reply.refund?.refundId, reply.refund?.paymentId, reply.refund?.amount, reply.refund?.status],
    [toPublicId('re', followUp.operationId), sold.paymentId, eur(1), REFUND_STATUS_SUCCEEDED],
  );
  assert.deepEqual(
    [reply.refund?.reason, reply.refund?.metadata, reply.refund?.failure],
    ['requested_by_customer', metadata, undefined],
  );
  assert.notEqual(reply.refund?.providerReference, '');
  assert.equal(payment.providerReference, sold.providerReference, "the payment keeps the charge's reference");
});

test('many parts are given back until nothing is left; then it is already_refunded', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await paymentIn(service, hotel, 'succeeded');
  for (let part = 1; part <= 9; part += 1) {
    const payment = paymentOf(await refund(hotel, paymentId, 1_250));
    assert.deepEqual(
      [payment.status, payment.refundedMinor],
      [PAYMENT_STATUS_PARTIALLY_REFUNDED, BigInt(part * 1_250)],
    );
  }
  const over = await refusalOf(refund(hotel, paymentId, 1_251));
  assert.deepEqual(
    [over.status, over.error.code, over.error.extra['amount_refundable']],
    [grpcStatus.FAILED_PRECONDITION, 'amount_exceeds_captured', 1_250],
  );
  const last = paymentOf(await refund(hotel, paymentId));
  assert.deepEqual([last.status, last.refundedMinor], [PAYMENT_STATUS_REFUNDED, 12_500n]);
  assert.equal((await refusalOf(refund(hotel, paymentId, 1))).error.code, 'already_refunded');
});

test('of a hold that is captured in part only the captured part is given back, and the hold stays open', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await hold(service, hotel);
  const followUp = followUpOf(hotel, paymentId);
  await service.capture({ followUp, amount: eur(4_000), keepOpen: true });
  assert.equal((await refusalOf(refund(hotel, paymentId, 4_001))).error.code, 'amount_exceeds_captured');
  const given = paymentOf(await refund(hotel, paymentId));
  assert.deepEqual(
    [given.status, given.refundedMinor, given.hold?.capturableMinor],
    [PAYMENT_STATUS_PARTIALLY_CAPTURED, 4_000n, 8_500n],
  );
  const rest = paymentOf(await ask(service, 'capture', followUpOf(hotel, paymentId)));
  assert.deepEqual([rest.status, rest.capturedMinor], [PAYMENT_STATUS_PARTIALLY_REFUNDED, 12_500n]);
});

describe('16: a refund in doubt counts as given back', () => {
  const CASES = [
    ['its answer was lost and it happened', 66_640, true],
    ['its answer was lost and it did not happen', 66_641, false],
  ] as const;
  for (const [name, amountMinor, happened] of CASES)
    test(`${name}: a second one sees it as used, and ${happened ? 'it stays' : 'it is free when that is proven'}`, async () => {
      const hotel = await world.simulatorHotel();
      const sale = saleRequest(hotel, 'sim_card_visa', { amount: eur(100_000) });
      const { paymentId } = paymentOf(await service.sale(sale));
      const lost = followUpOf(hotel, paymentId);
      const reply = await refund(hotel, paymentId, amountMinor, lost.operationId);
      assert.deepEqual(
        [reply.state, reply.refund?.status, reply.payment?.refundPendingMinor, reply.payment?.refundedMinor],
        [OperationState.OPERATION_STATE_UNKNOWN, REFUND_STATUS_PENDING, BigInt(amountMinor), 0n],
      );
      const left = 100_000 - amountMinor;
      const over = await refusalOf(refund(hotel, paymentId, left + 1));
      assert.deepEqual(
        [over.error.code, over.error.extra['amount_refundable']],
        ['amount_exceeds_captured', left],
      );
      assert.equal(paymentOf(await refund(hotel, paymentId)).refundedMinor, BigInt(left));
      await makeDue(world, lost.operationId);
      const payment = await withTestService(world, { holdIntervalMs: 600_000 }, async () => {
        return await waitFor('the truth', async () => {
          // Absence is proven by two lookups a minute apart: that minute has gone by.
          await world.admin.query(
            `update operations set absent_since = absent_since - interval '61 s', due_at = now()
              where id = $1 and absent_since > now() - interval '60 s'`,
            [lost.operationId],
          );
          const now = await service.get(hotel, paymentId);
          return now.refundPendingMinor === 0n ? now : undefined;
        });
      });
      assert.equal(payment.refundedMinor, happened ? 100_000n : BigInt(left));
      assert.equal(payment.status, happened ? PAYMENT_STATUS_REFUNDED : PAYMENT_STATUS_PARTIALLY_REFUNDED);
      const again = await refund(hotel, paymentId, amountMinor, lost.operationId);
      assert.deepEqual(
        [again.replayed, again.refund?.status],
        [true, happened ? REFUND_STATUS_SUCCEEDED : REFUND_STATUS_FAILED],
      );
    });
});

test('a refund that the bank works on is pending, counts as used, and its repetition says the same', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = paymentOf(await service.sale(saleRequest(hotel, 'sim_card_refund_pending')));
  const followUp = followUpOf(hotel, paymentId);
  const reply = await refund(hotel, paymentId, 12_500, followUp.operationId);
  assert.deepEqual(
    [reply.state, reply.refund?.status, reply.payment?.refundPendingMinor],
    [OperationState.OPERATION_STATE_SENT, REFUND_STATUS_PENDING, 12_500n],
  );
  const over = await refusalOf(refund(hotel, paymentId, 1));
  assert.deepEqual([over.error.code, over.error.extra['amount_refundable']], ['amount_exceeds_captured', 0]);
  const again = await refund(hotel, paymentId, 12_500, followUp.operationId);
  assert.deepEqual([again.replayed, again.refund, again.payment], [true, reply.refund, reply.payment]);
});

test('a refund that the bank refuses frees its amount, tells why, and can be asked for again', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = paymentOf(await service.sale(saleRequest(hotel, 'sim_card_refund_declined')));
  const reply = await refund(hotel, paymentId, 5_000);
  assert.deepEqual(
    [reply.refund?.status, reply.refund?.failure?.code, reply.payment?.refundPendingMinor],
    [REFUND_STATUS_FAILED, 'refund_refused', 0n],
  );
  assert.equal(paymentOf(reply).status, PaymentStatus.PAYMENT_STATUS_SUCCEEDED);
  assert.equal((await refund(hotel, paymentId, 12_500)).refund?.failure?.code, 'refund_refused');
});

test('55: while a payment is disputed nothing is given back: payment_disputed', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await paymentIn(service, hotel, 'succeeded');
  const mark = async (disputed: boolean): Promise<unknown> =>
    await world.admin.query(`update payments set disputed = $2 where id = $1`, [
      fromPublicId('pay', paymentId),
      disputed,
    ]);
  await mark(true);
  const { status, error } = await refusalOf(refund(hotel, paymentId, 1));
  assert.deepEqual([status, error.code], [grpcStatus.ABORTED, 'payment_disputed']);
  await mark(false);
  assert.equal((await refund(hotel, paymentId, 1)).refund?.status, REFUND_STATUS_SUCCEEDED);
});

test('a refund after the time that the provider allows is refund_window_over with that time', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await paymentIn(service, hotel, 'succeeded');
  await world.admin.query(`update payments set created_at = created_at - interval '181 days' where id = $1`, [
    fromPublicId('pay', paymentId),
  ]);
  const { error } = await refusalOf(refund(hotel, paymentId, 1));
  assert.deepEqual([error.code, error.extra['refund_window_days']], ['refund_window_over', 180]);
});

test('P17: the time that the provider allows is counted by the time of the database, whatever our own clock says', async (t) => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await paymentIn(service, hotel, 'succeeded');
  await world.admin.query(`update payments set created_at = created_at - interval '175 days' where id = $1`, [
    fromPublicId('pay', paymentId),
  ]);
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 8 * 24 * 60 * 60_000 });
  assert.equal((await refund(hotel, paymentId, 1)).refund?.status, REFUND_STATUS_SUCCEEDED);
});

test('42: of two refunds of 60 out of 100 at once one is made and the other is amount_exceeds_captured', async () => {
  const hotel = await world.simulatorHotel();
  const sales = await Promise.all(
    Array.from({ length: 10 }, async () =>
      paymentOf(await service.sale(saleRequest(hotel, 'sim_card_visa', { amount: eur(100) }))),
    ),
  );
  for (const { paymentId } of sales) {
    const { done, codes } = await outcomesOf([refund(hotel, paymentId, 60), refund(hotel, paymentId, 60)]);
    assert.deepEqual([done.length, codes], [1, ['amount_exceeds_captured']]);
    assert.equal((await service.get(hotel, paymentId)).refundedMinor, 60n);
  }
});

test('42: sixty-four refunds of 3 at once never give back more than 100', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId, providerReference } = paymentOf(
    await service.sale(saleRequest(hotel, 'sim_card_visa', { amount: eur(100) })),
  );
  const results = await Promise.allSettled(
    Array.from({ length: 64 }, async () => await refund(hotel, paymentId, 3)),
  );
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 33);
  const { rows } = await world.admin.query(
    `select count(*)::int as count, sum(amount_minor)::int as sum from simulator_effects where reference = $1`,
    [providerReference],
  );
  assert.deepEqual(rows, [{ count: 33, sum: 99 }]);
  const payment = await service.get(hotel, paymentId);
  assert.deepEqual([payment.refundedMinor, payment.refundPendingMinor], [99n, 0n]);
});
