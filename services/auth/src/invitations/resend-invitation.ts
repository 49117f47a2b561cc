import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf } from '@centra/service-kit/http.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RequestHandler } from 'express';
import { addAuditEvent, auditSourceOf } from '../audit/audit-event.ts';
import type { AuditSource } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { findActor, refuseToGive } from '../members/actor.ts';
import type { Actor } from '../members/actor.ts';
import { findRole, lockMembers } from '../members/member.ts';
import { queueInvitation, refuseMember } from './create-invitation.ts';
import { holdInvitation } from './held-invitation.ts';
import type { HeldInvitation } from './held-invitation.ts';
import { INVITATION_DAYS } from './invitation-link.ts';
import { countMail, requireRoom } from './invitation-limits.ts';
import { findInvitations } from './invitation.ts';
import type { InvitationJson } from './invitation.ts';

/**
 * POST /v1/merchants/:merchant/invitations/:id/resend: another mail with another link, also for one that expired; the link
 * before is dead at once. Whoever sends it vouches for it from now on, so they must be allowed to give the role.
 */
export function resendInvitation(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const source = auditSourceOf(request);
    const invitation = await context.orm.em.fork().transactional(async (tx) => {
      await lockMembers(tx, source.merchantId);
      const actor = await findActor(tx, identityOf(request), 'users:write');
      const held = await holdInvitation(tx, source.merchantId, request.params.id);
      await requireSendable(tx, source.merchantId, held, actor);
      return await sendAgain(tx, source, held, actor);
    });
    response.json(invitation);
  };
}

async function requireSendable(
  tx: EntityManager,
  merchantId: string,
  { emailKey, before }: HeldInvitation,
  actor: Actor,
): Promise<void> {
  if (before.status !== 'pending' && before.status !== 'expired')
    throw new AppError('state_conflict', { detail: `The invitation is ${before.status}.` });
  const role = await findRole(tx, merchantId, before.role);
  if (role === undefined)
    throw new AppError('state_conflict', { detail: 'The role was deleted. Invite to another one.' });
  refuseToGive(actor, role);
  await refuseMember(tx, merchantId, emailKey);
  if (before.status === 'expired') await requireRoom(tx, merchantId);
  await countMail(tx, emailKey);
}

async function sendAgain(
  tx: EntityManager,
  source: AuditSource,
  { id, locale, before }: HeldInvitation,
  actor: Actor,
): Promise<InvitationJson | undefined> {
  const { merchantId } = source;
  // Without its secret: the link of one that expired must not open again.
  await tx.execute(
    `update invitations set secret_hash = null, invited_by = ?, expires_at = now() + make_interval(days => ?)
     where merchant_id = ? and id = ?`,
    [actor.userId, INVITATION_DAYS, merchantId, id],
  );
  await queueInvitation(tx, { id, email: before.email, locale });
  const [after] = await findInvitations(tx, merchantId, { id, limit: 1 });
  await addAuditEvent(tx, source, 'invitation.resent', before.id, {
    before: { status: before.status, expires_at: before.expires_at, invited_by: before.invited_by },
    after: { status: after?.status, expires_at: after?.expires_at, invited_by: after?.invited_by },
  });
  return after;
}
