import { problem, retryAfter } from '@centra/service-kit/openapi-parts.ts';
import { z } from 'zod';
import type { ZodOpenApiResponseObject } from 'zod-openapi';

/** The refusal with a sentence about when it happens here. */
export function explained(refusal: ZodOpenApiResponseObject, why: string): ZodOpenApiResponseObject {
  return { ...refusal, description: `${refusal.description}\n\n${why}` };
}

/** A page of a list. */
export const pageOf = (schema: z.ZodType) =>
  z.object({ data: z.array(schema), has_more: z.boolean(), next_cursor: z.string().nullable() });

/** What every route of a hotel may refuse. */
export const refusals = {
  '400': problem(['validation_failed']),
  '401': problem(['unauthenticated']),
  '403': explained(
    problem(['forbidden', 'access_suspended', 'second_factor_required', 'address_not_allowed']),
    '`forbidden`: the permission is missing, or a test credential asks for live mode.',
  ),
  '405': problem(['method_not_allowed']),
  '422': problem(['card_data_not_allowed']),
  '429': problem(['too_many_requests'], retryAfter),
  '500': problem(['internal']),
  '503': problem(['unavailable'], retryAfter),
};

/** What a route with a JSON body may refuse. */
export const bodyRefusals = {
  ...refusals,
  '400': problem(['validation_failed', 'malformed_json']),
  '408': problem(['request_timeout']),
  '413': problem(['payload_too_large']),
  '415': problem(['unsupported_media_type']),
};

/** What a route for one object may refuse besides. */
export const missing = { '404': problem(['not_found']) };
