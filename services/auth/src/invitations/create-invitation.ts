import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf, parseWith } from '@centra/service-kit/http.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { emailAddressSchema, emailKeyOf, localeSchema } from '../accounts/user.ts';
import type { Locale } from '../accounts/user.ts';
import { addAuditEvent, auditSourceOf } from '../audit/audit-event.ts';
import type { AuditSource } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { queueEmail } from '../emails/queue-email.ts';
import { findActor, refuseToGive } from '../members/actor.ts';
import { findRole, lockMembers, roleSchema } from '../members/member.ts';
import type { RoleColumns, RoleView } from '../members/member.ts';
import { INVITATION_DAYS } from './invitation-link.ts';
import { countMail, requireRoom } from './invitation-limits.ts';
import { findInvitations, maskEmail, publicRoleOf } from './invitation.ts';
import type { InvitationJson } from './invitation.ts';
import { readHotel } from './invited-hotel.ts';

export const createInvitationSchema = z
  .strictObject({
    email: emailAddressSchema,
    role: roleSchema,
    locale: localeSchema
      .optional()
      .meta({ description: 'Of the mail; the hotel’s by default', example: 'fr' }),
  })
  .meta({ id: 'CreateInvitation', description: 'Whom to invite, to which role' });

type Wanted = {
  /** UUID. */
  id: string;
  email: string;
  locale: Locale;
  merchantName: string;
  /** UUID. */
  invitedBy: string;
  role: RoleView & { columns: Pick<RoleColumns, 'built_in_role' | 'role_id'> };
};

/**
 * POST /v1/merchants/:merchant/invitations. Nobody invites to more than they may do themselves, and only an owner an owner.
 * A second invitation to an address replaces the first, whose link is dead then.
 */
export function createInvitation(context: Context): RequestHandler {
  return async (request, response) => {
    const body = parseWith(createInvitationSchema, request.body);
    const source = auditSourceOf(request);
    const { merchantId } = source;
    const hotel = await readHotel(context, merchantId, source.requestId);
    const invitation = await context.orm.em.fork().transactional(async (tx) => {
      await lockMembers(tx, merchantId);
      const actor = await findActor(tx, identityOf(request), 'users:write');
      const role = await findRole(tx, merchantId, body.role);
      if (role === undefined) throw new AppError('not_found', { detail: 'There is no such role here.' });
      refuseToGive(actor, role);
      await refuseMember(tx, merchantId, emailKeyOf(body.email));
      const locale = body.locale ?? hotel.locale ?? 'en';
      return await storeInvitation(tx, source, {
        id: newUuid(),
        email: body.email,
        locale,
        merchantName: hotel.name,
        invitedBy: actor.userId,
        role,
      });
    });
    response.status(201).json(invitation);
  };
}

/** 409 for an address whose owner works at the hotel. */
export async function refuseMember(tx: EntityManager, merchantId: string, emailKey: string): Promise<void> {
  const rows = await tx.execute<unknown[]>(
    `select from members join users on users.id = members.user_id
     where users.email_key = ? and members.merchant_id = ?`,
    [emailKey, merchantId],
  );
  if (rows.length > 0) throw new AppError('already_member');
}

async function storeInvitation(
  tx: EntityManager,
  source: AuditSource,
  wanted: Wanted,
): Promise<InvitationJson | undefined> {
  const { merchantId } = source;
  const { id, email, role } = wanted;
  const emailKey = emailKeyOf(email);
  await replaceOpen(tx, source, { emailKey, by: id });
  await requireRoom(tx, merchantId);
  await countMail(tx, emailKey);
  await insertInvitation(tx, merchantId, wanted);
  await queueInvitation(tx, wanted);
  const after = { status: 'pending', email: maskEmail(email), role: role.role };
  await addAuditEvent(tx, source, 'invitation.created', toPublicId('inv', id), { after });
  const [invitation] = await findInvitations(tx, merchantId, { id, limit: 1 });
  return invitation;
}

async function insertInvitation(tx: EntityManager, merchantId: string, wanted: Wanted): Promise<void> {
  const { id, email, locale, role, merchantName, invitedBy } = wanted;
  await tx.execute(
    `insert into invitations (merchant_id, id, email, email_key, locale, built_in_role, role_id, role_name,
       merchant_name, invited_by, expires_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, now() + make_interval(days => ?))`,
    [
      merchantId,
      id,
      email,
      emailKeyOf(email),
      locale,
      role.columns.built_in_role,
      role.columns.role_id,
      role.roleName,
      merchantName,
      invitedBy,
      INVITATION_DAYS,
    ],
  );
}

/** Queues the mail. Nobody knows the invitee's name yet. */
export async function queueInvitation(
  tx: EntityManager,
  { id, email, locale }: { id: string; email: string; locale: Locale },
): Promise<void> {
  await queueEmail(tx, { to: email, name: '', locale, template: 'invitation', invitationId: id });
}

async function replaceOpen(
  tx: EntityManager,
  source: AuditSource,
  { emailKey, by }: { emailKey: string; by: string },
): Promise<void> {
  const rows = await tx.execute<
    { id: string; built_in_role: RoleColumns['built_in_role']; role_id: string | null; status: string }[]
  >(
    `update invitations set revoked_at = now()
     where merchant_id = ? and email_key = ? and accepted_at is null and revoked_at is null
     returning id, built_in_role, role_id, case when expires_at <= now() then 'expired' else 'pending' end as status`,
    [source.merchantId, emailKey],
  );
  for (const { id, status, ...columns } of rows)
    await addAuditEvent(tx, source, 'invitation.revoked', toPublicId('inv', id), {
      before: { status },
      after: { status: 'revoked' },
      role: publicRoleOf(columns),
      replaced_by: toPublicId('inv', by),
    });
}
