import { AppError, ERRORS, toProblem } from '@centra/service-kit/errors.ts';
import type { ErrorCode } from '@centra/service-kit/errors.ts';
import { problemSchema } from '@centra/service-kit/problem-schema.ts';
import { z } from 'zod';
import type { ZodOpenApiResponseObject } from 'zod-openapi';

const EXAMPLE_REQUEST_ID = 'req_01jd0000000000000000000000';

/** A refusal that several codes share one status for; the first is the example. */
export function problem(
  codes: readonly ErrorCode[],
  headers?: ZodOpenApiResponseObject['headers'],
): ZodOpenApiResponseObject {
  const [first] = codes;
  if (first === undefined) throw new Error('a problem response needs a code');
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('\n\n'),
    ...(headers === undefined ? {} : { headers }),
    content: {
      'application/problem+json': {
        schema: problemSchema,
        example: toProblem(new AppError(first), EXAMPLE_REQUEST_ID),
      },
    },
  };
}

/** A body of that shape. */
export function answer(
  description: string,
  schema: z.ZodType,
  headers?: ZodOpenApiResponseObject['headers'],
): ZodOpenApiResponseObject {
  return {
    description,
    ...(headers === undefined ? {} : { headers }),
    content: { 'application/json': { schema } },
  };
}

/** An answer without a body. */
export function noContent(description: string): ZodOpenApiResponseObject {
  return { description };
}

/** Seconds to wait. */
export const retryAfter = z.object({ 'Retry-After': z.int().meta({ description: 'Seconds to wait' }) });

/** What carries a secret is kept by nobody on the way. */
export const noStore = z.object({ 'Cache-Control': z.literal('no-store') });

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
