import { answer, json, problem } from '@centra/service-kit/openapi-parts.ts';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { uploadLogoSchema } from './branding/upload-logo.ts';
import { closeMerchantSchema } from './merchants/close-merchant.ts';
import { listMyMerchantsSchema, myMerchantSchema } from './merchants/list-my-merchants.ts';
import { changeSchema } from './merchants/profile.ts';
import { registerSchema } from './merchants/register-merchant.ts';
import { merchantSchema } from './merchants/stored-merchant.ts';
import { personBodyRefusals, personRefusals } from './openapi-organisations.ts';
import { bodyRefusals, explained, missing, pageOf, refusals } from './openapi-parts.ts';

const tags = ['Hotels'];
const path = z.object({
  id: z
    .string()
    .meta({ description: 'Your hotel; any other is 404', example: 'mer_01jd0000000000000000000000' }),
});

export const myMerchantPageSchema = pageOf(myMerchantSchema).meta({ id: 'MyMerchantList' });

// What production takes; elsewhere plain-http origins of the developer's own machine are taken too.
const changeBodySchema = changeSchema(true).meta({ id: 'UpdateMerchant' });
const registerBodySchema = registerSchema(true).meta({ id: 'RegisterMerchant' });
const closed = { '409': explained(problem(['state_conflict']), 'The hotel is closed.') };

/** The routes of hotels: onboarding, profile and branding. */
export const paths: ZodOpenApiPathsObject = {
  '/v1/merchants': {
    post: {
      operationId: 'registerMerchant',
      tags,
      summary: 'Register a hotel',
      description:
        'In an organisation of the person’s, who becomes the hotel’s owner: at once, or within seconds when that service is away. ' +
        'It is a draft, takes payments in test mode, and lists under `missing` what must be given before it can be submitted.',
      requestBody: json(registerBodySchema),
      responses: {
        '201': answer('A draft', merchantSchema),
        ...personBodyRefusals,
        '404': explained(problem(['not_found']), 'The organisation is not the person’s.'),
        '409': explained(problem(['state_conflict']), 'The organisation has 100 hotels.'),
        '422': problem(['contrast_too_low', 'card_data_not_allowed']),
      },
    },
    get: {
      operationId: 'listMyMerchants',
      tags,
      summary: 'List the hotels that the person works at',
      description: 'In the order in which they were registered, each with the person’s role there.',
      requestParams: { query: listMyMerchantsSchema },
      responses: { '200': answer('A page', myMerchantPageSchema), ...personRefusals },
    },
  },
  '/v1/merchants/{id}': {
    get: {
      operationId: 'getMerchant',
      tags,
      summary: 'Read a hotel',
      description: 'Its profile, branding, state, and what is missing before it can be submitted.',
      requestParams: { path },
      responses: { '200': answer('The hotel', merchantSchema), ...refusals, ...missing },
    },
    post: {
      operationId: 'updateMerchant',
      tags,
      summary: 'Change a hotel',
      description:
        'Any subset; what is not named stays, null clears, and lists are replaced as a whole. Text must stand out from its ' +
        'background by 4.5:1 and the primary colour by 3:1 (WCAG 2.2, 1.4.3 and 1.4.11).',
      requestParams: { path },
      requestBody: json(changeBodySchema),
      responses: {
        '200': answer('The hotel', merchantSchema),
        ...bodyRefusals,
        ...missing,
        '409': explained(
          problem(['state_conflict']),
          'The hotel is closed; or was submitted, and legal name, registration number or country would change.',
        ),
        '422': explained(
          problem(['contrast_too_low', 'descriptor_not_allowed', 'card_data_not_allowed']),
          'The pair of colours, or the provider, is named.',
        ),
      },
    },
  },
  '/v1/merchants/{id}/submit': {
    post: {
      operationId: 'submitMerchant',
      tags,
      summary: 'Submit a hotel for verification',
      description: 'The operator verifies it, or sends it back with a reason. Repeating it answers the same.',
      requestParams: { path },
      responses: {
        '200': answer('Submitted', merchantSchema),
        ...refusals,
        ...missing,
        '409': explained(
          problem(['onboarding_incomplete', 'state_conflict']),
          'Each thing that is missing is named in `errors`; or the hotel is past this.',
        ),
      },
    },
  },
  '/v1/merchants/{id}/close': {
    post: {
      operationId: 'closeMerchant',
      tags,
      summary: 'Close a hotel for good',
      description:
        'Nobody and no key may do anything there any more, within 5 seconds. What is under way at providers is finished. ' +
        'Repeating it answers the same.',
      requestParams: { path },
      requestBody: json(closeMerchantSchema),
      responses: { '200': answer('Closed', merchantSchema), ...bodyRefusals, ...missing, ...closed },
    },
  },
  '/v1/merchants/{id}/logo': {
    get: {
      operationId: 'getLogo',
      tags,
      summary: 'Read a hotel’s logo',
      description: 'Needs no credential. May be kept for five minutes; send `If-None-Match` after that.',
      requestParams: { path, header: z.object({ 'If-None-Match': z.string().optional() }) },
      responses: {
        '200': {
          description: 'The picture',
          headers: z.object({ ETag: z.string(), 'Cache-Control': z.string() }),
          content: { 'image/png': { schema: { type: 'string', format: 'binary' } } },
        },
        '304': { description: 'You have it' },
        ...picturesRefusals(),
        ...missing,
      },
    },
    post: {
      operationId: 'uploadLogo',
      tags,
      summary: 'Upload a logo',
      description:
        'PNG, JPEG or WebP. It is written anew as PNG within 512 by 512 pixels; nothing of the upload but its pixels is kept.',
      requestParams: { path },
      requestBody: json(uploadLogoSchema),
      responses: {
        '200': answer('The hotel', merchantSchema),
        ...bodyRefusals,
        ...missing,
        ...closed,
        '413': explained(problem(['payload_too_large']), 'The picture has more than 190,000 bytes.'),
        '422': problem(['image_not_usable', 'card_data_not_allowed']),
      },
    },
    delete: {
      operationId: 'removeLogo',
      tags,
      summary: 'Remove a logo',
      description: 'Pages for guests show none any more, within five minutes.',
      requestParams: { path },
      responses: { '204': { description: 'Removed' }, ...refusals, ...missing, ...closed },
    },
  },
};

/** For anybody: there is no credential to refuse. */
function picturesRefusals(): Omit<typeof personRefusals, '401'> {
  const { '401': _unauthenticated, ...rest } = personRefusals;
  return rest;
}
