import { AppError } from '@centra/service-kit/errors.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { asMerchant, lockMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { recordAuditEvent } from './audit-event.ts';
import type { Actor } from './audit-event.ts';

// An export reads a hundred thousand rows in two services; nobody needs their own history more often.
const EXPORTS_AN_HOUR = 10;

/**
 * Counts the export and makes it part of the history it shows, before its first byte (PCI DSS 10.2.1.3). The history itself
 * is the count: it holds across processes and restarts. `too_many_requests` beyond ten an hour.
 */
export async function admitExport(
  context: Context,
  merchantId: string,
  by: Actor,
  wanted: Readonly<Record<string, unknown>>,
): Promise<void> {
  await asMerchant(context, merchantId, async (tx) => {
    // One at a time, so that two do not both take the last place.
    await lockMerchant(tx, merchantId);
    await requireRoom(tx, merchantId);
    const objectId = toPublicId('mer', merchantId);
    await recordAuditEvent(tx, by, { merchantId, action: 'audit_log.exported', objectId, after: wanted });
  });
}

async function requireRoom(tx: Transaction, merchantId: string): Promise<void> {
  const [row] = await tx.execute<{ count: number; wait: number | null }[]>(
    `select count(*)::int as count,
            ceil(extract(epoch from min(at) + interval '1 hour' - clock_timestamp()))::int as wait
       from (select at from audit_events
              where merchant_id = ? and action = 'audit_log.exported' and at > clock_timestamp() - interval '1 hour'
              order by at desc limit ?) as latest`,
    [merchantId, EXPORTS_AN_HOUR],
  );
  if (row === undefined || row.count < EXPORTS_AN_HOUR) return;
  throw new AppError('too_many_requests', {
    detail: `A hotel's history is exported at most ${EXPORTS_AN_HOUR} times an hour.`,
    retryAfterSeconds: Math.max(1, row.wait ?? 1),
  });
}
