import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { eur, followUpOf, paymentOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { World } from '../testing/world.ts';

let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world);
});
after(async () => {
  await service.close();
  await world.close();
});

test('a hold is captured, and given back in parts until nothing is left', async () => {
  const hotel = await world.simulatorHotel();
  const held = paymentOf(await service.authorize(saleRequest(hotel, 'sim_card_visa')));
  assert.equal(held.status, PaymentStatus.PAYMENT_STATUS_AUTHORIZED);
  assert.equal(held.hold?.capturableMinor, 12_500n);
  const captured = await service.capture({
    followUp: followUpOf(hotel, held.paymentId),
    amount: eur(10_000),
    keepOpen: false,
  });
  assert.equal(paymentOf(captured).status, PaymentStatus.PAYMENT_STATUS_SUCCEEDED);
  assert.equal(paymentOf(captured).capturedMinor, 10_000n);
  const part = await service.refund({
    followUp: followUpOf(hotel, held.paymentId),
    amount: eur(4_000),
    reason: '',
    metadata: {},
  });
  assert.equal(paymentOf(part).status, PaymentStatus.PAYMENT_STATUS_PARTIALLY_REFUNDED);
  const rest = await service.refund({
    followUp: followUpOf(hotel, held.paymentId),
    amount: undefined,
    reason: '',
    metadata: {},
  });
  assert.equal(paymentOf(rest).status, PaymentStatus.PAYMENT_STATUS_REFUNDED);
});

test('a hold is released', async () => {
  const hotel = await world.simulatorHotel();
  const held = paymentOf(await service.authorize(saleRequest(hotel, 'sim_card_visa')));
  const voided = await service.voidPayment({ followUp: followUpOf(hotel, held.paymentId), reason: '' });
  assert.equal(paymentOf(voided).status, PaymentStatus.PAYMENT_STATUS_CANCELED);
});
