import { problem, retryAfter } from '@centra/service-kit/openapi-parts.ts';
import { z } from 'zod';
import type { ZodOpenApiResponseObject } from 'zod-openapi';

/** An answer without a body. */
export function noContent(description: string): ZodOpenApiResponseObject {
  return { description };
}

/** In paths that name the hotel. */
export const hotelParam = {
  merchant: z.string().meta({
    description: 'Your hotel; any other is 404',
    example: 'mer_01jd0000000000000000000000',
  }),
};

const allow = z.object({ Allow: z.string() });

/** What a route may refuse that needs no credential. */
export const publicRefusals = {
  // A body where none belongs, and a card number in the address: refused at the door, whatever the route.
  '400': problem(['malformed_request']),
  '422': problem(['card_data_not_allowed']),
  '405': problem(['method_not_allowed'], allow),
  '429': problem(['too_many_requests'], retryAfter),
  '500': problem(['internal']),
  '503': problem(['unavailable'], retryAfter),
};

/** What a route may refuse that concerns the account of whoever logged in. */
export const personRefusals = {
  '401': problem(['unauthenticated']),
  ...publicRefusals,
};

/** What every route of a hotel may refuse. */
export const refusals = {
  ...personRefusals,
  '403': problem(['forbidden', 'second_factor_required', 'access_suspended', 'address_not_allowed']),
};

/** What a route with a JSON body may refuse besides. */
export const bodyRefusals = {
  '400': problem(['validation_failed', 'malformed_json', 'malformed_request']),
  '413': problem(['payload_too_large']),
  '415': problem(['unsupported_media_type']),
  '422': problem(['card_data_not_allowed']),
};

/** What a list or another route with query parameters may refuse besides. */
export const queryRefusals = {
  '400': problem(['validation_failed', 'malformed_request']),
  '422': problem(['card_data_not_allowed']),
};
