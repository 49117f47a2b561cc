import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf } from '@centra/service-kit/http.ts';
import type { RequestHandler } from 'express';
import { addAuditEvent, auditSourceOf } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { findActor } from '../members/actor.ts';
import { lockMembers } from '../members/member.ts';
import { holdInvitation } from './held-invitation.ts';

/**
 * DELETE /v1/merchants/:merchant/invitations/:id: its link is dead at once. Repeating it changes nothing; 409 for one that was
 * accepted, whose member can be removed.
 */
export function revokeInvitation(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const source = auditSourceOf(request);
    const { merchantId } = source;
    await context.orm.em.fork().transactional(async (tx) => {
      await lockMembers(tx, merchantId);
      const actor = await findActor(tx, identityOf(request), 'users:write');
      const { id, before } = await holdInvitation(tx, merchantId, request.params.id);
      const { status, role } = before;
      if (role === 'owner' && !actor.isOwner)
        throw new AppError('forbidden', { detail: "Only an owner may revoke an owner's invitation." });
      if (status === 'revoked') return;
      if (status === 'accepted')
        throw new AppError('state_conflict', { detail: 'The invitation is accepted. Remove the person.' });
      await tx.execute('update invitations set revoked_at = now() where merchant_id = ? and id = ?', [
        merchantId,
        id,
      ]);
      const details = { before: { status }, after: { status: 'revoked' }, role };
      await addAuditEvent(tx, source, 'invitation.revoked', before.id, details);
    });
    response.status(204).end();
  };
}
