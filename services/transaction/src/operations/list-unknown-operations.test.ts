import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { withProvider } from '../holds/test-holds.ts';
import { recordingLog } from '../testing/recording-log.ts';
import { age, makeDue, storedOperation } from '../testing/rows.ts';
import { paymentOf, refusalOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { createGauges, measureUnknown } from './measure-unknown.ts';
import { resolveDue } from './resolve-unknown.ts';
import { listUnknown, settleUnknown, verdict } from './test-queue.ts';

const { log, errors } = recordingLog();
let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world, { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 }, {}, log);
});
after(async () => {
  await service.close();
  await world.close();
});

/** A sale at the built-in simulator whose answer is lost; answers its operation. */
async function unknownSale(hotel: Hotel): Promise<string> {
  const amount = { amountMinor: 66_611n, currency: 'EUR' };
  const request = saleRequest(hotel, 'sim_card_visa', { amount });
  await service.sale(request);
  return request.operationId;
}

test('a person is told everything that finds the charge at the provider, and when somebody last asked', async () => {
  const hotel = await world.simulatorHotel();
  const operationId = await unknownSale(hotel);
  const ask = { merchantId: hotel.merchantId };
  const [fresh] = (await listUnknown(service, ask)).operations;
  assert.ok(fresh?.createdAt && fresh.lastTriedAt && fresh.nextTryAt);
  assert.deepEqual(
    [fresh.operationId, fresh.kind, fresh.providerKey, fresh.provider, fresh.amount, fresh.bookingReference],
    [
      toPublicId('op', operationId),
      'sale',
      `centra-${operationId}`,
      'simulator',
      { amountMinor: 66_611n, currency: 'EUR' },
      'BK-1001',
    ],
  );
  assert.deepEqual(fresh.origin, { actor: 'api_key:key_test', requestId: 'req_test', address: '192.0.2.7' });
  assert.match(fresh.reason, /answer lost/);
  assert.ok(fresh.howToFindOut.includes(operationId));
  assert.deepEqual([fresh.attempts, fresh.escalatedAt], [1, undefined]);
  assert.equal(fresh.lastTriedAt.getTime(), fresh.createdAt.getTime(), 'only the first call so far');
  await age(world, operationId, 'created_at', '25 hours');
  await makeDue(world, operationId);
  const told = errors.length;
  await resolveDue(service.context);
  const [old] = (await listUnknown(service, { ...ask, escalatedOnly: true })).operations;
  assert.ok(old?.createdAt && old.lastTriedAt && old.escalatedAt);
  assert.equal(old.attempts, 2);
  assert.ok(old.lastTriedAt.getTime() - old.createdAt.getTime() > 25 * 3_600_000, 'the look just now');
  assert.equal(errors.slice(told).filter((line) => line.includes('a person must ask')).length, 1);
});

test('pages go on by cursor, oldest first, also from an operation that was settled meanwhile', async () => {
  const hotel = await world.simulatorHotel();
  const ids: string[] = [];
  for (let count = 0; count < 5; count += 1) ids.push(await unknownSale(hotel));
  const seen: string[] = [];
  let afterOperationId = '';
  for (let page = 0; page < 5; page += 1) {
    const request = { merchantId: hotel.merchantId, limit: 2, afterOperationId };
    const { operations, hasMore } = await listUnknown(service, request);
    seen.push(...operations.map((operation) => operation.operationId));
    afterOperationId = operations.at(-1)?.operationId ?? '';
    if (page === 0) await settleUnknown(service, verdict(hotel, ids[1] ?? ''));
    if (!hasMore) break;
  }
  assert.deepEqual(
    seen,
    ids.map((id) => toPublicId('op', id)),
  );
});

async function idsOf(...args: Parameters<typeof listUnknown>): Promise<string[]> {
  return (await listUnknown(...args)).operations.map(({ operationId }) => operationId);
}

test('a hotel sees its own, the operator everything, and nobody else may ask for everything', async () => {
  const [hotel, other] = [await world.simulatorHotel(), await world.simulatorHotel()];
  const own = toPublicId('op', await unknownSale(hotel));
  const foreign = toPublicId('op', await unknownSale(other));
  assert.deepEqual(await idsOf(service, { merchantId: hotel.merchantId }), [own]);
  assert.deepEqual(await idsOf(service, { merchantId: hotel.merchantId, mode: Mode.MODE_LIVE }), []);
  const all = await idsOf(service, {}, 'operator');
  assert.ok(all.includes(own) && all.includes(foreign));
  assert.equal((await refusalOf(listUnknown(service, {}))).error.code, 'forbidden');
  for (const change of [
    { limit: 0 },
    { limit: 101 },
    { afterOperationId: 'nonsense' },
    { afterOperationId: foreign },
    { afterOperationId: toPublicId('op', '018f0000-0000-7000-8000-000000000000') },
  ]) {
    const refusal = await refusalOf(listUnknown(service, { merchantId: hotel.merchantId, ...change }));
    assert.equal(refusal.error.code, 'validation_failed', JSON.stringify(change));
  }
});

test('10: a provider that can neither be asked nor told twice is never asked again: people hear of it at once', async () => {
  const hotel = await world.simulatorHotel();
  let calls = 0;
  // Other hotels' operations of this file may come due meanwhile.
  const request = saleRequest(hotel, 'sim_card_visa');
  const mute = withProvider(service.context, (real) => ({
    capabilities: { ...real.capabilities, idempotencyWindowMs: 0, lookupByReference: false },
    async charge({ operationId }) {
      if (operationId === request.operationId) calls += 1;
      return { kind: 'unknown', reason: 'the line broke' };
    },
    async lookup({ operationId }) {
      if (operationId === request.operationId) calls += 1;
      return { kind: 'absent' };
    },
  }));
  const muted = await startTestService(
    world,
    { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 },
    // They are the other service's to close.
    { providers: { ...mute.providers, close: async () => {} } },
    log,
  );
  try {
    const { paymentId } = paymentOf(await muted.sale(request));
    assert.equal(calls, 1);
    const told = errors.length;
    for (let round = 0; round < 3; round += 1) {
      await makeDue(world, request.operationId);
      await resolveDue(muted.context);
    }
    assert.equal(calls, 1, 'no second call of any kind');
    const stored = await storedOperation(world, hotel, request.operationId);
    assert.deepEqual([stored.state, stored.escalated_at === null], ['unknown', false]);
    assert.ok(errors.slice(told).some((line) => line.includes('a person must ask')));
    const queue = { merchantId: hotel.merchantId, escalatedOnly: true };
    assert.equal((await listUnknown(muted, queue)).operations.length, 1);
    await settleUnknown(muted, verdict(hotel, request.operationId));
    assert.equal((await muted.get(hotel, paymentId)).failure?.code, 'not_charged');
  } finally {
    await muted.close();
  }
});

test('the gauges tell how many outcomes are unknown, and for how long, by who is to find out', async () => {
  await world.admin.query(
    `update operations set state = 'declined', finished_at = now() where state in ('sent', 'unknown')`,
  );
  const metrics = createMetrics('test');
  const gauges = createGauges(metrics);
  const read = async (name: string): Promise<Record<string, number>> => {
    await measureUnknown(service.context, gauges);
    const { values } = (await metrics.registry.getSingleMetric(name)?.get()) ?? { values: [] };
    return Object.fromEntries(values.map(({ labels, value }) => [String(labels['waits_for']), value]));
  };
  assert.deepEqual(await read('centra_unknown_operations'), { sweeper: 0, person: 0 });
  assert.deepEqual(await read('centra_unknown_oldest_seconds'), { sweeper: 0, person: 0 });
  const hotel = await world.simulatorHotel();
  const operationId = await unknownSale(hotel);
  await unknownSale(hotel);
  assert.deepEqual(await read('centra_unknown_operations'), { sweeper: 2, person: 0 });
  await age(world, operationId, 'created_at', '25 hours');
  await makeDue(world, operationId);
  await resolveDue(service.context);
  assert.deepEqual(await read('centra_unknown_operations'), { sweeper: 1, person: 1 });
  const { person = 0 } = await read('centra_unknown_oldest_seconds');
  assert.ok(person >= 25 * 3_600 && person < 26 * 3_600, String(person));
  assert.ok(
    (await service.context.metrics.registry.metrics()).includes('centra_unknown_operations'),
    'the service has them',
  );
});
