import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { pauseMs } from '@centra/testkit/pause.ts';
import { recordingLog } from '../testing/recording-log.ts';
import {
  age,
  chargesAtStripe,
  history,
  keysSentToStripe,
  makeDue,
  storedOperation,
} from '../testing/rows.ts';
import { paymentOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { resolveDue } from './resolve-unknown.ts';

const PROCESSING = PaymentStatus.PAYMENT_STATUS_PROCESSING;
const SUCCEEDED = PaymentStatus.PAYMENT_STATUS_SUCCEEDED;
const FAILED = PaymentStatus.PAYMENT_STATUS_FAILED;

const { log, errors } = recordingLog();
let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  // Swept only when a test says so: its first sweep at the start finds nothing.
  service = await startTestService(world, { sweepIntervalMs: 600_000 }, {}, log);
});
after(async () => {
  await service.close();
  await world.close();
});
afterEach(async () => {
  await world.stripe.clearFaults();
  await world.vaultera.clearFaults();
});

/** A sale whose outcome is unknown; charged at Stripe or not. */
async function unknownSale(
  charged: boolean,
): Promise<{ hotel: Hotel; operationId: string; paymentId: string; token: string }> {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  const request = saleRequest(hotel, token);
  await world.stripe.arm({
    fault: charged ? 'act_then_drop' : 'drop_before_act',
    path: '/v1/payment_intents',
  });
  const payment = paymentOf(await service.sale(request));
  assert.equal(payment.status, PROCESSING);
  // Stripe's search knows a fifth of a second later.
  await pauseMs(300);
  return { hotel, operationId: request.operationId, paymentId: payment.paymentId, token };
}

/** One sweep with this operation due, perhaps beside others of this file that cannot be settled. */
async function sweep(operationId: string): Promise<void> {
  await makeDue(world, operationId);
  assert.ok((await resolveDue(service.context)) >= 1);
}

test('9: once Stripe may have forgotten the key nothing is sent again: the lookup finds the charge', async () => {
  const { hotel, operationId, paymentId } = await unknownSale(true);
  await age(world, operationId, 'created_at', '23 hours 1 minute');
  await world.stripe.arm({ fault: 'forget_keys', after_ms: 0, times: 0 });
  await sweep(operationId);
  const payment = await service.get(hotel, paymentId);
  assert.equal(payment.status, SUCCEEDED);
  assert.equal(payment.card?.last4, '4242');
  assert.equal((await keysSentToStripe(world, operationId)).length, 1, 'no second call to create');
  assert.equal(await chargesAtStripe(world, operationId), 1);
});

test('6: absence is proven by two empty lookups at least a minute apart, and then the payment fails as not charged', async () => {
  const { hotel, operationId, paymentId } = await unknownSale(false);
  await age(world, operationId, 'created_at', '24 hours');
  await sweep(operationId);
  await sweep(operationId);
  await age(world, operationId, 'absent_since', '55 seconds');
  await sweep(operationId);
  assert.equal(
    (await service.get(hotel, paymentId)).status,
    PROCESSING,
    'three looks within a minute prove nothing',
  );
  await age(world, operationId, 'absent_since', '5 seconds');
  await sweep(operationId);
  const payment = await service.get(hotel, paymentId);
  assert.deepEqual([payment.status, payment.failure?.code], [FAILED, 'not_charged']);
  assert.deepEqual(await history(world, paymentId), ['1 - > processing', '2 processing > failed']);
  assert.equal((await keysSentToStripe(world, operationId)).length, 1);
  assert.equal(await chargesAtStripe(world, operationId), 0);
});

test('8: an index that lags is no absence: what a later look finds counts', async () => {
  const { hotel, operationId, paymentId } = await unknownSale(true);
  await age(world, operationId, 'created_at', '24 hours');
  await world.stripe.arm({
    fault: 'not_found_after_create',
    path: '/v1/payment_intents/search',
    for_ms: 600_000,
  });
  await sweep(operationId);
  assert.notEqual((await storedOperation(world, hotel, operationId)).absent_since, null);
  await age(world, operationId, 'absent_since', '2 minutes');
  await sweep(operationId);
  assert.equal((await service.get(hotel, paymentId)).status, SUCCEEDED);
});

test('6: a lookup that itself fails interrupts the proof of absence', async () => {
  const { hotel, operationId, paymentId } = await unknownSale(false);
  await age(world, operationId, 'created_at', '24 hours');
  await sweep(operationId);
  await world.stripe.arm({ fault: 'error_before', path: '/v1/payment_intents/search' });
  await sweep(operationId);
  assert.equal((await storedOperation(world, hotel, operationId)).absent_since, null);
  await sweep(operationId);
  assert.equal((await service.get(hotel, paymentId)).status, PROCESSING);
});

test('an outcome unknown for 24 hours is put before a person exactly once, and the sweeper goes on', async () => {
  const { hotel, operationId, paymentId } = await unknownSale(true);
  await age(world, operationId, 'created_at', '24 hours 1 minute');
  await world.stripe.arm({ fault: 'error_before', path: '/v1/payment_intents/search', times: 2 });
  const told = errors.length;
  await sweep(operationId);
  const { escalated_at: escalatedAt } = await storedOperation(world, hotel, operationId);
  assert.ok(escalatedAt);
  await sweep(operationId);
  assert.deepEqual((await storedOperation(world, hotel, operationId)).escalated_at, escalatedAt);
  assert.equal(errors.slice(told).filter((line) => line.includes('a person must ask')).length, 1);
  await sweep(operationId);
  assert.equal((await service.get(hotel, paymentId)).status, SUCCEEDED);
});

test('57: an operation whose account secrets are destroyed stays open and is put before a person', async () => {
  const { hotel, operationId, paymentId } = await unknownSale(true);
  world.merchant.destroy(hotel.providerAccountId);
  await age(world, operationId, 'created_at', '25 hours');
  const told = errors.length;
  await sweep(operationId);
  assert.equal((await service.get(hotel, paymentId)).status, PROCESSING);
  assert.ok((await storedOperation(world, hotel, operationId)).escalated_at);
  assert.ok(errors.slice(told).some((line) => line.includes('a person must ask')));
});

test('57: a key that the hotel revoked meanwhile leaves the outcome open and raises an alert', async () => {
  const { hotel, operationId, paymentId } = await unknownSale(true);
  await world.stripe.revokeKey(hotel.stripeAccount, hotel.secretKey);
  const told = errors.length;
  await sweep(operationId);
  await sweep(operationId);
  const operation = await storedOperation(world, hotel, operationId);
  assert.equal(operation.state, 'unknown');
  assert.equal(
    (await service.get(hotel, paymentId)).status,
    PROCESSING,
    'it may have been charged, and it was',
  );
  assert.ok(errors.length > told, 'somebody is told');
  assert.equal(await chargesAtStripe(world, operationId), 1);
});

test('57: credentials rotated meanwhile: the operation keeps its version and account', async () => {
  const { hotel, operationId, paymentId } = await unknownSale(true);
  const rotated = `sk_test_${randomBytes(12).toString('hex')}`;
  // The new key belongs to another account, where the operation does not exist.
  await world.stripe.account(rotated);
  world.merchant.rotate(hotel.providerAccountId, { secret_key: rotated });
  await sweep(operationId);
  assert.equal((await service.get(hotel, paymentId)).status, SUCCEEDED);
  assert.equal((await storedOperation(world, hotel, operationId)).provider_account_version, 1);
  assert.equal(await chargesAtStripe(world, operationId), 1);
  const next = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  assert.equal(paymentOf(await service.sale(next)).status, SUCCEEDED);
  assert.equal(
    (await storedOperation(world, hotel, next.operationId)).provider_account_version,
    2,
    'new ones use the new',
  );
});

test('a card token that is gone when the sale is repeated does not hide the charge: it is looked up', async () => {
  const { hotel, operationId, paymentId, token } = await unknownSale(true);
  await world.vaultera.deleteCard(hotel.vaultKey, token);
  await sweep(operationId);
  assert.equal((await service.get(hotel, paymentId)).status, SUCCEEDED);
  assert.equal(await chargesAtStripe(world, operationId), 1);
});

test('a security code that another sale of the same card wiped meanwhile does not hide the charge either', async () => {
  const { hotel, operationId, paymentId, token } = await unknownSale(true);
  await world.vaultera.arm({ fault: 'cvv_wiped' });
  await sweep(operationId);
  assert.equal((await service.get(hotel, paymentId)).status, SUCCEEDED);
  assert.equal(await chargesAtStripe(world, operationId), 1);
  assert.ok(token);
});

test('7: a stored 500 without a charge is told apart by two lookups, and fails as not charged', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  await world.stripe.arm({ fault: 'error_before', path: '/v1/payment_intents', stored: true });
  const { paymentId } = paymentOf(await service.sale(request));
  await sweep(request.operationId);
  await age(world, request.operationId, 'absent_since', '61 seconds');
  await sweep(request.operationId);
  const payment = await service.get(hotel, paymentId);
  assert.deepEqual([payment.status, payment.failure?.code], [FAILED, 'not_charged']);
  assert.equal(await chargesAtStripe(world, request.operationId), 0);
});
