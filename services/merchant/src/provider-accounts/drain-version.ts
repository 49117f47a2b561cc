import type { Transaction } from '../tenant.ts';

/** The active version serves no new operation from now on; those begun with it have so many hours by database time. */
export async function drainActiveVersion(
  tx: Transaction,
  drainHours: number,
  merchantId: string,
  accountId: string,
): Promise<void> {
  await tx.execute(
    `update provider_account_versions set state = 'draining', drains_until = now() + make_interval(hours => ?)
      where merchant_id = ? and provider_account_id = ? and state = 'active'`,
    [drainHours, merchantId, accountId],
  );
}
