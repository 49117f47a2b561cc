import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, parseWith, userOf } from '@centra/service-kit/http.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { findUser } from '../accounts/user.ts';
import type { Context } from '../context.ts';
import { personOf } from '../sessions/session.ts';
import { holdOpen } from './invitation-link.ts';
import { joinHotel } from './join-hotel.ts';
import { invitationTokenSchema } from './preview-invitation.ts';

export const acceptedSchema = z
  .object({
    merchant_id: z.string().meta({ description: 'The hotel', example: 'mer_01jd0000000000000000000000' }),
    role: z.string().meta({ description: 'The role there', example: 'staff' }),
  })
  .meta({ id: 'InvitationAccepted', description: 'Whoever accepted works at the hotel now' });

/**
 * POST /v1/invitations/accept, by a person who logged in with the invitation's own address; with another it is 403
 * `wrong_recipient` and stays open. The role is the invitation's: nobody says here which they get.
 */
export function acceptInvitation(context: Context): RequestHandler {
  return async (request, response) => {
    const { token } = parseWith(invitationTokenSchema, request.body);
    const { userId } = personOf(userOf(request));
    const { requestId, address } = contextOf(request);
    const answer = await context.orm.em.fork().transactional(async (tx) => {
      const invitation = await holdOpen(tx, token);
      const person = await findUser(tx, userId);
      if (person === undefined) throw new AppError('unauthenticated');
      if (!person.verified || person.emailKey !== invitation.emailKey) throw new AppError('wrong_recipient');
      await joinHotel(tx, invitation, token, { userId, requestId, address });
      return {
        merchant_id: toPublicId('mer', invitation.merchantId),
        role: invitation.role.role,
      } satisfies z.infer<typeof acceptedSchema>;
    });
    response.json(answer);
  };
}
