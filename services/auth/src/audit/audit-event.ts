import { contextOf, identityOf } from '@centra/service-kit/http.ts';
import { newUuid } from '@centra/service-kit/ids.ts';
import { defineEntity, p } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Request } from 'express';
import { z } from 'zod';

const ACTIONS = [
  'api_key.created',
  'api_key.rotated',
  'api_key.revoked',
  'member.added',
  'member.role_changed',
  'member.suspended',
  'member.restored',
  'member.removed',
  'ownership.transferred',
  'invitation.created',
  'invitation.resent',
  'invitation.revoked',
  'invitation.accepted',
  'role.created',
  'role.updated',
  'role.deleted',
  'security.changed',
  'merchant.suspended',
  'merchant.restored',
  'access.denied',
] as const;

export type AuditAction = (typeof ACTIONS)[number];

/** What writers provide; the database adds the time, the number and the hash that chains it to the event before. */
export const AuditEvent = defineEntity({
  name: 'AuditEvent',
  tableName: 'audit_events',
  properties: {
    merchantId: p.uuid().primary(),
    id: p.uuid().primary(),
    actor: p.text(),
    action: p.enum(ACTIONS),
    objectId: p.text(),
    requestId: p.text(),
    address: p.text(),
    details: p.json<Record<string, unknown>>(),
  },
});

/** Who did it, from where, in which request. */
export type AuditSource = { merchantId: string; actor: string; requestId: string; address: string };

/** Who acts, as another service names them: `user:usr_…`, `service:…`. */
export const auditActorSchema = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[a-z_]+:[\x21-\x7e]+$/, 'must be a kind and a name');

/** The same of a request in which the gateway vouched for somebody at a hotel. */
export function auditSourceOf(request: Request): AuditSource {
  const { merchantId, actor } = identityOf(request);
  const { requestId, address } = contextOf(request);
  return { merchantId, actor, requestId, address };
}

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
