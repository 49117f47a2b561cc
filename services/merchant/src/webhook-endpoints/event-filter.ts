import { z } from 'zod';

/**
 * Every type that happens to a payment, as the transaction service writes it, and the names under which products of other
 * makers and our own events outside of payments are asked for.
 */
export const EVENT_TYPES: ReadonlySet<string> = new Set([
  'payment.created',
  'payment.processing',
  'payment.requires_action',
  'payment.authorized',
  'payment.partially_captured',
  'payment.captured',
  'payment.successful',
  'payment.succeeded',
  'payment.completed',
  'payment.failed',
  'payment.canceled',
  'payment.refunded',
  'payment.partially_refunded',
  'payment.adjusted',
  'payment.capture_requested',
  'payment.capture_failed',
  'payment.cancel_requested',
  'payment.cancel_failed',
  'payment.refund_requested',
  'payment.refund_failed',
  'payment.adjust_requested',
  'payment.adjust_failed',
  'payment.retry_planned',
  'payment.hold_expiring',
  'payment.hold_extended',
  'payment.hold_released',
  'payment.late_authorization',
  'payment.late_success',
  'payment.disputed',
  'payment.dispute_closed',
]);

/** Families that may be asked for as a whole. */
const FAMILIES: ReadonlySet<string> = new Set(
  ['payment', 'hold', 'dispute', 'settlement'].map((family) => `${family}.*`),
);

// More than there are types; longer than any of them.
const EVENTS_MAX = 50;
const EVENT_MAX_LENGTH = 64;

function isKnown(event: string): boolean {
  return event === '*' || FAMILIES.has(event) || EVENT_TYPES.has(event);
}

/** What an endpoint wants to be told of. An unknown type is named: misspelt, it would be waited for in vain. */
export const eventsSchema = z
  .array(
    z
      .string()
      .max(EVENT_MAX_LENGTH)
      .refine(isKnown, { error: ({ input }) => `${String(input)} is not a type of event` }),
  )
  .min(1)
  .max(EVENTS_MAX)
  .refine((events) => new Set(events).size === events.length, 'names a type twice')
  .meta({
    description: 'Types, families such as `payment.*`, or `*` for everything',
    example: ['payment.captured', 'payment.refunded', 'dispute.*'],
  });
