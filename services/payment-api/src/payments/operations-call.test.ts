import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Metadata, status as grpcStatus } from '@grpc/grpc-js';
import { PaymentStatus, RefundStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { PaymentTerms, PaymentServiceClient } from '@centra/proto/centra/payment/v1/payment.ts';
import { callUnary, fromServiceError, isServiceError } from '@centra/service-kit/grpc.ts';
import { newUuid } from '@centra/service-kit/ids.ts';
import type { UnaryMethod } from '../ask-transaction.ts';
import { chargeBody, newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Stand } from '../testing/start-with-doubles.ts';

// Generous: a loaded machine must not fail a test of contents.
const DEADLINE_MS = 20_000;

const terms = (changes: Partial<PaymentTerms> = {}): PaymentTerms => ({
  amount: { amountMinor: 12_050n, currency: 'EUR' },
  bookingReference: 'BK-1',
  guest: undefined,
  description: '',
  metadata: { b: '1', a: '' },
  providerAccountId: '',
  captureMethod: 2,
  initiation: 0,
  originalNetworkTransactionId: '',
  extras: undefined,
  allowPartialApproval: false,
  retrySoftDeclines: false,
  quoteId: '',
  ...changes,
});

describe('operations over gRPC', () => {
  let stand: Stand;
  let client: PaymentServiceClient;
  const hotel = newMerchant();
  before(async () => {
    stand = await startWithDoubles();
    client = stand.bookingApi();
    stand.auth.addKey('ck_test_hotel', hotel);
    stand.auth.addKey('ck_test_reader', { ...hotel, scopes: ['payments:read'] });
    stand.auth.addKey('ck_test_writer', { ...hotel, scopes: ['payments:write'] });
    stand.auth.addKey('ck_test_other', newMerchant());
  });
  after(async () => {
    client.close();
    await stand.close();
  });

  test('a payment is created, authorised, adjusted, captured and refunded; each repeat gives the first answer', async () => {
    const steps: (() => Promise<{ replayed: boolean }>)[] = [];
    const created = await create('life', { cardToken: '', returnUrl: '' });
    const paymentId = created.payment?.paymentId ?? '';
    assert.equal(created.payment?.status, PaymentStatus.PAYMENT_STATUS_CREATED);
    assert.deepEqual(created.payment?.metadata, { b: '1', a: '' });
    steps.push(async () => await create('life', { cardToken: '', returnUrl: '' }));
    const head = (key: string) => ({ idempotencyKey: `life-${key}`, paymentId });
    const authorize = async () =>
      await ask(client.authorizePayment.bind(client), {
        ...head('a'),
        cardToken: 'tok_succeeds',
        returnUrl: '',
      });
    const adjust = async () =>
      await ask(client.adjustPayment.bind(client), { ...head('j'), amount: money(20_000n) });
    const capture = async () =>
      await ask(client.capturePayment.bind(client), {
        ...head('c'),
        amount: money(15_000n),
        keepOpen: false,
      });
    const refund = async () =>
      await ask(client.refundPayment.bind(client), {
        ...head('r'),
        amount: undefined,
        reason: 'duplicate',
        metadata: {},
      });
    const firsts = [created, await authorize(), await adjust(), await capture(), await refund()];
    steps.push(authorize, adjust, capture, refund);
    const statuses = firsts.map(({ payment }) => payment?.status);
    assert.deepEqual(statuses, [
      PaymentStatus.PAYMENT_STATUS_CREATED,
      PaymentStatus.PAYMENT_STATUS_AUTHORIZED,
      PaymentStatus.PAYMENT_STATUS_AUTHORIZED,
      PaymentStatus.PAYMENT_STATUS_SUCCEEDED,
      PaymentStatus.PAYMENT_STATUS_REFUNDED,
    ]);
    const refunded = await refund();
    assert.equal(refunded.refund?.amount?.amountMinor, 15_000n);
    assert.equal(refunded.refund?.status, RefundStatus.REFUND_STATUS_SUCCEEDED);
    for (const [index, step] of steps.entries()) {
      assert.equal(firsts[index]?.replayed, false);
      assert.deepEqual(await step(), { ...firsts[index], replayed: true });
    }
  });

  test('a hold is canceled, and a hosted payment says where to send the guest', async () => {
    const held = await create('held');
    const canceled = await ask(client.cancelPayment.bind(client), {
      idempotencyKey: 'cancel-1',
      paymentId: held.payment?.paymentId ?? '',
      reason: '',
    });
    assert.equal(canceled.payment?.status, PaymentStatus.PAYMENT_STATUS_CANCELED);
    const hosted = await ask(client.initiatePayment.bind(client), {
      idempotencyKey: 'hosted-1',
      terms: terms({ captureMethod: 0 }),
      successUrl: 'https://hotel.example/paid',
      cancelUrl: 'https://hotel.example/back',
      expiresInMinutes: 0,
    });
    assert.equal(hosted.payment?.nextAction?.redirectUrl, 'https://provider.example/pay/1');
  });

  test('a decline is no error: the payment comes with its failure, and an operation with its own', async () => {
    const declined = await create('declined', { cardToken: 'tok_fails_lost_card', returnUrl: '' });
    assert.equal(declined.payment?.failure?.code, 'lost_card');
    const held = await create('decline-capture');
    stand.transaction.outcomes.push('declined');
    const capture = async () =>
      await ask(client.capturePayment.bind(client), {
        idempotencyKey: 'refused-1',
        paymentId: held.payment?.paymentId ?? '',
        amount: undefined,
        keepOpen: false,
      });
    const first = await capture();
    assert.equal(first.failure?.code, 'provider_refused');
    assert.deepEqual(await capture(), { ...first, replayed: true });
  });

  test('both doors share keys: the same request through the other one is a repeat, another one is refused', async () => {
    const overHttp = await stand.post(
      '/v1/payments',
      'both',
      chargeBody({ capture_method: 'manual', metadata: { a: '', b: '1' } }),
      { as: hotel },
    );
    assert.equal(overHttp.status, 201, overHttp.bytes.toString());
    const overGrpc = await create('both');
    assert.deepEqual([overGrpc.replayed, overGrpc.payment?.paymentId], [true, overHttp.json()['id']]);
    const refused = await refusal(create('both', { cardToken: 'tok_succeeds_2', returnUrl: '' }));
    assert.equal(refused.code, 'idempotency_key_reused');
    const captured = await refusal(
      ask(client.capturePayment.bind(client), {
        idempotencyKey: 'both',
        paymentId: overGrpc.payment?.paymentId ?? '',
        amount: undefined,
        keepOpen: false,
      }),
    );
    assert.equal(captured.code, 'idempotency_key_reused');
  });

  test('50 at once with one key make one payment', async () => {
    const operationsBefore = stand.transaction.operations.size;
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, async () => await create('parallel')),
    );
    const ids = new Set(
      results.flatMap((each) => (each.status === 'fulfilled' ? [each.value.payment?.paymentId] : [])),
    );
    for (const each of results)
      if (each.status === 'rejected') assert.equal(fromServiceError(each.reason).code, 'in_progress');
    assert.deepEqual([ids.size, stand.transaction.operations.size], [1, operationsBefore + 1]);
  });

  test('INVALID_ARGUMENT: keys and fields that are not valid name themselves, and nothing is asked', async () => {
    const calls = stand.transaction.calls.length;
    for (const key of ['', 'a'.repeat(256), 'tab\there', 'é'])
      assert.equal((await refusal(create(key))).code, 'idempotency_key_invalid');
    const amounts = [0n, -1n, 9_007_199_254_740_993n].map((amountMinor) => ({
      amountMinor,
      currency: 'EUR',
    }));
    for (const amount of [...amounts, undefined]) {
      const error = await refusal(create('bad', { terms: terms({ amount }) }));
      assert.equal(error.code, 'validation_failed');
      assert.equal(error.errors[0]?.field, 'amount');
    }
    const currency = await refusal(create('bad', { terms: terms({ amount: money(1n, 'eur') }) }));
    assert.equal(currency.errors[0]?.field, 'currency');
    assert.equal((await refusal(create('bad', { terms: undefined }))).code, 'validation_failed');
    const card = await refusal(create('bad', { terms: terms({ description: '4242 4242 4242 4242' }) }));
    assert.equal(card.code, 'card_data_not_allowed');
    assert.equal(stand.transaction.calls.length, calls);
  });

  test('UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND, ABORTED, FAILED_PRECONDITION: refusals keep our names', async () => {
    const paymentId = (await create('refusals')).payment?.paymentId ?? '';
    const capture = async (key: string, asWho: string, amount = money(100n)) =>
      await ask(
        client.capturePayment.bind(client),
        { idempotencyKey: key, paymentId, amount, keepOpen: true },
        asWho,
      );
    const refund = async (asWho: string) =>
      await ask(
        client.refundPayment.bind(client),
        { idempotencyKey: newUuid(), paymentId, amount: undefined, reason: '', metadata: {} },
        asWho,
      );
    const expected: [() => Promise<unknown>, number, string][] = [
      [async () => await capture('x1', 'ck_test_nobody'), grpcStatus.UNAUTHENTICATED, 'unauthenticated'],
      [async () => await capture('x2', 'ck_test_reader'), grpcStatus.PERMISSION_DENIED, 'forbidden'],
      [async () => await refund('ck_test_writer'), grpcStatus.PERMISSION_DENIED, 'forbidden'],
      [async () => await capture('x3', 'ck_test_other'), grpcStatus.NOT_FOUND, 'not_found'],
      [
        async () => await capture('x4', 'ck_test_hotel', money(100n, 'USD')),
        grpcStatus.FAILED_PRECONDITION,
        'currency_mismatch',
      ],
      [
        async () => await capture('x5', 'ck_test_hotel', money(99_999n)),
        grpcStatus.FAILED_PRECONDITION,
        'amount_exceeds_hold',
      ],
      [async () => await refund('ck_test_hotel'), grpcStatus.ABORTED, 'not_captured'],
    ];
    for (const [call, status, code] of expected) {
      const error = await call().then(
        () => assert.fail(`${code} was answered`),
        (failure: unknown) => failure,
      );
      assert.ok(isServiceError(error), String(error));
      assert.deepEqual([error.code, fromServiceError(error).code], [status, code]);
    }
  });

  async function create(
    key: string,
    changes: { cardToken?: string; returnUrl?: string; terms?: PaymentTerms | undefined } = {},
  ) {
    return await ask(client.createPayment.bind(client), {
      idempotencyKey: key,
      terms: terms(),
      cardToken: 'tok_succeeds',
      returnUrl: '',
      ...changes,
    });
  }
});

async function ask<Req, Res>(
  method: UnaryMethod<Req, Res>,
  request: Req,
  key = 'ck_test_hotel',
): Promise<Res> {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${key}`);
  return await callUnary(method, request, { metadata, deadlineMs: DEADLINE_MS });
}

function money(amountMinor: bigint, currency = 'EUR') {
  return { amountMinor, currency };
}

async function refusal(call: Promise<unknown>) {
  const error: unknown = await call.then(
    () => assert.fail('the call was answered'),
    (failure: unknown) => failure,
  );
  return fromServiceError(error);
}
