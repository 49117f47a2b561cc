import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { Client } from 'pg';
import { GRPC, callOptions, newHotel, startTestMerchant } from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

const isAllowed = async (origin: string, merchantId = '', caller = 'api-gateway'): Promise<boolean> => {
  const client = service.client(caller);
  const answer = await callUnary(client.checkOrigin.bind(client), { origin, merchantId }, callOptions());
  return answer.allowed;
};

test('an origin is allowed for its own hotel and for no other', async () => {
  const own = await newHotel(service, { allowedOrigins: ['https://own.example'] });
  const other = await newHotel(service, { allowedOrigins: ['https://other.example'] });
  assert.equal(await isAllowed('https://own.example', own), true);
  assert.equal(await isAllowed('https://own.example', other), false);
  assert.equal(await isAllowed('https://other.example', own), false);
});

test('with no hotel named, as in a preflight, any hotel’s origin is allowed and nobody’s is not', async () => {
  await newHotel(service, { allowedOrigins: ['https://preflight.example'] });
  assert.equal(await isAllowed('https://preflight.example'), true);
  const foreign = [
    'https://evil.example',
    'https://preflight.example.evil.example',
    'https://PREFLIGHT.example',
    'null',
    '',
    '%',
  ];
  for (const origin of foreign) assert.equal(await isAllowed(origin), false, origin);
});

test('the look-up without a hotel uses the index, under row level security too', async () => {
  const own = new Client({ connectionString: service.database.url });
  await own.connect();
  try {
    await own.query('begin');
    await own.query(
      `select set_config('centra.every_merchant', 'on', true), set_config('enable_seqscan', 'off', true)`,
    );
    const { rows } = await own.query<{ 'QUERY PLAN': string }>(
      `explain select 1 from merchant_origins where origin = 'https://a.example' limit 1`,
    );
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    assert.match(plan, /Index Cond: \(origin = /);
  } finally {
    await own.end();
  }
});

test('an origin longer than any is INVALID_ARGUMENT; every service but the gateway is PERMISSION_DENIED', async () => {
  await assert.rejects(isAllowed(`https://${'a'.repeat(2048)}`), { code: GRPC.INVALID_ARGUMENT });
  await assert.rejects(isAllowed('https://a.example', 'mer_1'), { code: GRPC.INVALID_ARGUMENT });
  for (const caller of ['auth', 'merchant', 'payment-api', 'transaction', 'operator'])
    await assert.rejects(
      isAllowed('https://a.example', '', caller),
      { code: GRPC.PERMISSION_DENIED },
      caller,
    );
});
