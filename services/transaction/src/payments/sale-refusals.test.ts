import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { SaleRequest } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { ErrorCode } from '@centra/service-kit/errors.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import {
  age,
  chargesAtStripe,
  countRows,
  keysSentToStripe,
  makeDue,
  storedOperation,
} from '../testing/rows.ts';
import { fingerprint, paymentOf, refusalOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';

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

const amount = (amountMinor: bigint, currency: string) => ({ amount: { amountMinor, currency } });
const NO_ROWS = { payments: 0, operations: 0, payment_events: 0, outbox: 0 };

describe('24: a refusal before the first durable write leaves no row, so the key is not consumed', () => {
  type Case = [name: string, change: Partial<SaleRequest>, status: number, code: ErrorCode, field?: string];
  const { INVALID_ARGUMENT, FAILED_PRECONDITION } = grpcStatus;
  const cases: Case[] = [
    ['an amount of 0', amount(0n, 'EUR'), INVALID_ARGUMENT, 'validation_failed', 'amount'],
    ['a negative amount', amount(-1n, 'EUR'), INVALID_ARGUMENT, 'validation_failed', 'amount'],
    ['an amount of 2^53', amount(2n ** 53n, 'EUR'), INVALID_ARGUMENT, 'validation_failed', 'amount'],
    ['no amount', { amount: undefined }, INVALID_ARGUMENT, 'validation_failed', 'amount'],
    [
      'an operation id that is no UUID',
      { operationId: 'op-1' },
      INVALID_ARGUMENT,
      'validation_failed',
      'operation_id',
    ],
    [
      'a fingerprint of 31 bytes',
      { requestFingerprint: Buffer.alloc(31) },
      INVALID_ARGUMENT,
      'validation_failed',
      'request_fingerprint',
    ],
    ['no mode', { mode: Mode.MODE_UNSPECIFIED }, INVALID_ARGUMENT, 'validation_failed', 'mode'],
    ['no card token', { cardToken: '' }, INVALID_ARGUMENT, 'validation_failed', 'card_token'],
    [
      'a NUL character, which no text of the database can hold',
      { description: 'a\u0000b' },
      INVALID_ARGUMENT,
      'validation_failed',
      'description',
    ],
    [
      'a NUL character in the metadata',
      { metadata: { a: '\u0000' } },
      INVALID_ARGUMENT,
      'validation_failed',
      'metadata',
    ],
    ['47: KWD 5.124 at Stripe', amount(5_124n, 'KWD'), FAILED_PRECONDITION, 'amount_not_allowed', 'amount'],
    ['less than Stripe takes', amount(49n, 'EUR'), FAILED_PRECONDITION, 'amount_not_allowed', 'amount'],
    [
      'more digits than Stripe takes',
      amount(100_000_000n, 'EUR'),
      FAILED_PRECONDITION,
      'amount_not_allowed',
      'amount',
    ],
    [
      'a currency Stripe does not take',
      amount(12_500n, 'IQD'),
      FAILED_PRECONDITION,
      'currency_not_supported',
      'currency',
    ],
    [
      'a currency that does not exist',
      amount(12_500n, 'XXQ'),
      FAILED_PRECONDITION,
      'currency_not_supported',
      'currency',
    ],
    ['a mode without an account', { mode: Mode.MODE_LIVE }, FAILED_PRECONDITION, 'provider_account_missing'],
    [
      'an account that does not exist',
      { providerAccountId: toPublicId('pa', randomUUID()) },
      FAILED_PRECONDITION,
      'provider_account_missing',
    ],
    [
      'an account id that is none',
      { providerAccountId: 'pa_nonsense' },
      FAILED_PRECONDITION,
      'provider_account_missing',
    ],
  ];
  for (const [name, change, status, code, field] of cases) {
    test(name, async () => {
      const hotel = await world.stripeHotel();
      const request = saleRequest(
        hotel,
        await world.vaultera.card(hotel.vaultKey, '4242424242424242'),
        change,
      );
      const refused = await refusalOf(service.sale(request));
      assert.equal(refused.status, status);
      assert.equal(refused.error.code, code);
      if (field !== undefined)
        assert.deepEqual(
          refused.error.errors.map((error) => error.field),
          [field],
        );
      assert.deepEqual(await countRows(world, hotel), NO_ROWS);
    });
  }

  test('a card vault named as the provider account', async () => {
    const hotel = await world.stripeHotel();
    const request = saleRequest(hotel, 'sim_card_visa', {
      providerAccountId: toPublicId('pa', hotel.vaultAccountId),
    });
    assert.equal((await refusalOf(service.sale(request))).error.code, 'provider_account_missing');
    assert.deepEqual(await countRows(world, hotel), NO_ROWS);
  });

  test('a hotel without any account', async () => {
    const hotel: Hotel = { ...(await world.stripeHotel()), merchantId: randomUUID() };
    const refused = await refusalOf(service.sale(saleRequest(hotel, 'sim_card_visa')));
    assert.equal(refused.error.code, 'provider_account_missing');
    assert.deepEqual(await countRows(world, hotel), NO_ROWS);
  });

  test('the merchant service away: UNAVAILABLE, and the same id succeeds once it is back', async () => {
    const hotel = await world.simulatorHotel();
    const request = saleRequest(hotel, 'sim_card_visa');
    const cutOff = await startTestService(world, { merchantGrpcAddress: 'localhost:1' });
    const refused = await refusalOf(cutOff.sale(request));
    await cutOff.close();
    assert.equal(refused.status, grpcStatus.UNAVAILABLE);
    assert.equal(refused.error.code, 'unavailable');
    assert.deepEqual(await countRows(world, hotel), NO_ROWS);
    const answer = await service.sale(request);
    assert.equal(answer.replayed, false);
    assert.equal(paymentOf(answer).status, PaymentStatus.PAYMENT_STATUS_SUCCEEDED);
  });
});

test('47: ISK 501 is charged as 50,100 of Stripe and no amount is ever rounded on the way', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  const request = saleRequest(hotel, token, { amount: { amountMinor: 501n, currency: 'ISK' } });
  const payment = paymentOf(await service.sale(request));
  assert.deepEqual([payment.status, payment.capturedMinor], [PaymentStatus.PAYMENT_STATUS_SUCCEEDED, 501n]);
  const charge = (await world.stripe.journal('effect')).find(
    (line) => line['effect'] === 'charge.succeeded' && line['payment_intent'] === payment.providerReference,
  );
  assert.deepEqual([charge?.['amount'], charge?.['currency']], [50_100, 'isk']);
});

test('20: the same operation id with another fingerprint is idempotency_key_reused, also after success', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  const first = paymentOf(await service.sale(request));
  const refused = await refusalOf(
    service.sale({ ...request, requestFingerprint: fingerprint('another request') }),
  );
  assert.equal(refused.status, grpcStatus.FAILED_PRECONDITION);
  assert.equal(refused.error.code, 'idempotency_key_reused');
  assert.equal(refused.error.extra['payment_id'], undefined, 'nothing of the first request is told');
  assert.equal((await service.get(hotel, first.paymentId)).version, 2);
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
});

test('22: an operation is replayed for 30 days; after that its key is refused naming the payment, and nothing is charged', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  const { paymentId } = paymentOf(await service.sale(request));
  await age(world, request.operationId, 'created_at', '29 days 23 hours');
  assert.equal((await service.sale(request)).replayed, true);
  await age(world, request.operationId, 'created_at', '2 hours');
  const refused = await refusalOf(service.sale(request));
  assert.equal(refused.status, grpcStatus.ALREADY_EXISTS);
  assert.equal(refused.error.code, 'idempotency_key_expired');
  assert.equal(refused.error.extra['payment_id'], paymentId);
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
  assert.deepEqual(await countRows(world, hotel), {
    payments: 1,
    operations: 1,
    payment_events: 2,
    outbox: 2,
  });
});

test('only payment-api may ask for a sale', async () => {
  const hotel = await world.simulatorHotel();
  for (const caller of ['merchant', 'api-gateway', 'auth', 'operator', 'transaction']) {
    const refused = await refusalOf(service.sale(saleRequest(hotel, 'sim_card_visa'), caller));
    assert.equal(refused.status, grpcStatus.PERMISSION_DENIED, caller);
  }
  assert.deepEqual(await countRows(world, hotel), NO_ROWS);
});

test('a provider out of reach is UNAVAILABLE with nothing sent, and the same id then charges exactly once', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  await world.stripe.stop();
  const refused = await refusalOf(service.sale(request));
  await world.stripe.start();
  assert.equal(refused.status, grpcStatus.UNAVAILABLE);
  assert.equal(refused.error.code, 'provider_unreachable');
  assert.ok((refused.error.retryAfterSeconds ?? 0) > 0);
  const released = await storedOperation(world, hotel, request.operationId);
  assert.deepEqual([released.state, released.may_have_charged], ['prepared', false]);
  // Many at once, as a client's retries may come.
  const results = await Promise.allSettled(
    Array.from({ length: 10 }, async () => await service.sale(request)),
  );
  const fresh = results.filter((result) => result.status === 'fulfilled' && !result.value.replayed);
  assert.equal(fresh.length, 1);
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
  assert.equal((await storedOperation(world, hotel, request.operationId)).state, 'succeeded');
});

test('a released sale that nobody repeats fails as not_charged after its time, and stays so', async () => {
  const hotel = await world.simulatorHotel();
  const request = saleRequest(hotel, 'sim_card_visa', { amount: { amountMinor: 66_630n, currency: 'EUR' } });
  const refused = await refusalOf(service.sale(request));
  assert.equal(refused.error.code, 'provider_unreachable');
  const { payment_id: paymentId } = await storedOperation(world, hotel, request.operationId);
  await makeDue(world, request.operationId);
  const payment = await service.settled(hotel, toPublicId('pay', paymentId));
  assert.equal(payment.status, PaymentStatus.PAYMENT_STATUS_FAILED);
  assert.equal(payment.failure?.code, 'not_charged');
  const again = await service.sale(request);
  assert.equal(again.replayed, true);
  assert.equal(paymentOf(again).status, PaymentStatus.PAYMENT_STATUS_FAILED);
});

for (const fault of ['rate_limit', 'lock_timeout'])
  test(`Stripe answering 429 (${fault}) took nothing: the sale is released and charges once when repeated`, async () => {
    const hotel = await world.stripeHotel();
    const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
    await world.stripe.arm({ fault, path: '/v1/payment_intents' });
    const refused = await refusalOf(service.sale(request));
    assert.equal(refused.error.code, 'provider_unreachable');
    assert.equal((await storedOperation(world, hotel, request.operationId)).state, 'prepared');
    assert.equal(paymentOf(await service.sale(request)).status, PaymentStatus.PAYMENT_STATUS_SUCCEEDED);
    assert.equal(await chargesAtStripe(world, request.operationId), 1);
    assert.equal(new Set(await keysSentToStripe(world, request.operationId)).size, 1);
  });
