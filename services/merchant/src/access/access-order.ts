import type { Actor } from '../audit/audit-event.ts';
import type { Transaction } from '../tenant.ts';

/** What auth must be told about a hotel: whether anybody may do anything there, or that a person owns it. */
export type AccessOrder =
  | { kind: 'access'; suspended: boolean; reason: string }
  | { kind: 'owner'; userId: string };

/**
 * Writes the order down in the transaction that decided it, under the lock of the hotel's row, so that auth will be told
 * whatever happens to this process. `deliverAccess` tells it.
 */
export async function orderAccess(
  tx: Transaction,
  by: Actor,
  merchantId: string,
  order: AccessOrder,
): Promise<void> {
  const isAccess = order.kind === 'access';
  await tx.execute(
    `insert into access_orders (merchant_id, kind, suspended, user_id, reason, actor, request_id)
     values (?, ?, ?, ?, ?, ?, ?)`,
    [
      merchantId,
      order.kind,
      isAccess ? order.suspended : null,
      isAccess ? null : order.userId,
      isAccess ? order.reason : '',
      by.actor,
      by.requestId,
    ],
  );
}
