import { toPublicId } from '@centra/service-kit/ids.ts';
import { SELF, recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { acrossMerchants } from '../tenant.ts';

// A transaction of a hundred small rows takes milliseconds and holds few hotels' history back.
const BATCH = 100;

/**
 * One round of the loop: erases the sealed bytes of secrets whose time is over by the database's clock. What stays is that
 * there was one, and its last four characters. Any number of replicas may run it.
 */
export async function destroyExpiredWebhookSecrets(context: Context): Promise<{ more: boolean }> {
  const destroyed = await acrossMerchants(context, async (tx) => {
    const rows = await tx.execute<Destroyed[]>(DESTROY, [BATCH]);
    // Each history row locks its hotel until commit; one order for all keeps two replicas from waiting for each other.
    for (const row of rows.toSorted((a, b) => a.merchant_id.localeCompare(b.merchant_id)))
      await recordAuditEvent(tx, SELF, {
        merchantId: row.merchant_id,
        action: 'webhook_endpoint.secret_destroyed',
        objectId: toPublicId('we', row.endpoint_id),
        after: { version: row.version, last4: row.last4 },
      });
    return rows.length;
  });
  if (destroyed > 0) context.log.info({ destroyed }, 'expired webhook secrets destroyed');
  return { more: destroyed === BATCH };
}

type Destroyed = { merchant_id: string; endpoint_id: string; version: number; last4: string };

const DESTROY = `
with due as (
  select merchant_id, endpoint_id, version
    from webhook_endpoint_secrets
   where expires_at <= now() and destroyed_at is null
   order by expires_at
   limit ?
     for update skip locked
)
update webhook_endpoint_secrets as expired
   set sealed = null, data_key_version = null, destroyed_at = now()
  from due
 where expired.merchant_id = due.merchant_id
   and expired.endpoint_id = due.endpoint_id
   and expired.version = due.version
returning expired.merchant_id, expired.endpoint_id, expired.version, expired.last4`;
