import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { hold, paymentOptions } from '../testing/follow-ups.ts';
import { history, storedOperation } from '../testing/rows.ts';
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
import type { Hotel, World } from '../testing/world.ts';

const { PAYMENT_STATUS_SUCCEEDED, PAYMENT_STATUS_PARTIALLY_CAPTURED, PAYMENT_STATUS_AUTHORIZED } =
  PaymentStatus;

let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  // Never sweeps: what is in doubt stays in doubt.
  service = await startTestService(world, { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 });
});
after(async () => {
  await service.close();
  await world.close();
});

const capture = async (hotel: Hotel, paymentId: string, amountMinor?: number, keepOpen = false) =>
  await service.capture({ followUp: followUpOf(hotel, paymentId), amount: eur(amountMinor), keepOpen });

/** A hold that can be captured once only. */
async function plainHold(hotel: Hotel) {
  return paymentOf(await service.authorize(saleRequest(hotel, 'sim_card_visa')));
}

test('a capture without an amount collects all that is held, and nothing is left of the hold', async () => {
  const hotel = await world.simulatorHotel();
  const held = await plainHold(hotel);
  const reply = await capture(hotel, held.paymentId);
  const payment = paymentOf(reply);
  assert.deepEqual(
    [
      payment.status,
      payment.authorizedMinor,
      payment.capturedMinor,
      payment.capturePendingMinor,
      payment.hold,
    ],
    [PAYMENT_STATUS_SUCCEEDED, 12_500n, 12_500n, 0n, undefined],
  );
  assert.deepEqual([reply.state, reply.replayed], [OperationState.OPERATION_STATE_SUCCEEDED, false]);
  assert.deepEqual(await history(world, held.paymentId), [
    '1 - > processing',
    '2 processing > authorized',
    '3 authorized > authorized',
    '4 authorized > succeeded',
  ]);
});

test('each step of a capture is in the outbox with its sums, under the version of the history', async () => {
  const hotel = await world.simulatorHotel();
  const held = await plainHold(hotel);
  await capture(hotel, held.paymentId, 10_000);
  const { rows } = await world.admin.query<{ version: number; type: string; data: Record<string, unknown> }>(
    `select version, type, data from outbox where payment_id = $1 order by version`,
    [fromPublicId('pay', held.paymentId)],
  );
  assert.deepEqual(
    rows.map(({ version, type, data }) => [
      version,
      type,
      data['status'],
      data['amount_authorized'],
      data['amount_captured'],
    ]),
    [
      [1, 'payment.created', 'processing', undefined, undefined],
      [2, 'payment.authorized', 'authorized', 12_500, 0],
      [3, 'payment.capture_requested', 'authorized', 12_500, 0],
      [4, 'payment.captured', 'succeeded', 12_500, 10_000],
    ],
  );
});

test('a part is captured and the rest let go of, unless the hold is to stay open', async () => {
  const hotel = await world.simulatorHotel();
  const once = await hold(service, hotel);
  assert.equal(paymentOf(await capture(hotel, once.paymentId, 1)).status, PAYMENT_STATUS_SUCCEEDED);
  const { paymentId } = await hold(service, hotel);
  const first = paymentOf(await capture(hotel, paymentId, 4_000, true));
  assert.deepEqual(
    [first.status, first.capturedMinor, first.hold?.capturableMinor],
    [PAYMENT_STATUS_PARTIALLY_CAPTURED, 4_000n, 8_500n],
  );
  const second = paymentOf(await capture(hotel, paymentId, 500, true));
  assert.deepEqual([second.capturedMinor, second.hold?.capturableMinor], [4_500n, 8_000n]);
  const last = paymentOf(await capture(hotel, paymentId, 3_000));
  assert.deepEqual(
    [last.status, last.capturedMinor, last.hold],
    [PAYMENT_STATUS_SUCCEEDED, 7_500n, undefined],
  );
});

test('a hold of which everything was captured in parts is over, also when it was to stay open', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await hold(service, hotel);
  await capture(hotel, paymentId, 4_000, true);
  const all = paymentOf(await capture(hotel, paymentId, undefined, true));
  assert.deepEqual([all.status, all.capturedMinor, all.hold], [PAYMENT_STATUS_SUCCEEDED, 12_500n, undefined]);
  assert.equal((await refusalOf(capture(hotel, paymentId, 1))).error.code, 'already_captured');
});

describe('53: beyond the hold', () => {
  test('a capture above it is amount_exceeds_hold with what is left, and up to its allowance it is made', async () => {
    const hotel = await world.simulatorHotel();
    const { paymentId, hold: terms } = await hold(service, hotel);
    assert.equal(terms?.overcaptureMinor, 1_875n);
    const { status, error } = await refusalOf(capture(hotel, paymentId, 14_376));
    assert.deepEqual([status, error.code], [grpcStatus.FAILED_PRECONDITION, 'amount_exceeds_hold']);
    assert.equal(error.extra['amount_capturable'], 12_500);
    const payment = paymentOf(await capture(hotel, paymentId, 14_375));
    assert.deepEqual(
      [payment.status, payment.authorizedMinor, payment.capturedMinor],
      [PAYMENT_STATUS_SUCCEEDED, 12_500n, 14_375n],
    );
  });

  test('a hold without an allowance takes not one minor unit more, one that can be captured once only no second', async () => {
    const hotel = await world.simulatorHotel();
    const { paymentId, hold: terms } = await plainHold(hotel);
    assert.deepEqual([terms?.overcaptureMinor, terms?.multipleCapture], [0n, false]);
    assert.equal((await refusalOf(capture(hotel, paymentId, 12_501))).error.code, 'amount_exceeds_hold');
    assert.equal((await refusalOf(capture(hotel, paymentId, 100, true))).error.code, 'not_supported');
    assert.equal((await service.get(hotel, paymentId)).status, PAYMENT_STATUS_AUTHORIZED);
  });
});

test('I26: a hold past its provider deadline, by the time of the database, is hold_expired', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await plainHold(hotel);
  await world.admin.query(`update payments set hold_expires_at = now() - interval '1 ms' where id = $1`, [
    fromPublicId('pay', paymentId),
  ]);
  const { status, error } = await refusalOf(capture(hotel, paymentId));
  assert.deepEqual([status, error.code], [grpcStatus.ABORTED, 'hold_expired']);
  await world.admin.query(`update payments set hold_expires_at = now() + interval '1 minute' where id = $1`, [
    fromPublicId('pay', paymentId),
  ]);
  assert.equal(paymentOf(await capture(hotel, paymentId)).status, PAYMENT_STATUS_SUCCEEDED);
});

test('P17: whether a hold can still be captured is decided by the time of the database, whatever our own clock says', async (t) => {
  const hotel = await world.simulatorHotel();
  const [held, over] = [await plainHold(hotel), await plainHold(hotel)];
  await world.admin.query(`update payments set hold_expires_at = now() - interval '1 minute' where id = $1`, [
    fromPublicId('pay', over.paymentId),
  ]);
  const days = 24 * 60 * 60_000;
  const now = Date.now();
  t.mock.timers.enable({ apis: ['Date'], now: now - 8 * days });
  assert.equal((await refusalOf(capture(hotel, over.paymentId))).status, grpcStatus.ABORTED);
  assert.equal((await service.get(hotel, over.paymentId)).status, PAYMENT_STATUS_AUTHORIZED);
  t.mock.timers.setTime(now + 8 * days);
  assert.equal(paymentOf(await capture(hotel, held.paymentId)).status, PAYMENT_STATUS_SUCCEEDED);
});

test('while its outcome is unknown a capture counts as used, and the last one lets nothing beside it', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await hold(service, hotel, 'sim_card_visa', eur(100_000));
  const ask = async (amountMinor: number, keepOpen: boolean) =>
    await service.capture({ followUp: followUpOf(hotel, paymentId), amount: eur(amountMinor), keepOpen });
  // Its answer is lost after it was made.
  const lost = await ask(66_640, true);
  assert.equal(lost.state, OperationState.OPERATION_STATE_UNKNOWN);
  assert.deepEqual(
    [lost.payment?.capturedMinor, lost.payment?.capturePendingMinor, lost.payment?.hold?.capturableMinor],
    [0n, 66_640n, 33_360n],
  );
  // 15 percent of allowance above the hold.
  const over = await refusalOf(ask(33_360 + 15_001, true));
  assert.deepEqual([over.error.code, over.error.extra['amount_capturable']], ['amount_exceeds_hold', 33_360]);
  for (const call of [
    async () => await ask(1_000, false),
    async () => await service.voidPayment({ followUp: followUpOf(hotel, paymentId), reason: '' }),
    async () => await service.adjust({ followUp: followUpOf(hotel, paymentId), amount: eur(110_000) }),
  ])
    assert.equal((await refusalOf(call())).error.code, 'operation_pending');
  const beside = paymentOf(await ask(10_000, true));
  assert.deepEqual([beside.capturedMinor, beside.capturePendingMinor], [10_000n, 66_640n]);
});

test('a capture keeps the credential version it began with, its kind, its amount and who asked', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await plainHold(hotel);
  const followUp = followUpOf(hotel, paymentId, {
    origin: { actor: 'user:user_1', requestId: 'req_7', address: '192.0.2.9' },
  });
  world.merchant.rotate(hotel.providerAccountId, {});
  await service.capture({ followUp, amount: eur(9_000), keepOpen: false });
  const stored: Record<string, unknown> = { ...(await storedOperation(world, hotel, followUp.operationId)) };
  assert.deepEqual(
    [
      'kind',
      'state',
      'amount_minor',
      'is_final',
      'provider_account_version',
      'actor',
      'request_id',
      'address',
    ].map((column) => stored[column]),
    ['capture', 'succeeded', 9_000n, true, 2, 'user:user_1', 'req_7', '192.0.2.9'],
  );
});

test('a partial approval is held, and captured, for what the bank approved', async () => {
  const hotel = await world.simulatorHotel();
  const options = paymentOptions({ allowPartialApproval: true });
  const held = paymentOf(
    await service.authorize(saleRequest(hotel, 'sim_card_partial_approval', { options })),
  );
  assert.deepEqual(
    [held.amount?.amountMinor, held.authorizedMinor, held.hold?.capturableMinor],
    [12_500n, 6_250n, 6_250n],
  );
  assert.equal((await refusalOf(capture(hotel, held.paymentId, 6_251))).error.code, 'amount_exceeds_hold');
  assert.equal(paymentOf(await capture(hotel, held.paymentId)).capturedMinor, 6_250n);
});
