import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Merchant } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { newUuid } from '@centra/service-kit/ids.ts';
import { AS_REGISTERED, GRPC, callOptions, hotel, newHotel, startTestMerchant } from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

const get = async (merchantId: string, caller: string): Promise<Merchant> => {
  const client = service.client(caller);
  return await callUnary(client.getMerchant.bind(client), { merchantId }, callOptions());
};

test('the five services that need it read a hotel as it was registered', async () => {
  const wanted = hotel({ allowedOrigins: ['https://book.example'] });
  await newHotel(service, wanted);
  for (const caller of ['api-gateway', 'auth', 'payment-api', 'transaction', 'operator'])
    assert.deepEqual(await get(wanted.merchantId, caller), { ...wanted, ...AS_REGISTERED }, caller);
});

test('an unknown hotel is NOT_FOUND, an id that is none INVALID_ARGUMENT', async () => {
  await assert.rejects(get(newUuid(), 'operator'), { code: GRPC.NOT_FOUND });
  await assert.rejects(get("' or true --", 'operator'), { code: GRPC.INVALID_ARGUMENT });
});

test('every other service is PERMISSION_DENIED', async () => {
  const merchantId = await newHotel(service);
  for (const caller of ['merchant', 'tokenization'])
    await assert.rejects(get(merchantId, caller), { code: GRPC.PERMISSION_DENIED });
});
