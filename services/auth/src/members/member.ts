import { BUILT_IN_ROLES, isBuiltInRole, isPermission } from '@centra/service-kit/permissions.ts';
import type { BuiltInRole, Permission } from '@centra/service-kit/permissions.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { defineEntity, p } from '@mikro-orm/core';
import type { InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { z } from 'zod';

const BUILT_IN = ['owner', 'admin', 'manager', 'staff'] as const satisfies readonly BuiltInRole[];

/** Who has which role at which hotel. */
export const Member = defineEntity({
  name: 'Member',
  tableName: 'members',
  properties: {
    merchantId: p.uuid().primary(),
    userId: p.uuid().primary(),
    builtInRole: p.enum(BUILT_IN).nullable(),
    roleId: p.uuid().nullable(),
    suspendedAt: p.datetime().nullable(),
    createdAt: p.datetime().defaultRaw('now()'),
    updatedAt: p.datetime().defaultRaw('now()'),
  },
});

export type MemberRow = InferEntity<typeof Member>;

/** A hotel's own role. */
export const Role = defineEntity({
  name: 'Role',
  tableName: 'roles',
  properties: {
    merchantId: p.uuid().primary(),
    id: p.uuid().primary(),
    name: p.text(),
    permissions: p.array().$type<Permission[]>(),
    createdAt: p.datetime().defaultRaw('now()'),
    updatedAt: p.datetime().defaultRaw('now()'),
  },
});

export type RoleRow = InferEntity<typeof Role>;

/** What holds for everybody at a hotel; a hotel without a row is let in and asks for no second factor. */
export const MerchantAccess = defineEntity({
  name: 'MerchantAccess',
  tableName: 'merchant_access',
  properties: {
    merchantId: p.uuid().primary(),
    suspendedAt: p.datetime().nullable(),
    suspendedReason: p.text().nullable(),
    secondFactorRequired: p.boolean().default(false),
    updatedAt: p.datetime().defaultRaw('now()'),
  },
});

/** What people read of a role that every hotel has. */
export const BUILT_IN_ROLE_NAMES: Record<BuiltInRole, string> = {
  owner: 'Owner',
  admin: 'Admin',
  manager: 'Manager',
  staff: 'Staff',
};

/** A member's role as the tables hold it: exactly one of the two, and what the hotel's own one says. */
export type RoleColumns = {
  built_in_role: BuiltInRole | null;
  role_id: string | null;
  /** Of the hotel's own role; null for a built-in one. */
  role_name: string | null;
  permissions: string[] | null;
};

/** A role by its public name, with what it allows. */
export type RoleView = {
  role: string;
  roleName: string;
  permissions: readonly Permission[];
};

/** The role of a member, whichever of the two kinds it is. */
export function toRole(row: RoleColumns): RoleView {
  if (row.built_in_role !== null) return builtInRole(row.built_in_role);
  if (row.role_id === null || row.role_name === null || row.permissions === null)
    throw new Error('a member without a role');
  return {
    role: toPublicId('rol', row.role_id),
    roleName: row.role_name,
    // A permission that the code no longer knows allows nothing.
    permissions: row.permissions.filter(isPermission),
  };
}

/** A role that every hotel has. */
export function builtInRole(role: BuiltInRole): RoleView {
  return { role, roleName: BUILT_IN_ROLE_NAMES[role], permissions: BUILT_IN_ROLES[role] };
}

/** A role as requests name it: a built-in one, or the id of one of the hotel's own. */
export const roleSchema = z
  .string()
  .refine(
    (text) => isBuiltInRole(text) || fromPublicId('rol', text) !== undefined,
    'must be owner, admin, manager, staff or the id of a role',
  )
  .meta({
    description: '`owner`, `admin`, `manager`, `staff`, or the id of a role of yours',
    example: 'staff',
  });

/** Finds the role that a request names; undefined for one that the hotel does not have. Call it under `lockMembers`. */
export async function findRole(
  tx: EntityManager,
  merchantId: string,
  role: string,
): Promise<(RoleView & { columns: Pick<RoleColumns, 'built_in_role' | 'role_id'> }) | undefined> {
  if (isBuiltInRole(role)) return { ...builtInRole(role), columns: { built_in_role: role, role_id: null } };
  const id = fromPublicId('rol', role);
  if (id === undefined) return undefined;
  const [row] = await tx.execute<{ name: string; permissions: string[] }[]>(
    'select name, permissions from roles where merchant_id = ? and id = ?',
    [merchantId, id],
  );
  if (row === undefined) return undefined;
  const columns = { built_in_role: null, role_id: id };
  return { ...toRole({ ...columns, role_name: row.name, permissions: row.permissions }), columns };
}

/**
 * One change at a time to who may do what at a hotel: two owners who remove each other at once would both be let through, and
 * a right that is being taken away could still be passed on.
 */
export async function lockMembers(tx: EntityManager, merchantId: string): Promise<void> {
  await tx.execute(`select pg_advisory_xact_lock(hashtextextended('members ' || ?, 0))`, [merchantId]);
}

export const userSchema = z
  .object({
    id: z.string().meta({ description: 'The person', example: 'usr_01jd0000000000000000000000' }),
    name: z.string().meta({ example: 'Ada Example' }),
    email: z.string().meta({ example: 'ada@hotel.example' }),
    role: z.string().meta({
      description: '`owner`, `admin`, `manager`, `staff`, or the id of a role of yours',
      example: 'staff',
    }),
    role_name: z.string().meta({ description: 'What people read', example: 'Staff' }),
    suspended: z.boolean().meta({ description: 'May do nothing here until restored' }),
    second_factor: z.boolean().meta({ description: 'Has a second factor' }),
    joined_at: z.iso.datetime({ offset: true }).meta({ example: '2026-01-01T00:00:00.000Z' }),
  })
  .meta({ id: 'User', description: 'Somebody who works at the hotel' });

export type UserJson = z.infer<typeof userSchema>;

type UserColumns = RoleColumns & {
  user_id: string;
  name: string;
  email: string;
  suspended: boolean;
  second_factor: boolean;
  joined_at: string;
};

/** The hotel's people, newest account first, from below `before` on (UUID); or one of them. */
export async function findUsers(
  tx: EntityManager,
  merchantId: string,
  which: { userId?: string; before?: string | undefined; limit: number },
): Promise<UserJson[]> {
  const rows = await tx.execute<UserColumns[]>(USERS, [
    merchantId,
    which.userId ?? null,
    which.userId ?? null,
    which.before ?? null,
    which.before ?? null,
    which.limit,
  ]);
  return rows.map(toJson);
}

const USERS = `
select members.user_id, users.name, users.email, members.built_in_role, members.role_id, roles.name as role_name,
       roles.permissions, members.suspended_at is not null as suspended,
       exists (select from factors where factors.user_id = members.user_id and confirmed_at is not null) as second_factor,
       to_char(members.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as joined_at
from members
join users on users.id = members.user_id
left join roles on roles.merchant_id = members.merchant_id and roles.id = members.role_id
where members.merchant_id = ?
  and (?::uuid is null or members.user_id = ?::uuid)
  and (?::uuid is null or members.user_id < ?::uuid)
order by members.user_id desc limit ?`;

function toJson(row: UserColumns): UserJson {
  const { role, roleName } = toRole(row);
  return {
    id: toPublicId('usr', row.user_id),
    name: row.name,
    email: row.email,
    role,
    role_name: roleName,
    suspended: row.suspended,
    second_factor: row.second_factor,
    joined_at: row.joined_at,
  };
}
