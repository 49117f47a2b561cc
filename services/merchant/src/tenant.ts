import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { isDatabaseUnavailable } from '@centra/service-kit/database.ts';
import { AppError } from '@centra/service-kit/errors.ts';

/** One atomic phase. No call to anything but the database inside it. */
export type Transaction = EntityManager;

type Database = { orm: MikroORM };

/**
 * A transaction in which only this hotel's rows exist. Row level security is forced, so a statement that forgets the hotel
 * finds nothing instead of everything.
 */
export async function asMerchant<T>(
  database: Database,
  merchantId: string,
  phase: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return await inScope(database, `select set_config('centra.merchant_id', ?, true)`, [merchantId], phase);
}

/** The same for reads and lists, as a role that may change nothing and cannot select a sealed value or a key. */
export async function readAsMerchant<T>(
  database: Database,
  merchantId: string,
  phase: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const scope = `select set_config('centra.merchant_id', ?, true), set_config('role', 'merchant_reader', true)`;
  return await inScope(database, scope, [merchantId], phase);
}

/**
 * A transaction of a person: it sees the organisations that they own. What is inside one, it sees after
 * `enterOrganisation`; a hotel's own rows after `enterMerchant`.
 */
export async function asPerson<T>(
  database: Database,
  userId: string,
  phase: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return await inScope(database, `select set_config('centra.user_id', ?, true)`, [userId], phase);
}

/** Opens an organisation to the transaction. The caller has made sure that the person owns it, or creates it. */
export async function enterOrganisation(tx: Transaction, organisationId: string): Promise<void> {
  await tx.execute(`select set_config('centra.organisation_id', ?, true)`, [organisationId]);
}

/** Opens a hotel to the transaction. The caller has made sure that it is the person's, or creates it. */
export async function enterMerchant(tx: Transaction, merchantId: string): Promise<void> {
  await tx.execute(`select set_config('centra.merchant_id', ?, true)`, [merchantId]);
}

/** A transaction over every hotel: loops, and questions that name none. */
export async function acrossMerchants<T>(
  database: Database,
  phase: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return await inScope(database, `select set_config('centra.every_merchant', 'on', true)`, [], phase);
}

/** Makes the hotel's changes one after the other; 404 when there is no such hotel. */
export async function lockMerchant(tx: Transaction, merchantId: string): Promise<void> {
  const rows = await tx.execute<unknown[]>(
    'select 1 from merchants where merchant_id = ? for no key update',
    [merchantId],
  );
  if (rows.length === 0) throw new AppError('not_found', { detail: 'This merchant is not registered.' });
}

async function inScope<T>(
  database: Database,
  scope: string,
  values: readonly string[],
  phase: (tx: Transaction) => Promise<T>,
): Promise<T> {
  try {
    return await database.orm.em.fork().transactional(async (tx) => {
      await tx.execute(scope, [...values]);
      return await phase(tx);
    });
  } catch (error) {
    throw isDatabaseUnavailable(error)
      ? new AppError('unavailable', { cause: error, retryAfterSeconds: 1 })
      : error;
  }
}
