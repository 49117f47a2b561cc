import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Merchant, RateLimit } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { AS_REGISTERED, DEADLINE_MS, GRPC, hotel, newHotel, startTestMerchant } from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

const options = { metadata: callMetadata('req-set-limits'), deadlineMs: DEADLINE_MS };

async function set(merchantId: string, limits: RateLimit[], caller = 'operator'): Promise<Merchant> {
  const client = service.client(caller);
  return await callUnary(client.setMerchantLimits.bind(client), { merchantId, limits }, options);
}

async function limitsOf(merchantId: string): Promise<RateLimit[]> {
  const client = service.client('api-gateway');
  return (await callUnary(client.getMerchant.bind(client), { merchantId }, options)).limits;
}

async function history(merchantId: string): Promise<unknown[]> {
  return await service.sql(
    `select actor, object_id, before, after from audit_events
      where merchant_id = $1 and action = 'merchant.limits_changed' order by seq`,
    [merchantId],
  );
}

const BUSY = [
  { name: 'admin', quota: 1 },
  { name: 'default', quota: 1_000_000 },
  { name: 'payments', quota: 50 },
  { name: 'payments-hour', quota: 40_000 },
];

test('a hotel has exactly the limits it was given last, and the gateway reads them', async () => {
  const wanted = hotel();
  const merchantId = await newHotel(service, wanted);
  assert.deepEqual(await limitsOf(merchantId), []);
  assert.deepEqual(await set(merchantId, BUSY.toReversed()), { ...wanted, ...AS_REGISTERED, limits: BUSY });
  assert.deepEqual(await limitsOf(merchantId), BUSY);
  await set(merchantId, [{ name: 'payments', quota: 2 }]);
  assert.deepEqual(await limitsOf(merchantId), [{ name: 'payments', quota: 2 }]);
  await set(merchantId, []);
  assert.deepEqual(await limitsOf(merchantId), []);
});

test('each change is in the hotel’s history with what was before; a repeated call is not', async () => {
  const merchantId = await newHotel(service);
  const first = [{ name: 'payments', quota: 5 }];
  await set(merchantId, first);
  await set(merchantId, first);
  await set(merchantId, []);
  const common = { actor: 'service:operator', object_id: toPublicId('mer', merchantId) };
  assert.deepEqual(await history(merchantId), [
    { ...common, before: { limits: [] }, after: { limits: first } },
    { ...common, before: { limits: first }, after: { limits: [] } },
  ]);
});

test('another hotel’s limits stay as they are', async () => {
  const [one, other] = [await newHotel(service), await newHotel(service)];
  await set(other, [{ name: 'admin', quota: 7 }]);
  await set(one, [{ name: 'admin', quota: 9 }]);
  await set(one, []);
  assert.deepEqual(await limitsOf(other), [{ name: 'admin', quota: 7 }]);
  assert.equal((await history(other)).length, 1);
});

test('eight changes at once leave one of them whole', async () => {
  const merchantId = await newHotel(service);
  const wanted = Array.from({ length: 8 }, (_, index) => [
    { name: 'admin', quota: index + 1 },
    { name: 'payments', quota: index + 1 },
  ]);
  await Promise.all(wanted.map((limits) => set(merchantId, limits)));
  const left = await limitsOf(merchantId);
  assert.equal(left.length, 2);
  assert.equal(left[0]?.quota, left[1]?.quota);
});

describe('refusals change nothing', () => {
  const invalid: [string, RateLimit[]][] = [
    ['an unknown window', [{ name: 'logins', quota: 5 }]],
    ['a quota of 0', [{ name: 'payments', quota: 0 }]],
    ['a negative quota', [{ name: 'payments', quota: -1 }]],
    ['a quota over a million', [{ name: 'payments', quota: 1_000_001 }]],
    [
      'a window named twice',
      [
        { name: 'payments', quota: 1 },
        { name: 'payments', quota: 2 },
      ],
    ],
  ];
  for (const [name, limits] of invalid)
    test(`INVALID_ARGUMENT: ${name}`, async () => {
      const merchantId = await newHotel(service);
      await set(merchantId, BUSY);
      await assert.rejects(set(merchantId, limits), { code: GRPC.INVALID_ARGUMENT });
      assert.deepEqual(await limitsOf(merchantId), BUSY);
    });

  test('NOT_FOUND: a hotel that is not registered; INVALID_ARGUMENT: an id that is none', async () => {
    await assert.rejects(set(newUuid(), BUSY), { code: GRPC.NOT_FOUND });
    await assert.rejects(set("' or true --", BUSY), { code: GRPC.INVALID_ARGUMENT });
  });

  test('PERMISSION_DENIED: every caller but the operator', async () => {
    const merchantId = await newHotel(service);
    for (const caller of ['api-gateway', 'payment-api', 'transaction', 'auth'])
      await assert.rejects(set(merchantId, BUSY, caller), { code: GRPC.PERMISSION_DENIED });
    assert.deepEqual(await limitsOf(merchantId), []);
  });
});
