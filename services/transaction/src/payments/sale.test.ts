import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { chargesAtStripe, countRows, history, keysSentToStripe, storedOperation } from '../testing/rows.ts';
import { paymentOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { World } from '../testing/world.ts';

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

test('a sale charges the card once and stores payment, operation, history and outbox with equal totals', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  const answer = await service.sale(request);
  const payment = paymentOf(answer);
  assert.equal(answer.replayed, false);
  assert.equal(payment.status, PaymentStatus.PAYMENT_STATUS_SUCCEEDED);
  assert.deepEqual(
    [payment.amount, payment.authorizedMinor, payment.capturedMinor, payment.refundedMinor, payment.version],
    [{ amountMinor: 12_500n, currency: 'EUR' }, 12_500n, 12_500n, 0n, 2],
  );
  assert.deepEqual(payment.card, { brand: 'visa', last4: '4242', expiryMonth: 9, expiryYear: 2048 });
  assert.match(payment.providerReference, /^pi_/);
  assert.deepEqual(await countRows(world, hotel), {
    payments: 1,
    operations: 1,
    payment_events: 2,
    outbox: 2,
  });
  assert.deepEqual(await history(world, payment.paymentId), ['1 - > processing', '2 processing > succeeded']);
  const operation = await storedOperation(world, hotel, request.operationId);
  assert.equal(operation.state, 'succeeded');
  assert.equal(operation.provider_reference, payment.providerReference);
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
  assert.deepEqual(await service.get(hotel, payment.paymentId), payment, 'the answer is what is stored');
});

test('every row of a sale carries the same provider, amount and currency', async () => {
  const hotel = await world.simulatorHotel();
  await service.sale(
    saleRequest(hotel, 'sim_card_visa', { amount: { amountMinor: 5_124n, currency: 'KWD' } }),
  );
  const { rows } = await world.admin.query<{ same: boolean }>(
    `select p.amount_minor = o.amount_minor and p.currency = o.currency and p.provider = o.provider
            and p.provider_account_id = o.provider_account_id and p.captured_minor = 5124 as same
       from payments p join operations o on o.payment_id = p.id where p.merchant_id = $1`,
    [hotel.merchantId],
  );
  assert.deepEqual(rows, [{ same: true }]);
  const outbox = await world.admin.query<{
    type: string;
    data: { status: string; amount: number; amount_captured?: number };
  }>(`select type, data from outbox where merchant_id = $1 order by version`, [hotel.merchantId]);
  assert.deepEqual(
    outbox.rows.map(({ type, data }) => [type, data.status, data.amount, data.amount_captured]),
    [
      ['payment.created', 'processing', 5_124, undefined],
      ['payment.successful', 'succeeded', 5_124, 5_124],
    ],
  );
});

test('what the hotel attached comes back unchanged, whatever characters it holds', async () => {
  const hotel = await world.simulatorHotel();
  const metadata = { channel: 'direct', '': 'empty key', ключ: 'quote \' " \\ % {} \n', emoji: '🏨' };
  const guest = { name: "Zoë d'Arc — 李", email: 'zoe+a@example.com' };
  const request = saleRequest(hotel, 'sim_card_visa', {
    metadata,
    guest,
    description: 'line\nline',
    bookingReference: 'BK/ü 1',
  });
  const payment = paymentOf(await service.sale(request));
  assert.deepEqual(payment.metadata, metadata);
  assert.deepEqual(payment.guest, guest);
  assert.deepEqual([payment.description, payment.bookingReference], ['line\nline', 'BK/ü 1']);
  assert.deepEqual(await service.get(hotel, payment.paymentId), payment);
});

test('a decline is stored with its reason, holds no money, and its repetition answers the same', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4000000000009995'));
  const first = paymentOf(await service.sale(request));
  assert.equal(first.status, PaymentStatus.PAYMENT_STATUS_FAILED);
  assert.deepEqual(first.failure, {
    code: 'insufficient_funds',
    message: 'The card has insufficient funds.',
    retryable: true,
  });
  assert.deepEqual([first.authorizedMinor, first.capturedMinor], [0n, 0n]);
  assert.deepEqual(await history(world, first.paymentId), ['1 - > processing', '2 processing > failed']);
  const again = await service.sale(request);
  assert.equal(again.replayed, true);
  assert.deepEqual(again.payment, first);
  assert.equal((await keysSentToStripe(world, request.operationId)).length, 1, 'Stripe was asked once');
});

test('4: a repeated operation id answers the first payment and charges nothing more', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  const first = await service.sale(request);
  const again = await service.sale(request);
  assert.deepEqual([first.replayed, again.replayed], [false, true]);
  assert.deepEqual(again.payment, first.payment);
  assert.deepEqual(again.operationCreatedAt, first.operationCreatedAt);
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
});

test('19: fifty identical sales at once make one operation; the others are replayed or told to wait', async () => {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, async () => await service.sale(request)),
  );
  const answers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const refusals: unknown[] = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  assert.equal(answers.filter((answer) => !answer.replayed).length, 1, 'one call ran it');
  for (const refusal of refusals) {
    assert.equal(Reflect.get(Object(refusal), 'code'), grpcStatus.ABORTED);
    assert.match(String(refusal), /still running/);
  }
  assert.equal(new Set(answers.map(({ payment }) => payment?.paymentId)).size, 1);
  assert.deepEqual(await countRows(world, hotel), {
    payments: 1,
    operations: 1,
    payment_events: 2,
    outbox: 2,
  });
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
  const last = await service.sale(request);
  assert.equal(paymentOf(last).status, PaymentStatus.PAYMENT_STATUS_SUCCEEDED);
});

test('19: two replicas that are asked for the same sale at the same moment make one operation, and neither fails', async () => {
  const hotel = await world.simulatorHotel();
  const request = saleRequest(hotel, 'sim_card_visa');
  const replica = await startTestService(world);
  const holder = await world.admin.connect();
  try {
    // Both are let go at once, so that neither can have seen the other.
    await holder.query('begin; lock table operations in share mode');
    const asked = Promise.allSettled([service, replica].map(async (one) => await one.sale(request)));
    await waitFor('both to be about to write', async () => {
      const { rows } = await world.admin.query<{ waiting: number }>(
        `select count(*)::int as waiting from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and query like '%insert into operations%'`,
      );
      return rows[0]?.waiting === 2 ? true : undefined;
    });
    await holder.query('commit');
    const results = await asked;
    const answers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    assert.equal(answers.filter(({ replayed }) => !replayed).length, 1, 'one of them ran it');
    for (const result of results)
      if (result.status === 'rejected') assert.match(String(result.reason), /still running/);
    assert.equal((await countRows(world, hotel))['operations'], 1);
  } finally {
    holder.release(true);
    await replica.close();
  }
});

test('21: the same operation id at two hotels makes two independent payments', async () => {
  const [one, other] = await Promise.all([world.simulatorHotel(), world.simulatorHotel()]);
  const request = saleRequest(one, 'sim_card_visa');
  // At once, so that both land in the same statements.
  const [first, second] = await Promise.all([
    service.sale(request),
    service.sale({ ...request, merchantId: other.merchantId, cardToken: 'sim_card_declined' }),
  ]);
  assert.deepEqual([first.replayed, second.replayed], [false, false]);
  assert.equal(paymentOf(first).status, PaymentStatus.PAYMENT_STATUS_SUCCEEDED);
  assert.equal(paymentOf(second).status, PaymentStatus.PAYMENT_STATUS_FAILED);
  assert.notEqual(first.payment?.paymentId, second.payment?.paymentId);
  assert.equal((await storedOperation(world, one, request.operationId)).state, 'succeeded');
  assert.equal((await storedOperation(world, other, request.operationId)).state, 'declined');
});

test('57: after the hotel disconnected its account the same key still gets its first answer', async () => {
  const hotel = await world.simulatorHotel();
  const request = saleRequest(hotel, 'sim_card_visa');
  const first = await service.sale(request);
  world.merchant.disconnect(hotel.providerAccountId);
  const again = await service.sale(request);
  assert.equal(again.replayed, true);
  assert.deepEqual(again.payment, first.payment);
});

test('a sale names its provider account and uses that one instead of the default', async () => {
  const hotel = await world.stripeHotel();
  const other = world.merchant.connect(hotel.merchantId, 'simulator', {});
  const first = paymentOf(await service.sale(saleRequest(hotel, 'sim_card_visa')));
  assert.equal(first.provider, 'simulator', 'the newest account is the default in this double');
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  const { providerAccountId } = first;
  assert.equal(fromPublicId('pa', providerAccountId), other);
  const again = paymentOf(await service.sale(saleRequest(hotel, token, { providerAccountId })));
  assert.equal(again.providerAccountId, providerAccountId);
});

test('the merchant service is asked with the token of transaction', () => {
  assert.ok(world.merchant.callers.length > 0);
  assert.deepEqual([...new Set(world.merchant.callers)], ['transaction']);
});

test('a card is authenticated by redirect: the answer holds the address, and the same key repeats it', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4000002760003184');
  const request = saleRequest(hotel, token, { returnUrl: 'https://hotel.example.com/back' });
  const first = paymentOf(await service.sale(request));
  assert.equal(first.status, PaymentStatus.PAYMENT_STATUS_REQUIRES_ACTION);
  const redirectUrl = first.nextAction?.redirectUrl;
  assert.ok(redirectUrl?.startsWith(world.stripe.url));
  const again = await service.sale(request);
  assert.equal(again.replayed, true);
  assert.equal(again.payment?.nextAction?.redirectUrl, redirectUrl);
  const waiting = await waitFor('the sweeper to look twice', async () => {
    const operation = await storedOperation(world, hotel, request.operationId);
    return operation.attempt >= 3 ? operation : undefined;
  });
  assert.equal(waiting.state, 'sent');
  assert.equal((await service.get(hotel, first.paymentId)).version, 2, 'waiting is not a move');
});

test('a card that must be authenticated is declined when the guest cannot be sent anywhere', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4000002760003184');
  const payment = paymentOf(await service.sale(saleRequest(hotel, token)));
  assert.equal(payment.status, PaymentStatus.PAYMENT_STATUS_FAILED);
  assert.equal(payment.failure?.code, 'authentication_required');
});
