import { toPublicId } from '@centra/service-kit/ids.ts';
import type { BuiltInRole } from '@centra/service-kit/permissions.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import { z } from 'zod';
import { BUILT_IN_ROLE_NAMES } from '../members/member.ts';

const timeSchema = z.iso.datetime({ offset: true });

export const invitationSchema = z
  .object({
    id: z.string().meta({ example: 'inv_01jd0000000000000000000000' }),
    object: z.literal('invitation'),
    email: z.string().meta({ description: 'Where it was sent', example: 'ada@hotel.example' }),
    role: z.string().meta({
      description: '`owner`, `admin`, `manager`, `staff`, or the id of a role of yours',
      example: 'staff',
    }),
    role_name: z.string().meta({ description: 'What people read', example: 'Staff' }),
    status: z
      .enum(['pending', 'accepted', 'revoked', 'expired'])
      .meta({ description: 'An expired one can be sent again; a replaced one is revoked' }),
    invited_by: z
      .string()
      .meta({ description: 'Whoever sent it last', example: 'usr_01jd0000000000000000000000' }),
    created_at: timeSchema.meta({ example: '2026-01-01T00:00:00.000Z' }),
    expires_at: timeSchema.meta({
      description: 'Seven days after its mail was sent',
      example: '2026-01-08T00:00:00.000Z',
    }),
  })
  .meta({ id: 'Invitation', description: 'An invitation to work at the hotel' });

export type InvitationJson = z.infer<typeof invitationSchema>;

type InvitationColumns = {
  id: string;
  email: string;
  built_in_role: BuiltInRole | null;
  role_id: string | null;
  role_name: string;
  status: InvitationJson['status'];
  invited_by: string;
  created_at: string;
  expires_at: string;
};

/** A hotel's invitations, newest first, from below `before` on (UUID); or one of them. */
export async function findInvitations(
  tx: EntityManager,
  merchantId: string,
  which: { id?: string; before?: string | undefined; limit: number },
): Promise<InvitationJson[]> {
  const id = which.id ?? null;
  const before = which.before ?? null;
  const rows = await tx.execute<InvitationColumns[]>(INVITATIONS, [
    merchantId,
    id,
    id,
    before,
    before,
    which.limit,
  ]);
  return rows.map(toJson);
}

const INVITATIONS = `
select invitations.id, email, built_in_role, role_id, coalesce(roles.name, role_name) as role_name,
  case when accepted_at is not null then 'accepted' when revoked_at is not null then 'revoked'
       when expires_at <= now() then 'expired' else 'pending' end as status,
  invited_by,
  to_char(invitations.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as created_at,
  to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as expires_at
from invitations
left join roles on roles.merchant_id = invitations.merchant_id and roles.id = invitations.role_id
where invitations.merchant_id = ?
  and (?::uuid is null or invitations.id = ?::uuid)
  and (?::uuid is null or invitations.id < ?::uuid)
order by invitations.id desc limit ?`;

function toJson(row: InvitationColumns): InvitationJson {
  const role = publicRoleOf(row);
  return {
    id: toPublicId('inv', row.id),
    object: 'invitation',
    email: row.email,
    role,
    role_name: row.built_in_role === null ? row.role_name : BUILT_IN_ROLE_NAMES[row.built_in_role],
    status: row.status,
    invited_by: toPublicId('usr', row.invited_by),
    created_at: row.created_at,
    expires_at: row.expires_at,
  };
}

/** The role as requests name it, also when it was deleted since. */
export function publicRoleOf(row: { built_in_role: BuiltInRole | null; role_id: string | null }): string {
  return row.built_in_role ?? toPublicId('rol', row.role_id ?? '');
}

/** The address as the audit trail keeps it, which is never emptied: enough to tell one invitation from another. */
export function maskEmail(email: string): string {
  const at = email.lastIndexOf('@');
  return `${email.slice(0, 1)}***${email.slice(Math.max(at, 1))}`;
}
