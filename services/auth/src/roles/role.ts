import { AppError } from '@centra/service-kit/errors.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { BUILT_IN_ROLES, PERMISSIONS, isBuiltInRole, isPermission } from '@centra/service-kit/permissions.ts';
import type { BuiltInRole } from '@centra/service-kit/permissions.ts';
import { z } from 'zod';
import { BUILT_IN_ROLE_NAMES } from '../members/member.ts';
import type { RoleRow } from '../members/member.ts';

// A control character would break a log line, and one that turns the writing direction could fake a name.
export const roleNameSchema = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^[^\p{Cc}\p{Bidi_Control}\u2028\u2029]*$/u, 'must not contain control characters')
  .refine((name) => !isTaken(name), 'is the name of a role that every hotel has')
  .meta({
    description: 'For people, 1 to 100 characters; once at your hotel, whatever its case',
    example: 'Night desk',
  });

export const permissionsSchema = z
  .array(z.enum(PERMISSIONS))
  .min(1)
  .max(PERMISSIONS.length)
  .refine((each) => new Set(each).size === each.length, 'must not repeat a permission')
  .meta({ description: 'What it allows: nothing that you may not do yourself', example: ['payments:read'] });

export const roleSchema = z
  .object({
    id: z.string().meta({
      description: '`owner`, `admin`, `manager`, `staff`, or `rol_…`',
      example: 'rol_01jd0000000000000000000000',
    }),
    name: z.string().meta({ description: 'For people', example: 'Night desk' }),
    built_in: z.boolean().meta({ description: 'Every hotel has it, and nobody changes it' }),
    permissions: z.array(z.string()).meta({ example: ['payments:read'] }),
    created_at: z.iso.datetime({ offset: true }).nullable().meta({ description: 'Null for a built-in role' }),
  })
  .meta({ id: 'Role', description: 'What somebody may do at the hotel' });

export type RoleJson = z.infer<typeof roleSchema>;

/** The roles that every hotel has, from the mightiest on. */
export const BUILT_IN_ROLE_LIST: readonly RoleJson[] = Object.keys(BUILT_IN_ROLES)
  .filter(isBuiltInRole)
  .map(builtInToJson);

/** The public form of a role that every hotel has. */
export function builtInToJson(role: BuiltInRole): RoleJson {
  const permissions = [...BUILT_IN_ROLES[role]];
  return { id: role, name: BUILT_IN_ROLE_NAMES[role], built_in: true, permissions, created_at: null };
}

/** The public form of a hotel's own role. */
export function toJson(role: RoleRow): RoleJson {
  return {
    id: toPublicId('rol', role.id),
    name: role.name,
    built_in: false,
    permissions: role.permissions.filter(isPermission),
    created_at: role.createdAt.toISOString(),
  };
}

function isTaken(name: string): boolean {
  return Object.values(BUILT_IN_ROLE_NAMES).some((each) => each.toLowerCase() === name.toLowerCase());
}

/** 403 for a role that every hotel has: what it allows is promised, and nobody changes it. */
export function refuseBuiltIn(id: string): void {
  if (isBuiltInRole(id))
    throw new AppError('forbidden', { detail: 'A role that every hotel has is not yours to change.' });
}

/** The refusal of a name that another role of the hotel has. */
export function nameTaken(): AppError {
  return new AppError('state_conflict', {
    detail: 'Another role has that name.',
    errors: [{ field: 'name', reason: 'is the name of another role' }],
  });
}
