import type { Transaction } from '../tenant.ts';

/** Who changed something, from where, in which request. */
export type Actor = { actor: string; address: string; requestId: string };

/** The actor of changes that loops make. */
export const SELF: Actor = { actor: 'service:merchant', address: '', requestId: '' };

export type AuditAction =
  | 'access.denied'
  | 'audit_log.read'
  | 'audit_log.exported'
  | 'merchant.created'
  | 'merchant.limits_changed'
  | 'merchant.updated'
  | 'merchant.state_changed'
  | 'merchant.logo_changed'
  | 'merchant.logo_removed'
  | 'provider_account.created'
  | 'provider_account.default_replaced'
  | 'provider_account.updated'
  | 'provider_account.rotated'
  | 'provider_account.tested'
  | 'provider_account.deleted'
  | 'provider_account.secret_opened'
  | 'provider_account.secrets_destroyed'
  | 'provider_account.destruction_postponed'
  | 'routing_rule.created'
  | 'routing_rule.updated'
  | 'routing_rule.deleted'
  | 'routing_rule.reordered'
  | 'webhook_endpoint.created'
  | 'webhook_endpoint.updated'
  | 'webhook_endpoint.deleted'
  | 'webhook_endpoint.secret_rotated'
  | 'webhook_endpoint.secret_destroyed'
  | 'webhook_endpoint.tested'
  | 'data_key.added'
  | 'data_key.rewrapped'
  | 'data_key.destroyed';

type AuditEvent = {
  merchantId: string;
  action: AuditAction;
  /** Public id of what was changed. */
  objectId: string;
  /** As it may be shown: secrets are there as last four and fingerprint only. */
  before?: Readonly<Record<string, unknown>>;
  after?: Readonly<Record<string, unknown>>;
};

/** Adds to the hotel's history, in the transaction of the change itself. The database numbers and chains the rows. */
export async function recordAuditEvent(tx: Transaction, by: Actor, event: AuditEvent): Promise<void> {
  await tx.execute(
    `insert into audit_events (merchant_id, actor, address, request_id, action, object_id, before, after)
     values (?, ?, ?, ?, ?, ?, ?::jsonb, ?::jsonb)`,
    [
      event.merchantId,
      by.actor,
      by.address,
      by.requestId,
      event.action,
      event.objectId,
      event.before === undefined ? null : JSON.stringify(event.before),
      event.after === undefined ? null : JSON.stringify(event.after),
    ],
  );
}
