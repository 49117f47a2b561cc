import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import type { Entities } from './orm.ts';

type MigrationOptions = {
  url: string;
  /** The explicit list of the service's entities. */
  entities?: Entities;
  /** Absolute folder of the service's migrations. */
  migrationsFolder: string;
};

// A database that does not answer within this is away; whoever starts the service tries again.
const CONNECT_TIMEOUT_MS = 10_000;
// Advisory locks are per database; the number is arbitrary but ours.
const MIGRATION_LOCK = 7_203_115;

/** Applies every migration that the database does not have yet. Safe to repeat, and by several processes at once. */
export async function applyMigrations(options: MigrationOptions): Promise<string[]> {
  // Replicas start together, and the migrator itself does not keep them apart: the second would fail on the first's tables.
  const lock = new Client({ connectionString: options.url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  lock.on('error', () => {});
  await lock.connect();
  try {
    await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    return await applyLocked(options);
  } finally {
    // The end of the session frees the lock.
    await lock.end();
  }
}

async function applyLocked(options: MigrationOptions): Promise<string[]> {
  const orm = await createMigratingOrm(options);
  try {
    const applied = await orm.migrator.up();
    return applied.map((migration) => migration.name);
  } finally {
    await orm.close(true);
  }
}

async function createMigratingOrm(options: MigrationOptions): Promise<MikroORM> {
  return await MikroORM.init({
    clientUrl: options.url,
    entities: options.entities ?? [],
    discovery: { warnWhenNoEntities: false },
    extensions: [Migrator],
    // MikroORM wants the same folder twice when it runs TypeScript as it is written.
    migrations: {
      path: options.migrationsFolder,
      pathTs: options.migrationsFolder,
      glob: '!(*.d).{js,ts}',
      emit: 'ts',
      snapshot: false,
      silent: true,
    },
    pool: { min: 0, max: 4 },
    debug: false,
  });
}
