import { toPublicId } from '@centra/service-kit/ids.ts';
import { SELF, recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { acrossMerchants, asMerchant, lockMerchant } from '../tenant.ts';
import { addDataKey } from './data-key.ts';
import { SEALED_STORES } from './sealed-stores.ts';

// Replaced at half of what it may seal, long before sealing is refused.
const USES_BEFORE_ROTATION = 2 ** 30;
// Keys a round; the rest comes with the next round.
const BATCH = 20;

/**
 * Gives a new data key to each hotel whose newest one is old or much used. New secrets are sealed with it at once; the old key
 * opens what it sealed until that is sealed again. Another master key is no reason: it only wraps again (rewrap-data-keys.ts).
 */
export async function rotateDataKeys(context: Context): Promise<{ rotated: number }> {
  const due = await acrossMerchants(context, (tx) =>
    tx.execute<{ merchant_id: string; version: number }[]>(DUE, [
      context.config.dataKeyMaxAgeDays,
      USES_BEFORE_ROTATION,
      BATCH,
    ]),
  );
  for (const { merchant_id: merchantId, version } of due) await addDataKey(context, merchantId, version + 1);
  return { rotated: due.length };
}

const DUE = `
select merchant_id, version from data_keys as newest
 where version = (select max(version) from data_keys where merchant_id = newest.merchant_id)
   and (created_at < now() - make_interval(days => ?) or uses >= ?)
 order by created_at
 limit ?`;

/** Destroys replaced keys that seal nothing any more: what only they could open is gone for good, backups included. */
export async function destroyUnusedDataKeys(context: Context): Promise<{ destroyed: number }> {
  const candidates = await acrossMerchants(context, (tx) =>
    tx.execute<{ merchant_id: string; version: number }[]>(`${UNUSED} limit ?`, [BATCH]),
  );
  let destroyed = 0;
  for (const { merchant_id: merchantId, version } of candidates)
    if (await destroyIfUnused(context, merchantId, version)) destroyed += 1;
  return { destroyed };
}

const UNUSED = `
select merchant_id, version from data_keys as old
 where destroyed_at is null
   and exists (select 1 from data_keys where merchant_id = old.merchant_id and version > old.version)
${SEALED_STORES.map(
  ({ table }) => `   and not exists (select 1 from ${table}
                    where merchant_id = old.merchant_id and data_key_version = old.version)`,
).join('\n')}`;

async function destroyIfUnused(context: Context, merchantId: string, version: number): Promise<boolean> {
  return await asMerchant(context, merchantId, async (tx) => {
    // Whoever seals with the key right now holds this lock; once we have it, their row is committed and seen below.
    await lockMerchant(tx, merchantId);
    const rows = await tx.execute<unknown[]>(
      `update data_keys set wrapped = null, destroyed_at = now()
        where (merchant_id, version) in (${UNUSED} and merchant_id = ? and version = ?) returning version`,
      [merchantId, version],
    );
    if (rows.length === 0) return false;
    const objectId = toPublicId('mer', merchantId);
    await recordAuditEvent(tx, SELF, {
      merchantId,
      action: 'data_key.destroyed',
      objectId,
      after: { version },
    });
    return true;
  });
}
