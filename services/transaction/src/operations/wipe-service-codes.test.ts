import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { pauseMs, waitFor } from '@centra/testkit/pause.ts';
import { makeDue, storedOperation } from '../testing/rows.ts';
import { paymentOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { wipeServiceCodes } from './wipe-service-codes.ts';

const AUTHORIZE = '/api/v1/cards/[^/]+/authorize';

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
afterEach(async () => await world.vaultera.clearFaults());

async function wiped(hotel: Hotel, operationId: string): Promise<void> {
  await waitFor('the security code to be wiped', async () => {
    const operation = await storedOperation(world, hotel, operationId);
    return operation.service_code_wipe === 'done' ? true : undefined;
  });
}

test('the security code of a charged card is gone from the vault', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  assert.equal(await world.vaultera.hasServiceCode(token), true);
  const request = saleRequest(hotel, token);
  await service.sale(request);
  await wiped(hotel, request.operationId);
  assert.equal(await world.vaultera.hasServiceCode(token), false);
});

test('a declined card keeps its security code: the guest may try again', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4000000000000002');
  const request = saleRequest(hotel, token);
  assert.equal(paymentOf(await service.sale(request)).status, PaymentStatus.PAYMENT_STATUS_FAILED);
  await wipeServiceCodes(service.context);
  assert.equal((await storedOperation(world, hotel, request.operationId)).service_code_wipe, null);
  assert.equal(await world.vaultera.hasServiceCode(token), true);
});

/** A charged card whose security code the vault would not wipe at the first try. */
async function notWipedYet(fault: string): Promise<{ hotel: Hotel; operationId: string; token: string }> {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  await world.vaultera.arm({ fault, path: AUTHORIZE });
  const request = saleRequest(hotel, token);
  assert.equal(paymentOf(await service.sale(request)).status, PaymentStatus.PAYMENT_STATUS_SUCCEEDED);
  await waitFor('the first try', async () => {
    const { rows } = await world.admin.query(`select 1 from operations where id = $1 and due_at > now()`, [
      request.operationId,
    ]);
    return rows.length === 1 ? true : undefined;
  });
  // Whatever that try still does, it does now.
  await pauseMs(300);
  assert.equal((await storedOperation(world, hotel, request.operationId)).service_code_wipe, 'due');
  assert.equal(await world.vaultera.hasServiceCode(token), true);
  return { hotel, operationId: request.operationId, token };
}

for (const [name, fault] of [
  ['is away', 'drop_before_act'],
  ['answers 500', 'error_before'],
  ['refuses our key', 'revoked_credential'],
] as const)
  test(`a vault that ${name} is asked again half a minute later, until the code is gone`, async () => {
    const { hotel, operationId, token } = await notWipedYet(fault);
    await makeDue(world, operationId);
    await wiped(hotel, operationId);
    assert.equal(await world.vaultera.hasServiceCode(token), false);
  });

test('a card that was deleted meanwhile has no code left to wipe', async () => {
  const { hotel, operationId, token } = await notWipedYet('error_before');
  await world.vaultera.deleteCard(hotel.vaultKey, token);
  await makeDue(world, operationId);
  await wiped(hotel, operationId);
});

test('a vault account whose secrets are destroyed reaches no card any more, so nothing waits for it', async () => {
  const { hotel, operationId } = await notWipedYet('error_before');
  world.merchant.destroy(hotel.vaultAccountId);
  await makeDue(world, operationId);
  await wiped(hotel, operationId);
});
