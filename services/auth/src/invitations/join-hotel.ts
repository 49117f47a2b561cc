import { AppError } from '@centra/service-kit/errors.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import { addAuditEvent } from '../audit/audit-event.ts';
import { findTarget } from '../members/change-member.ts';
import { insertMember } from '../members/set-member.ts';
import { announce } from '../revocations/revocation-feed.ts';
import { requireGoodInvitation, takeInvitation } from './invitation-link.ts';
import type { OpenInvitation } from './invitation-link.ts';

/** Who accepts, from where. */
export type Invitee = { /** UUID. */ userId: string; requestId: string; address: string };

/**
 * Makes the person a member with the role that was offered and uses the invitation up, with audit events and announcement, in
 * the caller's transaction, which holds the invitation (`holdOpen`). `already_member` when they work there meanwhile.
 */
export async function joinHotel(
  tx: EntityManager,
  invitation: OpenInvitation,
  secret: string,
  { userId, requestId, address }: Invitee,
): Promise<void> {
  const { id, merchantId, role, invitedBy } = invitation;
  await requireGoodInvitation(tx, invitation);
  if ((await findTarget(tx, merchantId, userId)) !== undefined) throw new AppError('already_member');
  await takeInvitation(tx, invitation, secret);
  await insertMember(tx, merchantId, userId, role.columns);
  const person = toPublicId('usr', userId);
  const source = { merchantId, actor: `user:${person}`, requestId, address };
  await addAuditEvent(tx, source, 'invitation.accepted', toPublicId('inv', id), {
    before: { status: 'pending' },
    after: { status: 'accepted' },
    user_id: person,
  });
  await addAuditEvent(tx, source, 'member.added', person, {
    after: { role: role.role },
    invitation_id: toPublicId('inv', id),
    invited_by: toPublicId('usr', invitedBy),
  });
  await announce(tx, { kind: 'member', merchantId, userId: person });
}
