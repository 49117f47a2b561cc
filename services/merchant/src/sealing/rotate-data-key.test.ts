import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { newUuid } from '@centra/service-kit/ids.ts';
import { maintainDataKeys } from '../provider-accounts/maintain-data-keys.ts';
import {
  DEADLINE_MS,
  GRPC,
  connectStripe,
  newCaller,
  newHotel,
  openAccount,
  startTestMerchant,
  stripeKey,
} from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';
import { SEALED_STORES } from './sealed-stores.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

const options = { metadata: callMetadata('req-rotate-key'), deadlineMs: DEADLINE_MS };

async function rotate(merchantId: string, caller = 'operator'): Promise<number> {
  const client = service.client(caller);
  return (await callUnary(client.rotateDataKey.bind(client), { merchantId }, options)).version;
}

test('an operator replaces a hotel’s data key at once; what it seals moves over, and the old one is destroyed', async () => {
  const { merchantId, caller } = await newCaller(service);
  const secret = stripeKey();
  await connectStripe(caller, secret);
  assert.equal(await rotate(merchantId), 2);
  await maintainDataKeys(service.service.context);
  assert.deepEqual(
    await service.sql(
      'select version, destroyed_at is not null as destroyed from data_keys where merchant_id = $1 order by version',
      [merchantId],
    ),
    [
      { version: 1, destroyed: true },
      { version: 2, destroyed: false },
    ],
  );
  assert.equal((await openAccount(service, { merchantId })).credentials['secret_key'], secret);
  const [event] = await service.sql(
    `select actor, after from audit_events where merchant_id = $1 and action = 'data_key.added' order by seq desc limit 1`,
    [merchantId],
  );
  assert.deepEqual(event, { actor: 'service:operator', after: { version: 2 } });
});

test('two operators at once: each gets a key that is newer than the one there was', async () => {
  const merchantId = await newHotel(service);
  assert.equal(await rotate(merchantId), 1, 'a hotel without any key gets its first');
  const versions = await Promise.all([rotate(merchantId), rotate(merchantId)]);
  for (const version of versions) assert.ok(version > 1);
});

describe('refused', () => {
  test('NOT_FOUND for a hotel that nobody registered', async () => {
    await assert.rejects(rotate(newUuid()), { code: GRPC.NOT_FOUND });
  });
  test('INVALID_ARGUMENT for what is no id', async () => {
    await assert.rejects(rotate('riad'), { code: GRPC.INVALID_ARGUMENT });
  });
  for (const caller of ['transaction', 'api-gateway', 'auth', 'payment-api'])
    test(`PERMISSION_DENIED for ${caller}`, async () => {
      await assert.rejects(rotate(await newHotel(service), caller), { code: GRPC.PERMISSION_DENIED });
    });
});

test('every table that names a data key is sealed again before one is destroyed', async () => {
  const referring = await service.sql(
    `select conrelid::regclass::text as name from pg_constraint
      where contype = 'f' and confrelid = 'data_keys'::regclass order by 1`,
  );
  assert.deepEqual(
    referring.map(({ name }) => name),
    SEALED_STORES.map(({ table }) => table).toSorted(),
  );
});
