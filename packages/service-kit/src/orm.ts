import { MikroORM } from '@mikro-orm/postgresql';
import type { AnyEntity, EntityClass, EntitySchema } from '@mikro-orm/core';
import type { Pool, PoolClient } from './database.ts';

export type Entities = (EntityClass<AnyEntity> | EntitySchema)[];

type OrmOptions = {
  /** postgres://… with the service's own role. */
  url: string;
  /** The explicit list of the service's entities. */
  entities: Entities;
  /** Connections. */
  max: number;
  applicationName: string;
};

// A statement of ours takes milliseconds; one that takes 10 s is stuck and must free its connection.
const STATEMENT_TIMEOUT_MS = 10_000;
// How long a request may wait for a connection before it is refused with 503.
const CONNECT_TIMEOUT_MS = 3_000;

/** The ORM on a pool with limits, which a restart of the database does not wear out. */
export async function createOrm(options: OrmOptions): Promise<MikroORM> {
  return await MikroORM.init({
    clientUrl: options.url,
    entities: options.entities,
    pool: { min: 0, max: options.max },
    driverOptions: {
      application_name: options.applicationName,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      onPoolCreated: takeBackLostConnections,
    },
    debug: false,
  });
}

// Far longer than the ORM needs to give a connection back when it does.
const TAKE_BACK_AFTER_MS = 1_000;

/**
 * When a connection dies inside a transaction, its rollback fails, and the ORM (7.2.1 on its query builder) then never gives
 * it back to the pool: after as many lost connections as the pool has, every request would wait in vain. So each one that
 * has ended is given back here.
 */
function takeBackLostConnections(pool: Pool): void {
  pool.on('connect', (client: PoolClient) => {
    client.once('end', () => setTimeout(() => takeBack(client), TAKE_BACK_AFTER_MS).unref());
  });
}

function takeBack(client: PoolClient): void {
  try {
    client.release(true);
  } catch {
    // The pool refuses a second release: this one was given back properly.
  }
}
