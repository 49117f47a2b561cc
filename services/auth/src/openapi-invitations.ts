import { answer, json, problem, retryAfter } from '@centra/service-kit/openapi-parts.ts';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { acceptedSchema } from './invitations/accept-invitation.ts';
import { createInvitationSchema } from './invitations/create-invitation.ts';
import { invitationSchema } from './invitations/invitation.ts';
import { invitationListSchema } from './invitations/list-invitations.ts';
import { invitationPreviewSchema, invitationTokenSchema } from './invitations/preview-invitation.ts';
import {
  registerByInvitationSchema,
  registeredByInvitationSchema,
} from './invitations/register-by-invitation.ts';
import { ownershipTransferredSchema, transferOwnershipSchema } from './members/transfer-ownership.ts';
import {
  bodyRefusals,
  hotelParam,
  noContent,
  personRefusals,
  publicRefusals,
  queryRefusals,
  refusals,
} from './openapi-parts.ts';
import { pageQuerySchema } from './page.ts';

const tags = ['Invitations'];
const hotel = z.object(hotelParam);
const path = z.object({
  ...hotelParam,
  id: z.string().meta({ description: 'The invitation', example: 'inv_01jd0000000000000000000000' }),
});
const notFound = problem(['not_found']);
const tooMany = problem(['too_many_requests'], retryAfter);

/** Routes of the hotel that invites. */
const inviting: ZodOpenApiPathsObject = {
  '/v1/merchants/{merchant}/invitations': {
    get: {
      operationId: 'listInvitations',
      tags,
      summary: 'List invitations',
      description: 'Needs `users:read`. Newest first; those that ended are kept for 180 days.',
      requestParams: { path: hotel, query: pageQuerySchema },
      responses: {
        '200': answer('A page', invitationListSchema),
        ...refusals,
        ...queryRefusals,
        '404': notFound,
      },
    },
    post: {
      operationId: 'createInvitation',
      tags,
      summary: 'Invite somebody to work at the hotel',
      description:
        'Needs `users:write`, and every permission of the role; only an owner invites an owner. Sends a mail with a link that is ' +
        'good once, for this address, within 7 days. A second invitation to an address replaces the first. At most 100 ' +
        'are pending (409), and an address gets five such mails an hour, whoever sends them (429).',
      requestParams: { path: hotel },
      requestBody: json(createInvitationSchema),
      responses: {
        '201': answer('The invitation; its mail is on its way', invitationSchema),
        ...refusals,
        ...bodyRefusals,
        '404': notFound,
        '409': problem(['already_member', 'state_conflict']),
        '429': tooMany,
      },
    },
  },
  '/v1/merchants/{merchant}/invitations/{id}/resend': {
    post: {
      operationId: 'resendInvitation',
      tags,
      summary: 'Send an invitation again',
      description:
        'Needs what inviting needs. Also for one that expired; the link sent before is dead at once. Five mails an hour go to an ' +
        'address (429).',
      requestParams: { path },
      responses: {
        '200': answer('The invitation; another mail is on its way', invitationSchema),
        ...refusals,
        '404': notFound,
        '409': problem(['state_conflict', 'already_member']),
        '429': tooMany,
      },
    },
  },
  '/v1/merchants/{merchant}/invitations/{id}': {
    delete: {
      operationId: 'revokeInvitation',
      tags,
      summary: 'Revoke an invitation',
      description:
        "Needs `users:write`. Its link is dead at once. Only an owner revokes an owner's. Repeating it changes nothing.",
      requestParams: { path },
      responses: {
        '204': noContent('Revoked'),
        ...refusals,
        '404': notFound,
        '409': problem(['state_conflict']),
      },
    },
  },
};

/** Routes of whoever holds the link. */
const invited: ZodOpenApiPathsObject = {
  '/v1/invitations/preview': {
    post: {
      operationId: 'previewInvitation',
      tags,
      summary: 'Read what an invitation offers',
      description: 'With the secret of the link in the mail, which stays good.',
      requestBody: json(invitationTokenSchema),
      responses: {
        '200': answer('What is offered', invitationPreviewSchema),
        ...publicRefusals,
        ...bodyRefusals,
        '403': problem(['access_suspended']),
        '410': problem(['link_expired']),
      },
    },
  },
  '/v1/invitations/register': {
    post: {
      operationId: 'registerByInvitation',
      tags,
      summary: 'Accept an invitation with a new account',
      description:
        'With the secret of the link in the mail, which proves the address: the account can log in at once and works at the hotel. ' +
        'An address that has an account accepts with that.',
      requestBody: json(registerByInvitationSchema),
      responses: {
        '201': answer('The account', registeredByInvitationSchema),
        ...publicRefusals,
        ...bodyRefusals,
        '403': problem(['access_suspended']),
        '409': problem(['account_exists', 'already_member', 'state_conflict']),
        '410': problem(['link_expired']),
      },
    },
  },
  '/v1/invitations/accept': {
    post: {
      operationId: 'acceptInvitation',
      tags,
      summary: 'Accept an invitation',
      description:
        'With the secret of the link in the mail, logged in with the address that it was sent to. The role is the one that was ' +
        'offered, as long as whoever sent it may still give it.',
      requestBody: json(invitationTokenSchema),
      responses: {
        '200': answer('Whoever asks works at the hotel', acceptedSchema),
        ...personRefusals,
        ...bodyRefusals,
        '403': problem(['wrong_recipient', 'access_suspended']),
        '409': problem(['already_member', 'state_conflict']),
        '410': problem(['link_expired']),
      },
    },
  },
};

const transferring: ZodOpenApiPathsObject = {
  '/v1/merchants/{merchant}/transfer-ownership': {
    post: {
      operationId: 'transferOwnership',
      tags: ['People'],
      summary: 'Give the hotel to another member',
      description:
        'Only an owner may, with their password; a wrong one counts like one at log-in. The member becomes owner and whoever asks ' +
        'an admin.',
      requestParams: { path: hotel },
      requestBody: json(transferOwnershipSchema),
      responses: {
        '200': answer('The new owner', ownershipTransferredSchema),
        ...refusals,
        ...bodyRefusals,
        '401': problem(['login_failed', 'unauthenticated']),
        '404': notFound,
        '409': problem(['state_conflict']),
        '429': problem(['too_many_attempts', 'too_many_requests'], retryAfter),
      },
    },
  },
};

export const paths: ZodOpenApiPathsObject = { ...inviting, ...invited, ...transferring };
