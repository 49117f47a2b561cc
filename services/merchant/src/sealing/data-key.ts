import { createSecretKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { AppError } from '@centra/service-kit/errors.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { SELF, recordAuditEvent } from '../audit/audit-event.ts';
import type { Actor } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { asMerchant, lockMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { SealError } from '@centra/service-kit/seal.ts';

/** A hotel's own key, opened. A KeyObject prints nothing of itself. */
export type DataKey = { merchantId: string; version: number; key: KeyObject };

/** Uses that a key has at most: under half of what random 96-bit nonces bear (NIST SP 800-38D §8.3). */
export const USES_MAX = 2 ** 31 - 1;

/**
 * The hotel's newest data key; makes the first one. Outside any transaction, since the keyring may be a network
 * call away. A key that is replaced in between stays good until nothing is sealed with it.
 */
export async function currentDataKey(context: Context, merchantId: string): Promise<DataKey> {
  const newest = await asMerchant(context, merchantId, newestRow);
  if (newest !== undefined) return await unwrapDataKey(context, merchantId, newest);
  await addDataKey(context, merchantId, 1);
  const first = await asMerchant(context, merchantId, newestRow);
  if (first === undefined) throw new Error('the data key that was just added is not there');
  return await unwrapDataKey(context, merchantId, first);
}

/** A data key as it is stored; `wrapped` is null once it is destroyed. */
export type WrappedDataKey = { version: number; masterKeyId: string; wrapped: string | null };

/** Opens a stored data key; SealError when it is destroyed, altered, another hotel's, or its master key is unknown. */
export async function unwrapDataKey(
  context: Context,
  merchantId: string,
  stored: WrappedDataKey,
): Promise<DataKey> {
  const { version, masterKeyId, wrapped } = stored;
  if (wrapped === null) throw new SealError(`data key ${version} is destroyed`);
  return {
    merchantId,
    version,
    key: await context.keyring.unwrap(wrapped, masterKeyId, { merchantId, version }),
  };
}

/** Adds a version, unless another process added it first. */
export async function addDataKey(
  context: Context,
  merchantId: string,
  version: number,
  by: Actor = SELF,
): Promise<void> {
  const key = createSecretKey(randomBytes(32));
  const { masterKeyId, wrapped } = await context.keyring.wrap(key, { merchantId, version });
  await asMerchant(context, merchantId, async (tx) => {
    await lockMerchant(tx, merchantId);
    const added = await tx.execute<unknown[]>(
      `insert into data_keys (merchant_id, version, master_key_id, wrapped) values (?, ?, ?, ?)
       on conflict do nothing returning version`,
      [merchantId, version, masterKeyId, wrapped],
    );
    if (added.length === 0) return;
    const objectId = toPublicId('mer', merchantId);
    await recordAuditEvent(tx, by, { merchantId, action: 'data_key.added', objectId, after: { version } });
  });
}

/** Counts uses before they happen. Refuses (503) at the key's limit, and for a key destroyed in the meantime. */
export async function reserveUses(tx: Transaction, dataKey: DataKey, count: number): Promise<void> {
  const reserved = await tx.execute<unknown[]>(
    `update data_keys set uses = uses + ?
      where merchant_id = ? and version = ? and destroyed_at is null and uses + ? <= ?
      returning version`,
    [count, dataKey.merchantId, dataKey.version, count, USES_MAX],
  );
  if (reserved.length === 0)
    throw new AppError('unavailable', {
      retryAfterSeconds: 5,
      internal: `data key ${dataKey.version} of merchant ${dataKey.merchantId} is used up or destroyed`,
    });
}

async function newestRow(tx: Transaction): Promise<WrappedDataKey | undefined> {
  const [row] = await tx.execute<{ version: number; master_key_id: string; wrapped: string }[]>(
    `select version, master_key_id, wrapped from data_keys
      where merchant_id = centra_tenant() and destroyed_at is null
      order by version desc limit 1`,
  );
  return row === undefined
    ? undefined
    : { version: row.version, masterKeyId: row.master_key_id, wrapped: row.wrapped };
}
