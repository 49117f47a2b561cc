import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type { Refund } from '@centra/proto/centra/payment/v1/payment.ts';
import type {
  ListRefundsRequest,
  ListRefundsResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { paymentIn } from '../testing/follow-ups.ts';
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

/** So many refunds of a new payment, one after the other. */
async function refunds(hotel: Hotel, count: number): Promise<{ paymentId: string; made: Refund[] }> {
  const { paymentId } = await paymentIn(service, hotel, 'succeeded');
  const made: Refund[] = [];
  for (let index = 1; index <= count; index += 1) {
    const followUp = followUpOf(hotel, paymentId);
    const { refund } = await service.refund({
      followUp,
      amount: eur(index),
      reason: 'duplicate',
      metadata: {},
    });
    assert.ok(refund);
    made.push(refund);
  }
  return { paymentId, made };
}

async function get(hotel: Hotel, refundId: string, mode = Mode.MODE_TEST as Mode, caller = 'payment-api') {
  const request = { merchantId: hotel.merchantId, mode, refundId };
  const client = service.clientOf(caller);
  return await callUnary(client.getRefund.bind(client), request, callOptions());
}

async function list(
  hotel: Hotel,
  change: Partial<ListRefundsRequest> = {},
  caller = 'payment-api',
): Promise<ListRefundsResponse> {
  const request: ListRefundsRequest = {
    merchantId: hotel.merchantId,
    mode: Mode.MODE_TEST,
    limit: 100,
    paymentId: '',
    afterRefundId: '',
    ...change,
  };
  const client = service.clientOf(caller);
  return await callUnary(client.listRefunds.bind(client), request, callOptions());
}

test('a refund is read as it was answered', async () => {
  const hotel = await world.simulatorHotel();
  const { made } = await refunds(hotel, 2);
  for (const refund of made) assert.deepEqual(await get(hotel, refund.refundId), refund);
});

test("another hotel's refund, the other mode's, an unknown one and a malformed id are all not_found", async () => {
  const [hotel, other] = [await world.simulatorHotel(), await world.simulatorHotel()];
  const { paymentId, made } = await refunds(hotel, 1);
  const refundId = made[0]?.refundId ?? '';
  // A capture or sale is no refund, though its id has the same form.
  const { rows } = await world.admin.query<{ id: string }>(
    `select id from operations where merchant_id = $1 and kind = 'sale'`,
    [hotel.merchantId],
  );
  const calls = [
    async () => await get(other, refundId),
    async () => await get(hotel, refundId, Mode.MODE_LIVE),
    async () => await get(hotel, toPublicId('re', newUuid())),
    async () => await get(hotel, toPublicId('re', rows[0]?.id ?? '')),
    async () => await get(hotel, paymentId),
    async () => await get(hotel, ''),
    async () => await get(hotel, `${refundId}\0`),
  ];
  for (const call of calls) {
    const { status, error } = await refusalOf(call());
    assert.deepEqual([status, error.code, error.detail], [grpcStatus.NOT_FOUND, 'not_found', undefined]);
  }
});

test('a list is newest first and goes on by cursor without loss or repetition, of one payment or of all', async () => {
  const hotel = await world.simulatorHotel();
  const [one, two] = [await refunds(hotel, 3), await refunds(hotel, 2)];
  const all = [...one.made, ...two.made].toReversed();
  assert.deepEqual(await list(hotel), { refunds: all, hasMore: false });
  assert.deepEqual((await list(hotel, { paymentId: one.paymentId })).refunds, one.made.toReversed());
  const found: Refund[] = [];
  for (let last = ''; ;) {
    const page = await list(hotel, { limit: 2, afterRefundId: last });
    found.push(...page.refunds);
    assert.equal(page.hasMore, found.length < all.length);
    if (!page.hasMore) break;
    last = page.refunds.at(-1)?.refundId ?? '';
  }
  assert.deepEqual(found, all);
});

test('31: no list holds a refund of another hotel or mode, and no foreign payment or cursor is taken', async () => {
  const [hotel, other] = [await world.simulatorHotel(), await world.simulatorHotel()];
  const { paymentId, made } = await refunds(hotel, 1);
  await refunds(other, 1);
  assert.deepEqual(
    (await list(other)).refunds.map(({ paymentId: id }) => id === paymentId),
    [false],
  );
  assert.deepEqual((await list(hotel, { mode: Mode.MODE_LIVE })).refunds, []);
  for (const change of [{ paymentId }, { paymentId: 'pay_nonsense' }])
    assert.equal((await refusalOf(list(other, change))).error.code, 'not_found');
  for (const afterRefundId of [made[0]?.refundId ?? '', 're_nonsense', paymentId]) {
    const { status, error } = await refusalOf(list(other, { afterRefundId }));
    assert.deepEqual([status, error.code], [grpcStatus.INVALID_ARGUMENT, 'validation_failed']);
  }
});

test('a page has 1 to 100 refunds, and only payment-api may read', async () => {
  const hotel = await world.simulatorHotel();
  const { made } = await refunds(hotel, 1);
  for (const limit of [0, -1, 101])
    assert.equal((await refusalOf(list(hotel, { limit }))).error.code, 'validation_failed');
  for (const caller of ['merchant', 'api-gateway', 'auth', 'operator'])
    for (const call of [
      async () => await list(hotel, {}, caller),
      async () => await get(hotel, made[0]?.refundId ?? '', Mode.MODE_TEST, caller),
    ])
      assert.equal((await refusalOf(call())).status, grpcStatus.PERMISSION_DENIED, caller);
});
