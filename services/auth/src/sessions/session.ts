import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { UserIdentity } from '@centra/service-kit/service-identity.ts';
import { defineEntity, p } from '@mikro-orm/core';
import type { InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { z } from 'zod';
import { announce } from '../revocations/revocation-feed.ts';

/** One log-in on one device, and the refresh tokens that followed from it. */
export const Session = defineEntity({
  name: 'Session',
  tableName: 'sessions',
  properties: {
    userId: p.uuid().primary(),
    id: p.uuid().primary(),
    createdAt: p.datetime().defaultRaw('now()'),
    lastUsedAt: p.datetime().defaultRaw('now()'),
    expiresAt: p.datetime(),
    address: p.text(),
    userAgent: p.text(),
    merchantId: p.uuid().nullable(),
    mode: p.enum(['test', 'live'] as const),
    factorAt: p.datetime().nullable(),
    endedAt: p.datetime().nullable(),
    endedReason: p.text().$type<EndedReason>().nullable(),
  },
});

export type SessionRow = InferEntity<typeof Session>;

export type EndedReason =
  | 'logged_out'
  | 'revoked'
  | 'password_changed'
  | 'password_reset'
  | 'token_reused'
  | 'factor_removed'
  // Older than the newest 50.
  | 'too_many';

const timeSchema = z.iso.datetime({ offset: true });

export const sessionSchema = z
  .object({
    id: z.string().meta({ example: 'ses_01jd0000000000000000000000' }),
    created_at: timeSchema.meta({ description: 'When the person logged in' }),
    last_used_at: timeSchema.meta({ description: 'When its tokens were last refreshed' }),
    expires_at: timeSchema.meta({ description: 'When it ends without a refresh' }),
    address: z.string().meta({ description: 'Where the person logged in from', example: '203.0.113.7' }),
    user_agent: z.string().meta({ description: 'What the browser called itself then' }),
    merchant_id: z.string().nullable().meta({ example: 'mer_01jd0000000000000000000000' }),
    mode: z.enum(['test', 'live']),
    current: z.boolean().meta({ description: 'Whether it is the one that asks' }),
  })
  .meta({ id: 'Session', description: 'A log-in on one device' });

/** The public form, as the session `currentId` sees it. */
export function toJson(session: SessionRow, currentId: string): z.infer<typeof sessionSchema> {
  return {
    id: toPublicId('ses', session.id),
    created_at: session.createdAt.toISOString(),
    last_used_at: session.lastUsedAt.toISOString(),
    expires_at: session.expiresAt.toISOString(),
    address: session.address,
    user_agent: session.userAgent,
    merchant_id: typeof session.merchantId === 'string' ? toPublicId('mer', session.merchantId) : null,
    mode: session.mode,
    current: session.id === currentId,
  };
}

/** The UUIDs of a person that the gateway vouches for. */
export function personOf(user: UserIdentity): { userId: string; sessionId: string } {
  const userId = fromPublicId('usr', user.userId);
  const sessionId = fromPublicId('ses', user.sessionId);
  if (userId === undefined || sessionId === undefined)
    throw new AppError('unauthenticated', { internal: 'vouched for a person with an unreadable id' });
  return { userId, sessionId };
}

/**
 * Ends a person's open sessions in the caller's transaction, all or all but one, and announces each: their tokens are refused
 * within 5 s of the commit. Answers how many ended.
 */
export async function endSessions(
  tx: EntityManager,
  userId: string,
  options: { reason: EndedReason; only?: string; except?: string },
): Promise<number> {
  const ended = await tx.execute<{ id: string }[]>(
    `update sessions set ended_at = now(), ended_reason = ?
     where user_id = ? and ended_at is null and expires_at > now()
       and (?::uuid is null or id = ?::uuid) and (?::uuid is null or id <> ?::uuid)
     returning id`,
    [options.reason, userId, options.only, options.only, options.except, options.except].map(
      (value) => value ?? null,
    ),
  );
  for (const { id } of ended) await announce(tx, { kind: 'session', sessionId: toPublicId('ses', id) });
  return ended.length;
}
