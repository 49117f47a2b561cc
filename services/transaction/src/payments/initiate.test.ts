import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { CaptureMethod, Payment, PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { InitiateRequest } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { ErrorCode } from '@centra/service-kit/errors.ts';
import { request as send } from 'undici';
import { ask, initiateRequest, outcomesOf } from '../testing/follow-ups.ts';
import { age, countRows, history, makeDue, storedOperation } from '../testing/rows.ts';
import {
  eur,
  fingerprint,
  followUpOf,
  paymentOf,
  refusalOf,
  startTestService,
} from '../testing/test-service.ts';
import { resolveDue } from '../operations/resolve-unknown.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { World } from '../testing/world.ts';

const { PAYMENT_STATUS_REQUIRES_ACTION, PAYMENT_STATUS_SUCCEEDED, PAYMENT_STATUS_AUTHORIZED } = PaymentStatus;
const NO_ROWS = { payments: 0, operations: 0, payment_events: 0, outbox: 0 };

let world: World;
/** Swept only when a test says so. */
let service: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world, { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 });
});
after(async () => {
  await service.close();
  await world.close();
});

async function sweep(operationId: string): Promise<void> {
  await makeDue(world, operationId);
  assert.ok((await resolveDue(service.context)) >= 1);
}

for (const where of ['simulatorHotel', 'stripeHotel'] as const)
  test(`${where}: a hosted page is opened: the payment waits for its guest and tells the address, again and again`, async () => {
    const hotel = await world[where]();
    const request = initiateRequest(hotel);
    const reply = await service.initiate(request);
    const payment = paymentOf(reply);
    assert.equal(reply.replayed, false);
    assert.deepEqual(
      [payment.status, payment.amount, payment.capturedMinor],
      [PAYMENT_STATUS_REQUIRES_ACTION, eur(12_500), 0n],
    );
    assert.match(payment.nextAction?.redirectUrl ?? '', /^http/);
    const again = await service.initiate(request);
    assert.equal(again.replayed, true);
    assert.deepEqual(Payment.encode(paymentOf(again)).finish(), Payment.encode(payment).finish());
    await sweep(request.operationId);
    assert.deepEqual(await service.get(hotel, payment.paymentId), payment, 'waiting on changes nothing');
    assert.deepEqual(await history(world, payment.paymentId), [
      '1 - > processing',
      '2 processing > requires_action',
    ]);
    assert.deepEqual(await countRows(world, hotel), {
      payments: 1,
      operations: 1,
      payment_events: 2,
      outbox: 2,
    });
  });

for (const [method, status] of [
  [CaptureMethod.CAPTURE_METHOD_AUTOMATIC, PAYMENT_STATUS_SUCCEEDED],
  [CaptureMethod.CAPTURE_METHOD_MANUAL, PAYMENT_STATUS_AUTHORIZED],
] as const)
  test(`a guest who pays on Stripe's page has paid by the capture method ${method}, once`, async () => {
    const hotel = await world.stripeHotel();
    const request = initiateRequest(hotel, { captureMethod: method });
    const { paymentId } = paymentOf(await service.initiate(request));
    const { provider_reference: session } = await storedOperation(world, hotel, request.operationId);
    const paid = await send(`${world.stripe.url}/_control/checkout/sessions/${session ?? ''}/pay`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ card: 'pm_card_visa' }),
    });
    assert.equal(paid.statusCode, 200);
    await paid.body.dump();
    await sweep(request.operationId);
    const payment = await service.get(hotel, paymentId);
    assert.deepEqual(
      [payment.status, payment.authorizedMinor, payment.card?.last4, payment.nextAction],
      [status, 12_500n, '4242', undefined],
    );
    if (status === PAYMENT_STATUS_AUTHORIZED)
      assert.equal(
        paymentOf(await ask(service, 'capture', followUpOf(hotel, paymentId))).capturedMinor,
        12_500n,
      );
    const refunded = await ask(service, 'refund', followUpOf(hotel, paymentId));
    assert.equal(paymentOf(refunded).status, PaymentStatus.PAYMENT_STATUS_REFUNDED);
  });

test('18: a page that nobody used is closed when its time is over: failed, and nothing was taken', async () => {
  for (const [hotel, reason] of [
    [await world.simulatorHotel(), 'not_charged'],
    [await world.stripeHotel(), 'authentication_abandoned'],
  ] as const) {
    const request = initiateRequest(hotel, { expiresInMinutes: 30 });
    const { paymentId } = paymentOf(await service.initiate(request));
    await age(world, request.operationId, 'created_at', '31 minutes');
    await sweep(request.operationId);
    const payment = await service.get(hotel, paymentId);
    assert.deepEqual(
      [payment.status, payment.capturedMinor, payment.nextAction],
      [PaymentStatus.PAYMENT_STATUS_FAILED, 0n, undefined],
    );
    assert.equal(payment.failure?.code, reason);
  }
});

test('a page that the hotel cancels is closed: the payment is canceled', async () => {
  for (const hotel of [await world.simulatorHotel(), await world.stripeHotel()]) {
    const request = initiateRequest(hotel);
    const { paymentId } = paymentOf(await service.initiate(request));
    const followUp = followUpOf(hotel, paymentId);
    await service.voidPayment({ followUp, reason: 'abandoned' });
    // The page, hurried by the cancellation; then the cancellation itself.
    await resolveDue(service.context);
    await sweep(followUp.operationId);
    const payment = await service.get(hotel, paymentId);
    assert.deepEqual(
      [payment.status, payment.cancellationReason],
      [PaymentStatus.PAYMENT_STATUS_CANCELED, 'abandoned'],
    );
    assert.equal((await storedOperation(world, hotel, followUp.operationId)).state, 'succeeded');
  }
});

test('19, 20, 21: many at once open one page; another fingerprint is refused; another hotel has its own', async () => {
  const [hotel, other] = [await world.simulatorHotel(), await world.simulatorHotel()];
  const request = initiateRequest(hotel);
  const { done, codes } = await outcomesOf(
    Array.from({ length: 50 }, async () => await service.initiate(request)),
  );
  assert.equal(done.filter(({ replayed }) => !replayed).length, 1);
  for (const code of codes) assert.equal(code, 'in_progress');
  assert.deepEqual(await countRows(world, hotel), {
    payments: 1,
    operations: 1,
    payment_events: 2,
    outbox: 2,
  });
  const changed = { ...request, requestFingerprint: fingerprint('another request') };
  assert.equal((await refusalOf(service.initiate(changed))).error.code, 'idempotency_key_reused');
  const theirs = initiateRequest(other, { operationId: request.operationId });
  assert.equal((await service.initiate(theirs)).replayed, false);
});

describe('24: what is refused leaves no row', () => {
  type Case = [name: string, change: Partial<InitiateRequest>, code: ErrorCode, field?: string];
  const cases: Case[] = [
    ['no success url', { successUrl: '' }, 'validation_failed', 'success_url'],
    ['no cancel url', { cancelUrl: '' }, 'validation_failed', 'cancel_url'],
    ['a NUL in the success url', { successUrl: 'https://a.example/\0' }, 'validation_failed', 'success_url'],
    ['a NUL in the cancel url', { cancelUrl: 'https://a.example/\0' }, 'validation_failed', 'cancel_url'],
    ['29 minutes', { expiresInMinutes: 29 }, 'validation_failed', 'expires_in_minutes'],
    ['more than a day', { expiresInMinutes: 1_441 }, 'validation_failed', 'expires_in_minutes'],
    ['no time at all', { expiresInMinutes: 0 }, 'validation_failed', 'expires_in_minutes'],
    ['no amount', { amount: undefined }, 'validation_failed', 'amount'],
    ['an amount of 2^53', { amount: eur(2n ** 53n) }, 'validation_failed', 'amount'],
    ['an operation id that is no UUID', { operationId: 'x' }, 'validation_failed', 'operation_id'],
    ['no mode', { mode: Mode.MODE_UNSPECIFIED }, 'validation_failed', 'mode'],
    ['a currency that does not exist', { amount: eur(1, 'XXQ') }, 'currency_not_supported'],
    ['a mode without an account', { mode: Mode.MODE_LIVE }, 'provider_account_missing'],
  ];
  for (const [name, change, code, field] of cases)
    test(name, async () => {
      const hotel = await world.simulatorHotel();
      const { error } = await refusalOf(service.initiate(initiateRequest(hotel, change)));
      assert.equal(error.code, code);
      if (field !== undefined)
        assert.deepEqual(
          error.errors.map((one) => one.field),
          [field],
        );
      assert.deepEqual(await countRows(world, hotel), NO_ROWS);
    });
});

test('only payment-api may open a page', async () => {
  const hotel = await world.simulatorHotel();
  for (const caller of ['merchant', 'api-gateway', 'auth', 'operator', 'transaction']) {
    const { status } = await refusalOf(service.initiate(initiateRequest(hotel), caller));
    assert.equal(status, grpcStatus.PERMISSION_DENIED, caller);
  }
  assert.deepEqual(await countRows(world, hotel), NO_ROWS);
});
