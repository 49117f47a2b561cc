import { toPublicId } from '@centra/service-kit/ids.ts';
import { SELF, recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { acrossMerchants } from '../tenant.ts';

// A transaction of a hundred small rows takes milliseconds and holds few hotels' history back.
const BATCH = 100;

/**
 * One round of the loop: erases the sealed bytes of versions whose drain time is over by the database's clock. What stays
 * is that there was a secret, its last four characters and its fingerprint. Any number of replicas may run it.
 */
export async function destroyDrainedSecrets(context: Context): Promise<{ more: boolean }> {
  const destroyed = await acrossMerchants(context, async (tx) => {
    const rows = await tx.execute<Destroyed[]>(DESTROY, [BATCH]);
    // Each history row locks its hotel until commit; one order for all keeps two replicas from waiting for each other.
    for (const row of rows.toSorted((a, b) => a.merchant_id.localeCompare(b.merchant_id)))
      await recordAuditEvent(tx, SELF, {
        merchantId: row.merchant_id,
        action: 'provider_account.secrets_destroyed',
        objectId: toPublicId('pa', row.provider_account_id),
        after: { version: row.version },
      });
    return rows.length;
  });
  if (destroyed > 0) context.log.info({ destroyed }, 'drained secrets destroyed');
  return { more: destroyed === BATCH };
}

type Destroyed = { merchant_id: string; provider_account_id: string; version: number };

const DESTROY = `
with due as (
  select merchant_id, provider_account_id, version
    from provider_account_versions
   where state = 'draining' and drains_until <= now()
   order by drains_until
   limit ?
     for update skip locked
)
update provider_account_versions as drained
   set state = 'destroyed', sealed_fields = null, data_key_version = null
  from due
 where drained.merchant_id = due.merchant_id
   and drained.provider_account_id = due.provider_account_id
   and drained.version = due.version
returning drained.merchant_id, drained.provider_account_id, drained.version`;
