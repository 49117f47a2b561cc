import { AppError } from '@centra/service-kit/errors.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import type { Scope } from '@centra/service-kit/permissions.ts';
import type { Secret } from '@centra/service-kit/secret.ts';
import { CheckConstraintViolationException } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { addAuditEvent } from '../audit/audit-event.ts';
import type { AuditSource } from '../audit/audit-event.ts';
import { ApiKey } from './api-key.ts';
import type { ApiKeyRow } from './api-key.ts';
import { hashKeyText, newKeyText } from './key-text.ts';
import type { Mode } from './key-text.ts';

// Far more than a hotel has systems; a loop gone wrong at a client stops here instead of filling the table.
const USABLE_KEYS_MAX = 100;

export type NewApiKey = {
  mode: Mode;
  name: string;
  scopes: Scope[];
  expiresAt: Date | undefined;
  /** Canonical. */
  allowedAddresses: string[];
  /** UUID. */
  rotatedFrom: string | undefined;
};

/**
 * Makes one key and its audit event in the caller's transaction. The text is returned this once; only its hash is stored.
 * Throws `validation_failed` when it would have expired already, `state_conflict` when the merchant has 100 usable keys.
 */
export async function issueApiKey(
  tx: EntityManager,
  source: AuditSource,
  wanted: NewApiKey,
): Promise<{ key: ApiKeyRow; text: Secret }> {
  const id = newUuid();
  const text = newKeyText(wanted.mode, id);
  await refuseTooMany(tx, source.merchantId);
  const key = tx.create(ApiKey, {
    merchantId: source.merchantId,
    id,
    name: wanted.name,
    mode: wanted.mode,
    scopes: wanted.scopes,
    secretHash: hashKeyText(text.reveal()),
    last4: text.last4(),
    createdBy: source.actor,
    expiresAt: wanted.expiresAt ?? null,
    allowedAddresses: wanted.allowedAddresses,
    rotatedFrom: wanted.rotatedFrom ?? null,
  });
  await flushKey(tx);
  await addAuditEvent(tx, source, 'api_key.created', toPublicId('key', id), {
    name: wanted.name,
    mode: wanted.mode,
    scopes: wanted.scopes,
    expires_at: wanted.expiresAt?.toISOString() ?? null,
    allowed_addresses: wanted.allowedAddresses,
  });
  return { key, text };
}

async function flushKey(tx: EntityManager): Promise<void> {
  try {
    await tx.flush();
  } catch (error) {
    if (!isInThePast(error)) throw error;
    throw new AppError('validation_failed', {
      errors: [{ field: 'expires_at', reason: 'must be in the future' }],
    });
  }
}

/** The lock lets one key at a time be made for a merchant: two that count 99 at once would both be let through. */
async function refuseTooMany(tx: EntityManager, merchantId: string): Promise<void> {
  await tx.execute(`select pg_advisory_xact_lock(hashtextextended('api_keys ' || ?, 0))`, [merchantId]);
  const rows = await tx.execute<{ usable: number }[]>(
    `select count(*)::int as usable from api_keys
     where merchant_id = ? and revoked_at is null and (expires_at is null or expires_at > now())`,
    [merchantId],
  );
  if ((rows[0]?.usable ?? 0) >= USABLE_KEYS_MAX)
    throw new AppError('state_conflict', {
      detail: `There are ${USABLE_KEYS_MAX} usable keys already. Revoke one first.`,
    });
}

function isInThePast(error: unknown): boolean {
  return (
    error instanceof CheckConstraintViolationException &&
    'constraint' in error &&
    error.constraint === 'api_keys_expires_after_creation'
  );
}
