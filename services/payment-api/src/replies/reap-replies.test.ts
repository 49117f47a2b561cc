import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Client } from 'pg';
import { createTestDatabase } from '@centra/testkit/test-database.ts';
import type { TestDatabase } from '@centra/testkit/test-database.ts';
import { createPool } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { startWithDoubles } from '../testing/start-with-doubles.ts';
import { migrate, migrationsFolder } from '../migrate.ts';
import { reapPrices, reapReplies } from './reap-replies.ts';

describe('the reaper of replies', () => {
  let database: TestDatabase;
  let pool: Pool;
  before(async () => {
    database = await createTestDatabase({ service: 'payment-api', migrationsFolder, migrate });
    pool = createPool({
      url: database.url,
      max: 4,
      applicationName: 'test',
      log: createLog('test', 'silent'),
    });
  });
  after(async () => {
    await pool.end();
    await database.drop();
  });

  test('deletes what is older than 30 days, oldest first and in batches, and nothing younger', async () => {
    await add(pool, 7, '30 days 1 minute');
    await add(pool, 3, '90 days');
    await add(pool, 4, '29 days 23 hours');
    await add(pool, 2, '0 days');
    assert.equal(await reapReplies(pool, 3), 3);
    assert.equal(await countOf(`created_at < now() - interval '60 days'`), 0);
    assert.equal(await reapReplies(pool, 5), 5);
    assert.equal(await reapReplies(pool, 5), 2);
    assert.equal(await reapReplies(pool, 5), 0);
    assert.equal(await countOf('true'), 6);
  });

  test('prices of quoted payments go a day later than the replies of the same age', async () => {
    for (const age of ['31 days 1 minute', '30 days 23 hours', '0 days'])
      await pool.query(
        `insert into quoted_operations
           (merchant_id, operation_id, fingerprint, quote_id, amount_minor, currency, quote_hash, created_at)
         select gen_random_uuid(), gen_random_uuid(), decode(repeat('00', 32), 'hex'), 'quo_1', 1, 'EUR', '', now() - $1::interval`,
        [age],
      );
    assert.deepEqual([await reapPrices(pool, 10), await reapPrices(pool, 10)], [1, 0]);
    const { rows } = await pool.query('select count(*)::integer as count from quoted_operations');
    assert.deepEqual(rows, [{ count: 2 }]);
  });

  test('several reapers at once delete each reply once and do not wait for each other', async () => {
    await add(pool, 40, '31 days');
    const counts = await Promise.all(Array.from({ length: 4 }, async () => await reapReplies(pool, 10)));
    let total = counts.reduce((sum, count) => sum + count, 0);
    for (let count = 1; count > 0; total += count) count = await reapReplies(pool, 100);
    assert.equal(total, 40);
    assert.equal(await countOf('true'), 6);
  });

  test('the running service reaps by itself, more than one batch at a time', async () => {
    const stand = await startWithDoubles();
    try {
      await add(stand.database, 2_500, '31 days');
      await add(stand.database, 1, '29 days');
      const another = await stand.startAnother();
      await waitFor('the expired replies to go', async () =>
        (await stand.replyCount()) === 1 ? true : undefined,
      );
      await another.close();
    } finally {
      await stand.close();
    }
  });

  async function countOf(condition: string): Promise<number> {
    const { rows } = await pool.query<{ count: bigint }>(`select count(*) from replies where ${condition}`);
    return Number(rows[0]?.count);
  }
});

async function add(database: Pool | Client, count: number, age: string): Promise<void> {
  await database.query(
    `insert into replies (merchant_id, operation_id, mode, fingerprint, status_code, location, body, created_at)
     select gen_random_uuid(), gen_random_uuid(), 'test', decode(repeat('00', 32), 'hex'), 201, '/x', '{}', now() - $2::interval
       from generate_series(1, $1)`,
    [count, age],
  );
}
