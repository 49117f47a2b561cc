import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf, parseWith } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import type { Secret } from '@centra/service-kit/secret.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { addAuditEvent, auditSourceOf } from '../audit/audit-event.ts';
import type { AuditSource } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { announce } from '../revocations/revocation-feed.ts';
import { ApiKey, toJson, visibleModes } from './api-key.ts';
import type { ApiKeyRow } from './api-key.ts';
import { refuseEscalation } from './create-api-key.ts';
import { issueApiKey } from './issue-api-key.ts';

// A week: enough to move systems over on a working day, not enough to forget the old key for good.
const OVERLAP_MAX_S = 604_800;
const OVERLAP_DEFAULT_S = 86_400;

export const rotateApiKeySchema = z
  .strictObject({
    overlap_seconds: z.int().min(0).max(OVERLAP_MAX_S).optional().meta({
      description: 'How long the old key still works, unless it expires sooner; a day by default',
      example: OVERLAP_DEFAULT_S,
    }),
  })
  .meta({ id: 'RotateApiKey', description: 'How to replace an API key' });

/**
 * POST /v1/api-keys/:id/rotate: a new key that may do the same from the same places, for as long a life; the old one expires
 * after the overlap, in every cache. The answer holds the new secret and is not replayed: if it is lost, rotate again.
 */
export function rotateApiKey(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const identity = identityOf(request);
    const overlapS = parseWith(rotateApiKeySchema, request.body).overlap_seconds ?? OVERLAP_DEFAULT_S;
    const id = fromPublicId('key', request.params.id);
    if (id === undefined) throw new AppError('not_found');
    const source = auditSourceOf(request);
    const { key, text } = await context.orm.em.fork().transactional(async (tx) => {
      const old = await lockKey(tx, identity, id);
      refuseEscalation(identity, old);
      return await rotate(tx, source, old, overlapS);
    });
    response.setHeader('cache-control', 'no-store');
    response.status(201).json({ ...toJson(key), secret: text.reveal() });
  };
}

type LockedKey = ApiKeyRow & {
  /** When a key of the same life that is made now expires; by the database's clock. */
  nextExpiresAt: Date | undefined;
};

/** 404 unless the credential may see it, 409 unless the key is good at this moment. */
async function lockKey(tx: EntityManager, identity: Identity, id: string): Promise<LockedKey> {
  const { merchantId } = identity;
  // Of two that rotate or revoke it at once, the second waits here and then sees what the first made of it.
  const [locked] = await tx.execute<{ is_good: boolean; next_expires_at: string | null }[]>(LOCK_KEY, [
    merchantId,
    id,
  ]);
  const old = await tx.findOne(ApiKey, { merchantId, id, mode: visibleModes(identity) });
  if (locked === undefined || old === null) throw new AppError('not_found');
  if (!locked.is_good)
    throw new AppError('state_conflict', { detail: 'The key is revoked or has expired. Make a new one.' });
  const nextExpiresAt = locked.next_expires_at === null ? undefined : new Date(locked.next_expires_at);
  return { ...old, nextExpiresAt };
}

const LOCK_KEY = `
select revoked_at is null and coalesce(expires_at > now(), true) as is_good,
       to_char((now() + (expires_at - created_at)) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as next_expires_at
from api_keys where merchant_id = ? and id = ? for no key update`;

async function rotate(
  tx: EntityManager,
  source: AuditSource,
  old: LockedKey,
  overlapS: number,
): Promise<{ key: ApiKeyRow; text: Secret }> {
  const [expired] = await tx.execute<{ expires_at: string }[]>(EXPIRE_KEY, [
    overlapS,
    old.merchantId,
    old.id,
  ]);
  const made = await issueApiKey(tx, source, {
    mode: old.mode,
    name: old.name,
    scopes: old.scopes,
    expiresAt: old.nextExpiresAt,
    allowedAddresses: old.allowedAddresses,
    rotatedFrom: old.id,
  });
  const publicId = toPublicId('key', old.id);
  await addAuditEvent(tx, source, 'api_key.rotated', publicId, {
    to: toPublicId('key', made.key.id),
    before: { expires_at: old.expiresAt?.toISOString() ?? null },
    after: { expires_at: expired?.expires_at ?? null },
  });
  await announce(tx, { kind: 'api_key', apiKeyId: publicId });
  return made;
}

const EXPIRE_KEY = `
update api_keys set expires_at = least(coalesce(expires_at, 'infinity'), now() + make_interval(secs => ?))
where merchant_id = ? and id = ?
returning to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as expires_at`;
