import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Permission } from '@centra/service-kit/permissions.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import { toRole } from './member.ts';
import type { RoleColumns, RoleView } from './member.ts';

/** Who changes something about the hotel's people, and what they may do at this moment. */
export type Actor = {
  /** UUID. */
  userId: string;
  isOwner: boolean;
  permissions: readonly Permission[];
};

/**
 * Looks the person who asks up again, under `lockMembers`: the gateway's word may be five seconds old, and a right that was
 * taken away a moment ago must not be passed on with it. 403 for everybody who may not do that (any more), and for API keys.
 */
export async function findActor(tx: EntityManager, identity: Identity, needed: Permission): Promise<Actor> {
  const userId = fromPublicId('usr', /^user:(.*)$/.exec(identity.actor)?.[1] ?? '');
  if (userId === undefined) throw new AppError('forbidden', { detail: 'Only a person may do that.' });
  const actor = await readActor(tx, identity.merchantId, userId);
  if (actor === undefined || !actor.permissions.includes(needed))
    throw new AppError('forbidden', {
      detail: `This credential lacks the scope ${needed}.`,
      extra: { required_scope: needed },
    });
  return actor;
}

/** What a person (UUID) may do at a hotel; undefined for whoever is suspended or no member of it. Call it under `lockMembers`. */
export async function readActor(
  tx: EntityManager,
  merchantId: string,
  userId: string,
): Promise<Actor | undefined> {
  const [row] = await tx.execute<RoleColumns[]>(ACTOR, [merchantId, userId]);
  if (row === undefined) return undefined;
  return { userId, isOwner: row.built_in_role === 'owner', permissions: toRole(row).permissions };
}

const ACTOR = `
select members.built_in_role, members.role_id, roles.name as role_name, roles.permissions
from members left join roles on roles.merchant_id = members.merchant_id and roles.id = members.role_id
where members.merchant_id = ? and members.user_id = ? and members.suspended_at is null`;

/** Whether somebody may give others that role: no more than they may do themselves, and only an owner makes an owner. */
export function mayGive(actor: Actor, role: RoleView): boolean {
  return (
    (role.role !== 'owner' || actor.isOwner) &&
    role.permissions.every((permission) => actor.permissions.includes(permission))
  );
}

/** 403 for whoever may not give others that role. */
export function refuseToGive(actor: Actor, role: RoleView): void {
  if (role.role === 'owner' && !actor.isOwner)
    throw new AppError('forbidden', { detail: 'Only an owner may make somebody an owner.' });
  refuseMoreThanOwn(actor, role.permissions);
}

/** 403 for whoever would give somebody, or a role, more than they may do themselves. */
export function refuseMoreThanOwn(actor: Actor, permissions: readonly Permission[]): void {
  const missing = permissions.find((permission) => !actor.permissions.includes(permission));
  if (missing !== undefined)
    throw new AppError('forbidden', {
      detail: `You can only give what you may do yourself; you lack ${missing}.`,
      extra: { required_scope: missing },
    });
}
