import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DatabaseError } from 'pg';
import { startEmbeddedPostgres } from '@centra/testkit/embedded-postgres.ts';
import type { EmbeddedPostgres } from '@centra/testkit/embedded-postgres.ts';
import { startFaultProxy, targetOf } from '@centra/testkit/fault-proxy.ts';
import { pauseMs, waitFor } from '@centra/testkit/pause.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import {
  assertDurable,
  createPool,
  inTransaction,
  isDatabaseUnavailable,
  violatedConstraint,
} from './database.ts';
import type { Pool } from './database.ts';
import { ConfigError } from './env.ts';
import { createLog } from './log.ts';

const log = createLog('test', 'silent');

describe('on a running database', () => {
  const folder = temporaryFolder('database');
  let server: EmbeddedPostgres;
  let pool: Pool;

  before(async () => {
    server = await startEmbeddedPostgres({ dataDir: join(folder, 'data') });
    pool = createPool({ url: server.url, max: 3, applicationName: 'kit', log });
    await pool.query(
      'create table entries (id int primary key, amount int8 constraint amount_positive check (amount > 0))',
    );
    await pool.query('create table parts (entry int constraint part_of_entry references entries)');
  });

  after(async () => {
    await pool.end();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('int8 arrives as bigint with every digit, and goes in as one', async () => {
    const { rows } = await pool.query(
      `select $1::int8 as sent, '-9223372036854775808'::int8 as min, null::int8 as none, 7::int4 as small`,
      [9_223_372_036_854_775_807n],
    );
    assert.deepEqual(rows, [
      { sent: 9_223_372_036_854_775_807n, min: -9_223_372_036_854_775_808n, none: null, small: 7 },
    ]);
    const counted = await pool.query('select count(*) as count from entries where id < 0');
    assert.deepEqual(counted.rows, [{ count: 0n }]);
  });

  test('a database whose answers the network swallows is unavailable, and its connections are given up', async () => {
    const proxy = await startFaultProxy({ targets: [targetOf(server.url)] });
    const behind = createPool({
      url: proxy.through(server.url),
      max: 2,
      applicationName: 'kit',
      log,
      answerTimeoutMs: 300,
    });
    try {
      await Promise.all([behind.query('select 1'), behind.query('select 2')]);
      proxy.set({ kind: 'half-open' });
      for (const ask of [behind.query('select 1'), inTransaction(behind, async () => {})]) {
        const error: unknown = await ask.catch((refusal: unknown) => refusal);
        assert.ok(isDatabaseUnavailable(error), String(error));
      }
      assert.equal(behind.totalCount, 0, 'none is kept');
      proxy.clear();
      assert.equal(await inTransaction(behind, async () => 'done'), 'done');
    } finally {
      await behind.end();
      await proxy.close();
    }
  });

  test('sessions carry their name, settings and a limit on each statement', async () => {
    const named = createPool({
      url: server.url,
      max: 1,
      applicationName: 'kit-name',
      log,
      sessionOptions: '-c lock_timeout=1234',
    });
    const { rows } = await named.query(
      `select current_setting('application_name') as name, current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement`,
    );
    assert.deepEqual(rows, [{ name: 'kit-name', lock: '1234ms', statement: '10s' }]);
    await named.end();
  });

  test('a phase that returns is kept', async () => {
    const answer = await inTransaction(pool, async (client) => {
      await client.query('insert into entries values (1, 100)');
      return 'done';
    });
    assert.equal(answer, 'done');
    assert.equal(await countOf(pool, 1), 1n);
  });

  test('a phase that throws leaves nothing, throws its own error on, and its connection serves again', async () => {
    const refusal = new Error('the phase decided otherwise');
    const phase = inTransaction(pool, async (client) => {
      await client.query('insert into entries values (2, 100)');
      throw refusal;
    });
    await assert.rejects(phase, (error) => error === refusal);
    assert.equal(await countOf(pool, 2), 0n);
    assert.equal(pool.totalCount, pool.idleCount);
  });

  test('a phase that swallows a failed statement is not taken for kept', async () => {
    const phase = inTransaction(pool, async (client) => {
      await client.query('insert into entries values (3, 100)');
      await client.query('insert into entries values (3, 100)').catch(() => {});
      return 'the caller would believe this';
    });
    await assert.rejects(phase, /rolled back/);
    assert.equal(await countOf(pool, 3), 0n);
  });

  test('a connection that breaks inside a phase is thrown away; the process and the pool live on', async () => {
    let pid = 0;
    const escaped: Error[] = [];
    const note = (error: Error): void => void escaped.push(error);
    process.on('uncaughtExceptionMonitor', note);
    const broken = inTransaction(pool, async (client) => {
      await client.query('insert into entries values (4, 100)');
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      pid = rows[0]?.pid ?? 0;
      await pool.query('select pg_terminate_backend($1)', [pid]);
      // Between two statements nobody waits for the connection: its end is an event, not a rejection.
      await pauseMs(100);
      await client.query('insert into entries values (5, 100)');
    });
    await assert.rejects(broken, (error) => isDatabaseUnavailable(error));
    process.off('uncaughtExceptionMonitor', note);
    assert.deepEqual(escaped, []);
    assert.equal(await countOf(pool, 4), 0n);
    const pids = await Promise.all(
      [1, 2, 3].map(() =>
        inTransaction(
          pool,
          async (client) =>
            (await client.query<{ pid: number }>('select pg_backend_pid() as pid, pg_sleep(0.05)')).rows[0]
              ?.pid,
        ),
      ),
    );
    assert.ok(!pids.includes(pid));
  });

  test('an idle connection that the server closes is replaced', async () => {
    const other = createPool({ url: server.url, max: 1, applicationName: 'kit-idle', log });
    const { rows } = await other.query<{ pid: number }>('select pg_backend_pid() as pid');
    await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    await waitFor('the pool to notice', async () => (other.totalCount === 0 ? true : undefined));
    assert.equal((await other.query('select 1')).rowCount, 1);
    await other.end();
  });

  test('violated constraints are named; other errors have no such name', async () => {
    await pool.query('insert into entries values (10, 100)');
    const violations: [string, string | undefined][] = [
      ['insert into entries values (10, 1)', 'entries_pkey'],
      ['insert into entries values (11, 0)', 'amount_positive'],
      ['insert into parts values (999)', 'part_of_entry'],
      ['insert into entries values (null, 1)', undefined],
      ['select 1/0', undefined],
      ['select * from missing', undefined],
    ];
    for (const [text, constraint] of violations) {
      const error: unknown = await pool.query(text).catch((refusal: unknown) => refusal);
      assert.ok(error instanceof DatabaseError, text);
      assert.equal(violatedConstraint(error), constraint, text);
      assert.equal(isDatabaseUnavailable(error), false, text);
    }
    assert.equal(violatedConstraint(new Error('entries_pkey')), undefined);
    assert.equal(violatedConstraint(undefined), undefined);
  });

  test('a pool without a free connection refuses within seconds, as unavailable', async () => {
    const small = createPool({ url: server.url, max: 1, applicationName: 'kit-small', log });
    const client = await small.connect();
    const error: unknown = await small.query('select 1').catch((refusal: unknown) => refusal);
    assert.ok(isDatabaseUnavailable(error), String(error));
    client.release();
    await small.end();
  });

  test('a server with durable settings is accepted', async () => {
    await assert.doesNotReject(assertDurable(pool));
  });

  test('a session or server that could forget a commit stops the start', async () => {
    const careless = createPool({
      url: server.url,
      max: 1,
      applicationName: 'kit',
      log,
      sessionOptions: '-c synchronous_commit=off',
    });
    await assert.rejects(
      assertDurable(careless),
      (error) => error instanceof ConfigError && error.message.includes('synchronous_commit'),
    );
    await careless.end();
  });
});

test('a server started without fsync stops the start; a stopped one is unavailable, not a bug', async () => {
  const folder = temporaryFolder('database');
  const server = await startEmbeddedPostgres({
    dataDir: join(folder, 'data'),
    settings: { fsync: 'off', full_page_writes: 'off' },
  });
  const pool = createPool({ url: server.url, max: 2, applicationName: 'kit', log });
  try {
    await assert.rejects(
      assertDurable(pool),
      (error) =>
        error instanceof ConfigError && /fsync/.test(error.message) && /full_page_writes/.test(error.message),
    );
    const running = pool.query('select pg_sleep(60)').catch((error: unknown) => error);
    await pauseMs(100);
    await server.stop();
    assert.ok(isDatabaseUnavailable(await running), String(await running));
    for (const ask of [pool.query('select 1'), inTransaction(pool, async () => {})]) {
      const error: unknown = await ask.catch((refusal: unknown) => refusal);
      assert.ok(isDatabaseUnavailable(error), String(error));
    }
  } finally {
    await pool.end();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test('what a database driver, the ORM or the network say of a database that is away is recognised', () => {
  for (const code of [
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    '57P01',
    '57P03',
    '53300',
    '08006',
  ])
    assert.ok(isDatabaseUnavailable(withCode(code)), code);
  for (const code of ['23505', '40001', '57014', 'ERR_ASSERTION', 'ENOENT', '5300', ''])
    assert.equal(isDatabaseUnavailable(withCode(code)), false, code);
  for (const value of [new Error('bug'), undefined, null, 'ECONNREFUSED', {}])
    assert.equal(isDatabaseUnavailable(value), false);
});

async function countOf(pool: Pool, id: number): Promise<bigint | undefined> {
  const { rows } = await pool.query<{ count: bigint }>(
    'select count(*) as count from entries where id = $1',
    [id],
  );
  return rows[0]?.count;
}

function withCode(code: string): Error {
  return Object.assign(new Error('x'), { code });
}
