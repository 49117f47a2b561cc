import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Client } from 'pg';
import { createPool } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { createTestDatabase } from '@centra/testkit/test-database.ts';
import type { TestDatabase } from '@centra/testkit/test-database.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { migrate, migrationsFolder } from '../migrate.ts';
import { startWithDoubles } from '../testing/start-with-doubles.ts';
import { reapQuotes } from './reap-quotes.ts';

// A database without a running service, whose own reaper would take a share.
let database: TestDatabase;
let pool: Pool;
let admin: Pool;
before(async () => {
  database = await createTestDatabase({ service: 'payment-api', migrationsFolder, migrate });
  const log = createLog('test', 'silent');
  pool = createPool({ url: database.url, max: 4, applicationName: 'test', log });
  admin = createPool({ url: database.adminUrl, max: 2, applicationName: 'test', log });
});
after(async () => {
  await pool.end();
  await admin.end();
  await database.drop();
});

test('deletes what lapsed 90 days ago, of every hotel, oldest first and in batches, and nothing younger', async () => {
  await add(admin, 7, '90 days 1 minute');
  await add(admin, 3, '200 days');
  await add(admin, 4, '89 days 23 hours');
  await add(admin, 2, '-30 minutes');
  assert.equal(await reapQuotes(pool, 3), 3);
  assert.equal(await countOf(`expires_at < now() - interval '100 days'`), 0);
  assert.equal(await reapQuotes(pool, 5), 5);
  assert.equal(await reapQuotes(pool, 5), 2);
  assert.equal(await reapQuotes(pool, 5), 0);
  assert.equal(await countOf('true'), 6);
});

test('several reapers at once delete each quote once', async () => {
  await add(admin, 40, '91 days');
  const counts = await Promise.all(Array.from({ length: 4 }, async () => await reapQuotes(pool, 10)));
  let total = counts.reduce((sum, count) => sum + count, 0);
  for (let count = 1; count > 0; total += count) count = await reapQuotes(pool, 100);
  assert.equal(total, 40);
  assert.equal(await countOf('true'), 6);
});

test('the running service reaps by itself', async () => {
  const stand = await startWithDoubles();
  try {
    await add(stand.database, 1_100, '91 days');
    const another = await stand.startAnother();
    try {
      await waitFor('the lapsed quotes to go', async () => {
        const { rows } = await stand.database.query('select from quotes');
        return rows.length === 0 ? true : undefined;
      });
    } finally {
      await another.close();
    }
  } finally {
    await stand.close();
  }
});

async function countOf(condition: string): Promise<number> {
  const { rows } = await admin.query<{ count: string }>(`select count(*) from quotes where ${condition}`);
  return Number(rows[0]?.count);
}

/** Quotes of as many hotels that lapsed so long ago. */
async function add(to: Client | Pool, count: number, ago: string): Promise<void> {
  await to.query(
    `insert into quotes (merchant_id, id, mode, hash, pricing_version, request, priced_on, currency, subtotal_minor,
       discount_minor, tax_minor, total_minor, lines, created_at, expires_at)
     select gen_random_uuid(), gen_random_uuid(), 'test', decode(repeat('00', 32), 'hex'), '1', '{}', current_date, 'EUR',
            0, 0, 0, 0, '[]', now() - $2::interval - interval '30 minutes', now() - $2::interval
       from generate_series(1, $1)`,
    [count, ago],
  );
}
