import { toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import { asReaderOfUser } from '../context.ts';
import type { Context } from '../context.ts';
import { toRole } from './member.ts';
import type { RoleColumns } from './member.ts';

/** A hotel where the person works. */
export const membershipSchema = z
  .object({
    merchant_id: z.string().meta({ example: 'mer_01jd0000000000000000000000' }),
    role: z.string().meta({
      description: '`owner`, `admin`, `manager`, `staff`, or the id of a role of that hotel',
      example: 'staff',
    }),
    role_name: z.string().meta({ description: 'What people read', example: 'Staff' }),
    permissions: z.array(z.string()).meta({ example: ['payments:read', 'payments:write'] }),
    suspended: z
      .boolean()
      .meta({ description: 'The membership or the hotel is suspended: nothing is allowed there' }),
  })
  .meta({ id: 'Membership', description: 'A hotel where the person works' });

export type MembershipJson = z.infer<typeof membershipSchema>;

// A chain's controller works at dozens of hotels; one answer stays small.
export const MEMBERSHIPS_MAX = 100;

type MembershipColumns = RoleColumns & { merchant_id: string; suspended: boolean };

/** Where a person works, in the order of the hotels' ids: 100 at most, and whether there are more. */
export async function findMemberships(
  context: Context,
  userId: string,
): Promise<{ memberships: MembershipJson[]; hasMore: boolean }> {
  const rows = await asReaderOfUser(context, userId).transactional(
    async (tx) => await tx.execute<MembershipColumns[]>(MEMBERSHIPS, [userId, MEMBERSHIPS_MAX + 1]),
  );
  return {
    memberships: rows.slice(0, MEMBERSHIPS_MAX).map(toMembership),
    hasMore: rows.length > MEMBERSHIPS_MAX,
  };
}

const MEMBERSHIPS = `
select members.merchant_id, members.built_in_role, members.role_id, roles.name as role_name, roles.permissions,
       members.suspended_at is not null or access.suspended_at is not null as suspended
from members
left join roles on roles.merchant_id = members.merchant_id and roles.id = members.role_id
left join merchant_access as access on access.merchant_id = members.merchant_id
where members.user_id = ? order by members.merchant_id limit ?`;

function toMembership(row: MembershipColumns): MembershipJson {
  const { role, roleName, permissions } = toRole(row);
  return {
    merchant_id: toPublicId('mer', row.merchant_id),
    role,
    role_name: roleName,
    permissions: [...permissions],
    suspended: row.suspended,
  };
}
