import { z } from 'zod';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { fromMode } from '../mode.ts';

/** What a payment can be, from the client's view. */
export const paymentStatusSchema = z.enum(['processing', 'requires_action', 'succeeded', 'failed']).meta({
  description:
    'processing: the outcome is not known yet, it will be. requires_action: send the guest to next_action. ' +
    'succeeded: the money was collected. failed: nothing was collected and nothing will be.',
});

export const failureSchema = z.object({
  code: z.string().meta({ description: 'Stable reason', example: 'insufficient_funds' }),
  message: z.string().meta({ description: 'Words that may be shown to a guest' }),
  retryable: z.boolean().meta({ description: 'Whether the same card may be tried again later' }),
});

const moneyCollected = z.int().min(0).meta({ description: 'In minor units of `currency`' });

/** The public form of a payment; `toJson` makes it and OpenAPI describes it. */
export const paymentSchema = z
  .object({
    id: z.string(),
    object: z.literal('payment'),
    mode: z.enum(['test', 'live']),
    status: paymentStatusSchema,
    amount: z.int().min(1).meta({ description: 'What was asked for, in minor units of `currency`' }),
    currency: z.string().meta({ description: 'ISO 4217' }),
    amount_captured: moneyCollected,
    amount_refunded: moneyCollected,
    provider: z.string(),
    provider_account: z.string(),
    provider_reference: z
      .string()
      .nullable()
      .meta({ description: "The provider's own id of it, once known" }),
    card: z
      .object({ brand: z.string(), last4: z.string(), expiry_month: z.int(), expiry_year: z.int() })
      .nullable()
      .meta({ description: 'What may be shown of the card, once known' }),
    booking_reference: z.string(),
    guest: z.object({ name: z.string().nullable(), email: z.string().nullable() }).nullable(),
    description: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    failure: failureSchema.nullable(),
    next_action: z.object({ type: z.literal('redirect'), redirect_url: z.string() }).nullable(),
    created_at: z.string().meta({ description: 'ISO 8601, UTC' }),
    updated_at: z.string().meta({ description: 'ISO 8601, UTC' }),
  })
  .meta({ id: 'Payment', description: 'One amount that a hotel collects' });

export type PaymentJson = z.infer<typeof paymentSchema>;

/**
 * A payment as transaction tells it, in its public form. Pure, and the same payment always gives the same bytes: stored
 * replies are derived again by it.
 */
export function toJson(payment: Payment): PaymentJson {
  const { amount, card, failure, nextAction } = payment;
  if (amount === undefined) throw new Error('transaction sent a payment without an amount');
  return {
    id: payment.paymentId,
    object: 'payment',
    mode: fromMode(payment.mode),
    status: toStatus(payment.status),
    amount: toAmount(amount.amountMinor),
    currency: amount.currency,
    amount_captured: toAmount(payment.capturedMinor),
    amount_refunded: toAmount(payment.refundedMinor),
    provider: payment.provider,
    provider_account: payment.providerAccountId,
    provider_reference: payment.providerReference || null,
    card: card === undefined ? null : toCard(card),
    booking_reference: payment.bookingReference,
    guest: toGuest(payment.guest),
    description: payment.description || null,
    metadata: sortedByKey(payment.metadata),
    failure: failure === undefined ? null : toFailure(failure),
    next_action: nextAction === undefined ? null : { type: 'redirect', redirect_url: nextAction.redirectUrl },
    created_at: toTime(payment.createdAt),
    updated_at: toTime(payment.updatedAt),
  };
}

function toStatus(status: PaymentStatus): PaymentJson['status'] {
  switch (status) {
    case PaymentStatus.PAYMENT_STATUS_PROCESSING:
      return 'processing';
    case PaymentStatus.PAYMENT_STATUS_REQUIRES_ACTION:
      return 'requires_action';
    case PaymentStatus.PAYMENT_STATUS_SUCCEEDED:
      return 'succeeded';
    case PaymentStatus.PAYMENT_STATUS_FAILED:
      return 'failed';
    default:
      throw new Error(`transaction sent the payment status ${status}`);
  }
}

/** int64 → a JSON integer that every client reads exactly. */
function toAmount(minor: bigint): number {
  if (minor < 0n || minor > BigInt(Number.MAX_SAFE_INTEGER))
    throw new Error('an amount is outside what JSON can carry');
  return Number(minor);
}

function toCard(card: NonNullable<Payment['card']>): PaymentJson['card'] {
  return {
    brand: card.brand,
    last4: card.last4,
    expiry_month: card.expiryMonth,
    expiry_year: card.expiryYear,
  };
}

/** Picks the members by hand: what gRPC decodes may one day have more, and their order decides the bytes. */
function toFailure(failure: NonNullable<Payment['failure']>): NonNullable<PaymentJson['failure']> {
  return { code: failure.code, message: failure.message, retryable: failure.retryable };
}

function toGuest(guest: Payment['guest']): PaymentJson['guest'] {
  if (guest === undefined || (guest.name === '' && guest.email === '')) return null;
  return { name: guest.name || null, email: guest.email || null };
}

/** A map has no order on the wire, and jsonb keeps its own; the bytes of a reply must not depend on either. */
function sortedByKey(metadata: Payment['metadata']): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function toTime(time: Date | undefined): string {
  if (time === undefined) throw new Error('transaction sent a payment without a time');
  return time.toISOString();
}
