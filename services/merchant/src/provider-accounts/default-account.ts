import { toPublicId } from '@centra/service-kit/ids.ts';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Actor } from '../audit/audit-event.ts';
import { ProviderAccountEntity } from '../entities.ts';
import type { ProviderAccountRow } from '../entities.ts';
import type { Transaction } from '../tenant.ts';

/** Accounts of one kind and mode, of which one is the default. */
type Peers = Pick<ProviderAccountRow, 'merchantId' | 'mode' | 'kind'>;

/** The default of its kind and mode as it is now; null when there is none. Call it with the merchant locked. */
export async function currentDefault(
  tx: Transaction,
  { merchantId, mode, kind }: Peers,
): Promise<ProviderAccountRow | null> {
  return await tx.findOne(ProviderAccountEntity, { merchantId, mode, kind, isDefault: true });
}

/** Takes the default from an account, so that another one can have it in the same transaction. */
export async function giveUpDefault(tx: Transaction, by: Actor, current: ProviderAccountRow): Promise<void> {
  current.isDefault = false;
  // Written now: the index allows one default at any moment, and the new one comes with the next statement.
  await tx.flush();
  await recordAuditEvent(tx, by, {
    merchantId: current.merchantId,
    action: 'provider_account.default_replaced',
    objectId: toPublicId('pa', current.id),
    before: { default: true },
    after: { default: false },
  });
}
