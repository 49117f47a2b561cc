import { z } from 'zod';

/** The RFC 9457 problem document every refusal is; described once for OpenAPI. */
export const problemSchema = z
  .object({
    type: z.string().meta({
      description: 'A stable name of the kind of problem',
      example: 'urn:centra-payments:error:not_found',
    }),
    title: z.string(),
    status: z.int().meta({ description: 'The HTTP status code' }),
    code: z
      .string()
      .meta({ description: 'The stable error code to branch on', example: 'validation_failed' }),
    detail: z.string().optional(),
    errors: z
      .array(z.object({ field: z.string(), reason: z.string() }))
      .optional()
      .meta({ description: 'Which field and why' }),
    request_id: z
      .string()
      .meta({ description: 'Quote it to support', example: 'req_01jd0000000000000000000000' }),
  })
  // What a code adds of its own, for example `payment_status`; a client that knows nothing of it passes over it (§3.2).
  .loose()
  .meta({ id: 'Problem', description: 'An RFC 9457 problem document; some codes add members of their own' });
