import { z } from 'zod';
import type { AccountVersionRow, ProviderAccountRow } from '../entities.ts';
import type { WrappedDataKey } from '../sealing/data-key.ts';
import { SealError } from '@centra/service-kit/seal.ts';
import type { Transaction } from '../tenant.ts';

/** One version of an account's credentials as it is stored, and the wrapped key that opens it. */
export type SealedVersion = {
  merchantId: string;
  providerAccountId: string;
  version: number;
  state: AccountVersionRow['state'];
  plainFields: Record<string, string>;
  /** Null once destroyed. */
  sealedFields: Record<string, string> | null;
  /** Null when there is no secret. */
  dataKey: WrappedDataKey | null;
};

/** Reads one version with its sealed columns, which ordinary reads leave out. SealError when there is no such version. */
export async function loadSealed(
  tx: Transaction,
  { merchantId, id }: Pick<ProviderAccountRow, 'merchantId' | 'id'>,
  version: number,
): Promise<SealedVersion> {
  const [row] = await tx.execute<SealedRow[]>(SELECT, [merchantId, id, version]);
  if (row === undefined) throw new SealError(`there is no version ${version}`);
  return toSealedVersion(row);
}

/** A row with SEALED_COLUMNS as the version it is. */
export function toSealedVersion(row: SealedRow): SealedVersion {
  return {
    merchantId: row.merchant_id,
    providerAccountId: row.provider_account_id,
    version: row.version,
    state: row.state,
    plainFields: fieldsSchema.parse(JSON.parse(row.plain_fields)),
    sealedFields: row.sealed_fields === null ? null : fieldsSchema.parse(JSON.parse(row.sealed_fields)),
    dataKey:
      row.data_key_version === null
        ? null
        : { version: row.data_key_version, masterKeyId: row.master_key_id, wrapped: row.wrapped },
  };
}

const fieldsSchema = z.record(z.string(), z.string());

export type SealedRow = {
  merchant_id: string;
  provider_account_id: string;
  version: number;
  state: AccountVersionRow['state'];
  plain_fields: string;
  sealed_fields: string | null;
  data_key_version: number | null;
  master_key_id: string;
  wrapped: string | null;
};

// Value and key in one statement, so of one moment: in between, the value could be sealed again and its old key destroyed.
export const SEALED_COLUMNS = `
       sealed.merchant_id, sealed.provider_account_id, sealed.version, sealed.state, sealed.plain_fields::text,
       sealed.sealed_fields::text, sealed.data_key_version, data_keys.master_key_id, data_keys.wrapped`;

const SELECT = `
select ${SEALED_COLUMNS}
  from provider_account_versions as sealed
  left join data_keys on data_keys.merchant_id = sealed.merchant_id and data_keys.version = sealed.data_key_version
 where sealed.merchant_id = ? and sealed.provider_account_id = ? and sealed.version = ?`;
