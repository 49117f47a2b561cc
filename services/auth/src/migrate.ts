import { join } from 'node:path';
import { envText, readEnv } from '@centra/service-kit/env.ts';
import { applyMigrations } from '@centra/service-kit/migrations.ts';

export const migrationsFolder = join(import.meta.dirname, '..', 'migrations');
/** Roles that the service's own role may become; created where the database is, before the migrations. */
export const databaseRoles = ['auth_reader'];

/** Applies the migrations that the database lacks and says which. Safe to repeat. */
export async function migrate(url: string): Promise<string[]> {
  return await applyMigrations({ url, migrationsFolder });
}

if (import.meta.main) {
  const applied = await migrate(envText(readEnv(), 'DATABASE_URL'));
  console.log(applied.length === 0 ? 'nothing to apply' : `applied ${applied.join(', ')}`);
}
