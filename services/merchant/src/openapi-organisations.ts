import { answer, json, problem } from '@centra/service-kit/openapi-parts.ts';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { bodyRefusals, explained, missing, pageOf, refusals } from './openapi-parts.ts';
import { addOwnerSchema } from './organisations/add-organisation-owner.ts';
import {
  listOrganisationAuditLogSchema,
  organisationEntrySchema,
} from './organisations/list-organisation-audit-log.ts';
import {
  listOrganisationMerchantsSchema,
  shortMerchantSchema,
} from './organisations/list-organisation-merchants.ts';
import { listOrganisationOwnersSchema, ownerSchema } from './organisations/list-organisation-owners.ts';
import { listOrganisationsSchema } from './organisations/list-organisations.ts';
import { organisationBodySchema, organisationSchema } from './organisations/organisation.ts';

const tags = ['Organisations'];
const path = z.object({
  id: z.string().meta({ description: 'The organisation', example: 'org_01jd0000000000000000000000' }),
});
const ownerPath = path.extend({
  user: z.string().meta({ description: 'The owner', example: 'usr_01jd0000000000000000000000' }),
});

export const organisationPageSchema = pageOf(organisationSchema).meta({ id: 'OrganisationList' });
export const shortMerchantPageSchema = pageOf(shortMerchantSchema).meta({ id: 'ShortMerchantList' });
export const ownerPageSchema = pageOf(ownerSchema).meta({ id: 'OrganisationOwnerList' });
export const organisationAuditPageSchema = pageOf(organisationEntrySchema).meta({
  id: 'OrganisationAuditLogPage',
});

const { '403': _forbidden, ...ofPersons } = refusals;
const { '403': _forbiddenBody, ...ofPersonsWithBody } = bodyRefusals;
/** What a person's route may refuse: nobody lacks a permission for what is their own. */
export const personRefusals = { ...ofPersons, '400': problem(['validation_failed', 'malformed_request']) };
/** The same with a JSON body. */
export const personBodyRefusals = {
  ...ofPersonsWithBody,
  '400': problem(['validation_failed', 'malformed_json', 'malformed_request']),
};
const foreign = { '404': explained(problem(['not_found']), 'Or it is not the person’s.') };

/** The routes of organisations, for whoever logged in. */
export const paths: ZodOpenApiPathsObject = {
  '/v1/organisations': {
    post: {
      operationId: 'createOrganisation',
      tags,
      summary: 'Make an organisation',
      description: 'Hotels are registered in one. The person who makes it is its first owner.',
      requestBody: json(organisationBodySchema),
      responses: {
        '201': answer('Made', organisationSchema),
        ...personBodyRefusals,
        '409': explained(problem(['state_conflict']), 'A person has at most 20.'),
      },
    },
    get: {
      operationId: 'listOrganisations',
      tags,
      summary: 'List the person’s organisations',
      description: 'Newest first.',
      requestParams: { query: listOrganisationsSchema },
      responses: { '200': answer('A page', organisationPageSchema), ...personRefusals },
    },
  },
  '/v1/organisations/{id}': {
    get: {
      operationId: 'getOrganisation',
      tags,
      summary: 'Read an organisation',
      description: 'For its owners.',
      requestParams: { path },
      responses: { '200': answer('It', organisationSchema), ...personRefusals, ...foreign },
    },
    post: {
      operationId: 'updateOrganisation',
      tags,
      summary: 'Rename an organisation',
      description: 'For its owners.',
      requestParams: { path },
      requestBody: json(organisationBodySchema),
      responses: { '200': answer('Renamed', organisationSchema), ...personBodyRefusals, ...foreign },
    },
  },
  '/v1/organisations/{id}/merchants': {
    get: {
      operationId: 'listOrganisationMerchants',
      tags,
      summary: 'List the hotels of an organisation',
      description: 'Newest first. Seeing a hotel here gives no role at it.',
      requestParams: { path, query: listOrganisationMerchantsSchema },
      responses: { '200': answer('A page', shortMerchantPageSchema), ...personRefusals, ...foreign },
    },
  },
  '/v1/organisations/{id}/audit-log': {
    get: {
      operationId: 'listOrganisationAuditLog',
      tags,
      summary: 'List who changed an organisation',
      description:
        'For its owners, newest first: its name, its owners and the hotels registered in it. Entries are numbered and each ' +
        'is hashed with the one before. What is changed at a hotel is in the hotel’s own audit log.',
      requestParams: { path, query: listOrganisationAuditLogSchema },
      responses: { '200': answer('A page', organisationAuditPageSchema), ...personRefusals, ...foreign },
    },
  },
  '/v1/organisations/{id}/owners': {
    get: {
      operationId: 'listOrganisationOwners',
      tags,
      summary: 'List the owners of an organisation',
      description: 'The newest people first.',
      requestParams: { path, query: listOrganisationOwnersSchema },
      responses: { '200': answer('A page', ownerPageSchema), ...personRefusals, ...foreign },
    },
    post: {
      operationId: 'addOrganisationOwner',
      tags,
      summary: 'Make somebody an owner of an organisation',
      description:
        'Somebody who is owner or admin at one of its hotels. Repeating it answers the same. It gives no role at a hotel.',
      requestParams: { path },
      requestBody: json(addOwnerSchema),
      responses: {
        '201': answer('An owner', ownerSchema),
        ...personBodyRefusals,
        '404': explained(
          problem(['not_found']),
          'The organisation is not the person’s, or nobody of that id is owner or admin at one of its hotels.',
        ),
        '409': explained(problem(['state_conflict']), 'An organisation has at most 50 owners.'),
      },
    },
  },
  '/v1/organisations/{id}/owners/{user}': {
    delete: {
      operationId: 'removeOrganisationOwner',
      tags,
      summary: 'Remove an owner of an organisation',
      description: 'Also oneself. Roles at its hotels stay as they are.',
      requestParams: { path: ownerPath },
      responses: {
        '204': { description: 'Removed' },
        ...personRefusals,
        ...missing,
        '409': explained(problem(['last_owner']), 'An organisation needs an owner too.'),
      },
    },
  },
};
