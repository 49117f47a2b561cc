import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { createPool, inTransaction } from '@centra/service-kit/database.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { callOptions, paymentOf, refusalOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { asMerchant } from './as-merchant.ts';

let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world);
});
after(async () => {
  await service.close();
  await world.close();
});

async function onePayment(): Promise<{ hotel: Hotel; paymentId: string }> {
  const hotel = await world.simulatorHotel();
  return { hotel, paymentId: paymentOf(await service.sale(saleRequest(hotel, 'sim_card_visa'))).paymentId };
}

/** What the service says when somebody asks for a payment that it does not show them. */
async function ask(merchantId: string, mode: Mode, id: string) {
  return await refusalOf(
    callUnary(
      service.client.getPayment.bind(service.client),
      { merchantId, mode, paymentId: id },
      callOptions(),
    ),
  );
}

test("another hotel's payment, another mode's, an unknown one and a malformed id are all not_found", async () => {
  const { hotel, paymentId } = await onePayment();
  const other = await world.simulatorHotel();
  const refusals = await Promise.all([
    ask(other.merchantId, Mode.MODE_TEST, paymentId),
    ask(hotel.merchantId, Mode.MODE_LIVE, paymentId),
    ask(hotel.merchantId, Mode.MODE_TEST, toPublicId('pay', newUuid())),
    ...[
      '',
      'pay_',
      'pay_zzzzzzzzzzzzzzzzzzzzzzzzzz',
      paymentId.replace('pay_', 'pa_'),
      paymentId.toUpperCase(),
      `${paymentId}x`,
      "pay_'--",
    ].map(async (id) => await ask(hotel.merchantId, Mode.MODE_TEST, id)),
  ]);
  for (const { status, error } of refusals) {
    assert.deepEqual([status, error.code], [grpcStatus.NOT_FOUND, 'not_found']);
    assert.equal(error.detail, undefined, 'nothing tells one case from the other');
  }
});

test('only payment-api may read', async () => {
  const { hotel, paymentId } = await onePayment();
  const request = { merchantId: hotel.merchantId, mode: Mode.MODE_TEST, paymentId };
  for (const caller of ['merchant', 'api-gateway', 'auth', 'operator', 'booking-api']) {
    const client = service.clientOf(caller);
    const refused = await refusalOf(callUnary(client.getPayment.bind(client), request, callOptions()));
    assert.equal(refused.status, grpcStatus.PERMISSION_DENIED, caller);
  }
});

test('I19: as transaction_reader no row of any table is seen without a merchant, and none of another with one', async () => {
  const { hotel } = await onePayment();
  const log = createLog('test', 'silent');
  const pool = createPool({ url: world.database.url, max: 2, applicationName: 'test', log });
  const tables = ['payments', 'operations', 'payment_events'];
  try {
    for (const table of tables) {
      const without = await inTransaction(pool, async (client) => {
        await client.query('set local role transaction_reader');
        return (await client.query(`select 1 from ${table}`)).rowCount;
      });
      assert.equal(without, 0, `${table} without a merchant`);
      const read = async (merchantId: string): Promise<number | null> =>
        await asMerchant(
          pool,
          merchantId,
          async (client) => (await client.query(`select 1 from ${table}`)).rowCount,
        );
      assert.ok(((await read(hotel.merchantId)) ?? 0) > 0, `${table} of its own`);
      assert.equal(await read(randomUUID()), 0, `${table} of another`);
    }
    // The connection that was used goes back without the role and without the merchant.
    const { rows } = await pool.query(
      `select current_user as name, current_setting('centra.merchant_id', true) as merchant`,
    );
    assert.equal(rows[0]?.name, 'transaction');
    assert.ok(!rows[0]?.merchant);
  } finally {
    await pool.end();
  }
});

test('transaction_reader may not write, and may not read what hotels have no part in', async () => {
  const { hotel } = await onePayment();
  const pool = createPool({
    url: world.database.url,
    max: 1,
    applicationName: 'test',
    log: createLog('test', 'silent'),
  });
  try {
    for (const text of [
      `update payments set description = 'x'`,
      'delete from operations',
      'select * from outbox',
    ])
      await assert.rejects(
        asMerchant(pool, hotel.merchantId, async (client) => await client.query(text)),
        /permission denied/,
      );
  } finally {
    await pool.end();
  }
});
