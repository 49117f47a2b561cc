import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { ERRORS } from '@centra/service-kit/errors.ts';
import { amountFor, ask, FOLLOW_UPS, paymentIn } from '../testing/follow-ups.ts';
import { countRows } from '../testing/rows.ts';
import { followUpOf, paymentOf, refusalOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { World } from '../testing/world.ts';
import { LEGAL_OPERATIONS } from './legal-operations.ts';
import { STATUSES, toStatusMessage } from './payment.ts';

let world: World;
/** Never sweeps: a payment in doubt stays in doubt. */
let service: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world, { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 });
});
after(async () => {
  await service.close();
  await world.close();
});

for (const kind of FOLLOW_UPS)
  describe(`a ${kind}, asked for in each status`, () => {
    for (const status of STATUSES) {
      const verdict = LEGAL_OPERATIONS[kind][status];
      if (verdict === 'legal')
        test(`${status}: it is done`, async () => {
          const hotel = await world.simulatorHotel();
          const { paymentId } = await paymentIn(service, hotel, status);
          const reply = await ask(service, kind, followUpOf(hotel, paymentId), {
            amount: legalAmount(kind, status),
          });
          // A void waits for the outcome of a payment that is in doubt; everything else is over at once.
          const waits = kind === 'void' && (status === 'processing' || status === 'requires_action');
          assert.equal(
            reply.state,
            waits ? OperationState.OPERATION_STATE_UNKNOWN : OperationState.OPERATION_STATE_SUCCEEDED,
          );
          assert.deepEqual([reply.replayed, reply.failure], [false, undefined]);
          assert.deepEqual(
            await service.get(hotel, paymentId),
            reply.payment,
            'the answer is what is stored',
          );
        });
      else
        test(`${status}: it is refused as ${verdict}, and nothing is stored`, async () => {
          const hotel = await world.simulatorHotel();
          const payment = await paymentIn(service, hotel, status);
          const rows = await countRows(world, hotel);
          const call = ask(service, kind, followUpOf(hotel, payment.paymentId), { amount: amountFor(kind) });
          const { status: grpc, error } = await refusalOf(call);
          assert.deepEqual([error.code, grpc], [verdict, ERRORS[verdict].grpc]);
          assert.equal(error.extra['payment_status'], status);
          assert.deepEqual(await countRows(world, hotel), rows);
          assert.deepEqual(await service.get(hotel, payment.paymentId), payment);
        });
    }
  });

/** What is left of a payment in part used; else as usual. */
function legalAmount(kind: (typeof FOLLOW_UPS)[number], status: (typeof STATUSES)[number]) {
  return status === 'partially_captured' || status === 'partially_refunded' ? undefined : amountFor(kind);
}

describe('paying a registered payment, asked for in each status', () => {
  for (const status of STATUSES) {
    const verdict = LEGAL_OPERATIONS.authorize[status];
    test(`${status}: ${verdict === 'legal' ? 'it is paid' : `refused as ${verdict}, and nothing is stored`}`, async () => {
      const hotel = await world.simulatorHotel();
      const payment = await paymentIn(service, hotel, status);
      const rows = await countRows(world, hotel);
      const request = saleRequest(hotel, 'sim_card_visa', {
        paymentId: payment.paymentId,
        amount: undefined,
      });
      if (verdict === 'legal') {
        assert.equal(paymentOf(await service.sale(request)).status, toStatusMessage('succeeded'));
        return;
      }
      for (const call of [service.sale, service.authorize])
        assert.equal((await refusalOf(call(request))).error.code, verdict);
      assert.deepEqual(await countRows(world, hotel), rows);
      assert.deepEqual(await service.get(hotel, payment.paymentId), payment);
    });
  }
});
