import { Secret } from '@centra/service-kit/secret.ts';
import type { Context } from '../context.ts';
import type { SecretMark } from '../entities.ts';
import { associatedData } from '@centra/service-kit/associated-data.ts';
import { currentDataKey, reserveUses, unwrapDataKey } from '../sealing/data-key.ts';
import type { DataKey } from '../sealing/data-key.ts';
import { fingerprintOf } from '../sealing/fingerprint.ts';
import { SealError, seal, unseal } from '@centra/service-kit/seal.ts';
import type { Transaction } from '../tenant.ts';
import type { Credentials } from './credentials.ts';
import type { SealedVersion } from './load-sealed.ts';

/** The row that secrets belong to; a sealed value opens in its own row only. */
export type SealedRow = { merchantId: string; providerAccountId: string; version: number };

/** The columns that hold credentials. */
export type SealedColumns = {
  plainFields: Record<string, string>;
  secretMarks: Record<string, SecretMark>;
  sealedFields: Record<string, string>;
  dataKeyVersion: number | null;
};

/** The key to seal these credentials with; undefined when there is no secret among them. Not inside a transaction. */
export async function keyToSeal(
  context: Context,
  merchantId: string,
  credentials: Credentials,
): Promise<DataKey | undefined> {
  return Object.keys(credentials.secrets).length === 0
    ? undefined
    : await currentDataKey(context, merchantId);
}

/** Seals each secret for its row, and counts the uses of the key in the same transaction. */
export async function sealCredentials(
  tx: Transaction,
  dataKey: DataKey | undefined,
  row: SealedRow,
  credentials: Credentials,
): Promise<SealedColumns> {
  const columns: SealedColumns = {
    plainFields: { ...credentials.plain },
    secretMarks: {},
    sealedFields: {},
    dataKeyVersion: dataKey?.version ?? null,
  };
  const secrets = Object.entries(credentials.secrets);
  if (dataKey === undefined) {
    if (secrets.length > 0) throw new Error('there are secrets and no key to seal them with');
    return columns;
  }
  await reserveUses(tx, dataKey, secrets.length);
  for (const [field, secret] of secrets) {
    columns.sealedFields[field] = seal(dataKey.key, secret.reveal(), boundTo(row, field));
    columns.secretMarks[field] = {
      last4: secret.last4() === '' ? null : secret.last4(),
      fingerprint: fingerprintOf(dataKey.key, secret.reveal()),
    };
  }
  return columns;
}

/** Opens a row's secrets. A value that does not open is logged, counted and thrown as SealError (500 for the caller). */
export async function openCredentials(context: Context, row: SealedVersion): Promise<Credentials> {
  const { merchantId, providerAccountId, version } = row;
  try {
    return { plain: row.plainFields, secrets: await openSecrets(context, row) };
  } catch (error) {
    if (error instanceof SealError) {
      context.unsealFailures.inc();
      context.log.error(
        { err: error, merchantId, providerAccountId, version },
        'sealed credentials do not open',
      );
    }
    throw error;
  }
}

async function openSecrets(context: Context, row: SealedVersion): Promise<Record<string, Secret>> {
  if (row.sealedFields === null) throw new SealError('the secrets are destroyed');
  const sealed = Object.entries(row.sealedFields);
  if (sealed.length === 0) return {};
  if (row.dataKey === null) throw new SealError('the row names no data key');
  const { key } = await unwrapDataKey(context, row.merchantId, row.dataKey);
  const secrets: Record<string, Secret> = {};
  for (const [field, value] of sealed)
    secrets[field] = new Secret(unseal(key, value, boundTo(row, field)).toString('utf8'));
  return secrets;
}

function boundTo(row: SealedRow, field: string): Buffer {
  const { merchantId, providerAccountId, version } = row;
  return associatedData(
    'centra/merchant/provider-account/v1',
    merchantId,
    providerAccountId,
    field,
    String(version),
  );
}
