import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Permission } from '@centra/service-kit/permissions.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import { toRole } from './member.ts';
import type { RoleColumns } from './member.ts';

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
  const [row] = await tx.execute<RoleColumns[]>(ACTOR, [identity.merchantId, userId]);
  const permissions = row === undefined ? [] : toRole(row).permissions;
  if (row === undefined || !permissions.includes(needed))
    throw new AppError('forbidden', {
      detail: `This credential lacks the scope ${needed}.`,
      extra: { required_scope: needed },
    });
  return { userId, isOwner: row.built_in_role === 'owner', permissions };
}

const ACTOR = `
select members.built_in_role, members.role_id, roles.name as role_name, roles.permissions
from members left join roles on roles.merchant_id = members.merchant_id and roles.id = members.role_id
where members.merchant_id = ? and members.user_id = ? and members.suspended_at is null`;

/** 403 for whoever would give somebody, or a role, more than they may do themselves. */
export function refuseMoreThanOwn(actor: Actor, permissions: readonly Permission[]): void {
  const missing = permissions.find((permission) => !actor.permissions.includes(permission));
  if (missing !== undefined)
    throw new AppError('forbidden', {
      detail: `You can only give what you may do yourself; you lack ${missing}.`,
      extra: { required_scope: missing },
    });
}
