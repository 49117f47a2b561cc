import { join } from 'node:path';
import { createPool } from '@centra/service-kit/database.ts';
import { envText, readEnv } from '@centra/service-kit/env.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { applyMigrations } from '@centra/service-kit/migrations.ts';
import { runMigrations } from 'graphile-worker';
import { queueLogger } from './emails/queue-logger.ts';

export const migrationsFolder = join(import.meta.dirname, '..', 'migrations');
/** Roles that the service's own role may become; created where the database is, before the migrations. */
export const databaseRoles = ['auth_reader'];

/** Applies the migrations that the database lacks and says which. Safe to repeat. */
export async function migrate(url: string): Promise<string[]> {
  const applied = await applyMigrations({ url, migrationsFolder });
  await migrateQueue(url);
  return applied;
}

/** The tables of the queue, in a schema of their own; its library keeps their migrations itself, also among replicas. */
async function migrateQueue(url: string): Promise<void> {
  const log = createLog('auth', 'warn');
  const pool = createPool({ url, max: 1, applicationName: 'auth-migrate', log });
  try {
    await runMigrations({ pgPool: pool, logger: queueLogger(log) });
  } finally {
    await pool.end();
  }
}

if (import.meta.main) {
  const applied = await migrate(envText(readEnv(), 'DATABASE_URL'));
  console.log(applied.length === 0 ? 'nothing to apply' : `applied ${applied.join(', ')}`);
}
