import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from 'pg';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { temporaryFolder } from './temporary-folder.ts';

test('a second start keeps the data, and durability is on', async () => {
  const folder = temporaryFolder('testkit');
  const dataDir = join(folder, 'data');
  try {
    const first = await startEmbeddedPostgres({ dataDir });
    await query(first.url, 'create table kept (id int)');
    await first.stop();
    const second = await startEmbeddedPostgres({ dataDir });
    assert.deepEqual(await query(second.url, 'select count(*)::int as count from kept'), [{ count: 0 }]);
    assert.deepEqual(await query(second.url, 'show fsync'), [{ fsync: 'on' }]);
    assert.deepEqual(await query(second.url, 'show synchronous_commit'), [{ synchronous_commit: 'on' }]);
    await second.stop();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(text);
    return rows;
  } finally {
    await client.end();
  }
}
