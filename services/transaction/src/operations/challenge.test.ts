import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { request as send } from 'undici';
import { age, chargesAtStripe, history, makeDue, storedOperation } from '../testing/rows.ts';
import { paymentOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { resolveDue } from './resolve-unknown.ts';

const { PAYMENT_STATUS_REQUIRES_ACTION, PAYMENT_STATUS_SUCCEEDED, PAYMENT_STATUS_FAILED } = PaymentStatus;
const RETURN_URL = 'https://hotel.example.com/back';

let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  // Swept only when a test says so: its first sweep at the start finds nothing.
  service = await startTestService(world, { sweepIntervalMs: 600_000 });
});
after(async () => {
  await service.close();
  await world.close();
});
afterEach(async () => await world.stripe.clearFaults());

type Challenged = { hotel: Hotel; operationId: string; payment: Payment; redirectUrl: string };

async function challengedSale(number = '4000002760003184'): Promise<Challenged> {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, number);
  const request = saleRequest(hotel, token, { returnUrl: RETURN_URL });
  const payment = paymentOf(await service.sale(request));
  assert.equal(payment.status, PAYMENT_STATUS_REQUIRES_ACTION);
  const redirectUrl = payment.nextAction?.redirectUrl ?? '';
  assert.ok(redirectUrl.startsWith(world.stripe.url));
  return { hotel, operationId: request.operationId, payment, redirectUrl };
}

/** The guest's answer on the bank's page, which sends them back to the hotel. */
async function answerAtBank(redirectUrl: string, action: 'approve' | 'fail'): Promise<void> {
  const reply = await send(`${redirectUrl}/${action}`, { method: 'POST' });
  await reply.body.dump();
  assert.equal(reply.statusCode, 303);
  assert.ok(String(reply.headers['location']).startsWith(RETURN_URL));
}

async function sweep(operationId: string): Promise<void> {
  await makeDue(world, operationId);
  assert.equal(await resolveDue(service.context), 1);
}

test('a guest who confirms at the bank has paid: the sweeper finds it and the card is charged once', async () => {
  const { hotel, operationId, payment, redirectUrl } = await challengedSale();
  await answerAtBank(redirectUrl, 'approve');
  await sweep(operationId);
  const now = await service.get(hotel, payment.paymentId);
  assert.deepEqual(
    [now.status, now.capturedMinor, now.nextAction],
    [PAYMENT_STATUS_SUCCEEDED, 12_500n, undefined],
  );
  assert.deepEqual(await history(world, payment.paymentId), [
    '1 - > processing',
    '2 processing > requires_action',
    '3 requires_action > succeeded',
  ]);
  assert.equal(await chargesAtStripe(world, operationId), 1);
});

test('a guest who fails at the bank has not paid: authentication_failed', async () => {
  const { hotel, operationId, payment, redirectUrl } = await challengedSale();
  await answerAtBank(redirectUrl, 'fail');
  await sweep(operationId);
  const now = await service.get(hotel, payment.paymentId);
  assert.deepEqual([now.status, now.failure?.code], [PAYMENT_STATUS_FAILED, 'authentication_failed']);
  assert.equal(await chargesAtStripe(world, operationId), 0);
});

test('a card that is declined after the confirmation tells the decline', async () => {
  const { hotel, operationId, payment, redirectUrl } = await challengedSale('4000008260003178');
  await answerAtBank(redirectUrl, 'approve');
  await sweep(operationId);
  assert.equal((await service.get(hotel, payment.paymentId)).failure?.code, 'insufficient_funds');
});

test('18: a guest who never returns: after an hour the challenge is withdrawn at Stripe and the payment fails', async () => {
  const { hotel, operationId, payment, redirectUrl } = await challengedSale();
  await age(world, operationId, 'created_at', '59 minutes');
  await sweep(operationId);
  assert.equal(
    (await service.get(hotel, payment.paymentId)).status,
    PAYMENT_STATUS_REQUIRES_ACTION,
    'within the hour they may',
  );
  await age(world, operationId, 'created_at', '2 minutes');
  await sweep(operationId);
  const now = await service.get(hotel, payment.paymentId);
  assert.deepEqual([now.status, now.failure?.code], [PAYMENT_STATUS_FAILED, 'authentication_abandoned']);
  const canceled = (await world.stripe.journal('effect')).filter(
    (line) =>
      line['effect'] === 'payment_intent.canceled' && line['payment_intent'] === payment.providerReference,
  );
  assert.equal(canceled.length, 1);
  await answerAtBank(redirectUrl, 'approve');
  assert.equal(await chargesAtStripe(world, operationId), 0, 'too late to pay');
});

test('18: a guest who confirms just before the withdrawal has paid', async () => {
  const { hotel, operationId, payment, redirectUrl } = await challengedSale();
  await age(world, operationId, 'created_at', '2 hours');
  await answerAtBank(redirectUrl, 'approve');
  await sweep(operationId);
  const now = await service.get(hotel, payment.paymentId);
  assert.deepEqual([now.status, now.card?.last4], [PAYMENT_STATUS_SUCCEEDED, '3184']);
  assert.equal(await chargesAtStripe(world, operationId), 1);
});

test('18: a withdrawal whose reply is lost is repeated with the same key until it is known', async () => {
  const { hotel, operationId, payment } = await challengedSale();
  await age(world, operationId, 'created_at', '2 hours');
  await world.stripe.arm({ fault: 'act_then_drop', path: '/v1/payment_intents/[^/]+/cancel' });
  await sweep(operationId);
  const between = await storedOperation(world, hotel, operationId);
  assert.equal(between.state, 'unknown');
  assert.equal((await service.get(hotel, payment.paymentId)).status, PAYMENT_STATUS_REQUIRES_ACTION);
  await sweep(operationId);
  assert.equal((await service.get(hotel, payment.paymentId)).failure?.code, 'authentication_abandoned');
});

test('a lost reading of a challenge changes nothing, and the same key goes on telling the address', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4000002760003184');
  const request = saleRequest(hotel, token, { returnUrl: RETURN_URL });
  const first = paymentOf(await service.sale(request));
  await world.stripe.arm({ fault: 'drop_before_act', path: '/v1/payment_intents/pi_' });
  await sweep(request.operationId);
  const again = await service.sale(request);
  assert.deepEqual(again.payment, first);
  await sweep(request.operationId);
  assert.equal((await storedOperation(world, hotel, request.operationId)).state, 'sent');
  assert.equal((await service.get(hotel, first.paymentId)).version, 2);
});

test('15: a challenge whose creation went unheard is found with its address', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4000002760003184');
  const request = saleRequest(hotel, token, { returnUrl: RETURN_URL });
  await world.stripe.arm({ fault: 'act_then_drop', path: '/v1/payment_intents' });
  const first = paymentOf(await service.sale(request));
  assert.equal(first.status, PaymentStatus.PAYMENT_STATUS_PROCESSING);
  await sweep(request.operationId);
  const found = await service.get(hotel, first.paymentId);
  assert.equal(found.status, PAYMENT_STATUS_REQUIRES_ACTION);
  await answerAtBank(found.nextAction?.redirectUrl ?? '', 'approve');
  await sweep(request.operationId);
  assert.equal((await service.get(hotel, first.paymentId)).status, PAYMENT_STATUS_SUCCEEDED);
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
});
