import type { Pool } from '@centra/service-kit/database.ts';
import { startLoop } from '@centra/service-kit/loop.ts';
import type { Loop } from '@centra/service-kit/loop.ts';
import type { Context } from '../context.ts';

/** Days that a reply is kept (promise P1). Afterwards transaction refuses the key, naming the payment. */
export const REPLY_KEPT_DAYS = 30;
// Small enough that a round locks little and takes milliseconds, large enough to overtake what a busy day leaves behind.
const BATCH_MAX = 1_000;

/** Deletes expired replies until stopped. Any number of processes may do so at once. */
export function startReapReplies(context: Context): Loop {
  const { log, pool } = context;
  return startLoop({ name: 'reap-replies', intervalMs: context.config.reapIntervalMs, log }, async () => {
    const reaped = await reapReplies(pool, BATCH_MAX);
    if (reaped > 0) log.info({ reaped }, 'expired replies deleted');
    const prices = await reapPrices(pool, BATCH_MAX);
    return { more: reaped === BATCH_MAX || prices === BATCH_MAX };
  });
}

/** Deletes one batch of the oldest expired replies and says how many. The database's clock decides. */
export async function reapReplies(pool: Pool, batchMax: number): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from replies where (merchant_id, operation_id) in (
       select merchant_id, operation_id from replies
        where created_at < now() - make_interval(days => $1)
        order by created_at limit $2 for update skip locked)`,
    [REPLY_KEPT_DAYS, batchMax],
  );
  return rowCount ?? 0;
}

/**
 * The same for the prices that quoted payments were asked for with. A day later: a price is kept before transaction begins
 * to count the days of its key.
 */
export async function reapPrices(pool: Pool, batchMax: number): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from quoted_operations where (merchant_id, operation_id, fingerprint) in (
       select merchant_id, operation_id, fingerprint from quoted_operations
        where created_at < now() - make_interval(days => $1)
        order by created_at limit $2 for update skip locked)`,
    [REPLY_KEPT_DAYS + 1, batchMax],
  );
  return rowCount ?? 0;
}
