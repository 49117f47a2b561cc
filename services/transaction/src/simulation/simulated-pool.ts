import { createPool } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { createLog } from '@centra/service-kit/log.ts';
import type { Client, QueryConfig, QueryResult, QueryResultRow } from 'pg';
import type { Faults } from './faults.ts';
import type { Scheduler } from './scheduler.ts';
import type { Story } from './story.ts';
import type { VirtualClock } from './virtual-clock.ts';

export type DatabaseWorld = {
  /** The one connection to the real database: one step is taken at a time, and each statement is its own transaction. */
  connection: Client;
  clock: VirtualClock;
  scheduler: Scheduler;
  faults: Faults;
  story: Story;
  tell(line: string): void;
};

// Never connected to: the pool below only has the shape of one.
const NOWHERE = 'postgres://nowhere.invalid/none';

/** A pool of one instance whose every statement is a step, executed by the real database at the virtual time. */
export function createSimulatedPool(instance: string, world: DatabaseWorld): Pool {
  const { scheduler, faults } = world;
  const query = async (statement: string | QueryConfig, values?: unknown[]): Promise<QueryResult> => {
    const config =
      typeof statement === 'string' ? { text: statement, ...(values ? { values } : {}) } : statement;
    if (config.text === 'begin') throw new Error('transactions of several statements are not simulated');
    const label = labelOf(config);
    namePayments(world.story, config);
    return await scheduler.ask(instance, label, async () => {
      if (faults.strikes('statement_lost')) {
        world.tell(`${instance}  ${label}: the connection broke before`);
        throw new Error('Connection terminated unexpectedly');
      }
      const result = await execute(world, config).catch((error: unknown) => {
        world.tell(`${instance}  ${label}: ${error instanceof Error ? error.message : String(error)}`);
        throw error;
      });
      if (faults.strikes('statement_answer_lost')) {
        world.tell(`${instance}  ${label}: done (${result.rowCount ?? 0}), and the connection broke`);
        throw new Error('Connection terminated unexpectedly');
      }
      world.tell(`${instance}  ${label}: ${result.rowCount ?? 0}`);
      return result;
    });
  };
  const connect = async (): Promise<{ query: typeof query; release(): void }> =>
    await scheduler.ask(instance, 'connect', () => {
      if (!faults.strikes('connection_refused')) return { query, release() {} };
      world.tell(`${instance}  connect: refused`);
      throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    });
  const pool = createPool({
    url: NOWHERE,
    max: 1,
    applicationName: 'simulation',
    log: createLog('simulation', 'silent'),
  });
  return Object.assign(pool, { query, connect });
}

/** One statement at the virtual time. */
export async function execute<Row extends QueryResultRow>(
  { connection, clock }: Pick<DatabaseWorld, 'connection' | 'clock'>,
  config: QueryConfig,
): Promise<QueryResult<Row>> {
  // Both go out together, in one packet: half of a run's time went into writing two.
  const { stream } = connection.connection;
  stream.cork();
  const both = Promise.all([connection.query(clock.sql()), connection.query<Row>(config)]);
  stream.uncork();
  const [, result] = await both;
  return result;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** The statement's name and the ids it is about. */
function labelOf({ name, text, values = [] }: QueryConfig): string {
  const ids = values.flatMap((value) => (typeof value === 'string' ? (value.match(UUID) ?? []) : []));
  const subject = [...new Set(ids)].join(' ');
  return `sql ${name ?? text.trim().split(/\s+/).slice(0, 3).join(' ')} ${subject}`.trim();
}

/** A new payment turns up first in the statement that stores it. */
function namePayments(story: Story, { name, values = [] }: QueryConfig): void {
  const [first, , third] = values;
  if (name === 'register-payment' && typeof third === 'string') story.namePayment(third);
  if (name !== 'begin-operations' || typeof first !== 'string') return;
  for (const [, id] of first.matchAll(/"payment_id":"([^"]+)"/g)) if (id !== undefined) story.namePayment(id);
}
