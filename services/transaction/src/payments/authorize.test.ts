import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import {
  CaptureMethod,
  Initiation,
  Payment,
  PaymentStatus,
} from '@centra/proto/centra/payment/v1/payment.ts';
import type { AuthorizeRequest } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { ErrorCode } from '@centra/service-kit/errors.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import type { ChargeAttempt } from '../providers/provider.ts';
import { ALL_EXTRAS, ask, outcomesOf, paymentOptions } from '../testing/follow-ups.ts';
import { age, countRows, history, makeDue, storedOperation } from '../testing/rows.ts';
import {
  eur,
  fingerprint,
  followUpOf,
  paymentOf,
  refusalOf,
  saleRequest,
  startTestService,
  withTestService,
} from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { World } from '../testing/world.ts';

const { PAYMENT_STATUS_AUTHORIZED, PAYMENT_STATUS_FAILED, PAYMENT_STATUS_REQUIRES_ACTION } = PaymentStatus;
const NO_ROWS = { payments: 0, operations: 0, payment_events: 0, outbox: 0 };

let world: World;
/** Never sweeps. */
let service: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world, { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 });
});
after(async () => {
  await service.close();
  await world.close();
});

test('an authorisation holds the amount and collects nothing; the hold says what it allows and until when', async () => {
  const hotel = await world.simulatorHotel();
  const request = saleRequest(hotel, 'sim_card_visa', { options: paymentOptions({ extras: ALL_EXTRAS }) });
  const reply = await service.authorize(request);
  const payment = paymentOf(reply);
  assert.equal(reply.replayed, false);
  assert.deepEqual(
    [payment.status, payment.authorizedMinor, payment.capturedMinor, payment.captureMethod, payment.version],
    [PAYMENT_STATUS_AUTHORIZED, 12_500n, 0n, CaptureMethod.CAPTURE_METHOD_MANUAL, 2],
  );
  const { expiresAt, ...terms } = payment.hold ?? {};
  assert.deepEqual(terms, {
    capturableMinor: 12_500n,
    multipleCapture: true,
    incremental: true,
    overcaptureMinor: 1_875n,
  });
  assert.ok(expiresAt !== undefined && expiresAt > (payment.createdAt ?? expiresAt));
  assert.deepEqual(await history(world, payment.paymentId), [
    '1 - > processing',
    '2 processing > authorized',
  ]);
  assert.deepEqual(await service.get(hotel, payment.paymentId), payment);
});

test('52: how long a hold lasts is the brand’s, and who started the payment counts', async () => {
  const hotel = await world.simulatorHotel();
  const days = async (card: string, initiation: Initiation, extended = false): Promise<number> => {
    const options = paymentOptions({ initiation, extras: { ...ALL_EXTRAS, extended } });
    const held = paymentOf(await service.authorize(saleRequest(hotel, card, { options })));
    const lasts = (held.hold?.expiresAt?.getTime() ?? 0) - (held.createdAt?.getTime() ?? 0);
    return Math.round(lasts / (24 * 60 * 60_000));
  };
  const { INITIATION_CUSTOMER, INITIATION_MERCHANT } = Initiation;
  assert.deepEqual(
    [
      await days('sim_card_visa', INITIATION_CUSTOMER),
      await days('sim_card_visa', INITIATION_MERCHANT),
      await days('sim_card_mastercard', INITIATION_MERCHANT),
      await days('sim_card_discover', INITIATION_CUSTOMER),
      await days('sim_card_visa', INITIATION_CUSTOMER, true),
    ],
    [7, 5, 7, 10, 30],
  );
});

describe('who started the payment, and the network transaction it refers to', () => {
  const cases = [
    ['customer', Initiation.INITIATION_CUSTOMER, ''],
    ['customer', Initiation.INITIATION_UNSPECIFIED, ''],
    ['merchant', Initiation.INITIATION_MERCHANT, 'ntid_0123456789'],
    ['moto', Initiation.INITIATION_MOTO, ''],
  ] as const;
  for (const [word, initiation, original] of cases)
    for (const call of ['authorize', 'sale'] as const)
      test(`${call}, ${word} (${initiation}): kept with the payment and told to the provider, also when it is asked again`, async () => {
        const hotel = await world.simulatorHotel();
        const told: ChargeAttempt[] = [];
        const choose = service.context.providers.choose;
        service.context.providers.choose = (name) => {
          const provider = choose(name);
          return {
            ...provider,
            charge: async (attempt) => {
              told.push(attempt);
              return await provider.charge(attempt);
            },
          };
        };
        const options = paymentOptions({ initiation, originalNetworkTransactionId: original });
        const request = saleRequest(hotel, 'sim_card_visa', { options });
        const reply = await service[call](request).finally(() => (service.context.providers.choose = choose));
        assert.deepEqual(
          told.map((attempt) => [attempt.initiation, attempt.originalNetworkTransactionId]),
          [[word, original === '' ? undefined : original]],
        );
        const payment = paymentOf(reply);
        assert.deepEqual(
          [payment.initiation, payment.originalNetworkTransactionId],
          [
            initiation === Initiation.INITIATION_UNSPECIFIED ? Initiation.INITIATION_CUSTOMER : initiation,
            original,
          ],
        );
      });

  test('at Stripe: MOTO and hotel-initiated payments reach it as such, and its network transaction id is kept', async () => {
    const hotel = await world.stripeHotel();
    const token = async () => await world.vaultera.card(hotel.vaultKey, '4242424242424242');
    for (const initiation of [Initiation.INITIATION_MERCHANT, Initiation.INITIATION_MOTO]) {
      const options = paymentOptions({ initiation });
      const held = paymentOf(await service.authorize(saleRequest(hotel, await token(), { options })));
      assert.equal(held.status, PAYMENT_STATUS_AUTHORIZED);
      assert.match(held.networkTransactionId, /^\d+$/);
    }
  });
});

test('a decline holds nothing and has its reason; a card that must be authenticated answers the address', async () => {
  const hotel = await world.simulatorHotel();
  const declined = paymentOf(await service.authorize(saleRequest(hotel, 'sim_card_insufficient_funds')));
  assert.deepEqual(
    [declined.status, declined.failure?.code, declined.authorizedMinor, declined.hold],
    [PAYMENT_STATUS_FAILED, 'insufficient_funds', 0n, undefined],
  );
  const challenged = paymentOf(
    await service.authorize(
      saleRequest(hotel, 'sim_card_authentication_required', { returnUrl: 'https://hotel.example.com/back' }),
    ),
  );
  assert.equal(challenged.status, PAYMENT_STATUS_REQUIRES_ACTION);
  assert.match(challenged.nextAction?.redirectUrl ?? '', /^http/);
});

test('5, 6: an authorisation whose answer was lost is found out: held once, or proven not to be', async () => {
  const hotel = await world.simulatorHotel();
  for (const [amountMinor, status] of [
    [66_610, PAYMENT_STATUS_AUTHORIZED],
    [66_611, PAYMENT_STATUS_FAILED],
  ] as const) {
    const request = saleRequest(hotel, 'sim_card_visa', { amount: eur(amountMinor) });
    const open = paymentOf(await service.authorize(request));
    assert.equal(open.status, PaymentStatus.PAYMENT_STATUS_PROCESSING);
    assert.equal(
      (await refusalOf(ask(service, 'capture', followUpOf(hotel, open.paymentId)))).error.code,
      'payment_in_progress',
    );
    await makeDue(world, request.operationId);
    await withTestService(world, { holdIntervalMs: 600_000 }, async () => {
      const settled = await waitFor('the truth', async () => {
        await world.admin.query(
          `update operations set absent_since = absent_since - interval '61 s', due_at = now()
            where id = $1 and absent_since > now() - interval '60 s'`,
          [request.operationId],
        );
        const now = await service.get(hotel, open.paymentId);
        return now.status === PaymentStatus.PAYMENT_STATUS_PROCESSING ? undefined : now;
      });
      assert.equal(settled.status, status);
    });
    const again = await service.authorize(request);
    assert.deepEqual([again.replayed, again.payment?.status], [true, status]);
  }
});

test('19: fifty identical authorisations at once hold once', async () => {
  const hotel = await world.simulatorHotel();
  const request = saleRequest(hotel, 'sim_card_visa');
  const { done, codes } = await outcomesOf(
    Array.from({ length: 50 }, async () => await service.authorize(request)),
  );
  assert.equal(done.filter(({ replayed }) => !replayed).length, 1);
  for (const code of codes) assert.equal(code, 'in_progress');
  assert.deepEqual(await countRows(world, hotel), {
    payments: 1,
    operations: 1,
    payment_events: 2,
    outbox: 2,
  });
});

test('20, 21: another fingerprint is refused; the same id at another hotel is another hold', async () => {
  const [hotel, other] = [await world.simulatorHotel(), await world.simulatorHotel()];
  const request = saleRequest(hotel, 'sim_card_visa');
  await service.authorize(request);
  const reused = await refusalOf(
    service.authorize({ ...request, requestFingerprint: fingerprint('another request') }),
  );
  assert.deepEqual(
    [reused.status, reused.error.code],
    [grpcStatus.FAILED_PRECONDITION, 'idempotency_key_reused'],
  );
  const theirs = saleRequest(other, 'sim_card_visa', { operationId: request.operationId });
  assert.equal((await service.authorize(theirs)).replayed, false);
});

test('22, 23: a hold and a decline are replayed byte for byte after 25 hours and refused after 31 days', async () => {
  const hotel = await world.simulatorHotel();
  for (const card of ['sim_card_visa', 'sim_card_declined']) {
    const request = saleRequest(hotel, card);
    const first = paymentOf(await service.authorize(request));
    await age(world, request.operationId, 'created_at', '25 hours');
    const again = await service.authorize(request);
    assert.equal(again.replayed, true);
    assert.deepEqual(Payment.encode(paymentOf(again)).finish(), Payment.encode(first).finish());
    await age(world, request.operationId, 'created_at', '30 days');
    const { error } = await refusalOf(service.authorize(request));
    assert.deepEqual([error.code, error.extra['payment_id']], ['idempotency_key_expired', first.paymentId]);
  }
});

describe('24: what is refused leaves no row, and the id then holds', () => {
  type Case = [name: string, change: Partial<AuthorizeRequest>, code: ErrorCode, field?: string];
  const cases: Case[] = [
    ['no amount', { amount: undefined }, 'validation_failed', 'amount'],
    ['an amount of 0', { amount: eur(0) }, 'validation_failed', 'amount'],
    ['an amount of 2^53', { amount: eur(2n ** 53n) }, 'validation_failed', 'amount'],
    ['an operation id that is no UUID', { operationId: 'x' }, 'validation_failed', 'operation_id'],
    ['a merchant id that is no UUID', { merchantId: 'x' }, 'validation_failed', 'merchant_id'],
    ['no mode', { mode: Mode.MODE_UNSPECIFIED }, 'validation_failed', 'mode'],
    ['no card', { cardToken: '' }, 'validation_failed', 'card_token'],
    ['a NUL in the card token', { cardToken: 'a\0' }, 'validation_failed', 'card_token'],
    ['a NUL in the currency', { amount: eur(1, 'EUR\0') }, 'validation_failed', 'currency'],
    ['a currency that does not exist', { amount: eur(1, 'XXQ') }, 'currency_not_supported'],
    ['a mode without an account', { mode: Mode.MODE_LIVE }, 'provider_account_missing'],
  ];
  for (const [name, change, code, field] of cases)
    test(name, async () => {
      const hotel = await world.simulatorHotel();
      const request = saleRequest(hotel, 'sim_card_visa');
      const { error } = await refusalOf(service.authorize({ ...request, ...change }));
      assert.deepEqual(
        [error.code, error.errors.map((one) => one.field)],
        [code, field === undefined ? error.errors.map((one) => one.field) : [field]],
      );
      assert.deepEqual(await countRows(world, hotel), NO_ROWS);
      assert.equal((await service.authorize(request)).replayed, false);
    });
});

test('a provider out of reach is provider_unreachable with nothing sent, and the same id then holds once', async () => {
  const hotel = await world.simulatorHotel();
  const request = saleRequest(hotel, 'sim_card_visa', { amount: eur(66_631) });
  const refused = await refusalOf(service.authorize(request));
  assert.deepEqual([refused.status, refused.error.code], [grpcStatus.UNAVAILABLE, 'provider_unreachable']);
  assert.equal((await storedOperation(world, hotel, request.operationId)).state, 'prepared');
  const reply = await service.authorize(request);
  assert.deepEqual([reply.replayed, reply.payment?.status], [false, PAYMENT_STATUS_AUTHORIZED]);
});

test('only payment-api may ask for an authorisation', async () => {
  const hotel = await world.simulatorHotel();
  for (const caller of ['merchant', 'api-gateway', 'auth', 'operator', 'transaction']) {
    const { status } = await refusalOf(service.authorize(saleRequest(hotel, 'sim_card_visa'), caller));
    assert.equal(status, grpcStatus.PERMISSION_DENIED, caller);
  }
  assert.deepEqual(await countRows(world, hotel), NO_ROWS);
});
