import { SealError } from '@centra/service-kit/seal.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { SELF, recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { acrossMerchants, asMerchant, lockMerchant } from '../tenant.ts';

// Keys a round; the rest comes with the next round.
const BATCH = 50;

/**
 * Wraps again, under the active master key and its newest version, the data keys that something older wraps. The data key stays the
 * same, so nothing that it seals is touched. One that does not open stays as it is, logged and counted.
 */
export async function rewrapDataKeys(context: Context): Promise<{ rewrapped: number }> {
  const newest = await context.keyring.newest();
  const stale = await acrossMerchants(context, (tx) =>
    tx.execute<Stale[]>(STALE, [
      newest.masterKeyId,
      newest.startsWith,
      context.config.rewrapAfterSeconds,
      BATCH,
    ]),
  );
  let rewrapped = 0;
  for (const row of stale) {
    try {
      if (await rewrap(context, row)) rewrapped += 1;
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      const { merchant_id: merchantId, version } = row;
      context.unsealFailures.inc();
      context.log.error({ err: error, merchantId, version }, 'a data key does not open');
    }
  }
  return { rewrapped };
}

type Stale = { merchant_id: string; version: number; master_key_id: string; wrapped: string };

// Random order: keys that never open would otherwise fill every batch. The rest after each wrapping: while replicas disagree on
// the active master key, during a rollout, they would otherwise outbid each other without end.
const STALE = `
select merchant_id, version, master_key_id, wrapped from data_keys
 where destroyed_at is null
   and (master_key_id <> ? or not starts_with(wrapped, ?))
   and wrapped_at <= now() - make_interval(secs => ?)
 order by random()
 limit ?`;

async function rewrap(context: Context, stale: Stale): Promise<boolean> {
  const { merchant_id: merchantId, version, master_key_id: before, wrapped: old } = stale;
  const owner = { merchantId, version };
  const key = await context.keyring.unwrap(old, before, owner);
  const { masterKeyId, wrapped } = await context.keyring.wrap(key, owner);
  return await asMerchant(context, merchantId, async (tx) => {
    await lockMerchant(tx, merchantId);
    // Only in place of what was opened: another replica may have been quicker, or the key destroyed in the meantime.
    const updated = await tx.execute<unknown[]>(
      `update data_keys set master_key_id = ?, wrapped = ?, wrapped_at = now()
        where merchant_id = ? and version = ? and wrapped = ? and master_key_id = ?
        returning version`,
      [masterKeyId, wrapped, merchantId, version, old, before],
    );
    if (updated.length === 0) return false;
    await recordAuditEvent(tx, SELF, {
      merchantId,
      action: 'data_key.rewrapped',
      objectId: toPublicId('mer', merchantId),
      before: { version, master_key: wrappedBy(before, old) },
      after: { version, master_key: wrappedBy(masterKeyId, wrapped) },
    });
    return true;
  });
}

/** The master key, with its version where the text names one. */
function wrappedBy(masterKeyId: string, wrapped: string): string {
  const version = /^vault:(v\d+):/.exec(wrapped)?.[1];
  return version === undefined ? masterKeyId : `${masterKeyId} ${version}`;
}
