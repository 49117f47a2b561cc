import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Client } from 'pg';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { waitFor } from './pause.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder('testkit');
after(() => rmSync(folder, { recursive: true, force: true }));

test('a second start keeps the data, and durability is on', async () => {
  const dataDir = join(folder, 'kept');
  const first = await startEmbeddedPostgres({ dataDir });
  await query(first.url, 'create table kept (id int)');
  await first.stop();
  // Asked twice, as by a test and by the hook after it.
  await first.stop();
  const second = await startEmbeddedPostgres({ dataDir });
  assert.deepEqual(await query(second.url, 'select count(*)::int as count from kept'), [{ count: 0 }]);
  for (const name of ['fsync', 'synchronous_commit', 'full_page_writes'])
    assert.deepEqual(await query(second.url, `show ${name}`), [{ [name]: 'on' }]);
  await second.stop();
});

test('the server of a killed parent is stopped at the next start, and its data is whole', async () => {
  const dataDir = join(folder, 'left-over');
  const program = `
    import { startEmbeddedPostgres } from ${JSON.stringify(import.meta.resolve('./embedded-postgres.ts'))};
    const { url, pid } = await startEmbeddedPostgres({ dataDir: process.argv[1] });
    console.log(JSON.stringify({ url, pid }));`;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', program, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(parent.stdout, 'data');
  const { url, pid } = Object(JSON.parse(String(line)));
  await query(String(url), 'create table written (id int)');
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  // It runs on without its parent: Ctrl-C reaches the platform and not the database.
  assert.deepEqual(await query(String(url), 'select 1 as one'), [{ one: 1 }]);
  const next = await startEmbeddedPostgres({ dataDir });
  try {
    assert.notEqual(next.pid, pid);
    await assert.rejects(query(String(url), 'select 1'));
    assert.deepEqual(await query(next.url, 'select count(*)::int as count from written'), [{ count: 0 }]);
  } finally {
    await next.stop();
  }
});

test('a lock file whose process is another program is not taken for a server', async () => {
  const dataDir = join(folder, 'stale');
  const first = await startEmbeddedPostgres({ dataDir });
  // Killed by power: the lock file stays behind, and its number may by now belong to anyone.
  process.kill(first.pid, 'SIGKILL');
  await waitFor(
    'the server to end',
    async () =>
      await query(first.url, 'select 1').then(
        () => undefined,
        () => true,
      ),
  );
  assert.ok(existsSync(join(dataDir, 'postmaster.pid')));
  const second = await startEmbeddedPostgres({ dataDir });
  assert.deepEqual(await query(second.url, 'select 1 as one'), [{ one: 1 }]);
  await second.stop();
});

test('a setting that the server refuses is told in its own words', async () => {
  const start = startEmbeddedPostgres({
    dataDir: join(folder, 'refused'),
    settings: { shared_buffers: 'plenty' },
  });
  await assert.rejects(start, /postgres ended with 1: .*shared_buffers/s);
});

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  // A server that is stopped under an open connection says so here too.
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(text);
    return rows;
  } finally {
    await client.end();
  }
}
