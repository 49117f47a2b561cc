import type { Context } from '../context.ts';
import { SealError } from '@centra/service-kit/seal.ts';
import { acrossMerchants, asMerchant, lockMerchant } from '../tenant.ts';
import { loadSealed } from './load-sealed.ts';
import { keyToSeal, openCredentials, sealCredentials } from './sealed-credentials.ts';

// Versions a round; the rest comes with the next round.
const BATCH = 50;

/**
 * Seals again, with the hotel's newest data key, what an older one seals. A value that does not open stays as it is, logged
 * and counted: it must not keep the others from being sealed again.
 */
export async function resealCredentials(context: Context): Promise<{ resealed: number }> {
  const stale = await acrossMerchants(context, (tx) => tx.execute<Stale[]>(STALE, [BATCH]));
  let resealed = 0;
  for (const row of stale) {
    try {
      if (await reseal(context, row)) resealed += 1;
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
    }
  }
  return { resealed };
}

type Stale = { merchant_id: string; provider_account_id: string; version: number };

// Random order: rows that never open would otherwise fill every batch.
const STALE = `
select merchant_id, provider_account_id, version
  from provider_account_versions as sealed
 where data_key_version < (select max(version) from data_keys
                            where merchant_id = sealed.merchant_id and destroyed_at is null)
 order by random()
 limit ?`;

async function reseal(context: Context, stale: Stale): Promise<boolean> {
  const { merchant_id: merchantId, provider_account_id: id, version } = stale;
  const row = await asMerchant(context, merchantId, (tx) => loadSealed(tx, { merchantId, id }, version));
  // Its time was over in between.
  if (row.dataKey === null) return false;
  const { version: sealedWith } = row.dataKey;
  const credentials = await openCredentials(context, row);
  const dataKey = await keyToSeal(context, merchantId, credentials);
  return await asMerchant(context, merchantId, async (tx) => {
    await lockMerchant(tx, merchantId);
    const at = { merchantId, providerAccountId: id, version };
    const columns = await sealCredentials(tx, dataKey, at, credentials);
    // The condition on the key: a round elsewhere may have been quicker, or the secrets destroyed in the meantime.
    const updated = await tx.execute<unknown[]>(
      `update provider_account_versions
          set sealed_fields = ?::jsonb, secret_marks = ?::jsonb, data_key_version = ?
        where merchant_id = ? and provider_account_id = ? and version = ? and data_key_version = ?
        returning version`,
      [
        JSON.stringify(columns.sealedFields),
        JSON.stringify(columns.secretMarks),
        columns.dataKeyVersion,
        merchantId,
        id,
        version,
        sealedWith,
      ],
    );
    return updated.length === 1;
  });
}
