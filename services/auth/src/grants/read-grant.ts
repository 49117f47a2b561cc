import type { Pool } from '@centra/service-kit/database.ts';
import { toRole } from '../members/member.ts';
import type { RoleColumns } from '../members/member.ts';
import type { Grant, GrantOf } from './grant.ts';

type GrantRow = RoleColumns & {
  expires_at: Date;
  has_factor: boolean;
  is_member: boolean;
  is_suspended: boolean;
  factor_required: boolean;
  read_at: number;
};

// now() is the time the statement began, so it is not later than what the statement sees: see grant.ts.
const FIND_GRANT = `
select sessions.expires_at, sessions.factor_at is not null as has_factor,
       members.user_id is not null as is_member,
       members.built_in_role, members.role_id, roles.name as role_name, roles.permissions,
       (members.suspended_at is not null or access.suspended_at is not null) as is_suspended,
       coalesce(access.second_factor_required, false) as factor_required,
       (extract(epoch from now()) * 1000)::float8 as read_at
from sessions
left join members on members.merchant_id = $3::uuid and members.user_id = sessions.user_id
left join roles on roles.merchant_id = members.merchant_id and roles.id = members.role_id
left join merchant_access as access on access.merchant_id = members.merchant_id
where sessions.user_id = $1 and sessions.id = $2 and sessions.ended_at is null and sessions.expires_at > now()`;

/** What the session allows, and the database's time (Unix ms) from just before it said so. */
export async function readGrant(
  pool: Pool,
  { userId, sessionId, merchantId }: GrantOf,
): Promise<{ grant: Grant; readAt: number } | undefined> {
  const { rows } = await pool.query<GrantRow>({
    name: 'find-grant',
    text: FIND_GRANT,
    values: [userId, sessionId, merchantId],
  });
  const [row] = rows;
  if (row === undefined || (merchantId !== undefined && !row.is_member)) return undefined;
  const grant = {
    permissions: row.is_member ? toRole(row).permissions : [],
    barrier: barrierOf(row),
    sessionExpiresAt: row.expires_at,
  };
  return { grant, readAt: row.read_at };
}

function barrierOf(row: GrantRow): Grant['barrier'] {
  if (!row.is_member) return undefined;
  if (row.is_suspended) return 'suspended';
  return row.factor_required && !row.has_factor ? 'second_factor' : undefined;
}
