import { inTransaction } from '@centra/service-kit/database.ts';
import type { Pool, PoolClient } from '@centra/service-kit/database.ts';

/**
 * Runs reads as the role that row level security binds to one merchant: whatever the statement says or forgets, no other
 * merchant's row can come back.
 */
export async function asMerchant<T>(
  pool: Pool,
  merchantId: string,
  read: (client: PoolClient) => Promise<T>,
): Promise<T> {
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
