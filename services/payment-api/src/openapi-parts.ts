import { problem, retryAfter } from '@centra/service-kit/openapi-parts.ts';
import { z } from 'zod';

/** What every route may refuse with; 400, 404 and 409 differ. */
export const refusals = {
  '401': problem(['unauthenticated']),
  '403': problem(['forbidden', 'access_suspended', 'second_factor_required', 'address_not_allowed']),
  '405': problem(['method_not_allowed'], z.object({ Allow: z.string() })),
  '429': problem(['too_many_requests'], retryAfter),
  '500': problem(['internal']),
  '503': problem(['unavailable'], retryAfter),
};

/** Of every request that moves money. */
export const idempotencyHeader = z.object({
  'Idempotency-Key': z
    .string()
    .min(1)
    .max(255)
    .meta({
      description:
        'Your own unique name of this request: 1 to 255 printable ASCII characters. The same request under the same key ' +
        'gives the first answer; another request is refused, also at another endpoint',
      example: 'booking-20931-deposit-1',
    }),
});

export const replayedHeader = z
  .literal('true')
  .optional()
  .meta({ description: 'Present when this key was used before: nothing ran now' });
