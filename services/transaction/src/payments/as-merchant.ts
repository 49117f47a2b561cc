import { inTransaction } from '@centra/service-kit/database.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Pool, PoolClient } from '@centra/service-kit/database.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Runs reads as the role that row level security binds to one merchant: whatever the statement says or forgets, no other
 * merchant's row can come back. A merchant id that is no UUID is validation_failed.
 */
export async function asMerchant<T>(
  pool: Pool,
  merchantId: string,
  read: (client: PoolClient) => Promise<T>,
): Promise<T> {
  if (!UUID.test(merchantId))
    throw new AppError('validation_failed', { errors: [{ field: 'merchant_id', reason: 'is not a UUID' }] });
  return await inTransaction(pool, async (client) => {
    await client.query('set local role transaction_reader');
    await client.query({
      name: 'set-merchant',
      text: `select set_config('centra.merchant_id', $1, true)`,
      values: [merchantId],
    });
    return await read(client);
  });
}
