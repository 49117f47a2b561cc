import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type {
  ListPaymentEventsRequest,
  ListPaymentEventsResponse,
  PaymentEvent,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { ask, hold, paymentIn } from '../testing/follow-ups.ts';
import { callOptions, eur, followUpOf, refusalOf, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';

let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world, { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 });
});
after(async () => {
  await service.close();
  await world.close();
});

async function list(
  hotel: Hotel,
  paymentId: string,
  change: Partial<ListPaymentEventsRequest> = {},
  caller = 'payment-api',
): Promise<ListPaymentEventsResponse> {
  const request: ListPaymentEventsRequest = {
    merchantId: hotel.merchantId,
    mode: Mode.MODE_TEST,
    paymentId,
    limit: 100,
    afterVersion: 0,
    ...change,
  };
  const client = service.clientOf(caller);
  return await callUnary(client.listPaymentEvents.bind(client), request, callOptions());
}

test('I12: the timeline tells each step in order: what, by which operation, by whom, and the sums it left', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await hold(service, hotel);
  const origin = { actor: 'user:user_7', requestId: 'req_capture', address: '198.51.100.3' };
  const capture = followUpOf(hotel, paymentId, { origin });
  await ask(service, 'capture', capture, { amount: eur(9_000) });
  const refund = followUpOf(hotel, paymentId);
  await service.refund({ followUp: refund, amount: eur(500), reason: 'duplicate', metadata: {} });
  const { events, hasMore } = await list(hotel, paymentId);
  assert.equal(hasMore, false);
  const { PAYMENT_STATUS_PROCESSING, PAYMENT_STATUS_AUTHORIZED, PAYMENT_STATUS_SUCCEEDED } = PaymentStatus;
  assert.deepEqual(
    events.map((event) => [
      event.version,
      event.type,
      event.status,
      event.capturedMinor,
      event.refundedMinor,
    ]),
    [
      [1, 'payment.created', PAYMENT_STATUS_PROCESSING, 0n, 0n],
      [2, 'payment.authorized', PAYMENT_STATUS_AUTHORIZED, 0n, 0n],
      [3, 'payment.capture_requested', PAYMENT_STATUS_AUTHORIZED, 0n, 0n],
      [4, 'payment.captured', PAYMENT_STATUS_SUCCEEDED, 9_000n, 0n],
      [5, 'payment.refund_requested', PAYMENT_STATUS_SUCCEEDED, 9_000n, 0n],
      [6, 'payment.refunded', PaymentStatus.PAYMENT_STATUS_PARTIALLY_REFUNDED, 9_000n, 500n],
    ],
  );
  const step = (version: number): PaymentEvent => {
    const event = events[version - 1];
    assert.ok(event);
    return event;
  };
  assert.deepEqual(
    [step(3).operationId, step(4).operationId, step(3).origin, step(4).origin],
    [toPublicId('op', capture.operationId), toPublicId('op', capture.operationId), origin, origin],
  );
  assert.deepEqual(
    [
      step(4).details['amount'],
      step(5).details['amount'],
      step(5).details['reason'],
      step(6).details['amount'],
    ],
    ['9000', '500', 'duplicate', '500'],
  );
  for (let version = 2; version <= events.length; version += 1)
    assert.ok((step(version).at ?? 0) >= (step(version - 1).at ?? 0), 'in the order of time');
});

test('pages go on by version without loss or repetition', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await paymentIn(service, hotel, 'refunded');
  const all = (await list(hotel, paymentId)).events;
  assert.equal(all.length, 4);
  const found: PaymentEvent[] = [];
  for (let last = 0; ;) {
    const page = await list(hotel, paymentId, { limit: 3, afterVersion: last });
    found.push(...page.events);
    if (!page.hasMore) break;
    last = page.events.at(-1)?.version ?? 0;
  }
  assert.deepEqual(found, all);
  assert.deepEqual((await list(hotel, paymentId, { afterVersion: 4 })).events, []);
});

test("another hotel's payment, the other mode's, an unknown one and a malformed id are all not_found", async () => {
  const [hotel, other] = [await world.simulatorHotel(), await world.simulatorHotel()];
  const { paymentId } = await paymentIn(service, hotel, 'succeeded');
  const calls = [
    async () => await list(other, paymentId),
    async () => await list(hotel, paymentId, { mode: Mode.MODE_LIVE }),
    async () => await list(hotel, toPublicId('pay', newUuid())),
    async () => await list(hotel, 'pay_nonsense'),
    async () => await list(hotel, ''),
  ];
  for (const call of calls) {
    const { status, error } = await refusalOf(call());
    assert.deepEqual([status, error.code], [grpcStatus.NOT_FOUND, 'not_found']);
  }
});

test('a page has 1 to 100 events, and only payment-api may read', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = await paymentIn(service, hotel, 'succeeded');
  for (const limit of [0, -1, 101])
    assert.equal((await refusalOf(list(hotel, paymentId, { limit }))).error.code, 'validation_failed');
  for (const caller of ['merchant', 'api-gateway', 'auth', 'operator'])
    assert.equal(
      (await refusalOf(list(hotel, paymentId, {}, caller))).status,
      grpcStatus.PERMISSION_DENIED,
      caller,
    );
});
