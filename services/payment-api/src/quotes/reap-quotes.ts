import type { Pool } from '@centra/service-kit/database.ts';
import { inTransaction } from '@centra/service-kit/database.ts';
import { startLoop } from '@centra/service-kit/loop.ts';
import type { Loop } from '@centra/service-kit/loop.ts';
import type { Context } from '../context.ts';

/** Days that a quote can be read after it lapsed: longer than a guest's question about a price takes. */
export const QUOTE_KEPT_DAYS = 90;
// Small enough that a round locks little and takes milliseconds, large enough to overtake what a busy day leaves behind.
const BATCH_MAX = 1_000;

/** Deletes lapsed quotes until stopped. Any number of processes may do so at once. */
export function startReapQuotes(context: Context): Loop {
  const { log, pool } = context;
  return startLoop({ name: 'reap-quotes', intervalMs: context.config.reapIntervalMs, log }, async () => {
    const reaped = await reapQuotes(pool, BATCH_MAX);
    if (reaped > 0) log.info({ reaped }, 'lapsed quotes deleted');
    return { more: reaped === BATCH_MAX };
  });
}

/** Deletes one batch of those that lapsed first and says how many. The database's clock decides. */
export async function reapQuotes(pool: Pool, batchMax: number): Promise<number> {
  return await inTransaction(pool, async (client) => {
    await client.query(`select set_config('centra.every_merchant', 'on', true)`);
    const { rowCount } = await client.query(
      `delete from quotes where (merchant_id, id) in (
         select merchant_id, id from quotes
          where expires_at < now() - make_interval(days => $1)
          order by expires_at limit $2 for update skip locked)`,
      [QUOTE_KEPT_DAYS, batchMax],
    );
    return rowCount ?? 0;
  });
}
