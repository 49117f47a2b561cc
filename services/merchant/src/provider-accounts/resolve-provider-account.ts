import type {
  ProviderAccount,
  ResolveProviderAccountRequest,
} from '@centra/proto/centra/merchant/v1/merchant.ts';
import { inTransaction } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { accountIdSchema, handOver, OPENED_COLUMNS } from './get-provider-account.ts';
import type { AccountRow, Selected } from './get-provider-account.ts';
import { toSealedVersion } from './load-sealed.ts';
import type { SealedRow } from './load-sealed.ts';

const requestSchema = z.strictObject({ providerAccountId: accountIdSchema });

/**
 * Whose account that is, with its opened credentials, for the transaction service only: a webhook names the account and
 * nothing else. `not_found` for an unknown or deleted one.
 */
export async function resolveProviderAccount(
  context: Context,
  request: ResolveProviderAccountRequest,
  call: CallContext,
): Promise<ProviderAccount> {
  const { providerAccountId } = parseWith(requestSchema, request);
  return await handOver(context, call, await selectActive(context.pool, providerAccountId));
}

// The index provider_accounts_id answers it: uuid equality is leakproof, so row level security does not stand in its way.
const SELECT = `
select ${OPENED_COLUMNS}
  from provider_accounts as a
  join merchants as m on m.merchant_id = a.merchant_id
  join provider_account_versions as sealed
    on sealed.merchant_id = a.merchant_id and sealed.provider_account_id = a.id and sealed.version = a.current_version
  left join data_keys on data_keys.merchant_id = sealed.merchant_id and data_keys.version = sealed.data_key_version
 where a.id = $1 and a.status = 'active'`;

/** The hotel is what is being looked for, so this transaction says that it looks across hotels. */
async function selectActive(pool: Pool, id: string): Promise<Selected> {
  const row = await inTransaction(pool, async (client) => {
    await client.query({
      name: 'set-every-merchant',
      text: `select set_config('centra.every_merchant', 'on', true)`,
    });
    const { rows } = await client.query<AccountRow & SealedRow>({
      name: 'resolve-account',
      text: SELECT,
      values: [id],
    });
    return rows[0];
  });
  if (row === undefined) throw new AppError('not_found');
  return { account: row, version: toSealedVersion(row) };
}
