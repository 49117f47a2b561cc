import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MerchantState, MerchantVerdict } from '@centra/proto/centra/merchant/v1/merchant.ts';
import type { ListMerchantsResponse } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { newUuid } from '@centra/service-kit/ids.ts';
import { GRPC, callOptions, startTestMerchant } from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';
import { newComplete, review } from '../testing/onboarding.ts';

const { MERCHANT_STATE_SUBMITTED, MERCHANT_STATE_CLOSED } = MerchantState;

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

async function list(more: object, caller = 'operator'): Promise<ListMerchantsResponse> {
  const client = service.client(caller);
  const asked = { state: MERCHANT_STATE_SUBMITTED, limit: 100, afterMerchantId: '', ...more };
  return await callUnary(client.listMerchants.bind(client), asked, callOptions());
}

const idsOf = ({ merchants }: ListMerchantsResponse): (string | undefined)[] =>
  merchants.map(({ merchant }) => merchant?.merchantId);

test('the hotels of a state come page by page, those that wait longest first', async () => {
  const made = [await newComplete(service), await newComplete(service), await newComplete(service)];
  // Submitted in another order than they were made.
  const waiting = [made[2], made[0], made[1]].flatMap((each) => (each === undefined ? [] : [each]));
  for (const { owner, path } of waiting) await owner.post(`${path}/submit`).expect(200);
  const order = waiting.map(({ merchantId }) => merchantId);
  assert.deepEqual(idsOf(await list({})), order);
  const first = await list({ limit: 2 });
  assert.deepEqual([idsOf(first), first.hasMore], [order.slice(0, 2), true]);
  const rest = await list({ limit: 2, afterMerchantId: order[1] });
  assert.deepEqual([idsOf(rest), rest.hasMore], [order.slice(2), false]);
  const [longest] = first.merchants;
  assert.ok(longest?.stateChangedAt instanceof Date);
  assert.equal(longest.merchant?.state, MERCHANT_STATE_SUBMITTED);
  assert.deepEqual(idsOf(await list({ state: MERCHANT_STATE_CLOSED })), []);
  // Decided meanwhile: whoever waits is not passed over.
  await review(service, order[1] ?? '', MerchantVerdict.MERCHANT_VERDICT_VERIFY);
  assert.deepEqual(idsOf(await list({ limit: 2, afterMerchantId: order[1] })), [order[0], order[2]]);
  assert.deepEqual(idsOf(await list({ afterMerchantId: newUuid() })), [order[0], order[2]]);
});

test('INVALID_ARGUMENT for no state, a limit out of bounds and an id that is none; PERMISSION_DENIED for everybody else', async () => {
  for (const more of [
    { state: MerchantState.MERCHANT_STATE_UNSPECIFIED },
    { limit: 0 },
    { limit: 101 },
    { afterMerchantId: 'mer_1' },
  ])
    await assert.rejects(list(more), { code: GRPC.INVALID_ARGUMENT }, JSON.stringify(more));
  for (const caller of ['api-gateway', 'auth', 'payment-api', 'transaction'])
    await assert.rejects(list({}, caller), { code: GRPC.PERMISSION_DENIED });
});
