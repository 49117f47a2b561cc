import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { status as grpcStatus } from '@grpc/grpc-js';
import { followUpOf, paymentOf, refusalOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';

const { PAYMENT_STATUS_SUCCEEDED, PAYMENT_STATUS_CANCELED } = PaymentStatus;
// Longer than this file runs: what is remembered stays remembered.
const REMEMBER_MS = 600_000;

let world: World;
let service: TestService;
before(async () => {
  world = await startWorld();
  service = await startTestService(world, { holdIntervalMs: 600_000, credentialTtlMs: REMEMBER_MS });
});
after(async () => {
  await service.close();
  await world.close();
});

const live = { mode: Mode.MODE_LIVE } as const;

/** A hotel with an account in live mode too. */
async function liveHotel(isVerified: boolean): Promise<Hotel> {
  const hotel = await world.simulatorHotel();
  const providerAccountId = world.merchant.connect(hotel.merchantId, 'simulator', {}, 'live');
  world.merchant.hotel(hotel.merchantId, { isVerified });
  return { ...hotel, providerAccountId };
}

async function assertRefused(hotel: Hotel): Promise<void> {
  const { status, error } = await refusalOf(service.sale(saleRequest(hotel, 'sim_card_visa', live)));
  assert.deepEqual([status, error.code], [grpcStatus.PERMISSION_DENIED, 'merchant_not_verified']);
}

test('a hotel that is not verified pays in test mode only; nothing is stored of what was refused', async () => {
  const hotel = await liveHotel(false);
  await assertRefused(hotel);
  const { rows } = await world.admin.query('select 1 from operations where merchant_id = $1', [
    hotel.merchantId,
  ]);
  assert.deepEqual(rows, []);
  const inTest = paymentOf(await service.sale(saleRequest(hotel, 'sim_card_visa')));
  assert.equal(inTest.status, PAYMENT_STATUS_SUCCEEDED);
});

test('the refusal is not remembered: the first payment after the operator’s word goes through', async () => {
  const hotel = await liveHotel(false);
  await assertRefused(hotel);
  await assertRefused(hotel);
  world.merchant.hotel(hotel.merchantId, { isVerified: true });
  const paid = paymentOf(await service.sale(saleRequest(hotel, 'sim_card_visa', live)));
  assert.equal(paid.status, PAYMENT_STATUS_SUCCEEDED);
});

test('a hotel that is suspended since begins nothing, and what it holds can still be released', async () => {
  const hotel = await liveHotel(true);
  const held = paymentOf(await service.authorize(saleRequest(hotel, 'sim_card_visa', live)));
  world.merchant.hotel(hotel.merchantId, { isVerified: false });
  // Another replica: it remembers nothing of the time before.
  const other = await startTestService(world, { holdIntervalMs: 600_000 });
  try {
    const { error } = await refusalOf(other.sale(saleRequest(hotel, 'sim_card_visa', live)));
    assert.equal(error.code, 'merchant_not_verified');
    const followUp = followUpOf(hotel, held.paymentId, live);
    const released = paymentOf(await other.voidPayment({ followUp, reason: '' }));
    assert.equal(released.status, PAYMENT_STATUS_CANCELED);
  } finally {
    await other.close();
  }
});
