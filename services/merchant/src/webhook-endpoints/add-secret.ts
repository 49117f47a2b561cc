import type { Secret } from '@centra/service-kit/secret.ts';
import type { DataKey } from '../sealing/data-key.ts';
import type { Transaction } from '../tenant.ts';
import { sealWebhookSecret } from './sealed-secret.ts';

/**
 * Stores the endpoint's next secret as the current one. The one before signs for `overlapSeconds` more, and any older one no
 * longer, so that two sign at most. The caller holds the hotel's lock.
 */
export async function addSecret(
  tx: Transaction,
  dataKey: DataKey,
  { merchantId, endpointId }: { merchantId: string; endpointId: string },
  secret: Secret,
  overlapSeconds: number,
): Promise<void> {
  await endSecrets(tx, merchantId, endpointId, overlapSeconds);
  const [last] = await tx.execute<{ version: number | null }[]>(
    'select max(version) as version from webhook_endpoint_secrets where merchant_id = ? and endpoint_id = ?',
    [merchantId, endpointId],
  );
  const version = (last?.version ?? 0) + 1;
  const { sealed, dataKeyVersion, last4 } = await sealWebhookSecret(
    tx,
    dataKey,
    { merchantId, endpointId, version },
    secret,
  );
  await tx.execute(
    `insert into webhook_endpoint_secrets (merchant_id, endpoint_id, version, sealed, data_key_version, last4)
     values (?, ?, ?, ?, ?, ?)`,
    [merchantId, endpointId, version, sealed, dataKeyVersion, last4],
  );
}

/** Ends them: the current one after `overlapSeconds`, those that were ending already at once. */
export async function endSecrets(
  tx: Transaction,
  merchantId: string,
  endpointId: string,
  overlapSeconds: number,
): Promise<void> {
  await tx.execute(
    `update webhook_endpoint_secrets
        set expires_at = case when expires_at is null then now() + make_interval(secs => ?)
                              else least(expires_at, now()) end
      where merchant_id = ? and endpoint_id = ? and destroyed_at is null`,
    [overlapSeconds, merchantId, endpointId],
  );
}
