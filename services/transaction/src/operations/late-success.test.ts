import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { request as send } from 'undici';
import { recordLateSuccess } from '../payments/corrections.ts';
import { PAYMENT_COLUMNS, toPayment } from '../payments/payment.ts';
import type { Payment, PaymentRow } from '../payments/payment.ts';
import { ask, effectsAtStripe } from '../testing/follow-ups.ts';
import { age, history, makeDue, storedOperation } from '../testing/rows.ts';
import { eur, followUpOf, paymentOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { resolveDue } from './resolve-unknown.ts';

const { PAYMENT_STATUS_CANCELED, PAYMENT_STATUS_SUCCEEDED, PAYMENT_STATUS_FAILED } = PaymentStatus;
const ORIGIN = { actor: 'provider_event', requestId: 'req_event', address: '' };

let world: World;
/** Swept only when a test says so. */
let service: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world, { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 });
});
after(async () => {
  await service.close();
  await world.close();
});
afterEach(async () => await world.stripe.clearFaults());

async function stored(hotel: Hotel, paymentId: string): Promise<Payment> {
  const { rows } = await world.admin.query<PaymentRow>(
    `select ${PAYMENT_COLUMNS} from payments p where merchant_id = $1 and id = $2`,
    [hotel.merchantId, fromPublicId('pay', paymentId)],
  );
  const row = rows[0];
  assert.ok(row);
  return toPayment(row);
}

/** Each due operation of the hotel once, as many times as it takes until none is open. */
async function sweepAll(hotel: Hotel): Promise<void> {
  for (let sweeps = 0; sweeps < 10; sweeps += 1) {
    const { rowCount } = await world.admin.query(
      `update operations set due_at = now() where merchant_id = $1 and state in ('sent', 'unknown')`,
      [hotel.merchantId],
    );
    if (rowCount === 0) return;
    await resolveDue(service.context);
  }
}

for (const [where, capture] of [
  ['an authorisation is released', 'manual'],
  ['a sale is kept and reported', 'automatic'],
] as const)
  test(`15: the answer was lost, the hotel canceled, Stripe had done it: ${where}`, async () => {
    const hotel = await world.stripeHotel();
    const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
    await world.stripe.arm({ fault: 'act_then_drop', path: '/v1/payment_intents', method: 'POST' });
    const open = paymentOf(
      capture === 'manual' ? await service.authorize(request) : await service.sale(request),
    );
    assert.equal(open.status, PaymentStatus.PAYMENT_STATUS_PROCESSING);
    const followUp = followUpOf(hotel, open.paymentId);
    await ask(service, 'void', followUp);
    await sweepAll(hotel);
    const payment = await service.get(hotel, open.paymentId);
    const voided = await storedOperation(world, hotel, followUp.operationId);
    assert.deepEqual(
      [payment.status, payment.capturedMinor, voided.state],
      capture === 'manual'
        ? [PAYMENT_STATUS_CANCELED, 0n, 'succeeded']
        : [PAYMENT_STATUS_SUCCEEDED, 12_500n, 'declined'],
    );
    assert.equal(await effectsAtStripe(world, 'void', payment), capture === 'manual' ? 1 : 0);
  });

test('15: the hotel canceled while the guest was at the bank, who confirms: what is held is released', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4000002760003184');
  const request = saleRequest(hotel, token, { returnUrl: 'https://hotel.example.com/back' });
  const { paymentId, nextAction } = paymentOf(await service.authorize(request));
  const followUp = followUpOf(hotel, paymentId);
  await ask(service, 'void', followUp);
  const confirmed = await send(`${nextAction?.redirectUrl ?? ''}/approve`, { method: 'POST' });
  await confirmed.body.dump();
  assert.equal(confirmed.statusCode, 303);
  await sweepAll(hotel);
  const payment = await service.get(hotel, paymentId);
  assert.deepEqual([payment.status, payment.capturedMinor], [PAYMENT_STATUS_CANCELED, 0n]);
  assert.equal((await storedOperation(world, hotel, followUp.operationId)).state, 'succeeded');
  assert.equal(await effectsAtStripe(world, 'void', payment), 1);
});

/** A sale at the simulator that failed because nobody confirmed; what the provider then says is told by the test. */
async function abandoned(
  kind: 'sale' | 'authorize',
): Promise<{ hotel: Hotel; paymentId: string; operationId: string }> {
  const hotel = await world.simulatorHotel();
  const request = saleRequest(hotel, 'sim_card_authentication_required', {
    returnUrl: 'https://hotel.example.com/back',
  });
  const { paymentId } = paymentOf(await service[kind](request));
  await age(world, request.operationId, 'created_at', '2 hours');
  await makeDue(world, request.operationId);
  await resolveDue(service.context);
  assert.equal((await service.get(hotel, paymentId)).status, PAYMENT_STATUS_FAILED);
  return { hotel, paymentId, operationId: request.operationId };
}

test('18: money that is collected after all is kept and reported as late_success, once, and can be given back', async () => {
  const { hotel, paymentId, operationId } = await abandoned('sale');
  const standing = { state: 'captured', authorizedMinor: 12_500n, capturedMinor: 12_500n } as const;
  const seen = await stored(hotel, paymentId);
  const results = await Promise.all(
    Array.from(
      { length: 8 },
      async () => await recordLateSuccess(service.context, seen, standing, ORIGIN, undefined),
    ),
  );
  assert.deepEqual(results.toSorted(), ['done', ...Array.from({ length: 7 }, () => 'superseded')]);
  assert.equal(
    await recordLateSuccess(service.context, await stored(hotel, paymentId), standing, ORIGIN, undefined),
    'superseded',
  );
  const payment = await service.get(hotel, paymentId);
  assert.deepEqual(
    [payment.status, payment.capturedMinor, payment.failure],
    [PAYMENT_STATUS_SUCCEEDED, 12_500n, undefined],
  );
  assert.equal((await storedOperation(world, hotel, operationId)).state, 'succeeded');
  assert.equal((await history(world, paymentId)).at(-1), '4 failed > succeeded');
  const { rows } = await world.admin.query(
    `select type from outbox where payment_id = $1 order by version desc limit 1`,
    [fromPublicId('pay', paymentId)],
  );
  assert.deepEqual(rows, [{ type: 'payment.late_success' }]);
});

test('18: a hold that comes after all is released by a void of our own, which the sweeper sends', async () => {
  const { hotel, paymentId } = await abandoned('authorize');
  const standing = { state: 'held', authorizedMinor: 12_500n, capturedMinor: 0n } as const;
  assert.equal(
    await recordLateSuccess(service.context, await stored(hotel, paymentId), standing, ORIGIN, undefined),
    'done',
  );
  const held = await service.get(hotel, paymentId);
  assert.equal(held.status, PaymentStatus.PAYMENT_STATUS_AUTHORIZED);
  const sent: string[] = [];
  const choose = service.context.providers.choose;
  // Whether the provider lets go of it is the provider's own test; here it is asked to, at the first look, and answers.
  service.context.providers.choose = (name) => ({
    ...choose(name),
    followUp: async (attempt) => {
      sent.push(attempt.kind);
      return await Promise.resolve({ kind: 'succeeded', providerReference: attempt.paymentReference });
    },
  });
  try {
    await resolveDue(service.context);
  } finally {
    service.context.providers.choose = choose;
  }
  assert.deepEqual(sent, ['void']);
  const payment = await service.get(hotel, paymentId);
  assert.deepEqual(
    [payment.status, payment.cancellationReason, payment.hold, payment.capturedMinor],
    [PAYMENT_STATUS_CANCELED, 'abandoned', undefined, 0n],
  );
});

test('what the provider says of a payment that is as we know it changes nothing', async () => {
  const hotel = await world.simulatorHotel();
  const sold = paymentOf(await service.sale(saleRequest(hotel, 'sim_card_visa')));
  const seen = await stored(hotel, sold.paymentId);
  for (const state of ['captured', 'held', 'open', 'canceled', 'failed'] as const)
    assert.equal(
      await recordLateSuccess(
        service.context,
        seen,
        { state, authorizedMinor: 12_500n, capturedMinor: 12_500n },
        ORIGIN,
        undefined,
      ),
      'superseded',
    );
  assert.deepEqual(await service.get(hotel, sold.paymentId), sold);
  const refund = { followUp: followUpOf(hotel, sold.paymentId), amount: eur(1), reason: '', metadata: {} };
  assert.equal((await service.refund(refund)).state, OperationState.OPERATION_STATE_SUCCEEDED);
});
