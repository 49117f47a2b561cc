import type {
  CountAccountUseRequest,
  CountAccountUseResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
// Whoever asks wants to know whether it is none; past a thousand the number tells nobody more.
const COUNT_MAX = 1_000;

/**
 * What would be stranded if the secrets of this version were destroyed now. A hold needs its account to be captured or
 * released, in whatever version, so it counts for each of them.
 */
export async function countAccountUse(
  context: Context,
  request: CountAccountUseRequest,
): Promise<CountAccountUseResponse> {
  const { merchantId, providerAccountId, version } = request;
  const errors = [
    ...(UUID.test(merchantId) ? [] : [{ field: 'merchant_id', reason: 'is not a UUID' }]),
    ...(UUID.test(providerAccountId) ? [] : [{ field: 'provider_account_id', reason: 'is not a UUID' }]),
    ...(version >= 1 ? [] : [{ field: 'version', reason: 'is not at least 1' }]),
  ];
  if (errors.length > 0) throw new AppError('validation_failed', { errors });
  const { rows } = await context.pool.query<{ operations: number; holds: number }>({
    name: 'count-account-use',
    text: COUNT_ACCOUNT_USE,
    values: [merchantId, providerAccountId, version, COUNT_MAX],
  });
  const row = rows[0];
  if (row === undefined) throw new Error('a count has no row');
  return { openOperations: row.operations, openHolds: row.holds };
}

/** One statement, so of one moment: an operation that becomes a hold is counted as one or the other. */
export const COUNT_ACCOUNT_USE = `
  select (
    select count(*)::integer from (
      (select id from operations
        where merchant_id = $1 and provider_account_id = $2 and provider_account_version = $3
          and state in ('prepared', 'sent', 'unknown') limit $4)
      union
      (select id from operations
        where merchant_id = $1 and vault_account_id = $2 and vault_account_version = $3
          and vault_account_id is not null and state in ('prepared', 'sent', 'unknown') limit $4)
      union
      (select id from operations
        where merchant_id = $1 and vault_account_id = $2 and vault_account_version = $3
          and service_code_wipe = 'due' limit $4)
      limit $4
    ) as open
  ) as operations, (
    select count(*)::integer from (
      select from payments where merchant_id = $1 and provider_account_id = $2 and hold_open limit $4
    ) as held
  ) as holds`;
