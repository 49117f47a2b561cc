import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { stepsOf, withProvider } from '../holds/test-holds.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { recordLateSuccess } from '../payments/corrections.ts';
import { age, makeDue, storedOperation } from '../testing/rows.ts';
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
import { settle } from './attempt.ts';
import { claimDue, findOperation } from './operation.ts';
import { resolveDue } from './resolve-unknown.ts';
import { settleUnknownOperation } from './settle-unknown-operation.ts';
import { listUnknown, settleUnknown, verdict, verdictsOn } from './test-queue.ts';

const {
  PAYMENT_STATUS_SUCCEEDED,
  PAYMENT_STATUS_FAILED,
  PAYMENT_STATUS_AUTHORIZED,
  PAYMENT_STATUS_PARTIALLY_REFUNDED,
} = PaymentStatus;

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
afterEach(async () => {
  await world.stripe.clearFaults();
  // What a test leaves open is not another's.
  await world.admin.query(
    `update operations set due_at = now() + interval '1 year' where state in ('prepared', 'sent', 'unknown')`,
  );
});

type Unknown = { hotel: Hotel; operationId: string; paymentId: string; reference: string };

/** A charge at Stripe whose answer was lost, with the id that Stripe gave it; empty when it was not charged. */
async function unknownAtStripe(kind: 'sale' | 'authorize', charged: boolean): Promise<Unknown> {
  const hotel = await world.stripeHotel();
  const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
  const fault = charged ? 'act_then_drop' : 'drop_before_act';
  await world.stripe.arm({ fault, path: '/v1/payment_intents' });
  const { paymentId } = paymentOf(await service[kind](request));
  const { operationId } = request;
  // Stripe may still be at it when the line is cut.
  const reference = charged
    ? await waitFor('the charge at Stripe', async () => {
        const effects = await world.stripe.journal('effect');
        return effects
          .filter((line) => JSON.stringify(line).includes(operationId))
          .map((line) => line['payment_intent'])
          .find((id) => typeof id === 'string');
      })
    : '';
  return { hotel, operationId, paymentId, reference };
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return (await refusalOf(call)).error.code;
}

test('a person who saw the charge settles it: succeeded, with who, when and on what evidence on record', async () => {
  const { hotel, operationId, paymentId, reference } = await unknownAtStripe('sale', true);
  assert.match(reference, /^pi_/);
  const request = verdict(hotel, operationId, { happened: true, providerReference: reference });
  const { payment, state } = await settleUnknown(service, request);
  assert.deepEqual(
    [payment?.status, payment?.capturedMinor, payment?.providerReference, state],
    [PAYMENT_STATUS_SUCCEEDED, 12_500n, reference, OperationState.OPERATION_STATE_SUCCEEDED],
  );
  assert.deepEqual(await verdictsOn(world, operationId), [
    {
      happened: true,
      evidence: request.evidence,
      provider_reference: reference,
      actor: 'user:ada',
      request_id: 'req_desk',
      address: '192.0.2.9',
    },
  ]);
  assert.deepEqual(await stepsOf(world, paymentId), ['payment.created', 'payment.successful']);
  const { rows } = await world.admin.query<{ by: string }>(
    `select details->>'settled_by' as by from payment_events where operation_id = $1 and type = 'payment.successful'`,
    [operationId],
  );
  assert.deepEqual(rows, [{ by: 'user:ada' }]);
  // It can be given back, so the reference is the right one.
  const refund = { followUp: followUpOf(hotel, paymentId), amount: eur(1_000), reason: '', metadata: {} };
  assert.equal(paymentOf(await service.refund(refund)).status, PAYMENT_STATUS_PARTIALLY_REFUNDED);
  await assert.rejects(
    world.admin.query(
      `update operation_verdicts set evidence = 'something else entirely' where operation_id = $1`,
      [operationId],
    ),
    /append-only/,
  );
});

test('a person who saw nothing settles it: failed, nothing charged, and the key says so from then on', async () => {
  const { hotel, operationId, paymentId } = await unknownAtStripe('sale', false);
  const { payment } = await settleUnknown(service, verdict(hotel, operationId));
  assert.deepEqual([payment?.status, payment?.failure?.code], [PAYMENT_STATUS_FAILED, 'not_charged']);
  const again = saleRequest(hotel, '', { operationId, cardToken: 'any' });
  const replay = await service.sale(again);
  assert.deepEqual([replay.replayed, paymentOf(replay).status], [true, PAYMENT_STATUS_FAILED]);
  assert.deepEqual(await stepsOf(world, paymentId), ['payment.created', 'payment.failed']);
});

test('a hold that a person saw takes its deadline from the provider', async () => {
  const { hotel, operationId, reference } = await unknownAtStripe('authorize', true);
  const request = verdict(hotel, operationId, { happened: true, providerReference: reference });
  const { payment } = await settleUnknown(service, request);
  assert.equal(payment?.status, PAYMENT_STATUS_AUTHORIZED);
  assert.ok(payment.hold?.expiresAt, 'else nobody would ever end it');
});

test('a reference of another payment, or one that the provider tells otherwise of, is refused and changes nothing', async () => {
  const { hotel, operationId } = await unknownAtStripe('sale', true);
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  const other = paymentOf(await service.sale(saleRequest(hotel, token)));
  const held = await service.authorize(saleRequest(hotel, token));
  const declinedToken = await world.vaultera.card(hotel.vaultKey, '4000000000000002');
  const declined = paymentOf(await service.sale(saleRequest(hotel, declinedToken)));
  const named = async (providerReference: string): Promise<string> =>
    await codeOf(settleUnknown(service, verdict(hotel, operationId, { happened: true, providerReference })));
  assert.equal(await named(other.providerReference), 'validation_failed');
  assert.equal(await named(paymentOf(held).providerReference), 'validation_failed');
  assert.equal(await named(declined.providerReference), 'validation_failed');
  // An object that is no payment of ours, and holds nothing.
  await world.admin.query(`delete from provider_references where provider_reference = $1`, [
    declined.providerReference,
  ]);
  assert.equal(await named(declined.providerReference), 'state_conflict');
  assert.deepEqual(await verdictsOn(world, operationId), []);
  assert.equal((await storedOperation(world, hotel, operationId)).state, 'unknown');
});

test('400, 404: words, mode and hotel are checked before anything is claimed', async () => {
  const { hotel, operationId } = await unknownAtStripe('sale', false);
  const stranger = await world.stripeHotel();
  const untouched = await storedOperation(world, hotel, operationId);
  for (const [change, code] of [
    [{ evidence: 'too short' }, 'validation_failed'],
    [{ evidence: `          too short        ` }, 'validation_failed'],
    [{ evidence: 'x'.repeat(2_001) }, 'validation_failed'],
    [{ evidence: `nothing there \0 at all` }, 'validation_failed'],
    [{ happened: true }, 'validation_failed'],
    [{ happened: true, providerReference: 'pi_1 2' }, 'validation_failed'],
    [{ providerReference: 'p'.repeat(256) }, 'validation_failed'],
    [{ mode: Mode.MODE_LIVE }, 'not_found'],
    [{ merchantId: stranger.merchantId }, 'not_found'],
    [{ operationId: 'op_nonsense' }, 'not_found'],
  ] as const)
    assert.equal(await codeOf(settleUnknown(service, verdict(hotel, operationId, change))), code);
  assert.deepEqual(await storedOperation(world, hotel, operationId), untouched);
  assert.deepEqual(await verdictsOn(world, operationId), []);
});

test('409: what is known, what was never in doubt and what a person has settled is not settled again', async () => {
  const { hotel, operationId } = await unknownAtStripe('sale', false);
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  const paid = saleRequest(hotel, token);
  await service.sale(paid);
  assert.equal(await codeOf(settleUnknown(service, verdict(hotel, paid.operationId))), 'state_conflict');
  const answers = await Promise.allSettled(
    Array.from({ length: 8 }, async () => await settleUnknown(service, verdict(hotel, operationId))),
  );
  assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 1);
  assert.equal((await verdictsOn(world, operationId)).length, 1);
  assert.equal(await codeOf(settleUnknown(service, verdict(hotel, operationId))), 'state_conflict');
});

test('409: while a sweeper asks the provider nobody judges; when its lease is over it writes nothing any more', async () => {
  const { hotel, operationId, paymentId } = await unknownAtStripe('sale', false);
  await makeDue(world, operationId);
  const [claimed] = await claimDue(service.context, 16);
  assert.equal(claimed?.operation.id, operationId);
  assert.equal(await codeOf(settleUnknown(service, verdict(hotel, operationId))), 'in_progress');
  assert.deepEqual(await verdictsOn(world, operationId), []);
  await makeDue(world, operationId);
  await settleUnknown(service, verdict(hotel, operationId));
  // The sweeper wakes up with an answer.
  const answer = { kind: 'succeeded', providerReference: 'pi_late' } as const;
  assert.equal(await settle(service.context, claimed.operation, answer), undefined);
  assert.equal((await service.get(hotel, paymentId)).status, PAYMENT_STATUS_FAILED);
  assert.equal(await resolveDue(service.context), 0);
});

test('18: money that comes after the verdict "not charged" is kept and reported, and can be given back', async () => {
  const { hotel, operationId, paymentId, reference } = await unknownAtStripe('sale', true);
  await settleUnknown(service, verdict(hotel, operationId));
  const { operation } = (await findOperation(service.context, hotel.merchantId, operationId)) ?? {};
  assert.ok(operation);
  const account = await service.context.accounts.find(
    hotel.merchantId,
    'test',
    { id: hotel.providerAccountId },
    'req_test',
  );
  assert.ok(account);
  const standing = await service.context.providers.choose('stripe').standing(account, reference, 'EUR');
  assert.equal(standing?.state, 'captured');
  const origin = { actor: 'provider:stripe', requestId: 'evt_1', address: '' };
  assert.equal(
    await recordLateSuccess(service.context, operation.payment, standing, origin, reference),
    'done',
  );
  const payment = await service.get(hotel, paymentId);
  assert.deepEqual(
    [payment.status, payment.capturedMinor, payment.providerReference, payment.failure],
    [PAYMENT_STATUS_SUCCEEDED, 12_500n, reference, undefined],
  );
  assert.deepEqual(await stepsOf(world, paymentId), [
    'payment.created',
    'payment.failed',
    'payment.late_success',
  ]);
  const refund = { followUp: followUpOf(hotel, paymentId), amount: eur(1_000), reason: '', metadata: {} };
  assert.equal(paymentOf(await service.refund(refund)).status, PAYMENT_STATUS_PARTIALLY_REFUNDED);
});

test('a stop between a verdict and its effect leaves the operation open; the next verdict counts and both stay on record', async () => {
  const { hotel, operationId } = await unknownAtStripe('sale', false);
  const broken = {
    ...service.context,
    writeTransition: async () => await Promise.reject(new Error('the process died here')),
  };
  const wrong = verdict(hotel, operationId, { happened: true, providerReference: 'pi_of_another_life' });
  const blind = withProvider(broken, () => ({ standing: async () => undefined }));
  await assert.rejects(settleUnknownOperation(blind, wrong), /died here/);
  assert.equal((await storedOperation(world, hotel, operationId)).state, 'unknown');
  assert.equal(await codeOf(settleUnknown(service, verdict(hotel, operationId))), 'in_progress');
  await makeDue(world, operationId);
  const { payment } = await settleUnknown(service, verdict(hotel, operationId));
  assert.equal(payment?.status, PAYMENT_STATUS_FAILED);
  assert.deepEqual(
    (await verdictsOn(world, operationId)).map(({ happened }) => happened),
    [true, false],
  );
});

test('a void that waits for the outcome is not judged by itself: the outcome is', async () => {
  const { hotel, operationId, paymentId } = await unknownAtStripe('sale', false);
  const followUp = followUpOf(hotel, paymentId);
  await service.voidPayment({ followUp, reason: '' });
  const happened = { happened: true, providerReference: 'pi_1' };
  assert.equal(
    await codeOf(settleUnknown(service, verdict(hotel, followUp.operationId, happened))),
    'state_conflict',
  );
  const { operations } = await listUnknown(service, { merchantId: hotel.merchantId });
  assert.deepEqual(
    operations.map(({ kind }) => kind),
    ['sale'],
  );
  await settleUnknown(service, verdict(hotel, operationId));
  await makeDue(world, followUp.operationId);
  await resolveDue(service.context);
  assert.equal((await storedOperation(world, hotel, followUp.operationId)).state, 'succeeded');
});

test('captures, refunds and voids in doubt: what happened counts, what did not frees what was reserved', async () => {
  const hotel = await world.simulatorHotel();
  const amount = { amountMinor: 66_641n, currency: 'EUR' };
  const { paymentId } = paymentOf(await service.authorize(saleRequest(hotel, 'sim_card_visa', { amount })));
  const capture = followUpOf(hotel, paymentId);
  await service.capture({ followUp: capture, amount: undefined, keepOpen: false });
  const undone = await settleUnknown(service, verdict(hotel, capture.operationId));
  assert.deepEqual(
    [undone.payment?.status, undone.payment?.capturePendingMinor, undone.state],
    [PAYMENT_STATUS_AUTHORIZED, 0n, OperationState.OPERATION_STATE_DECLINED],
  );
  await service.capture({ followUp: followUpOf(hotel, paymentId), amount: eur(60_000), keepOpen: false });
  const refund = followUpOf(hotel, paymentId);
  await service.refund({ followUp: refund, amount: eur(50_000), reason: '', metadata: {} });
  const again = followUpOf(hotel, paymentId);
  await service.refund({ followUp: again, amount: eur(10_000), reason: '', metadata: {} });
  const payment = await service.get(hotel, paymentId);
  assert.equal(payment.refundedMinor, 60_000n);
});

test('16: a refund in doubt that a person saw at the provider counts as given back', async () => {
  const hotel = await world.simulatorHotel();
  const amount = { amountMinor: 100_000n, currency: 'EUR' };
  const { paymentId } = paymentOf(await service.sale(saleRequest(hotel, 'sim_card_visa', { amount })));
  const refund = followUpOf(hotel, paymentId);
  await service.refund({ followUp: refund, amount: eur(66_640), reason: '', metadata: {} });
  const request = verdict(hotel, refund.operationId, { happened: true, providerReference: 'simre_seen' });
  const { payment } = await settleUnknown(service, request);
  assert.deepEqual(
    [payment?.status, payment?.refundedMinor, payment?.refundPendingMinor],
    [PAYMENT_STATUS_PARTIALLY_REFUNDED, 66_640n, 0n],
  );
});

test("a refund that the bank works on is nobody's to judge, until it has taken two weeks", async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = paymentOf(await service.sale(saleRequest(hotel, 'sim_card_refund_pending')));
  const refund = followUpOf(hotel, paymentId);
  await service.refund({ followUp: refund, amount: undefined, reason: '', metadata: {} });
  const pending = withProvider(service.context, () => ({
    lookupFollowUp: async () => ({ kind: 'pending', providerReference: 'simre_slow' }) as const,
  }));
  const look = async (): Promise<void> => {
    await makeDue(world, refund.operationId);
    await resolveDue(pending);
  };
  await age(world, refund.operationId, 'created_at', '10 days');
  await look();
  assert.equal(await codeOf(settleUnknown(service, verdict(hotel, refund.operationId))), 'state_conflict');
  assert.deepEqual((await listUnknown(service, { merchantId: hotel.merchantId })).operations, []);
  await age(world, refund.operationId, 'created_at', '5 days');
  await look();
  const { operations } = await listUnknown(service, {
    merchantId: hotel.merchantId,
    escalatedOnly: true,
  });
  assert.equal(operations.length, 1);
  const { payment } = await settleUnknown(service, verdict(hotel, refund.operationId));
  assert.deepEqual(
    [payment?.status, payment?.refundedMinor, payment?.refundPendingMinor],
    [PAYMENT_STATUS_SUCCEEDED, 0n, 0n],
  );
});
