import type { Charge } from '../charges/charge.ts';
import type { PaymentIntent } from '../payment-intents/payment-intent.ts';

/** The API version every object of this simulator is shaped after. */
export const API_VERSION = '2026-10-28.endive';

/** Every event this simulator sends. */
export type EventType =
  | 'charge.failed'
  | 'charge.refunded'
  | 'charge.succeeded'
  | 'payment_intent.amount_capturable_updated'
  | 'payment_intent.canceled'
  | 'payment_intent.created'
  | 'payment_intent.payment_failed'
  | 'payment_intent.processing'
  | 'payment_intent.requires_action'
  | 'payment_intent.succeeded';

export type EventSubject = { kind: 'charge' | 'payment_intent'; id: string };

export type EventRecord = {
  id: string;
  type: EventType;
  /** Unix seconds. */
  created: number;
  request: { id: string | null; idempotency_key: string | null };
  object: EventSubject;
  /** Endpoints that were listening when it happened. */
  endpoints: string[];
  /** The object as it was at that moment. */
  snapshot: Charge | PaymentIntent;
  /** Endpoints that have not acknowledged it yet. */
  waiting: Set<string>;
};

/** The event as the API and the webhooks show it. */
export function eventJson(event: EventRecord, livemode: boolean) {
  return {
    id: event.id,
    object: 'event' as const,
    api_version: API_VERSION,
    created: event.created,
    data: { object: event.snapshot },
    livemode,
    pending_webhooks: event.waiting.size,
    request: event.request,
    type: event.type,
  };
}
