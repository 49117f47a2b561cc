import assert from 'node:assert/strict';
import { test } from 'node:test';

import { errorOf, fieldOf, startRig } from '../testing/rig.ts';
import { ObjectLocks } from './object-locks.ts';
import { RateLimiter } from './rate-limiter.ts';

const hold = {
  amount: 5_000,
  currency: 'eur',
  payment_method: 'pm_card_visa',
  allowed_payment_method_types: ['card'],
  capture_method: 'manual' as const,
  confirm: true,
};

test('429: an account above its rate is refused without an effect, others are not, and the key stays free', async (t) => {
  const rig = await startRig(t, { rateLimitPerSecond: 5 });
  await rig.control('POST', '/accounts', { secret_key: 'sk_test_otherhotel1' });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 40 }, (_, at) =>
      rig.stripe.paymentIntents.create(hold, { idempotencyKey: `key-${at}` }),
    ),
  );
  const refused = outcomes.filter(({ status }) => status === 'rejected').length;
  assert.ok(refused > 0 && refused <= 35, `${refused} were refused`);
  assert.equal((await rig.client('sk_test_otherhotel1').balance.retrieve()).object, 'balance');
  assert.equal((await rig.effects('authorization.succeeded')).length, 40 - refused);
  const raw = await untilRefused(rig);
  assert.deepEqual(
    [raw.body.error?.['type'], raw.body.error?.['code'], raw.headers['stripe-rate-limited-reason']],
    ['invalid_request_error', 'rate_limit', 'global-rate'],
  );
  const patient = rig.client(undefined, { maxNetworkRetries: 0 });
  for (let at = 0; at < 40; at += 1) {
    for (;;) {
      const paid = await patient.paymentIntents
        .create(hold, { idempotencyKey: `key-${at}` })
        .catch((error: unknown) => fieldOf(error, 'code'));
      if (paid !== 'rate_limit') break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  assert.equal((await rig.effects('authorization.succeeded')).length, 40);
});

async function untilRefused({ call }: Awaited<ReturnType<typeof startRig>>) {
  for (let at = 0; at < 200; at += 1) {
    const burst = await Promise.all(Array.from({ length: 10 }, () => call('GET', '/v1/balance')));
    const refused = burst.find(({ status }) => status === 429);
    if (refused) return refused;
  }
  throw new Error('no request was refused');
}

test('a rate gives back what time brings, and never more than one second’s worth', () => {
  const limiter = new RateLimiter(2);
  const taken = [0, 0, 0, 500, 500, 60_000, 60_000, 60_000].map((atMs) => limiter.take('a', atMs));
  assert.deepEqual(taken, [true, true, false, true, false, true, true, false]);
  assert.equal(limiter.take('b', 0), true);
});

test('429: a write that waits too long for another one of the same object is lock_timeout, and its key stays free', async (t) => {
  const rig = await startRig(t, { latencyMs: 1_500, lockWaitMs: 100 });
  const [held, other] = await Promise.all([
    rig.stripe.paymentIntents.create(hold),
    rig.stripe.paymentIntents.create(hold),
  ]);
  const write = (operation: string, id = held.id) =>
    rig.call('POST', `/v1/payment_intents/${id}/${operation}`, '', { 'idempotency-key': operation });
  const [captured, canceled, elsewhere] = await Promise.all([
    write('capture'),
    write('cancel'),
    rig.call('POST', `/v1/payment_intents/${other.id}/cancel`, ''),
  ]);
  assert.equal(elsewhere.status, 200, 'another object is not held up');
  assert.equal(captured.status + canceled.status, 200 + 429);
  const [loser, operation] = captured.status === 429 ? [captured, 'capture'] : [canceled, 'cancel'];
  assert.deepEqual(
    [loser.body.error?.['type'], loser.body.error?.['code'], loser.headers['stripe-should-retry']],
    ['invalid_request_error', 'lock_timeout', 'true'],
  );
  const retried = await write(operation);
  assert.deepEqual([retried.status, retried.body.error?.['code']], [400, 'payment_intent_unexpected_state']);
});

test('writes of one object queue and all get their turn when each is quick enough', async (t) => {
  const rig = await startRig(t, { latencyMs: 5, lockWaitMs: 30_000 });
  const paid = await rig.stripe.paymentIntents.create({ ...hold, capture_method: 'automatic' });
  await Promise.all(
    Array.from({ length: 20 }, () => rig.stripe.refunds.create({ payment_intent: paid.id, amount: 250 })),
  );
  assert.equal((await rig.effects('refund.succeeded')).length, 20);
  assert.equal(
    (await errorOf(rig.stripe.refunds.create({ payment_intent: paid.id }))).code,
    'charge_already_refunded',
  );
});

test('a lock passes on in order, forgets who gave up, and leaves nothing behind', async () => {
  const locks = new ObjectLocks();
  const release = await locks.acquire('a', 1_000);
  const order: string[] = [];
  const second = locks.acquire('a', 60_000).then((free) => {
    order.push('second');
    free();
  });
  const impatient = await locks.acquire('a', 1).then(
    () => 'acquired',
    (error: unknown) => (error instanceof Error ? error.message : 'refused'),
  );
  assert.match(impatient, /currently accessing it/);
  const fourth = locks.acquire('a', 60_000).then((free) => {
    order.push('fourth');
    free();
  });
  (await locks.acquire('b', 1))();
  release();
  await Promise.all([second, fourth]);
  assert.deepEqual(order, ['second', 'fourth']);
  (await locks.acquire('a', 1))();
});
