import { newUuid } from '@centra/service-kit/ids.ts';
import { defineEntity, p } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';

/** What writers provide; the database adds the time, the number and the hash that chains it to the event before. */
export const AuditEvent = defineEntity({
  name: 'AuditEvent',
  tableName: 'audit_events',
  properties: {
    merchantId: p.uuid().primary(),
    id: p.uuid().primary(),
    actor: p.text(),
    action: p.enum(['api_key.created', 'api_key.revoked', 'access.denied'] as const),
    objectId: p.text(),
    requestId: p.text(),
    address: p.text(),
    details: p.json<Record<string, unknown>>(),
  },
});

export type AuditAction = 'api_key.created' | 'api_key.revoked' | 'access.denied';

/** Who did it, from where, in which request. */
export type AuditSource = { merchantId: string; actor: string; requestId: string; address: string };

/** Adds one event. Call it in the transaction that it describes, so that neither stands without the other. */
export async function addAuditEvent(
  tx: EntityManager,
  source: AuditSource,
  action: AuditAction,
  objectId: string,
  details: Record<string, unknown>,
): Promise<void> {
  const { merchantId, actor, requestId, address } = source;
  await tx.insert(AuditEvent, {
    merchantId,
    id: newUuid(),
    actor,
    action,
    objectId,
    requestId,
    address,
    details,
  });
}
