import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { ask, hold, paymentOptions } from '../testing/follow-ups.ts';
import { countRows } from '../testing/rows.ts';
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
import type { World } from '../testing/world.ts';

const { OPERATION_STATE_SUCCEEDED } = OperationState;

let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world, { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 });
});
after(async () => {
  await service.close();
  await world.close();
});

describe('47: captured and given back at Stripe in its own integers, and never rounded', () => {
  type Row = [currency: string, held: number, captured: number, refunded: number, sentEach: [number, number]];
  // JPY has no decimals; MAD two; KWD three of which Stripe takes two; ISK none, and Stripe wants it times 100.
  const rows: Row[] = [
    ['JPY', 12_500, 9_999, 1, [9_999, 1]],
    ['MAD', 12_500, 9_999, 1, [9_999, 1]],
    ['KWD', 12_500, 9_990, 10, [9_990, 10]],
    ['ISK', 12_500, 9_999, 1, [999_900, 100]],
  ];
  for (const [currency, held, captured, refunded, sentEach] of rows)
    test(`${currency}: a hold of ${held}, a capture of ${captured}, a refund of ${refunded} and of the rest`, async () => {
      const hotel = await world.stripeHotel();
      const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
      const { paymentId, providerReference } = paymentOf(
        await service.authorize(
          saleRequest(hotel, token, { amount: eur(held, currency), options: paymentOptions() }),
        ),
      );
      const capture = await ask(service, 'capture', followUpOf(hotel, paymentId), {
        amount: eur(captured, currency),
      });
      assert.equal(capture.state, OPERATION_STATE_SUCCEEDED);
      for (const amount of [eur(refunded, currency), undefined]) {
        const refund = await ask(service, 'refund', followUpOf(hotel, paymentId), { amount });
        assert.equal(refund.state, OPERATION_STATE_SUCCEEDED);
      }
      const payment = await service.get(hotel, paymentId);
      assert.deepEqual(
        [payment.authorizedMinor, payment.capturedMinor, payment.refundedMinor, payment.amount?.currency],
        [BigInt(held), BigInt(captured), BigInt(captured), currency],
      );
      const lines = (await world.stripe.journal('effect')).filter(
        (line) => line['payment_intent'] === providerReference,
      );
      const amounts = (effect: string) =>
        lines.filter((line) => line['effect'] === effect).map((line) => [line['amount'], line['currency']]);
      const [sentCapture, sentRefund] = sentEach;
      const code = currency.toLowerCase();
      assert.deepEqual(amounts('capture.succeeded'), [[sentCapture, code]]);
      assert.deepEqual(amounts('refund.succeeded'), [
        [sentRefund, code],
        [sentCapture - sentRefund, code],
      ]);
    });

  test('the built-in simulator takes every minor unit of each', async () => {
    const hotel = await world.simulatorHotel();
    for (const currency of ['JPY', 'MAD', 'KWD', 'ISK']) {
      const { paymentId } = await hold(service, hotel, 'sim_card_visa', eur(5_124, currency));
      await ask(service, 'capture', followUpOf(hotel, paymentId), { amount: eur(5_123, currency) });
      const refund = await ask(service, 'refund', followUpOf(hotel, paymentId), { amount: eur(1, currency) });
      assert.deepEqual(
        [refund.payment?.capturedMinor, refund.payment?.refundedMinor],
        [5_123n, 1n],
        currency,
      );
    }
  });
});

for (const kind of ['capture', 'refund', 'adjust'] as const)
  test(`47: a ${kind} of KWD 5.124, which Stripe cannot say, is amount_not_allowed before anything is stored`, async () => {
    const hotel = await world.stripeHotel();
    const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
    const amount = eur(5_120, 'KWD');
    const payment =
      kind === 'refund'
        ? paymentOf(await service.sale(saleRequest(hotel, token, { amount: eur(6_000, 'KWD') })))
        : await hold(service, hotel, token, kind === 'adjust' ? amount : eur(6_000, 'KWD'));
    const rows = await countRows(world, hotel);
    const { status, error } = await refusalOf(
      ask(service, kind, followUpOf(hotel, payment.paymentId), { amount: eur(5_124, 'KWD') }),
    );
    assert.deepEqual([status, error.code], [grpcStatus.FAILED_PRECONDITION, 'amount_not_allowed']);
    assert.deepEqual(await countRows(world, hotel), rows);
    assert.deepEqual(await service.get(hotel, payment.paymentId), payment);
  });

test('44: less than the least that Stripe charges can be given back', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  const { paymentId } = paymentOf(await service.sale(saleRequest(hotel, token, { amount: eur(100) })));
  const refund = await ask(service, 'refund', followUpOf(hotel, paymentId), { amount: eur(1) });
  assert.deepEqual([refund.state, refund.payment?.refundedMinor], [OPERATION_STATE_SUCCEEDED, 1n]);
});
