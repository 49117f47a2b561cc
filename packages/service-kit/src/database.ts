import { DatabaseError, Pool as PgPool, types } from 'pg';
import type { PoolClient as PgPoolClient } from 'pg';

type TypeId = Parameters<typeof types.getTypeParser>[0];
import type { Logger } from './log.ts';
import { ConfigError } from './env.ts';

export type Pool = PgPool;
export type PoolClient = PgPoolClient;

type PoolOptions = {
  /** postgres://… with the service's own role. */
  url: string;
  /** Connections. 8 to 16 in all is where a 2 to 4 core Postgres is fastest; more only queue inside it. */
  max: number;
  applicationName: string;
  log: Logger;
  /** Extra settings of each session, `-c name=value` form. */
  sessionOptions?: string;
  /** How long an answer may take before its connection is given up; only tests shorten it. */
  answerTimeoutMs?: number;
};

// A statement of ours takes milliseconds; one that takes 10 s is stuck and must free its connection.
const STATEMENT_TIMEOUT_MS = 10_000;
// The server's own limit does not help when the network swallows its answer: then a connection would wait for TCP, a quarter of
// an hour, and a few of them are the whole pool. Above the server's, so that it is the one to speak where it can.
const ANSWER_TIMEOUT_MS = 12_000;
// How long a request may wait for a connection before it is refused with 503.
const CONNECT_TIMEOUT_MS = 3_000;

/** A pool whose int8 columns arrive as bigint, since money must never pass through a double. */
export function createPool(options: PoolOptions): Pool {
  const pool = new PgPool({
    connectionString: options.url,
    max: options.max,
    application_name: options.applicationName,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    types: {
      getTypeParser: (oid: TypeId, format?: 'text' | 'binary') =>
        oid === types.builtins.INT8 && format !== 'binary'
          ? (value: string) => BigInt(value)
          : types.getTypeParser(oid, format),
    },
    ...(options.sessionOptions === undefined ? {} : { options: options.sessionOptions }),
  });
  // An idle connection that the server closes is reported here; without a listener it would end the process.
  pool.on('error', (error) => options.log.warn({ err: error }, 'idle database connection lost'));
  // The same for a connection in use that breaks between two statements; the next statement on it is rejected.
  pool.on('connect', (client) => {
    client.on('error', (error) => options.log.debug({ err: error }, 'database connection lost'));
  });
  return pool;
}

/** Refuses a database that could forget an acknowledged commit (reliability rule 14). */
export async function assertDurable(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ name: string; setting: string }>(
    `select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit')`,
  );
  const unsafe = rows.filter((row) => row.setting === 'off').map((row) => row.name);
  if (unsafe.length > 0)
    throw new ConfigError(`the database runs with ${unsafe.join(', ')} off and could lose payments`);
}

/** Runs the statements of one atomic phase. No network call to anything but the database inside it. */
export async function inTransaction<T>(pool: Pool, phase: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await phase(client);
    const { command } = await client.query('commit');
    // After a failed statement that the phase caught, Postgres answers `commit` with ROLLBACK and no error.
    if (command !== 'COMMIT')
      throw new Error('the transaction was rolled back: a statement in it had failed');
    client.release();
    return result;
  } catch (error) {
    // Nobody is there to roll back; the server does so when it sees the end of the connection.
    if (isDatabaseUnavailable(error)) {
      client.release(true);
      throw error;
    }
    // A connection that cannot even roll back is thrown away, so that no half transaction returns to the pool.
    const failed = await client.query('rollback').then(
      () => undefined,
      (rollbackError: Error) => rollbackError,
    );
    client.release(failed);
    throw error;
  }
}

/** The constraint a unique or check violation names, so that code can branch on it; undefined for other errors. */
export function violatedConstraint(error: unknown): string | undefined {
  if (!(error instanceof DatabaseError)) return undefined;
  return error.code === '23505' || error.code === '23514' || error.code === '23503'
    ? error.constraint
    : undefined;
}

// Connection exceptions, too many connections, and a server that stops or starts (appendix A of the Postgres manual).
const UNAVAILABLE_STATE = /^(08...|53...|57P..)$/;
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
const DRIVER_WORDS =
  /Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error/;

/** Whether the database could not be asked at all (as opposed to having refused the statement). */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // The ORM wraps the driver's error and keeps its code.
  const code = 'code' in error ? String(error.code) : '';
  return UNAVAILABLE_STATE.test(code) || NETWORK_CODES.has(code) || DRIVER_WORDS.test(error.message);
}
