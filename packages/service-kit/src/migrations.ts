import type { AnyEntity, EntityClass, EntitySchema } from '@mikro-orm/core';
import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';

type Entities = (EntityClass<AnyEntity> | EntitySchema)[];

type OrmOptions = {
  url: string;
  /** The explicit list of the service's entities. */
  entities?: Entities;
  /** Absolute folder of the service's migrations. */
  migrationsFolder: string;
};

/** The ORM for a service's own database, migrations included. */
export async function createOrm(options: OrmOptions): Promise<MikroORM> {
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
    },
    pool: { min: 0, max: 4 },
    debug: false,
  });
}

/** Applies every migration that the database does not have yet. Safe to repeat; one at a time per database. */
export async function applyMigrations(options: OrmOptions): Promise<string[]> {
  const orm = await createOrm(options);
  try {
    const applied = await orm.migrator.up();
    return applied.map((migration) => migration.name);
  } finally {
    await orm.close(true);
  }
}
