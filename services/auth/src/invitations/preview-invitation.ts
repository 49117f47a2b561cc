import { parseWith } from '@centra/service-kit/http.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { linkSecretSchema } from '../accounts/email-token.ts';
import type { Context } from '../context.ts';
import { findOpen, requireGoodInvitation } from './invitation-link.ts';

export const invitationTokenSchema = z
  .strictObject({ token: linkSecretSchema })
  .meta({ id: 'InvitationToken', description: 'The secret of an invitation that was sent by mail' });

export const invitationPreviewSchema = z
  .object({
    merchant_id: z.string().meta({ example: 'mer_01jd0000000000000000000000' }),
    merchant_name: z.string().meta({ example: 'Riad Atlas' }),
    email: z.string().meta({ description: 'Whose it is', example: 'ada@hotel.example' }),
    role: z.string().meta({ example: 'staff' }),
    role_name: z.string().meta({ example: 'Staff' }),
    expires_at: z.iso.datetime({ offset: true }).meta({ example: '2026-01-08T00:00:00.000Z' }),
    has_account: z.boolean().meta({
      description: 'Whether the address has an account: then log in and accept; without one register with it',
    }),
  })
  .meta({ id: 'InvitationPreview', description: 'What an invitation offers, to whom' });

/**
 * POST /v1/invitations/preview: what the link offers, without using it up. Whoever has the link reads the address's mail, so
 * they may know whether it has an account.
 */
export function previewInvitation(context: Context): RequestHandler {
  return async (request, response) => {
    const { token } = parseWith(invitationTokenSchema, request.body);
    const em = context.orm.em.fork();
    const invitation = await findOpen(em, token);
    await requireGoodInvitation(em, invitation);
    const answer: z.infer<typeof invitationPreviewSchema> = {
      merchant_id: toPublicId('mer', invitation.merchantId),
      merchant_name: invitation.merchantName,
      email: invitation.email,
      role: invitation.role.role,
      role_name: invitation.role.roleName,
      expires_at: invitation.expiresAt,
      has_account: invitation.hasAccount,
    };
    response.json(answer);
  };
}
