import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type { Money } from '@centra/proto/centra/money/v1/money.ts';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import type { FollowUp } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { amountFor, ask, FOLLOW_UPS, hold, paymentIn, readyFor } from '../testing/follow-ups.ts';
import { countRows } from '../testing/rows.ts';
import { eur, followUpOf, refusalOf, startTestService } from '../testing/test-service.ts';
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

/** Runs a call that must leave every row as it was. */
async function refused(hotel: Hotel, payment: Payment, call: () => Promise<unknown>) {
  const rows = await countRows(world, hotel);
  const refusal = await refusalOf(call());
  assert.deepEqual(await countRows(world, hotel), rows, 'nothing is stored, so the key is not consumed (24)');
  assert.deepEqual(await service.get(hotel, payment.paymentId), payment);
  return refusal;
}

describe('what only a broken caller sends is validation_failed, naming the field', () => {
  type Case = [name: string, field: string, change: Partial<FollowUp>, amount?: Money | undefined];
  const cases: Case[] = [
    ['an operation id that is no UUID', 'operation_id', { operationId: 'op-1' }],
    ['no operation id', 'operation_id', { operationId: '' }],
    ['an operation id in capitals', 'operation_id', { operationId: randomUUID().toUpperCase() }],
    ['a merchant id that is no UUID', 'merchant_id', { merchantId: 'hotel' }],
    ['no merchant id', 'merchant_id', { merchantId: '' }],
    ['a fingerprint of 31 bytes', 'request_fingerprint', { requestFingerprint: Buffer.alloc(31) }],
    ['no fingerprint', 'request_fingerprint', { requestFingerprint: Buffer.alloc(0) }],
    ['no mode', 'mode', { mode: Mode.MODE_UNSPECIFIED }],
    [
      'a NUL character, which no text of the database can hold',
      'origin',
      { origin: { actor: 'a\0b', requestId: '', address: '' } },
    ],
    ['a NUL character in the currency', 'currency', {}, eur(5_000, 'EUR\0')],
    ['48: an amount of 0', 'amount', {}, eur(0)],
    ['48: a negative amount', 'amount', {}, eur(-1)],
    ['48: an amount of 2^53', 'amount', {}, eur(2n ** 53n)],
    ['48: the largest integer there is', 'amount', {}, eur(2n ** 63n - 1n)],
  ];
  for (const kind of FOLLOW_UPS)
    for (const [name, field, change, amount] of cases)
      if (kind !== 'void' || amount === undefined)
        test(`${kind}: ${name}`, async () => {
          const hotel = await world.simulatorHotel();
          const payment = await readyFor(service, hotel, kind);
          const followUp = followUpOf(hotel, payment.paymentId, change);
          const { status, error } = await refused(hotel, payment, async () =>
            ask(service, kind, followUp, { amount: amount ?? amountFor(kind) }),
          );
          assert.deepEqual([status, error.code], [grpcStatus.INVALID_ARGUMENT, 'validation_failed']);
          assert.deepEqual(
            error.errors.map((one) => one.field),
            [field],
          );
        });

  test('a request without its first member', async () => {
    const hotel = await world.simulatorHotel();
    const payment = await hold(service, hotel);
    const calls = [
      async () => await service.capture({ followUp: undefined, amount: undefined, keepOpen: false }),
      async () => await service.voidPayment({ followUp: undefined, reason: '' }),
      async () => await service.refund({ followUp: undefined, amount: undefined, reason: '', metadata: {} }),
      async () => await service.adjust({ followUp: undefined, amount: eur(1) }),
    ];
    for (const call of calls)
      assert.equal((await refused(hotel, payment, call)).error.code, 'validation_failed');
  });

  test('a reason that is not one of ours, an adjustment without an amount, a NUL in the metadata of a refund', async () => {
    const hotel = await world.simulatorHotel();
    const payment = await paymentIn(service, hotel, 'succeeded');
    const followUp = followUpOf(hotel, payment.paymentId);
    const calls: [field: string, call: () => Promise<unknown>][] = [
      ['reason', async () => await service.voidPayment({ followUp, reason: 'bored' })],
      [
        'reason',
        async () => await service.refund({ followUp, amount: undefined, reason: 'abandoned', metadata: {} }),
      ],
      ['amount', async () => await service.adjust({ followUp, amount: undefined })],
      [
        'metadata',
        async () =>
          await service.refund({ followUp, amount: undefined, reason: '', metadata: { note: 'a\0b' } }),
      ],
      [
        'metadata',
        async () =>
          await service.refund({ followUp, amount: undefined, reason: '', metadata: { 'a\0b': 'note' } }),
      ],
    ];
    for (const [field, call] of calls) {
      const { error } = await refused(hotel, payment, call);
      assert.deepEqual([error.code, error.errors.map((one) => one.field)], ['validation_failed', [field]]);
    }
  });
});

for (const kind of FOLLOW_UPS) {
  const amount = amountFor(kind);

  test(`${kind}: another hotel's payment, the other mode's, an unknown one and a malformed id are all not_found`, async () => {
    const [hotel, other] = [await world.simulatorHotel(), await world.simulatorHotel()];
    const payment = await readyFor(service, hotel, kind);
    const { paymentId } = payment;
    const wrong: FollowUp[] = [
      followUpOf(other, paymentId),
      followUpOf(hotel, paymentId, { mode: Mode.MODE_LIVE }),
      followUpOf(hotel, toPublicId('pay', newUuid())),
      ...['', 'pay_', paymentId.replace('pay_', 're_'), `${paymentId}x`, `${paymentId}\0`, "pay_'--"].map(
        (id) => followUpOf(hotel, id),
      ),
    ];
    for (const followUp of wrong) {
      const { status, error } = await refused(hotel, payment, async () =>
        ask(service, kind, followUp, { amount }),
      );
      assert.deepEqual(
        [status, error.code, error.detail, error.extra['payment_status']],
        [grpcStatus.NOT_FOUND, 'not_found', undefined, undefined],
        followUp.paymentId,
      );
    }
    assert.equal((await countRows(world, other))['operations'], 0);
  });

  test(`${kind}: only payment-api may ask`, async () => {
    const hotel = await world.simulatorHotel();
    const payment = await readyFor(service, hotel, kind);
    const followUp = followUpOf(hotel, payment.paymentId);
    for (const caller of ['merchant', 'api-gateway', 'auth', 'operator', 'transaction']) {
      const { status } = await refused(hotel, payment, async () =>
        ask(service, kind, followUp, { amount, caller }),
      );
      assert.equal(status, grpcStatus.PERMISSION_DENIED, caller);
    }
  });

  if (kind !== 'void')
    test(`51: ${kind} in another currency than the payment's is currency_mismatch, naming the payment's`, async () => {
      const hotel = await world.simulatorHotel();
      const payment = await readyFor(service, hotel, kind);
      for (const currency of ['USD', 'JPY', 'eur', '', 'XXQ']) {
        const followUp = followUpOf(hotel, payment.paymentId);
        const { status, error } = await refused(hotel, payment, async () =>
          ask(service, kind, followUp, { amount: eur(amountFor(kind)?.amountMinor, currency) }),
        );
        assert.deepEqual(
          [status, error.code, error.extra['payment_currency']],
          [grpcStatus.FAILED_PRECONDITION, 'currency_mismatch', 'EUR'],
          currency,
        );
      }
    });

  test(`${kind}: a hotel whose disconnected account is gone is told so, and nothing is stored`, async () => {
    const hotel = await world.simulatorHotel();
    const payment = await readyFor(service, hotel, kind);
    world.merchant.disconnect(hotel.providerAccountId);
    // A payment that holds nothing any more needs no waiting for its secrets to go.
    if (kind !== 'refund') world.merchant.destroy(hotel.providerAccountId);
    const { error } = await refused(hotel, payment, async () =>
      ask(service, kind, followUpOf(hotel, payment.paymentId), { amount }),
    );
    assert.equal(error.code, 'provider_account_missing');
  });
}
