import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AppError } from '@centra/service-kit/errors.ts';
import { newUuid } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { Client } from 'pg';
import { asCaller, connectStripe, newCaller, startTestMerchant } from './test-service.ts';
import type { TestMerchant } from './test-service.ts';
import { acrossMerchants, asMerchant, lockMerchant, readAsMerchant } from './tenant.ts';

const TABLES = [
  'merchants',
  'merchant_origins',
  'merchant_limits',
  'merchant_logos',
  'access_orders',
  'audit_events',
  'data_keys',
  'provider_accounts',
  'provider_account_versions',
  'connection_tests',
  'routing_rules',
  'webhook_endpoints',
  'webhook_endpoint_secrets',
];

let service: TestMerchant;
let own: Client;
let hotels: string[];
before(async () => {
  service = await startTestMerchant();
  own = new Client({ connectionString: service.database.url });
  await own.connect();
  hotels = [];
  for (let index = 0; index < 2; index += 1) {
    const { merchantId, caller } = await newCaller(service);
    const accountId = await connectStripe(caller);
    await service.sql(`insert into merchant_origins values ($1, 'https://a.example')`, [merchantId]);
    await service.sql(`insert into merchant_limits values ($1, 'payments', 5)`, [merchantId]);
    await service.sql(
      `insert into merchant_logos (merchant_id, image, width, height, sha256)
       values ($1, 'x', 1, 1, sha256('x'))`,
      [merchantId],
    );
    // Not due while this runs: the loop would deliver and remove it.
    await service.sql(
      `insert into access_orders (merchant_id, kind, suspended, actor, request_id, due_at)
       values ($1, 'access', false, 'operator:x', 'req_1', now() + interval '1 day')`,
      [merchantId],
    );
    const endpointId = newUuid();
    await service.sql(
      `insert into webhook_endpoints (merchant_id, id, mode, url, events)
       values ($1, $2, 'test', 'https://a.example/', '{*}')`,
      [merchantId, endpointId],
    );
    await service.sql(
      `insert into webhook_endpoint_secrets (merchant_id, endpoint_id, version, last4, expires_at, destroyed_at)
       values ($1, $2, 1, 'abcd', now(), now())`,
      [merchantId, endpointId],
    );
    await asCaller(service, { merchantId, scopes: ['routing_rules:write'] })
      .post('/v1/routing-rules')
      .send({ name: 'Francs', conditions: { currencies: ['CHF'] }, provider_accounts: [accountId] })
      .expect(201);
    hotels.push(merchantId);
  }
});
after(async () => {
  await own.end();
  await service.close();
});

const count = async (table: string): Promise<number> =>
  (await own.query<{ count: number }>(`select count(*)::int as count from ${table}`)).rows[0]?.count ?? -1;

test('each table with a hotel’s rows has row level security, forced on its owner', async () => {
  const tables = await service.sql(
    `select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as forced
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'merchant_id'
      where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by c.relname`,
  );
  assert.deepEqual(
    tables,
    TABLES.toSorted().map((name) => ({ name, forced: true })),
  );
});

for (const table of TABLES) {
  test(`${table}: the owner’s session sees nothing without a hotel, its own rows with one, all only when it says so`, async () => {
    const [all] = await service.sql(`select count(*)::int as count from ${table}`);
    assert.equal(await count(table), 0);
    await own.query('begin');
    try {
      await own.query(`select set_config('centra.merchant_id', $1, true)`, [hotels[0]]);
      const rows = await own.query<{ merchant_id: string }>(`select merchant_id from ${table}`);
      assert.ok(rows.rows.length > 0);
      for (const row of rows.rows) assert.equal(row.merchant_id, hotels[0]);
      await own.query(
        `select set_config('centra.merchant_id', '', true), set_config('centra.every_merchant', 'on', true)`,
      );
      assert.equal(await count(table), all?.['count']);
    } finally {
      await own.query('rollback');
    }
    assert.equal(await count(table), 0, 'the scope ends with its transaction');
  });

  test(`${table}: merchant_reader never sees every hotel, and changes nothing`, async () => {
    await own.query('begin');
    try {
      await own.query(
        `select set_config('centra.every_merchant', 'on', true), set_config('role', 'merchant_reader', true)`,
      );
      await own.query('savepoint here');
      const seen = await own.query(`select merchant_id from ${table}`).then(
        ({ rowCount }) => rowCount,
        (error: { code: string }) => error.code,
      );
      assert.ok(seen === 0 || seen === '42501', String(seen));
      await own.query('rollback to here');
      await assert.rejects(own.query(`delete from ${table}`), { code: '42501' });
    } finally {
      await own.query('rollback');
    }
  });
}

test('merchant_reader cannot select a sealed value, nor any data key', async () => {
  for (const text of [
    'select sealed_fields from provider_account_versions',
    'select * from provider_account_versions',
    'select sealed from webhook_endpoint_secrets',
    'select 1 from data_keys',
  ])
    await assert.rejects(
      readAsMerchant(service.service.context, hotels[0] ?? '', (tx) => tx.execute(text)),
      { code: '42501' },
      text,
    );
});

test('merchant_reader reads the history of its own hotel only, and never writes to it', async () => {
  const { context } = service.service;
  for (const hotel of hotels) {
    const [stored] = await service.sql(
      'select count(*)::int as count from audit_events where merchant_id = $1',
      [hotel],
    );
    const seen = await readAsMerchant(context, hotel, (tx) =>
      tx.execute<{ merchant_id: string }[]>('select merchant_id from audit_events'),
    );
    assert.ok(seen.length > 0);
    assert.equal(seen.length, stored?.['count']);
    assert.ok(seen.every((row) => row.merchant_id === hotel));
    for (const text of [
      `insert into audit_events (merchant_id, actor, address, request_id, action, object_id)
         values ('${hotel}', 'x', '', '', 'a.b', 'x')`,
      `update audit_events set actor = 'nobody'`,
      'delete from audit_events',
      'truncate audit_events',
    ])
      await assert.rejects(
        readAsMerchant(context, hotel, (tx) => tx.execute(text)),
        { code: '42501', message: /permission denied/ },
        text,
      );
  }
});

test('a row of another hotel cannot be written', async () => {
  const { context } = service.service;
  const [a, b] = hotels;
  await assert.rejects(
    asMerchant(context, a ?? '', (tx) =>
      tx.execute(`insert into merchant_origins values (?, 'https://b.example')`, [b]),
    ),
    { code: '42501' },
  );
  const changed = await asMerchant(context, a ?? '', (tx) =>
    tx.execute<unknown[]>('update provider_accounts set name = ? where merchant_id = ? returning id', [
      'Stolen',
      b,
    ]),
  );
  assert.deepEqual(changed, []);
});

test('a hotel that is not registered is not_found', async () => {
  const merchantId = newUuid();
  await assert.rejects(
    asMerchant(service.service.context, merchantId, (tx) => lockMerchant(tx, merchantId)),
    (error) => error instanceof AppError && error.code === 'not_found',
  );
});

test('connections that the database cuts are 503, and however many are lost the service recovers by itself', async () => {
  const { context } = service.service;
  const cut = () =>
    acrossMerchants(context, (tx) => tx.execute('select pg_terminate_backend(pg_backend_pid())'));
  // Twice as many as the pool has.
  for (let lost = 0; lost < 2 * context.config.databasePoolMax; lost += 1)
    await assert.rejects(cut(), (error) => error instanceof AppError && error.code === 'unavailable');
  const seen = await waitFor('a connection', () =>
    acrossMerchants(context, (tx) => tx.execute<unknown[]>('select 1 from merchants')).then(
      (rows) => rows.length,
      () => undefined,
    ),
  );
  assert.ok(seen >= 2);
});
