import { z } from 'zod';
import type { ProviderEvent } from '@centra/proto/centra/transaction/v1/transaction.ts';

export const providerEventStateSchema = z
  .enum(['received', 'processed', 'unmatched', 'mismatch', 'parked'])
  .meta({
    description:
      'received: waits for its turn. processed: done. unmatched: it speaks of a payment that is not ours. mismatch: it ' +
      'contradicts what we know; nothing was changed by it. parked: it could not be processed and waits for a person.',
  });

/** A provider's event as it may be shown: never its body, which may hold anything. */
export const providerEventSchema = z
  .object({
    id: z.string().meta({ example: 'pev_01jd4qv8e2f5tb3y9k7m1n6p0r' }),
    object: z.literal('provider_event'),
    provider: z.string(),
    provider_account: z.string().nullable(),
    provider_event_id: z.string().meta({ description: 'The provider’s own id of it' }),
    type: z.string().meta({ description: 'In the provider’s words' }),
    state: providerEventStateSchema,
    reason: z.string().nullable().meta({ description: 'Why it is in that state, for people' }),
    payment_id: z.string().nullable().meta({ description: 'The payment that it is about, once found' }),
    object_reference: z.string().nullable().meta({ description: 'The provider’s object that it is about' }),
    attempts: z.int().min(0),
    received_at: z.string().meta({ description: 'ISO 8601, UTC' }),
    processed_at: z.string().nullable(),
  })
  .meta({ id: 'ProviderEvent', description: 'Something that a provider told us' });

export type ProviderEventJson = z.infer<typeof providerEventSchema>;

/** An event as transaction tells it, in its public form. */
export function toJson(event: ProviderEvent): ProviderEventJson {
  if (event.receivedAt === undefined) throw new Error('transaction sent an event without a time');
  return {
    id: event.eventId,
    object: 'provider_event',
    provider: event.provider,
    provider_account: event.providerAccountId || null,
    provider_event_id: event.providerEventId,
    type: event.type,
    state: providerEventStateSchema.parse(event.state),
    reason: event.reason || null,
    payment_id: event.paymentId || null,
    object_reference: event.objectReference || null,
    attempts: event.attempts,
    received_at: event.receivedAt.toISOString(),
    processed_at: event.processedAt?.toISOString() ?? null,
  };
}
