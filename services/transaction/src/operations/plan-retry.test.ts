import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Initiation, PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { withProvider, optionsOf, readStored, stepsOf } from '../holds/test-holds.ts';
import { failureOf } from '../providers/failure.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { age, makeDue, storedOperation } from '../testing/rows.ts';
import { followUpOf, paymentOf, refusalOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { World } from '../testing/world.ts';
import { findOperation } from './operation.ts';
import { planRetry } from './plan-retry.ts';
import { resolveDue } from './resolve-unknown.ts';
import { attemptsOf, consentedSale, passPause } from './test-retries.ts';

const {
  PAYMENT_STATUS_PROCESSING,
  PAYMENT_STATUS_SUCCEEDED,
  PAYMENT_STATUS_FAILED,
  PAYMENT_STATUS_CANCELED,
} = PaymentStatus;
const DAY_MS = 86_400_000;

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

test('a soft decline with consent is tried again when its pause is over, with a key of its own, and recovers', async () => {
  const hotel = await world.simulatorHotel();
  const request = consentedSale(hotel, 'sim_card_recovers_on_second_try');
  const first = paymentOf(await service.sale(request));
  assert.equal(first.status, PAYMENT_STATUS_PROCESSING);
  const planned = await attemptsOf(world, first.paymentId);
  assert.deepEqual(
    planned.map(({ sequence, state, code }) => [sequence, state, code]),
    [
      [1, 'declined', 'insufficient_funds'],
      [2, 'prepared', null],
    ],
  );
  assert.ok(Math.abs((planned[1]?.due_in_ms ?? 0) - DAY_MS) < 60_000, 'a day later');
  assert.notEqual(planned[0]?.provider_reference, null, "the declined try's own id is kept");
  assert.equal(await resolveDue(service.context), 0, 'not before its time');
  await passPause(world, first.paymentId);
  assert.equal(await resolveDue(service.context), 1);
  assert.equal((await service.get(hotel, first.paymentId)).status, PAYMENT_STATUS_SUCCEEDED);
  const ended = await attemptsOf(world, first.paymentId);
  assert.deepEqual(
    ended.map(({ state }) => state),
    ['declined', 'succeeded'],
  );
  assert.equal(new Set(ended.map(({ id }) => id)).size, 2, 'two operations, and so two keys');
  assert.deepEqual(await stepsOf(world, first.paymentId), [
    'payment.created',
    'payment.retry_planned',
    'payment.successful',
  ]);
  const { rows } = await world.admin.query(
    `select o.data->>'status' as status, e.details->>'failure' as failure, e.details->>'retry_at' as retry_at
       from payment_events e join outbox o using (merchant_id, payment_id, version)
      where e.type = 'payment.retry_planned' and e.operation_id = $1`,
    [request.operationId],
  );
  assert.equal(rows.length, 1);
  assert.deepEqual([rows[0].status, rows[0].failure], ['processing', 'insufficient_funds']);
  assert.match(rows[0].retry_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});

test('neither a hard decline, nor one without consent, nor a guest who is there is tried again', async () => {
  const hotel = await world.simulatorHotel();
  const merchants = optionsOf({ initiation: Initiation.INITIATION_MERCHANT });
  const requests = [
    consentedSale(hotel, 'sim_card_lost'),
    consentedSale(hotel, 'sim_card_declined'),
    consentedSale(hotel, 'sim_card_suspected_fraud'),
    saleRequest(hotel, 'sim_card_recovers_on_second_try', { options: merchants }),
    saleRequest(hotel, 'sim_card_recovers_on_second_try', {
      options: optionsOf({ retrySoftDeclines: true }),
    }),
    saleRequest(hotel, 'sim_card_recovers_on_second_try'),
  ];
  for (const request of requests) {
    const payment = paymentOf(await service.sale(request));
    assert.equal(payment.status, PAYMENT_STATUS_FAILED, request.cardToken);
    assert.equal((await attemptsOf(world, payment.paymentId)).length, 1);
  }
});

test('a card that never recovers is tried four times in all, and the payment fails with the last reason', async () => {
  const hotel = await world.simulatorHotel();
  const request = consentedSale(hotel, 'sim_card_insufficient_funds');
  const { paymentId } = paymentOf(await service.sale(request));
  const pauses: number[] = [];
  for (let round = 1; round <= 3; round += 1) {
    pauses.push(Math.round(((await attemptsOf(world, paymentId)).at(-1)?.due_in_ms ?? 0) / DAY_MS));
    await passPause(world, paymentId);
    await resolveDue(service.context);
  }
  assert.deepEqual(pauses, [1, 3, 5]);
  const payment = await service.get(hotel, paymentId);
  assert.deepEqual([payment.status, payment.failure?.code], [PAYMENT_STATUS_FAILED, 'insufficient_funds']);
  assert.equal((await attemptsOf(world, paymentId)).length, 4);
  const again = await service.sale(request);
  assert.deepEqual([again.replayed, paymentOf(again).status], [true, PAYMENT_STATUS_FAILED]);
});

test('the first key answers "processing" while a retry waits, and the end when it is over; nothing is sent for it', async () => {
  const hotel = await world.simulatorHotel();
  const request = consentedSale(hotel, 'sim_card_recovers_on_third_try');
  const { paymentId } = paymentOf(await service.sale(request));
  const waiting = await service.sale(request);
  assert.deepEqual([waiting.replayed, paymentOf(waiting).status], [true, PAYMENT_STATUS_PROCESSING]);
  for (let round = 0; round < 2; round += 1) {
    await passPause(world, paymentId);
    await resolveDue(service.context);
  }
  const over = await service.sale(request);
  assert.deepEqual([over.replayed, paymentOf(over).status], [true, PAYMENT_STATUS_SUCCEEDED]);
  assert.equal((await attemptsOf(world, paymentId)).length, 3);
  const other = refusalOf(service.sale({ ...request, requestFingerprint: Buffer.alloc(32, 7) }));
  assert.equal((await other).error.code, 'idempotency_key_reused');
});

test('a payment that failed for another reason than its first try says the last reason, also when its key is repeated later', async () => {
  const hotel = await world.simulatorHotel();
  const request = consentedSale(hotel, 'sim_card_insufficient_funds');
  const { paymentId } = paymentOf(await service.sale(request));
  await passPause(world, paymentId);
  await resolveDue({
    ...withProvider(service.context, () => ({
      charge: async () => ({ kind: 'declined', failure: failureOf('stolen_card') }) as const,
    })),
  });
  const failed = await service.get(hotel, paymentId);
  assert.equal(failed.failure?.code, 'stolen_card');
  // A step after the answer, as a late correction makes one.
  await world.admin.query(
    `update payments set version = version + 1 where id = (select payment_id from operations where id = $1)`,
    [request.operationId],
  );
  assert.equal(paymentOf(await service.sale(request)).failure?.code, 'stolen_card');
});

test('a retry whose answer is lost is resolved like any other: one charge, and no second one', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = paymentOf(
    await service.sale(consentedSale(hotel, 'sim_card_recovers_on_second_try')),
  );
  await passPause(world, paymentId);
  await resolveDue(
    withProvider(service.context, (real) => ({
      async charge(attempt) {
        await real.charge(attempt);
        return { kind: 'unknown', reason: 'the answer was lost' };
      },
    })),
  );
  const retry = (await attemptsOf(world, paymentId)).at(-1);
  assert.equal(retry?.state, 'unknown');
  await makeDue(world, retry.id);
  await resolveDue(service.context);
  assert.equal((await service.get(hotel, paymentId)).status, PAYMENT_STATUS_SUCCEEDED);
  assert.equal((await attemptsOf(world, paymentId)).length, 2);
});

test('a retry that could not be sent stays planned and is sent later', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = paymentOf(
    await service.sale(consentedSale(hotel, 'sim_card_recovers_on_second_try')),
  );
  await passPause(world, paymentId);
  await resolveDue(
    withProvider(service.context, () => ({
      charge: async () => ({ kind: 'not_sent', reason: 'no route' }) as const,
    })),
  );
  assert.equal((await readStored(world, paymentId)).status, 'processing');
  await passPause(world, paymentId);
  await resolveDue(service.context);
  assert.equal((await service.get(hotel, paymentId)).status, PAYMENT_STATUS_SUCCEEDED);
});

test('a payment canceled while its retry waits is canceled at once, and nothing is sent any more', async () => {
  const hotel = await world.simulatorHotel();
  const { paymentId } = paymentOf(
    await service.sale(consentedSale(hotel, 'sim_card_recovers_on_second_try')),
  );
  await service.voidPayment({ followUp: followUpOf(hotel, paymentId), reason: 'abandoned' });
  let calls = 0;
  const counting = withProvider(service.context, () => ({
    async charge() {
      calls += 1;
      return { kind: 'unknown', reason: 'must not be asked' };
    },
  }));
  for (let round = 0; round < 3; round += 1) {
    await world.admin.query(
      `update operations o set due_at = now() from payments p
        where p.id = o.payment_id and p.merchant_id = $1 and o.kind = 'void' and o.state = 'unknown'`,
      [hotel.merchantId],
    );
    await resolveDue(counting);
  }
  const payment = await service.get(hotel, paymentId);
  assert.deepEqual([payment.status, payment.cancellationReason], [PAYMENT_STATUS_CANCELED, 'abandoned']);
  assert.equal(calls, 0);
  const { rows } = await world.admin.query(
    `select 1 from operations where merchant_id = $1 and state in ('prepared', 'sent', 'unknown')`,
    [hotel.merchantId],
  );
  assert.equal(rows.length, 0, 'the void is over as well');
});

test('a void at the moment of the decline: the payment ends without another try, and no operation stays open', async () => {
  const hotel = await world.simulatorHotel();
  for (let round = 0; round < 12; round += 1) {
    const request = consentedSale(hotel, 'sim_card_insufficient_funds');
    const selling = service.sale(request);
    const paymentId = await waitFor('the payment to be stored', async () => {
      const known = await findOperation(service.context, hotel.merchantId, request.operationId);
      return known === undefined ? undefined : toPublicId('pay', known.operation.payment.id);
    });
    await service.voidPayment({ followUp: followUpOf(hotel, paymentId), reason: '' }).catch(() => undefined);
    await selling;
    for (let sweep = 0; sweep < 4; sweep += 1) {
      await world.admin.query(
        `update operations set due_at = now() where merchant_id = $1 and state = 'unknown'`,
        [hotel.merchantId],
      );
      await resolveDue(service.context);
    }
    const { status } = await readStored(world, paymentId);
    assert.ok(status === 'canceled' || status === 'failed', status);
    const open = (await attemptsOf(world, paymentId)).filter(
      ({ state }) => !['declined', 'succeeded'].includes(state),
    );
    assert.deepEqual(open, []);
  }
});

test('of a void and a planned retry written at the same moment one sees the other', async () => {
  const hotel = await world.simulatorHotel();
  for (let round = 0; round < 10; round += 1) {
    // As after a lost answer, so that the next attempt can be planned by hand.
    const request = consentedSale(hotel, 'sim_card_insufficient_funds');
    await service.sale(request);
    const { rows } = await world.admin.query<{ payment_id: string }>(
      `with gone as (delete from operations where payment_id = (select payment_id from operations where id = $1) and sequence = 2)
       update operations set state = 'unknown', failure = null, finished_at = null, due_at = now() + interval '1 hour'
        where id = $1 returning payment_id`,
      [request.operationId],
    );
    assert.equal(rows.length, 1);
    const known = await findOperation(service.context, hotel.merchantId, request.operationId);
    assert.ok(known);
    const outcome = { kind: 'declined', failure: failureOf('insufficient_funds') } as const;
    const paymentId = paymentOf(await service.sale(request)).paymentId;
    const [planned] = await Promise.all([
      planRetry(service.context, known.operation, outcome, DAY_MS),
      service.voidPayment({ followUp: followUpOf(hotel, paymentId), reason: '' }),
    ]);
    const attempts = await attemptsOf(world, paymentId);
    assert.equal(attempts.length, planned === undefined ? 1 : 2);
    assert.equal(attempts[0]?.state, planned === undefined ? 'unknown' : 'declined', 'both or neither');
  }
});

test('13: a holder that lost its lease plans nothing', async () => {
  const hotel = await world.simulatorHotel();
  const request = consentedSale(hotel, 'sim_card_insufficient_funds');
  const { paymentId } = paymentOf(await service.sale(request));
  await passPause(world, paymentId);
  const retryId = (await attemptsOf(world, paymentId)).at(-1)?.id ?? '';
  const late = await findOperation(service.context, hotel.merchantId, retryId);
  assert.ok(late);
  await world.admin.query(`update operations set attempt = attempt + 1 where id = $1`, [retryId]);
  const outcome = { kind: 'declined', failure: failureOf('insufficient_funds') } as const;
  assert.equal(await planRetry(service.context, late.operation, outcome, DAY_MS), undefined);
  assert.equal((await attemptsOf(world, paymentId)).length, 2);
});

test('2: a stop between the decline and the plan is taken up by the sweeper: same key, then one retry', async () => {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4000000000009995');
  const request = consentedSale(hotel, token);
  // Declined at Stripe; the answer, and with it the plan, is lost.
  await world.stripe.arm({ fault: 'act_then_drop', path: '/v1/payment_intents' });
  const { paymentId } = paymentOf(await service.sale(request));
  assert.equal((await storedOperation(world, hotel, request.operationId)).state, 'unknown');
  await makeDue(world, request.operationId);
  await resolveDue(service.context);
  const attempts = await attemptsOf(world, paymentId);
  assert.deepEqual(
    attempts.map(({ sequence, state }) => [sequence, state]),
    [
      [1, 'declined'],
      [2, 'prepared'],
    ],
  );
  await passPause(world, paymentId);
  await resolveDue(service.context);
  const keys = (await world.stripe.journal('request'))
    .filter((line) => line['method'] === 'POST' && line['path'] === '/v1/payment_intents')
    .map((line) => String(line['idempotency_key']));
  const own = (await attemptsOf(world, paymentId)).map(
    ({ id }) => keys.filter((key) => key.includes(id)).length,
  );
  assert.deepEqual(
    own,
    [2, 1, 0],
    'sent and sent again with the first key; the retry once with its own; the next waits',
  );
});

test('a retry that waits for days is not old: it is not put before a person', async () => {
  const hotel = await world.simulatorHotel();
  const request = consentedSale(hotel, 'sim_card_recovers_on_second_try');
  const { paymentId } = paymentOf(await service.sale(request));
  await age(world, request.operationId, 'created_at', '26 hours');
  await passPause(world, paymentId);
  await resolveDue(service.context);
  const { rows } = await world.admin.query(
    `select 1 from operations where merchant_id = $1 and escalated_at is not null`,
    [hotel.merchantId],
  );
  assert.equal(rows.length, 0);
});
