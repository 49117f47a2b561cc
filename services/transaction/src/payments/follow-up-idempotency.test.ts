import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { Refund } from '@centra/proto/centra/payment/v1/payment.ts';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import {
  ALL_EXTRAS,
  amountFor,
  ask,
  FOLLOW_UPS,
  hold,
  outcomesOf,
  paymentOptions,
  readyFor,
} from '../testing/follow-ups.ts';
import type { FollowUpKind, FollowUpReply } from '../testing/follow-ups.ts';
import { age, countRows, storedOperation } from '../testing/rows.ts';
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

const { OPERATION_STATE_SUCCEEDED, OPERATION_STATE_DECLINED } = OperationState;

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

/** The whole answer but the mark of a repetition, as it goes over the wire. */
function bytesOf(reply: FollowUpReply): unknown[] {
  const refund = reply.refund === undefined ? undefined : Refund.encode(reply.refund).finish();
  return [Payment.encode(paymentOf(reply)).finish(), refund, reply.state, reply.failure];
}

/** How often the built-in simulator did something of that kind to the payment. */
async function effects(kind: FollowUpKind, payment: Payment): Promise<number> {
  const { rows } = await world.admin.query<{ count: number }>(
    `select count(*)::int as count from simulator_effects where kind = $1 and reference = $2`,
    [kind, payment.providerReference],
  );
  return rows[0]?.count ?? -1;
}

for (const kind of FOLLOW_UPS)
  describe(`a ${kind} asked for again`, () => {
    const amount = amountFor(kind);

    test('19: fifty times at once with one id: one effect, the others are replayed or told to wait', async () => {
      const hotel = await world.simulatorHotel();
      const payment = await readyFor(service, hotel, kind);
      const followUp = followUpOf(hotel, payment.paymentId);
      const { done: replies, refused } = await outcomesOf(
        Array.from({ length: 50 }, async () => await ask(service, kind, followUp, { amount })),
      );
      for (const { status, error } of refused) {
        assert.deepEqual([status, error.code], [grpcStatus.ABORTED, 'in_progress']);
        assert.equal(error.extra['payment_id'], payment.paymentId);
      }
      assert.equal(replies.filter(({ replayed }) => !replayed).length, 1, 'one of them did it');
      assert.equal(new Set(replies.map((reply) => JSON.stringify(bytesOf(reply), bigints))).size, 1);
      assert.equal(await effects(kind, payment), 1);
      assert.equal((await countRows(world, hotel))['operations'], 2);
      const now = await service.get(hotel, payment.paymentId);
      assert.equal(now.version, payment.version + 2, 'reserved and settled, once each');
    });

    test('20: with another fingerprint it is idempotency_key_reused and nothing is told of the first', async () => {
      const hotel = await world.simulatorHotel();
      const payment = await readyFor(service, hotel, kind);
      const followUp = followUpOf(hotel, payment.paymentId);
      const first = await ask(service, kind, followUp, { amount });
      const other = { ...followUp, requestFingerprint: fingerprint('another request') };
      const { status, error } = await refusalOf(ask(service, kind, other, { amount }));
      assert.deepEqual([status, error.code], [grpcStatus.FAILED_PRECONDITION, 'idempotency_key_reused']);
      assert.equal(error.extra['payment_id'], undefined);
      assert.deepEqual(await service.get(hotel, payment.paymentId), first.payment);
    });

    test('20: with the id of the payment itself it is idempotency_key_reused, whatever it asks for', async () => {
      const hotel = await world.simulatorHotel();
      const sale = saleRequest(hotel, 'sim_card_visa', { requestFingerprint: fingerprint('a sale') });
      const payment = paymentOf(kind === 'refund' ? await service.sale(sale) : await service.authorize(sale));
      const followUp = followUpOf(hotel, payment.paymentId, { operationId: sale.operationId });
      const lower = kind === 'adjust' ? eur(100) : amount;
      const { error } = await refusalOf(ask(service, kind, followUp, { amount: lower }));
      assert.equal(error.code, 'idempotency_key_reused');
      assert.deepEqual(await service.get(hotel, payment.paymentId), payment);
    });

    test('21: the same id at two hotels makes two independent operations', async () => {
      const hotels = [await world.simulatorHotel(), await world.simulatorHotel()] as const;
      const [one, two] = [await readyFor(service, hotels[0], kind), await readyFor(service, hotels[1], kind)];
      const first = followUpOf(hotels[0], one.paymentId);
      const second = followUpOf(hotels[1], two.paymentId, { operationId: first.operationId });
      const replies = await Promise.all(
        [first, second].map(async (followUp) => ask(service, kind, followUp, { amount })),
      );
      assert.deepEqual(
        replies.map((reply) => [paymentOf(reply).paymentId, reply.replayed, reply.state]),
        [one, two].map(({ paymentId }) => [paymentId, false, OPERATION_STATE_SUCCEEDED]),
      );
      for (const payment of [one, two]) assert.equal(await effects(kind, payment), 1);
    });

    test('22: after 25 hours it is replayed; after 31 days refused naming the payment, and nothing is done', async () => {
      const hotel = await world.simulatorHotel();
      const payment = await readyFor(service, hotel, kind);
      const followUp = followUpOf(hotel, payment.paymentId);
      const first = await ask(service, kind, followUp, { amount });
      await age(world, followUp.operationId, 'created_at', '25 hours');
      const again = await ask(service, kind, followUp, { amount });
      assert.equal(again.replayed, true);
      assert.deepEqual(Payment.encode(paymentOf(again)).finish(), Payment.encode(paymentOf(first)).finish());
      await age(world, followUp.operationId, 'created_at', '30 days');
      const { status, error } = await refusalOf(ask(service, kind, followUp, { amount }));
      assert.deepEqual([status, error.code], [grpcStatus.ALREADY_EXISTS, 'idempotency_key_expired']);
      assert.equal(error.extra['payment_id'], payment.paymentId);
      assert.equal(await effects(kind, payment), 1);
      assert.deepEqual(await service.get(hotel, payment.paymentId), first.payment);
    });

    test('24: refused before anything was stored, the id is free and then does its work', async () => {
      const hotel = await world.simulatorHotel();
      const payment = await readyFor(service, hotel, kind);
      const followUp = followUpOf(hotel, payment.paymentId);
      const away = await startTestService(world, { merchantGrpcAddress: 'localhost:1' });
      const refused = await refusalOf(ask(away, kind, followUp, { amount }));
      await away.close();
      assert.deepEqual([refused.status, refused.error.code], [grpcStatus.UNAVAILABLE, 'unavailable']);
      assert.equal((await countRows(world, hotel))['operations'], 1);
      const reply = await ask(service, kind, followUp, { amount });
      assert.deepEqual([reply.replayed, reply.state], [false, OPERATION_STATE_SUCCEEDED]);
    });

    test('57: after the hotel disconnected its account the same id still gets its first answer', async () => {
      const hotel = await world.simulatorHotel();
      const payment = await readyFor(service, hotel, kind);
      const followUp = followUpOf(hotel, payment.paymentId);
      const first = await ask(service, kind, followUp, { amount });
      world.merchant.disconnect(hotel.providerAccountId);
      const again = await ask(service, kind, followUp, { amount });
      assert.equal(again.replayed, true);
      assert.deepEqual(bytesOf(again), bytesOf(first));
    });
  });

function bigints(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

describe('23: the replay of a refusal by the bank equals the first answer', () => {
  const DECLINED = eur(66_650);
  type Case = [kind: FollowUpKind, of: (hotel: Hotel) => Promise<Payment>, amount: typeof DECLINED];
  const cases: Case[] = [
    ['capture', async (hotel) => await hold(service, hotel, 'sim_card_visa', eur(100_000)), DECLINED],
    ['adjust', async (hotel) => await hold(service, hotel), DECLINED],
    [
      'refund',
      async (hotel) =>
        paymentOf(await service.sale(saleRequest(hotel, 'sim_card_visa', { amount: eur(100_000) }))),
      DECLINED,
    ],
    // A void is of the whole rest of the hold.
    ['void', async (hotel) => await hold(service, hotel, 'sim_card_visa', DECLINED), undefined],
  ];
  for (const [kind, of, amount] of cases)
    test(`a ${kind}: nothing is reserved any more, the payment stands as before`, async () => {
      const hotel = await world.simulatorHotel();
      const payment = await of(hotel);
      const followUp = followUpOf(hotel, payment.paymentId);
      const first = await ask(service, kind, followUp, { amount });
      assert.equal(first.state, OPERATION_STATE_DECLINED);
      const failure = first.refund === undefined ? first.failure : first.refund.failure;
      assert.equal(failure?.code, 'processing_error');
      const { version: _v, updatedAt: _u, ...stands } = paymentOf(first);
      const { version, updatedAt: _was, ...stood } = payment;
      assert.deepEqual(stands, stood);
      assert.equal(paymentOf(first).version, version + 2);
      const again = await ask(service, kind, followUp, { amount });
      assert.equal(again.replayed, true);
      assert.deepEqual(bytesOf(again), bytesOf(first));
      assert.equal((await storedOperation(world, hotel, followUp.operationId)).state, 'declined');
    });
});

test('a repetition after later changes answers the payment as its own operation left it, byte for byte', async () => {
  const hotel = await world.simulatorHotel();
  const request = saleRequest(hotel, 'sim_card_visa', { options: paymentOptions({ extras: ALL_EXTRAS }) });
  const authorized = await service.authorize(request);
  const { paymentId } = paymentOf(authorized);
  const steps: [FollowUpKind, ReturnType<typeof eur>, boolean][] = [
    ['adjust', eur(20_000), false],
    ['capture', eur(4_000), true],
    ['refund', eur(1_000), false],
    ['capture', eur(6_000), true],
    ['void', undefined, false],
    ['refund', eur(2_000), false],
    ['refund', undefined, false],
  ];
  const asked: { followUp: ReturnType<typeof followUpOf>; step: (typeof steps)[number]; bytes: unknown[] }[] =
    [];
  for (const step of steps) {
    const followUp = followUpOf(hotel, paymentId);
    const reply = await ask(service, step[0], followUp, { amount: step[1], keepOpen: step[2] });
    assert.equal(reply.state, OPERATION_STATE_SUCCEEDED, step[0]);
    asked.push({ followUp, step, bytes: bytesOf(reply) });
  }
  for (const { followUp, step, bytes } of asked) {
    const again = await ask(service, step[0], followUp, { amount: step[1], keepOpen: step[2] });
    assert.equal(again.replayed, true);
    assert.deepEqual(bytesOf(again), bytes, step[0]);
  }
  const again = await service.authorize(request);
  assert.deepEqual(again.payment, authorized.payment, 'the hold as it was before it was raised');
  assert.equal(
    new Set(asked.map(({ bytes }) => JSON.stringify(bytes, bigints))).size,
    steps.length,
    'each its own',
  );
});
