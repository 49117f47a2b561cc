import { AppError } from '@centra/service-kit/errors.ts';
import { userOf } from '@centra/service-kit/http.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { asReaderOfUser } from '../context.ts';
import type { Context } from '../context.ts';
import { toRole } from '../members/member.ts';
import type { RoleColumns } from '../members/member.ts';
import { personOf } from '../sessions/session.ts';
import { localeSchema } from './user.ts';
import type { Locale } from './user.ts';

const membershipSchema = z
  .object({
    merchant_id: z.string().meta({ description: 'The hotel', example: 'mer_01jd0000000000000000000000' }),
    role: z.string().meta({
      description: '`owner`, `admin`, `manager`, `staff`, or the id of a role of the hotel’s own',
      example: 'manager',
    }),
    role_name: z.string().meta({ example: 'Manager' }),
    permissions: z
      .array(z.string())
      .meta({ description: 'What the role allows', example: ['payments:read', 'payments:write'] }),
    suspended: z.boolean().meta({ description: 'Whether the person or the hotel may do nothing for now' }),
  })
  .meta({ id: 'Membership', description: 'What somebody may do at a hotel' });

export const meSchema = z
  .object({
    id: z.string().meta({ example: 'usr_01jd0000000000000000000000' }),
    email: z.string().meta({ example: 'amina@riad-atlas.example' }),
    name: z.string().meta({ example: 'Amina Haddad' }),
    locale: localeSchema,
    second_factor: z.boolean().meta({ description: 'Whether a second factor is asked for at log-in' }),
    session_id: z
      .string()
      .meta({ description: 'The session that asks', example: 'ses_01jd0000000000000000000000' }),
    merchant_id: z
      .string()
      .nullable()
      .meta({ description: 'The hotel it works for', example: 'mer_01jd0000000000000000000000' }),
    mode: z.enum(['test', 'live']),
    memberships: z.array(membershipSchema).meta({ description: 'At most 100, the longest-standing first' }),
    has_more_memberships: z.boolean(),
  })
  .meta({ id: 'Me', description: 'The account of whoever asks' });

/** GET /v1/auth/me. */
export function getMe(context: Context): RequestHandler {
  return async (request, response) => {
    const { userId, sessionId } = personOf(userOf(request));
    response.json(await readMe(context, userId, sessionId));
  };
}

// Nobody works at more hotels that fits on a screen; an agency that does chooses by search.
const MEMBERSHIPS_MAX = 100;

type MeRow = {
  email: string;
  name: string;
  locale: Locale;
  second_factor: boolean;
  merchant_id: string | null;
  mode: 'test' | 'live';
};

/** The account as its person sees it; `unauthenticated` when they or their session are gone. */
export async function readMe(
  context: Context,
  userId: string,
  sessionId: string,
): Promise<z.infer<typeof meSchema>> {
  return await asReaderOfUser(context, userId).transactional(async (tx) => {
    const [me] = await tx.execute<MeRow[]>(
      `select users.email, users.name, users.locale, sessions.merchant_id, sessions.mode,
         exists (select from factors where user_id = users.id and confirmed_at is not null) as second_factor
       from users join sessions on sessions.user_id = users.id and sessions.id = ?
       where users.id = ? and sessions.ended_at is null`,
      [sessionId, userId],
    );
    if (me === undefined) throw new AppError('unauthenticated', { internal: 'the session is gone' });
    const memberships = await membershipsOf(tx, userId);
    return {
      id: toPublicId('usr', userId),
      email: me.email,
      name: me.name,
      locale: me.locale,
      second_factor: me.second_factor,
      session_id: toPublicId('ses', sessionId),
      merchant_id: me.merchant_id === null ? null : toPublicId('mer', me.merchant_id),
      mode: me.mode,
      memberships: memberships.slice(0, MEMBERSHIPS_MAX),
      has_more_memberships: memberships.length > MEMBERSHIPS_MAX,
    };
  });
}

async function membershipsOf(tx: EntityManager, userId: string): Promise<z.infer<typeof membershipSchema>[]> {
  const rows = await tx.execute<(RoleColumns & { merchant_id: string; suspended: boolean })[]>(
    `select members.merchant_id, members.built_in_role, members.role_id, roles.name as role_name, roles.permissions,
       (members.suspended_at is not null or merchant_access.suspended_at is not null) as suspended
     from members
     left join roles on roles.merchant_id = members.merchant_id and roles.id = members.role_id
     left join merchant_access on merchant_access.merchant_id = members.merchant_id
     where members.user_id = ? order by members.created_at, members.merchant_id limit ?`,
    [userId, MEMBERSHIPS_MAX + 1],
  );
  return rows.map((row) => {
    const { role, roleName, permissions } = toRole(row);
    return {
      merchant_id: toPublicId('mer', row.merchant_id),
      role,
      role_name: roleName,
      permissions: [...permissions],
      suspended: row.suspended,
    };
  });
}
