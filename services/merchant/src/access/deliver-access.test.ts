import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { MerchantVerdict } from '@centra/proto/centra/merchant/v1/merchant.ts';
import type { SetMemberRequest, SetMerchantAccessRequest } from '@centra/proto/centra/auth/v1/auth.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { pause } from '@centra/service-kit/loop.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { newHotel, startTestMerchant } from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';
import { newDraft, review } from '../testing/onboarding.ts';

const { MERCHANT_VERDICT_SUSPEND, MERCHANT_VERDICT_RESTORE, MERCHANT_VERDICT_CLOSE } = MerchantVerdict;

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
afterEach(() => service.auth.reset());
after(() => service.close());

const orders = async (merchantId: string): Promise<unknown[]> =>
  await service.sql(
    `select kind, suspended, attempt > 0 as tried, last_error, refused_at is not null as refused
       from access_orders where merchant_id = $1 order by seq`,
    [merchantId],
  );
const accessOf = (merchantId: string): SetMerchantAccessRequest[] =>
  service.auth.asked.setMerchantAccess.filter((each) => each.merchantId === merchantId);
const grantsOf = (merchantId: string): SetMemberRequest[] =>
  service.auth.asked.setMember.filter((each) => each.merchantId === merchantId);
const settled = async (merchantId: string): Promise<true> =>
  await waitFor('every order to be delivered', async () =>
    (await orders(merchantId)).length === 0 ? true : undefined,
  );
const away = (): never => {
  throw new AppError('unavailable');
};

test('suspending, letting in again and closing are told to auth before the operator is answered', async () => {
  const merchantId = await newHotel(service);
  await review(service, merchantId, MERCHANT_VERDICT_SUSPEND, { reason: 'Stolen cards' });
  const actor = 'operator:jane';
  const suspended = { merchantId, suspended: true, reason: 'Stolen cards', actor };
  assert.deepEqual(accessOf(merchantId), [suspended]);
  await review(service, merchantId, MERCHANT_VERDICT_RESTORE);
  const restored = { merchantId, suspended: false, reason: '', actor };
  assert.deepEqual(accessOf(merchantId), [suspended, restored]);
  await review(service, merchantId, MERCHANT_VERDICT_CLOSE, { reason: 'Sold' });
  assert.deepEqual(accessOf(merchantId), [suspended, restored, { ...suspended, reason: 'Sold' }]);
  assert.deepEqual(await orders(merchantId), []);
});

test('a verdict while auth is away is answered, kept, and delivered in order once auth is back', async () => {
  const merchantId = await newHotel(service);
  service.auth.answers.setMerchantAccess = away;
  await review(service, merchantId, MERCHANT_VERDICT_SUSPEND);
  await review(service, merchantId, MERCHANT_VERDICT_RESTORE);
  await review(service, merchantId, MERCHANT_VERDICT_CLOSE);
  const kept = await orders(merchantId);
  assert.equal(kept.length, 3);
  assert.deepEqual(kept[0], {
    kind: 'access',
    suspended: true,
    tried: true,
    last_error: 'unavailable',
    refused: false,
  });
  // Nothing later overtakes the first while it waits.
  assert.deepEqual([...new Set(accessOf(merchantId).map((each) => each.suspended))], [true]);
  service.auth.asked.setMerchantAccess.length = 0;
  service.auth.reset();
  await settled(merchantId);
  assert.deepEqual(
    accessOf(merchantId).map((each) => each.suspended),
    [true, false, true],
  );
});

test('an order whose answer was lost is sent again', async () => {
  const merchantId = await newHotel(service);
  let calls = 0;
  service.auth.answers.setMerchantAccess = async () => {
    calls += 1;
    // Longer than the caller waits: auth did it, and nobody hears so.
    if (calls === 1) await pause(4_000);
    return {};
  };
  await review(service, merchantId, MERCHANT_VERDICT_SUSPEND);
  assert.equal((await orders(merchantId)).length, 1);
  await settled(merchantId);
  assert.equal(accessOf(merchantId).length, 2);
});

test('two replicas share what is due: each order reaches auth once', async () => {
  const hotels = await Promise.all(Array.from({ length: 6 }, () => newHotel(service)));
  service.auth.answers.setMerchantAccess = away;
  await Promise.all(hotels.map((each) => review(service, each, MERCHANT_VERDICT_SUSPEND)));
  const replicas = await Promise.all([service.startReplica(), service.startReplica()]);
  try {
    service.auth.asked.setMerchantAccess.length = 0;
    service.auth.answers.setMerchantAccess = async () => {
      await pause(50);
      return {};
    };
    // All at once, for every replica to reach for.
    await service.sql('update access_orders set due_at = now()');
    for (const each of hotels) await settled(each);
    for (const each of hotels) assert.equal(accessOf(each).length, 1, each);
  } finally {
    await Promise.all(replicas.map((each) => each.close()));
  }
});

test('an order claimed by a process that died is taken up when its lease ends, and the dead one’s word counts no more', async () => {
  const merchantId = await newHotel(service);
  service.auth.answers.setMerchantAccess = away;
  await review(service, merchantId, MERCHANT_VERDICT_SUSPEND);
  // As the dead process left it: claimed, and nothing came of it.
  await service.sql(
    `update access_orders set attempt = 7, due_at = now() + interval '2 seconds' where merchant_id = $1`,
    [merchantId],
  );
  service.auth.reset();
  service.auth.asked.setMerchantAccess.length = 0;
  assert.equal((await orders(merchantId)).length, 1);
  await settled(merchantId);
  assert.equal(accessOf(merchantId).length, 1);
});

test('a hotel is registered while auth is away; its owner is made one when auth is back', async () => {
  service.auth.answers.setMember = away;
  const { merchantId, userId } = await newDraft(service);
  assert.equal((await orders(merchantId)).length, 1);
  service.auth.asked.setMember.length = 0;
  service.auth.reset();
  await settled(merchantId);
  assert.deepEqual(grantsOf(merchantId), [
    {
      merchantId,
      person: { $case: 'userId', value: userId },
      role: 'owner',
      actor: `user:${userId}`,
    },
  ]);
});

test('an owner whom auth refuses for good is set aside for people to see, and does not hold up a suspension', async () => {
  service.auth.answers.setMember = () => {
    throw new AppError('not_found');
  };
  const { merchantId } = await newDraft(service);
  assert.deepEqual(await orders(merchantId), [
    { kind: 'owner', suspended: null, tried: true, last_error: 'not_found', refused: true },
  ]);
  await review(service, merchantId, MERCHANT_VERDICT_SUSPEND);
  assert.equal(accessOf(merchantId).length, 1);
  const [refused] = await orders(merchantId);
  // Longer than the loop's interval.
  await pause(1_500);
  assert.deepEqual(await orders(merchantId), [refused]);
});
