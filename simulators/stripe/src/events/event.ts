import type { Charge } from '../charges/charge.ts';
import type { CheckoutSession } from '../checkout-sessions/checkout-session.ts';
import type { Dispute } from '../disputes/dispute.ts';
import type { EarlyFraudWarning } from '../early-fraud-warnings/early-fraud-warning.ts';
import type { PaymentIntent } from '../payment-intents/payment-intent.ts';
import type { Refund } from '../refunds/refund.ts';

/** The API version every object of this simulator is shaped after. */
export const API_VERSION = '2026-10-28.endive';

/** Every event this simulator sends. */
export type EventType =
  | 'charge.captured'
  | 'charge.dispute.closed'
  | 'charge.dispute.created'
  | 'charge.dispute.funds_reinstated'
  | 'charge.dispute.funds_withdrawn'
  | 'charge.dispute.updated'
  | 'charge.expired'
  | 'charge.failed'
  | 'charge.refund.updated'
  | 'charge.refunded'
  | 'charge.succeeded'
  | 'charge.updated'
  | 'checkout.session.async_payment_failed'
  | 'checkout.session.async_payment_succeeded'
  | 'checkout.session.completed'
  | 'checkout.session.expired'
  | 'payment_intent.amount_capturable_updated'
  | 'payment_intent.canceled'
  | 'payment_intent.created'
  | 'payment_intent.payment_failed'
  | 'payment_intent.processing'
  | 'payment_intent.requires_action'
  | 'payment_intent.succeeded'
  | 'radar.early_fraud_warning.created'
  | 'refund.created'
  | 'refund.failed'
  | 'refund.updated';

export type EventSubject = {
  kind: 'charge' | 'checkout_session' | 'dispute' | 'early_fraud_warning' | 'payment_intent' | 'refund';
  id: string;
};

export type EventRecord = {
  id: string;
  type: EventType;
  /** Unix seconds. */
  created: number;
  request: { id: string | null; idempotency_key: string | null };
  object: EventSubject;
  /** What the fields that changed were before; absent where Stripe does not say. */
  previous?: Record<string, unknown>;
  /** Endpoints that were listening when it happened. */
  endpoints: string[];
  /** The object as it was at that moment. */
  snapshot: Charge | CheckoutSession | Dispute | EarlyFraudWarning | PaymentIntent | Refund;
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
    data: {
      object: event.snapshot,
      ...(event.previous ? { previous_attributes: event.previous } : {}),
    },
    livemode,
    pending_webhooks: event.waiting.size,
    request: event.request,
    type: event.type,
  };
}
