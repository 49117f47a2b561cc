import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Failpoint } from '@centra/service-kit/failpoint.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { claimDue, findOperation } from '../operations/operation.ts';
import type { Operation } from '../operations/operation.ts';
import { readBooks } from '../testing/books.ts';
import { createRequest, initiateRequest } from '../testing/follow-ups.ts';
import { chargesAtStripe, keysSentToStripe, makeDue } from '../testing/rows.ts';
import {
  eur,
  paymentOf,
  refusalOf,
  saleRequest,
  startTestService,
  withTestService,
} from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { violations } from '../testing/verify-books.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { failOver } from './fail-over.ts';
import { ruleOf, storedRoute, uuidOf } from './test-routes.ts';

const { PAYMENT_STATUS_SUCCEEDED, PAYMENT_STATUS_PROCESSING, PAYMENT_STATUS_FAILED } = PaymentStatus;
const IDLE = { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 };
// The built-in simulator's amounts: nobody there; nobody there the first time; an answer lost, done or not; a decline.
const UNREACHABLE = eur(66_630);
const UNREACHABLE_ONCE = eur(66_631);
const LOST = [eur(66_610), eur(66_611)];
const DECLINED = eur(66_601);

let world: World;
/** Never sweeps. */
let service: TestService;
before(async () => {
  world = await startWorld();
  service = await startTestService(world, IDLE);
});
after(async () => {
  await service.close();
  await world.close();
});

type Asked = { hotel: Hotel; simulator: string; stripe: string; cardToken: string };

/** A hotel whose only rule tries its simulator account first and Stripe second, and a card that both take. */
async function simulatorThenStripe(): Promise<Asked> {
  const hotel = await world.stripeHotel();
  const simulator = world.merchant.connect(hotel.merchantId, 'simulator', {});
  const stripe = hotel.providerAccountId;
  world.merchant.rule(hotel.merchantId, { rules: [ruleOf([simulator, stripe])] });
  return {
    hotel,
    simulator,
    stripe,
    cardToken: await world.vaultera.card(hotel.vaultKey, '4242424242424242'),
  };
}

async function assertSound(hotel: Hotel): Promise<void> {
  assert.deepEqual(violations(await readBooks(world, hotel)), []);
}

for (const kind of ['sale', 'authorize'] as const)
  test(`a ${kind} of which nothing was sent goes to the next account of its route, and is done there once`, async () => {
    const { hotel, simulator, stripe, cardToken } = await simulatorThenStripe();
    const request = saleRequest(hotel, cardToken, { amount: UNREACHABLE });
    const payment = paymentOf(await service[kind](request));
    assert.equal(uuidOf(payment.providerAccountId), stripe);
    assert.equal(payment.provider, 'stripe');
    const stored = await storedRoute(world, hotel, request.operationId);
    assert.deepEqual([stored.account, stored.payment_account], [stripe, stripe]);
    assert.deepEqual([stored.state, stored.attempt, stored.routing?.index], ['succeeded', 2, 1]);
    const [, rerouted] = stored.events;
    assert.equal(rerouted?.type, 'payment.rerouted');
    assert.equal(uuidOf(rerouted.details['from_provider_account'] ?? ''), simulator);
    assert.equal(uuidOf(rerouted.details['provider_account'] ?? ''), stripe);
    assert.equal(rerouted.details['routing_rule'], stored.routing?.ruleId);
    const again = await service[kind](request);
    assert.deepEqual([again.replayed, again.payment], [true, payment]);
    assert.deepEqual(await keysSentToStripe(world, request.operationId), [`centra-${request.operationId}`]);
    assert.equal(await chargesAtStripe(world, request.operationId), kind === 'sale' ? 1 : 0);
    // The books hold what Stripe did, and of the hold too, against what is stored: one effect, and none elsewhere.
    await assertSound(hotel);
    const metrics = await service.context.metrics.registry.metrics();
    assert.match(metrics, /centra_routing_failovers_total\{[^}]*from="simulator"[^}]*\} [1-9]/);
  });

test('a hosted page goes on too, and so does a payment that was registered before', async () => {
  const { hotel, stripe, cardToken } = await simulatorThenStripe();
  const page = paymentOf(await service.initiate(initiateRequest(hotel, { amount: UNREACHABLE })));
  assert.equal(uuidOf(page.providerAccountId), stripe);
  assert.match(page.nextAction?.redirectUrl ?? '', /^http/);
  const registered = paymentOf(await service.createPayment(createRequest(hotel, { amount: UNREACHABLE })));
  const paid = paymentOf(
    await service.sale(saleRequest(hotel, cardToken, { paymentId: registered.paymentId })),
  );
  assert.deepEqual([paid.status, uuidOf(paid.providerAccountId)], [PAYMENT_STATUS_SUCCEEDED, stripe]);
});

test('46: while the first outcome is unknown nobody else is asked, not even once it is repeated', async () => {
  for (const amount of LOST) {
    const { hotel, simulator, cardToken } = await simulatorThenStripe();
    const request = saleRequest(hotel, cardToken, { amount });
    const payment = paymentOf(await service.sale(request));
    assert.equal(payment.status, PAYMENT_STATUS_PROCESSING);
    await service.sale(request);
    const stored = await storedRoute(world, hotel, request.operationId);
    assert.deepEqual([stored.account, stored.routing?.index, stored.state], [simulator, 0, 'unknown']);
    assert.equal(await chargesAtStripe(world, request.operationId), 0);
  }
});

test('a decline is an answer: nobody else is asked', async () => {
  const { hotel, simulator, cardToken } = await simulatorThenStripe();
  const request = saleRequest(hotel, cardToken, { amount: DECLINED });
  const payment = paymentOf(await service.sale(request));
  assert.deepEqual([payment.status, uuidOf(payment.providerAccountId)], [PAYMENT_STATUS_FAILED, simulator]);
  assert.equal(await chargesAtStripe(world, request.operationId), 0);
});

test('a payment that names its account, or has no rule, stays there', async () => {
  const { hotel, cardToken } = await simulatorThenStripe();
  world.merchant.rule(hotel.merchantId, {});
  const request = saleRequest(hotel, cardToken, { amount: UNREACHABLE });
  assert.equal((await refusalOf(service.sale(request))).error.code, 'provider_unreachable');
  assert.equal((await storedRoute(world, hotel, request.operationId)).attempt, 1);
});

test('when every account of the route was tried, the refusal says that nothing was done; the key is good for the last one', async () => {
  const hotel = await world.simulatorHotel();
  const accounts = [
    hotel.providerAccountId,
    world.merchant.connect(hotel.merchantId, 'simulator', {}),
    world.merchant.connect(hotel.merchantId, 'simulator', {}),
  ];
  world.merchant.rule(hotel.merchantId, { rules: [ruleOf(accounts)] });
  const request = saleRequest(hotel, 'sim_card_visa', { amount: UNREACHABLE_ONCE });
  assert.equal((await refusalOf(service.sale(request))).error.code, 'provider_unreachable');
  const stored = await storedRoute(world, hotel, request.operationId);
  assert.deepEqual([stored.state, stored.attempt, stored.account], ['prepared', 3, accounts[2]]);
  assert.deepEqual(
    stored.events.map(({ type }) => type),
    ['payment.created', 'payment.rerouted', 'payment.rerouted'],
  );
  const paid = paymentOf(await service.sale(request));
  assert.deepEqual([paid.status, uuidOf(paid.providerAccountId)], [PAYMENT_STATUS_SUCCEEDED, accounts[2]]);
  await assertSound(hotel);
});

test('accounts that are gone, or whose provider cannot do it, are passed over on the way', async () => {
  const { hotel, simulator, stripe, cardToken } = await simulatorThenStripe();
  const gone = world.merchant.connect(hotel.merchantId, 'simulator', {});
  const rule = ruleOf([simulator, gone, stripe]);
  world.merchant.rule(hotel.merchantId, { rules: [rule] });
  const request = saleRequest(hotel, cardToken, { amount: UNREACHABLE });
  // Deleted between the decision and the move.
  const failpoint: Failpoint = (name) =>
    void (name === 'sale.after-provider' && world.merchant.disconnect(gone));
  const payment = await withTestService(world, { ...IDLE, failpoint }, async (other) =>
    paymentOf(await other.sale(request)),
  );
  assert.equal(uuidOf(payment.providerAccountId), stripe);
  const stored = await storedRoute(world, hotel, request.operationId);
  assert.deepEqual([stored.attempt, stored.routing?.index], [2, 2]);
});

test('a process that dies between the move and the call leaves the new account in the row, and the sweeper resends there with the same key', async () => {
  const { hotel, stripe, cardToken } = await simulatorThenStripe();
  const request = saleRequest(hotel, cardToken, { amount: UNREACHABLE });
  let calls = 0;
  const failpoint: Failpoint = (name) => {
    if (name !== 'sale.before-provider') return;
    calls += 1;
    if (calls === 2) throw new Error('died here');
  };
  const died = await withTestService(
    world,
    { ...IDLE, failpoint },
    async (other) => await refusalOf(other.sale(request)),
  );
  assert.equal(died.error.code, 'internal');
  const left = await storedRoute(world, hotel, request.operationId);
  assert.deepEqual(
    [left.state, left.account, left.payment_account, left.attempt, left.may_have_charged],
    ['sent', stripe, stripe, 2, false],
  );
  assert.equal((await refusalOf(service.sale(request))).error.code, 'in_progress');
  await makeDue(world, request.operationId);
  const known = await findOperation(service.context, hotel.merchantId, request.operationId);
  assert.ok(known !== undefined);
  const paymentId = toPublicId('pay', known.operation.payment.id);
  const settled = await withTestService(world, { holdIntervalMs: 600_000 }, async (other) => {
    return await other.settled(hotel, paymentId);
  });
  assert.deepEqual([settled.status, uuidOf(settled.providerAccountId)], [PAYMENT_STATUS_SUCCEEDED, stripe]);
  assert.equal(await chargesAtStripe(world, request.operationId), 1);
  assert.ok(
    (await keysSentToStripe(world, request.operationId)).every(
      (key) => key === `centra-${request.operationId}`,
    ),
  );
  await assertSound(hotel);
});

test('a process that dies before the move leaves the first account in the row; from then on nobody moves it', async () => {
  const { hotel, simulator, cardToken } = await simulatorThenStripe();
  const operation = await diedBeforeMove(hotel, saleRequest(hotel, cardToken, { amount: UNREACHABLE }));
  await makeDue(world, operation.id);
  const claimed = (await claimDue(service.context, 16)).map((item) => item.operation);
  const held = claimed.find(({ id }) => id === operation.id);
  assert.ok(held !== undefined && held.mayHaveCharged);
  // Neither the sweeper, who cannot know what was sent, nor the one who was there, whose fence is old.
  assert.equal((await failOver(service.context, held)).kind, 'stays');
  assert.equal((await failOver(service.context, { ...held, mayHaveCharged: false })).kind, 'stays');
  assert.equal((await failOver(service.context, operation)).kind, 'stays');
  assert.equal((await storedRoute(world, hotel, operation.id)).account, simulator);
});

test('of many who would move one attempt, one does', async () => {
  const { hotel, stripe, cardToken } = await simulatorThenStripe();
  const operation = await diedBeforeMove(hotel, saleRequest(hotel, cardToken, { amount: UNREACHABLE }));
  const moves = await Promise.all(
    Array.from({ length: 16 }, async () => await failOver(service.context, operation)),
  );
  assert.deepEqual(moves.map(({ kind }) => kind).toSorted(), ['moved', ...Array<string>(15).fill('stays')]);
  const stored = await storedRoute(world, hotel, operation.id);
  assert.deepEqual([stored.account, stored.attempt, stored.events.length], [stripe, 2, 2]);
});

test('a payment that somebody is canceling is not moved', async () => {
  const { hotel, simulator, cardToken } = await simulatorThenStripe();
  const operation = await diedBeforeMove(hotel, saleRequest(hotel, cardToken, { amount: UNREACHABLE }));
  await world.admin.query(`update payments set busy_operation_id = $2 where id = $1`, [
    operation.payment.id,
    newUuid(),
  ]);
  assert.equal((await failOver(service.context, operation)).kind, 'stays');
  assert.equal((await storedRoute(world, hotel, operation.id)).account, simulator);
});

/** A sale that was told "nothing was sent", and whose process then died. */
async function diedBeforeMove(hotel: Hotel, request: ReturnType<typeof saleRequest>): Promise<Operation> {
  await withTestService(
    world,
    { ...IDLE, failpoint: dieAfterProvider },
    async (other) => await refusalOf(other.sale(request)),
  );
  const known = await findOperation(service.context, hotel.merchantId, request.operationId);
  assert.ok(known !== undefined && known.operation.state === 'sent' && known.operation.attempt === 1);
  return known.operation;
}

const dieAfterProvider: Failpoint = (name) => {
  if (name === 'sale.after-provider') throw new Error('died here');
};
