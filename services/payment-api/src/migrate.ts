import { join } from 'node:path';
import { envText, readEnv } from '@centra/service-kit/env.ts';
import { applyMigrations } from '@centra/service-kit/migrations.ts';
import { entities } from './entities.ts';

export const migrationsFolder = join(import.meta.dirname, '..', 'migrations');

/** Applies the migrations that the database lacks and says which. Safe to repeat. */
export async function migrate(databaseUrl: string): Promise<string[]> {
  return await applyMigrations({ url: databaseUrl, entities, migrationsFolder });
}

if (import.meta.main) {
  const applied = await migrate(envText(readEnv(), 'DATABASE_URL'));
  console.log(applied.length === 0 ? 'nothing to apply' : `applied ${applied.join(', ')}`);
}
