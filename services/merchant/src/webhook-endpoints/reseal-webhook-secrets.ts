import { SealError } from '@centra/service-kit/seal.ts';
import type { Context } from '../context.ts';
import { currentDataKey } from '../sealing/data-key.ts';
import { acrossMerchants, asMerchant, lockMerchant } from '../tenant.ts';
import { loadWebhookSecret, openWebhookSecret, sealWebhookSecret } from './sealed-secret.ts';

// Secrets a round; the rest comes with the next round.
const BATCH = 50;

/**
 * Seals again, with the hotel's newest data key, the webhook secrets that an older one seals. One that does not open stays as it is,
 * logged and counted: it must not keep the others from being sealed again.
 */
export async function resealWebhookSecrets(context: Context): Promise<{ resealed: number }> {
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

type Stale = { merchant_id: string; endpoint_id: string; version: number };

// Random order: rows that never open would otherwise fill every batch.
const STALE = `
select merchant_id, endpoint_id, version
  from webhook_endpoint_secrets as sealed
 where data_key_version < (select max(version) from data_keys
                            where merchant_id = sealed.merchant_id and destroyed_at is null)
 order by random()
 limit ?`;

async function reseal(context: Context, stale: Stale): Promise<boolean> {
  const { merchant_id: merchantId, endpoint_id: endpointId, version } = stale;
  const at = { merchantId, endpointId, version };
  const row = await asMerchant(context, merchantId, (tx) => loadWebhookSecret(tx, at));
  // Its time was over in between.
  if (row.dataKey === null) return false;
  const { version: sealedWith } = row.dataKey;
  const secret = await openWebhookSecret(context, row);
  const dataKey = await currentDataKey(context, merchantId);
  return await asMerchant(context, merchantId, async (tx) => {
    await lockMerchant(tx, merchantId);
    const { sealed, dataKeyVersion } = await sealWebhookSecret(tx, dataKey, at, secret);
    // The condition on the key: a round elsewhere may have been quicker, or the secret destroyed in the meantime.
    const updated = await tx.execute<unknown[]>(
      `update webhook_endpoint_secrets set sealed = ?, data_key_version = ?
        where merchant_id = ? and endpoint_id = ? and version = ? and data_key_version = ?
        returning version`,
      [sealed, dataKeyVersion, merchantId, endpointId, version, sealedWith],
    );
    return updated.length === 1;
  });
}
