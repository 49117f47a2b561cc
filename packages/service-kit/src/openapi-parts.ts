import { z } from 'zod';
import type { ZodOpenApiResponseObject } from 'zod-openapi';
import { AppError, ERRORS, toProblem } from './errors.ts';
import type { ErrorCode } from './errors.ts';
import { problemSchema } from './problem-schema.ts';

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

/** A request body of that shape. */
export function json(schema: z.ZodType) {
  return { required: true, content: { 'application/json': { schema } } };
}

/** Seconds to wait. */
export const retryAfter = z.object({ 'Retry-After': z.int().meta({ description: 'Seconds to wait' }) });

/** What carries a secret is kept by nobody on the way. */
export const noStore = z.object({ 'Cache-Control': z.literal('no-store') });
