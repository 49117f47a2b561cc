import { Client } from 'pg';
import * as auth from '@centra/auth/migrate.ts';
import * as merchant from '@centra/merchant/migrate.ts';
import * as paymentApi from '@centra/payment-api/migrate.ts';
import { createRoles, withDatabase } from '@centra/testkit/test-database.ts';
import * as transaction from '@centra/transaction/migrate.ts';

type ServiceDatabase = {
  service: string;
  database: string;
  /** Roles that the service's own may become. */
  roles: readonly string[];
  /** Undefined: the service that will own it has no tables yet. */
  migrate: ((url: string) => Promise<string[]>) | undefined;
};

/** One database and one login role per service. */
export const SERVICE_DATABASES: readonly ServiceDatabase[] = [
  { service: 'auth', database: 'auth', roles: auth.databaseRoles, migrate: auth.migrate },
  { service: 'merchant', database: 'merchant', roles: merchant.databaseRoles, migrate: merchant.migrate },
  { service: 'payment-api', database: 'payment_api', roles: [], migrate: paymentApi.migrate },
  {
    service: 'transaction',
    database: 'transaction',
    roles: transaction.databaseRoles,
    migrate: transaction.migrate,
  },
  { service: 'tokenization', database: 'tokenization', roles: [], migrate: undefined },
];

/** Creates what is missing and migrates each database; answers the URL of each service. Safe to repeat. */
export async function provisionDatabases(serverUrl: string): Promise<Record<string, string>> {
  const admin = new Client({ connectionString: serverUrl });
  await admin.connect();
  try {
    for (const { service, database, roles } of SERVICE_DATABASES) {
      await createRoles(admin, { service, roles });
      const known = await admin.query('select 1 from pg_database where datname = $1', [database]);
      if (known.rowCount === 0) await admin.query(`create database "${database}" owner "${service}"`);
      // Only its own role may connect: a service cannot reach another's data even by mistake.
      await admin.query(`revoke connect on database "${database}" from public`);
    }
  } finally {
    await admin.end();
  }
  await Promise.all(
    SERVICE_DATABASES.map(
      async ({ service, database, migrate }) => await migrate?.(withDatabase(serverUrl, database, service)),
    ),
  );
  return Object.fromEntries(
    SERVICE_DATABASES.map(({ service, database }) => [service, withDatabase(serverUrl, database, service)]),
  );
}
