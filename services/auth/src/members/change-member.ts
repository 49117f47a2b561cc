import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { BuiltInRole } from '@centra/service-kit/permissions.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Request } from 'express';
import { addAuditEvent, auditSourceOf } from '../audit/audit-event.ts';
import type { AuditAction } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { announce } from '../revocations/revocation-feed.ts';
import { findActor } from './actor.ts';
import type { Actor } from './actor.ts';
import { findUsers, lockMembers } from './member.ts';
import type { UserJson } from './member.ts';

/** A member as a change finds them, under the hotel's lock. */
export type Target = {
  merchantId: string;
  /** UUID. */
  userId: string;
  builtInRole: BuiltInRole | null;
  roleId: string | null;
  suspended: boolean;
  /** As the hotel's people see them. */
  before: UserJson;
};

/** What was done, for the audit trail; undefined when there was nothing to do. */
export type MemberChange = { action: AuditAction; details: Record<string, unknown> } | undefined;

/**
 * One change of one member by a person of the hotel: 404 for whoever is not a member here, 403 for oneself (unless
 * `self` allows it) and, unless an owner asks, for owners. The change, its audit event and its announcement are one transaction.
 */
export async function changeMember(
  context: Context,
  request: Request<{ id: string }>,
  rules: { self: 'refused' | 'allowed' },
  change: (tx: EntityManager, target: Target, actor: Actor) => Promise<MemberChange>,
): Promise<UserJson | undefined> {
  const source = auditSourceOf(request);
  const { merchantId } = source;
  const userId = fromPublicId('usr', request.params.id);
  if (userId === undefined) throw new AppError('not_found');
  return await context.orm.em.fork().transactional(async (tx) => {
    await lockMembers(tx, merchantId);
    const actor = await findActor(tx, identityOf(request), 'users:write');
    const target = await findTarget(tx, merchantId, userId);
    if (target === undefined) throw new AppError('not_found');
    if (rules.self === 'refused' && actor.userId === userId)
      throw new AppError('forbidden', { detail: 'Somebody else must do that for you.' });
    if (target.builtInRole === 'owner' && !actor.isOwner)
      throw new AppError('forbidden', { detail: 'Only an owner may change an owner.' });
    const done = await change(tx, target, actor);
    if (done !== undefined) {
      const publicId = toPublicId('usr', userId);
      await addAuditEvent(tx, source, done.action, publicId, done.details);
      await announce(tx, { kind: 'member', merchantId, userId: publicId });
    }
    const [user] = await findUsers(tx, merchantId, { userId, limit: 1 });
    return user;
  });
}

/** Undefined for whoever is not a member of the hotel. */
export async function findTarget(
  tx: EntityManager,
  merchantId: string,
  userId: string,
): Promise<Target | undefined> {
  const [row] = await tx.execute<
    { built_in_role: BuiltInRole | null; role_id: string | null; suspended: boolean }[]
  >(
    `select built_in_role, role_id, suspended_at is not null as suspended from members
     where merchant_id = ? and user_id = ?`,
    [merchantId, userId],
  );
  const [before] = await findUsers(tx, merchantId, { userId, limit: 1 });
  if (row === undefined || before === undefined) return undefined;
  const { built_in_role: builtInRole, role_id: roleId, suspended } = row;
  return { merchantId, userId, builtInRole, roleId, suspended, before };
}

/** 409 when the hotel would be left without an owner who can log in there. Call it before an owner is lost. */
export async function keepAnOwner(tx: EntityManager, target: Target): Promise<void> {
  if (target.builtInRole !== 'owner') return;
  const others = await tx.execute<unknown[]>(
    `select from members where merchant_id = ? and user_id <> ? and built_in_role = 'owner' and suspended_at is null limit 1`,
    [target.merchantId, target.userId],
  );
  if (others.length === 0) throw new AppError('last_owner');
}

/** Gives a member another role. */
export async function writeRole(
  tx: EntityManager,
  { merchantId, userId }: { merchantId: string; userId: string },
  columns: { built_in_role: BuiltInRole | null; role_id: string | null },
): Promise<void> {
  await tx.execute(
    `update members set built_in_role = ?, role_id = ?, updated_at = now() where merchant_id = ? and user_id = ?`,
    [columns.built_in_role, columns.role_id, merchantId, userId],
  );
}
