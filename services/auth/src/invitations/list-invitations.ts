import { identityOf, parseWith, queryOf } from '@centra/service-kit/http.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { RequestHandler } from 'express';
import { asReader } from '../context.ts';
import type { Context } from '../context.ts';
import { limitOf, pageQuerySchema, pageSchema, placeAfter, toPage } from '../page.ts';
import { findInvitations, invitationSchema } from './invitation.ts';

export const invitationListSchema = pageSchema(invitationSchema).meta({
  id: 'InvitationList',
  description: 'A page of invitations, newest first',
});

/** GET /v1/merchants/:merchant/invitations: newest first. Those that ended are kept for 180 days. */
export function listInvitations(context: Context): RequestHandler {
  return async (request, response) => {
    const { merchantId } = identityOf(request);
    const query = parseWith(pageQuerySchema, queryOf(request));
    const limit = limitOf(query);
    const before = placeAfter(query, (place) => fromPublicId('inv', place));
    const invitations = await asReader(context, merchantId).transactional((tx) =>
      findInvitations(tx, merchantId, { before, limit: limit + 1 }),
    );
    response.json(toPage(invitations, limit, ({ id }) => id));
  };
}
