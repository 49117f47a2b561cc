import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import {
  CaptureMethod,
  Initiation,
  Payment,
  PaymentStatus,
} from '@centra/proto/centra/payment/v1/payment.ts';
import type { CreatePaymentRequest } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { ErrorCode } from '@centra/service-kit/errors.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { ALL_EXTRAS, createRequest, outcomesOf, paymentIn, paymentOptions } from '../testing/follow-ups.ts';
import { age, countRows, history, storedOperation } from '../testing/rows.ts';
import {
  eur,
  fingerprint,
  followUpOf,
  paymentOf,
  refusalOf,
  saleRequest,
  startTestService,
} from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';

const {
  PAYMENT_STATUS_CREATED,
  PAYMENT_STATUS_SUCCEEDED,
  PAYMENT_STATUS_AUTHORIZED,
  PAYMENT_STATUS_CANCELED,
} = PaymentStatus;
const { CAPTURE_METHOD_MANUAL, CAPTURE_METHOD_AUTOMATIC } = CaptureMethod;
const ONE_ROW = { payments: 1, operations: 1, payment_events: 1, outbox: 1 };
const NO_ROWS = { payments: 0, operations: 0, payment_events: 0, outbox: 0 };

let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world, { holdIntervalMs: 600_000 });
});
after(async () => {
  await service.close();
  await world.close();
});

/** The payment is named; amount, card and the rest are those it was registered with. */
const payRequest = (hotel: Hotel, paymentId: string, change = {}) =>
  saleRequest(hotel, 'sim_card_visa', { paymentId, amount: undefined, ...change });

test('a payment is registered with all that was told, and no provider is asked', async () => {
  const hotel = await world.simulatorHotel();
  const request = createRequest(hotel, {
    captureMethod: CAPTURE_METHOD_MANUAL,
    options: paymentOptions({
      initiation: Initiation.INITIATION_MOTO,
      originalNetworkTransactionId: 'ntid_1',
      quoteId: 'quo_1',
      quoteHash: 'hash_1',
    }),
  });
  const reply = await service.createPayment(request);
  const payment = paymentOf(reply);
  assert.deepEqual([reply.replayed, payment.status, payment.version], [false, PAYMENT_STATUS_CREATED, 1]);
  assert.deepEqual(
    [payment.amount, payment.authorizedMinor, payment.capturedMinor, payment.captureMethod, payment.provider],
    [eur(12_500), 0n, 0n, CAPTURE_METHOD_MANUAL, 'simulator'],
  );
  assert.deepEqual(
    [payment.initiation, payment.originalNetworkTransactionId, payment.quoteId, payment.quoteHash],
    [Initiation.INITIATION_MOTO, 'ntid_1', 'quo_1', 'hash_1'],
  );
  assert.deepEqual(
    [payment.bookingReference, payment.guest, payment.description, payment.metadata],
    [request.bookingReference, request.guest, request.description, request.metadata],
  );
  assert.deepEqual(await service.get(hotel, payment.paymentId), payment);
  assert.deepEqual(await countRows(world, hotel), ONE_ROW);
  assert.deepEqual(await history(world, payment.paymentId), ['1 - > created']);
});

for (const method of [CAPTURE_METHOD_AUTOMATIC, CAPTURE_METHOD_MANUAL])
  test(`a registered payment is paid by its own capture method (${method === CAPTURE_METHOD_MANUAL ? 'manual' : 'automatic'}), once`, async () => {
    const hotel = await world.simulatorHotel();
    const options = paymentOptions({ extras: ALL_EXTRAS, initiation: Initiation.INITIATION_MERCHANT });
    const { paymentId } = paymentOf(
      await service.createPayment(createRequest(hotel, { captureMethod: method, options })),
    );
    const request = payRequest(hotel, paymentId);
    const paid = await service.sale(request);
    const payment = paymentOf(paid);
    assert.equal(paid.replayed, false);
    assert.deepEqual(
      [payment.paymentId, payment.status, payment.authorizedMinor],
      [
        paymentId,
        method === CAPTURE_METHOD_MANUAL ? PAYMENT_STATUS_AUTHORIZED : PAYMENT_STATUS_SUCCEEDED,
        12_500n,
      ],
    );
    assert.deepEqual([payment.initiation, payment.card?.last4], [Initiation.INITIATION_MERCHANT, '4242']);
    if (method === CAPTURE_METHOD_MANUAL)
      assert.equal(payment.hold?.multipleCapture, true, 'the extras it was registered with');
    const again = await service.sale(request);
    assert.deepEqual([again.replayed, again.payment], [true, payment]);
    const other = await refusalOf(service.sale(payRequest(hotel, paymentId)));
    assert.deepEqual([other.status, other.error.code], [grpcStatus.ABORTED, 'payment_not_created']);
  });

test('45: a registered payment that fifty ask to pay at once is charged once', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = paymentOf(await service.createPayment(createRequest(hotel)));
  const { done, codes } = await outcomesOf(
    Array.from({ length: 50 }, async () => await service.sale(payRequest(hotel, paymentId))),
  );
  assert.deepEqual([done.length, new Set(codes)], [1, new Set(['payment_not_created'])]);
  assert.deepEqual(await countRows(world, hotel), {
    payments: 1,
    operations: 2,
    payment_events: 3,
    outbox: 3,
  });
});

test('a registered payment is canceled without asking a provider, and is not paid any more', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = paymentOf(await service.createPayment(createRequest(hotel)));
  const canceled = paymentOf(
    await service.voidPayment({ followUp: followUpOf(hotel, paymentId), reason: 'abandoned' }),
  );
  assert.deepEqual([canceled.status, canceled.cancellationReason], [PAYMENT_STATUS_CANCELED, 'abandoned']);
  assert.equal((await refusalOf(service.sale(payRequest(hotel, paymentId)))).error.code, 'payment_canceled');
});

test('19: fifty identical registrations at once make one payment', async () => {
  const hotel = await world.simulatorHotel();
  const request = createRequest(hotel);
  const replies = await Promise.all(
    Array.from({ length: 50 }, async () => await service.createPayment(request)),
  );
  assert.equal(new Set(replies.map((reply) => paymentOf(reply).paymentId)).size, 1);
  assert.equal(replies.filter(({ replayed }) => !replayed).length, 1);
  assert.deepEqual(await countRows(world, hotel), ONE_ROW);
});

test('20, 21: another fingerprint is refused; the same id at another hotel is another payment', async () => {
  const [hotel, other] = [await world.simulatorHotel(), await world.simulatorHotel()];
  const request = createRequest(hotel);
  const { paymentId } = paymentOf(await service.createPayment(request));
  const { status, error } = await refusalOf(
    service.createPayment({ ...request, requestFingerprint: fingerprint('another request') }),
  );
  assert.deepEqual([status, error.code], [grpcStatus.FAILED_PRECONDITION, 'idempotency_key_reused']);
  const theirs = await service.createPayment(createRequest(other, { operationId: request.operationId }));
  assert.equal(theirs.replayed, false);
  assert.notEqual(paymentOf(theirs).paymentId, paymentId);
});

test('22: replayed as it was registered after 25 hours, also when paid since; refused after 31 days', async () => {
  const hotel = await world.simulatorHotel();
  const request = createRequest(hotel);
  const first = paymentOf(await service.createPayment(request));
  await service.sale(payRequest(hotel, first.paymentId));
  await age(world, request.operationId, 'created_at', '25 hours');
  const again = await service.createPayment(request);
  assert.equal(again.replayed, true);
  assert.deepEqual(Payment.encode(paymentOf(again)).finish(), Payment.encode(first).finish());
  await age(world, request.operationId, 'created_at', '30 days');
  const { status, error } = await refusalOf(service.createPayment(request));
  assert.deepEqual([status, error.code], [grpcStatus.ALREADY_EXISTS, 'idempotency_key_expired']);
  assert.equal(error.extra['payment_id'], first.paymentId);
});

describe('24: what is refused leaves no row', () => {
  const { INVALID_ARGUMENT, FAILED_PRECONDITION } = grpcStatus;
  type Case = [
    name: string,
    change: Partial<CreatePaymentRequest>,
    status: number,
    code: ErrorCode,
    field?: string,
  ];
  const invalid = (name: string, change: Partial<CreatePaymentRequest>, field: string): Case => [
    name,
    change,
    INVALID_ARGUMENT,
    'validation_failed',
    field,
  ];
  const cases: Case[] = [
    invalid('no amount', { amount: undefined }, 'amount'),
    invalid('an amount of 0', { amount: eur(0) }, 'amount'),
    invalid('an amount of 2^53', { amount: eur(2n ** 53n) }, 'amount'),
    invalid('an operation id that is no UUID', { operationId: 'x' }, 'operation_id'),
    invalid('a merchant id that is no UUID', { merchantId: 'x' }, 'merchant_id'),
    invalid('a short fingerprint', { requestFingerprint: Buffer.alloc(31) }, 'request_fingerprint'),
    invalid('no mode', { mode: Mode.MODE_UNSPECIFIED }, 'mode'),
    invalid('a NUL in the description', { description: 'a\0' }, 'description'),
    invalid('a NUL in the metadata', { metadata: { 'a\0': '' } }, 'metadata'),
    invalid('a NUL in the currency', { amount: eur(1, 'EUR\0') }, 'currency'),
    invalid('a NUL in an option', { options: paymentOptions({ quoteHash: 'a\0' }) }, 'options'),
    [
      'a currency that does not exist',
      { amount: eur(1, 'XXQ') },
      FAILED_PRECONDITION,
      'currency_not_supported',
    ],
    ['a mode without an account', { mode: Mode.MODE_LIVE }, FAILED_PRECONDITION, 'provider_account_missing'],
    [
      'an account that does not exist',
      { providerAccountId: toPublicId('pa', randomUUID()) },
      FAILED_PRECONDITION,
      'provider_account_missing',
    ],
  ];
  for (const [name, change, status, code, field] of cases)
    test(name, async () => {
      const hotel = await world.simulatorHotel();
      const refused = await refusalOf(service.createPayment(createRequest(hotel, change)));
      assert.deepEqual([refused.status, refused.error.code], [status, code]);
      if (field !== undefined)
        assert.deepEqual(
          refused.error.errors.map((one) => one.field),
          [field],
        );
      assert.deepEqual(await countRows(world, hotel), NO_ROWS);
    });

  test('an amount that Stripe can never charge', async () => {
    const hotel = await world.stripeHotel();
    const { error } = await refusalOf(
      service.createPayment(createRequest(hotel, { amount: eur(5_124, 'KWD') })),
    );
    assert.equal(error.code, 'amount_not_allowed');
    assert.deepEqual(await countRows(world, hotel), NO_ROWS);
  });
});

test("paying another hotel's, the other mode's, an unknown or a malformed payment is not_found", async () => {
  const [hotel, other] = [await world.simulatorHotel(), await world.simulatorHotel()];
  const { paymentId } = await paymentIn(service, hotel, 'created');
  for (const request of [
    payRequest(other, paymentId),
    payRequest(hotel, paymentId, { mode: Mode.MODE_LIVE }),
    payRequest(hotel, toPublicId('pay', newUuid())),
    payRequest(hotel, 'pay_nonsense'),
  ])
    for (const call of [service.sale, service.authorize]) {
      const { status, error } = await refusalOf(call(request));
      assert.deepEqual([status, error.code], [grpcStatus.NOT_FOUND, 'not_found']);
    }
  assert.deepEqual([await countRows(world, hotel), await countRows(world, other)], [ONE_ROW, NO_ROWS]);
});

test('57: paid with the credentials as they are then, at the account it was registered for', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await paymentIn(service, hotel, 'created');
  world.merchant.rotate(hotel.providerAccountId, {});
  world.merchant.connect(hotel.merchantId, 'stripe', { secret_key: 'sk_test_unused' });
  const request = payRequest(hotel, paymentId);
  assert.equal(paymentOf(await service.sale(request)).provider, 'simulator');
  assert.equal((await storedOperation(world, hotel, request.operationId)).provider_account_version, 2);
});

test('only payment-api may register a payment', async () => {
  const hotel = await world.simulatorHotel();
  for (const caller of ['merchant', 'api-gateway', 'auth', 'operator', 'transaction']) {
    const { status } = await refusalOf(service.createPayment(createRequest(hotel), caller));
    assert.equal(status, grpcStatus.PERMISSION_DENIED, caller);
  }
  assert.deepEqual(await countRows(world, hotel), NO_ROWS);
});
