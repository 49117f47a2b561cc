import { associatedData } from '@centra/service-kit/associated-data.ts';
import { SealError, seal, unseal } from '@centra/service-kit/seal.ts';
import { Secret } from '@centra/service-kit/secret.ts';
import type { Context } from '../context.ts';
import { reserveUses, unwrapDataKey } from '../sealing/data-key.ts';
import type { DataKey, WrappedDataKey } from '../sealing/data-key.ts';
import type { Transaction } from '../tenant.ts';

/** The row that a secret belongs to; a sealed value opens in its own row only. */
export type WebhookSecretRow = { merchantId: string; endpointId: string; version: number };

/** The columns of `webhook_endpoint_secrets` that hold it. */
export type SealedSecretColumns = { sealed: string; dataKeyVersion: number; last4: string };

/** Seals a secret for its row, and counts the use of the key in the same transaction. */
export async function sealWebhookSecret(
  tx: Transaction,
  dataKey: DataKey,
  row: WebhookSecretRow,
  secret: Secret,
): Promise<SealedSecretColumns> {
  await reserveUses(tx, dataKey, 1);
  return {
    sealed: seal(dataKey.key, secret.reveal(), boundTo(row)),
    dataKeyVersion: dataKey.version,
    last4: secret.last4(),
  };
}

/** A secret as it is stored, with the wrapped key that opens it; both null once it is destroyed. */
export type SealedWebhookSecret = WebhookSecretRow & {
  sealed: string | null;
  dataKey: WrappedDataKey | null;
};

// Value and key in one statement, so of one moment: in between, the value could be sealed again and its old key destroyed.
const SELECT = `
select sealed.endpoint_id, sealed.version, sealed.sealed, sealed.data_key_version, data_keys.master_key_id,
       data_keys.wrapped
  from webhook_endpoint_secrets as sealed
  left join data_keys on data_keys.merchant_id = sealed.merchant_id and data_keys.version = sealed.data_key_version
 where sealed.merchant_id = ? and sealed.endpoint_id = ?`;

type SealedRow = {
  endpoint_id: string;
  version: number;
  sealed: string | null;
  data_key_version: number | null;
  master_key_id: string;
  wrapped: string | null;
};

/** The secrets that sign now, the newest first. */
export async function loadSigningSecrets(
  tx: Transaction,
  merchantId: string,
  endpointId: string,
): Promise<SealedWebhookSecret[]> {
  const rows = await tx.execute<SealedRow[]>(
    `${SELECT} and sealed.destroyed_at is null and (sealed.expires_at is null or sealed.expires_at > now())
      order by sealed.version desc`,
    [merchantId, endpointId],
  );
  return rows.map((row) => toSealed(merchantId, row));
}

/** One version, whether it signs or not. SealError when there is no such version. */
export async function loadWebhookSecret(
  tx: Transaction,
  { merchantId, endpointId, version }: WebhookSecretRow,
): Promise<SealedWebhookSecret> {
  const [row] = await tx.execute<SealedRow[]>(`${SELECT} and sealed.version = ?`, [
    merchantId,
    endpointId,
    version,
  ]);
  if (row === undefined) throw new SealError(`there is no webhook secret of version ${version}`);
  return toSealed(merchantId, row);
}

function toSealed(merchantId: string, row: SealedRow): SealedWebhookSecret {
  return {
    merchantId,
    endpointId: row.endpoint_id,
    version: row.version,
    sealed: row.sealed,
    dataKey:
      row.data_key_version === null
        ? null
        : { version: row.data_key_version, masterKeyId: row.master_key_id, wrapped: row.wrapped },
  };
}

/** Opens a secret. One that does not open is logged, counted and thrown as SealError (500 for the caller). */
export async function openWebhookSecret(context: Context, row: SealedWebhookSecret): Promise<Secret> {
  const { merchantId, endpointId, version, sealed, dataKey } = row;
  try {
    if (sealed === null || dataKey === null) throw new SealError('the webhook secret is destroyed');
    const { key } = await unwrapDataKey(context, merchantId, dataKey);
    return new Secret(unseal(key, sealed, boundTo(row)).toString('utf8'));
  } catch (error) {
    if (error instanceof SealError) {
      context.unsealFailures.inc();
      context.log.error(
        { err: error, merchantId, endpointId, version },
        'a sealed webhook secret does not open',
      );
    }
    throw error;
  }
}

function boundTo({ merchantId, endpointId, version }: WebhookSecretRow): Buffer {
  return associatedData('centra/merchant/webhook-secret/v1', merchantId, endpointId, String(version));
}
