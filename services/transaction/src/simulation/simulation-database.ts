import { randomBytes } from 'node:crypto';
import { createRoles, withDatabase } from '@centra/testkit/test-database.ts';
import { Client } from 'pg';
import { databaseRoles, migrate } from '../migrate.ts';
import { VIRTUAL_CLOCK_SQL } from './virtual-clock.ts';

/** Databases with the real schema, whose time is a session's virtual time. */
export type SimulationDatabases = {
  urls: readonly string[];
  drop(): Promise<void>;
};

const ROLE = 'simulation';

/**
 * Makes so many databases on a server. Durability is not what a simulation proves, so its role does not wait for the disk,
 * and only its role: the same server may serve tests that do.
 */
export async function createSimulationDatabases(
  serverUrl: string,
  count: number,
): Promise<SimulationDatabases> {
  const run = randomBytes(6).toString('hex');
  const names = Array.from({ length: count }, (_, index) => `simulation_${run}_${index}`);
  await withAdmin(serverUrl, async (admin) => {
    await createRoles(admin, { service: ROLE, roles: databaseRoles });
    // Our functions before the database's own; and one plan for each statement, whatever the values.
    await admin.query(`
      alter role ${ROLE} set search_path = public, pg_catalog;
      alter role ${ROLE} set synchronous_commit = off;
      alter role ${ROLE} set plan_cache_mode = force_generic_plan;
      alter role ${ROLE} set jit = off;`);
    const [first, ...others] = names;
    if (first === undefined) return;
    await admin.query(`create database "${first}" owner ${ROLE}`);
    await prepare(withDatabase(serverUrl, first, ROLE));
    for (const name of others)
      await admin.query(`create database "${name}" template "${first}" owner ${ROLE}`);
  });
  return {
    urls: names.map((name) => withDatabase(serverUrl, name, ROLE)),
    drop: async () =>
      await withAdmin(serverUrl, async (admin) => {
        for (const name of names) await admin.query(`drop database if exists "${name}" with (force)`);
      }),
  };
}

async function prepare(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(VIRTUAL_CLOCK_SQL);
  } finally {
    await client.end();
  }
  await migrate(url);
}

async function withAdmin(serverUrl: string, use: (admin: Client) => Promise<void>): Promise<void> {
  const admin = new Client({ connectionString: serverUrl });
  await admin.connect();
  try {
    await use(admin);
  } finally {
    await admin.end();
  }
}
