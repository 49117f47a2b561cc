import { z } from 'zod';
import { CaptureMethod, Initiation, PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { fromMode } from '../mode.ts';

/** What a payment can be, from the client's view. */
export const paymentStatusSchema = z
  .enum([
    'created',
    'processing',
    'requires_action',
    'authorized',
    'partially_captured',
    'succeeded',
    'partially_refunded',
    'refunded',
    'canceled',
    'failed',
  ])
  .meta({
    description:
      'created: nothing was tried yet. processing: the outcome is not known yet, it will be. requires_action: send the ' +
      'guest to next_action. authorized: held, nothing collected yet. partially_captured: part was collected and the ' +
      'hold is open for more. succeeded: the money was collected. partially_refunded, refunded: part or all of it was ' +
      'given back. canceled: nothing was collected; the hold was released or lapsed, or the payment was stopped. ' +
      'failed: nothing was collected and nothing will be.',
  });
export type PaymentStatusWord = z.infer<typeof paymentStatusSchema>;

export const captureMethodSchema = z.enum(['automatic', 'manual']).meta({
  description: 'automatic: collected with the authorisation. manual: held, and collected by a capture.',
});

export const initiationSchema = z.enum(['customer', 'merchant', 'moto']).meta({
  description:
    'customer: the guest is there, online (CIT). merchant: agreed before, the guest is not there (MIT). moto: the card ' +
    'came by telephone or mail.',
});

export const failureSchema = z.object({
  code: z.string().meta({ description: 'Stable reason', example: 'insufficient_funds' }),
  message: z.string().meta({ description: 'Words that may be shown to a guest' }),
  retryable: z.boolean().meta({ description: 'Whether the same card may be tried again later' }),
});

export const minorUnits = z.int().min(0).meta({ description: 'In minor units of `currency`' });
const pending = z.int().min(0).meta({
  description: 'Asked for and not settled yet, in minor units of `currency`; counts as used',
});

const holdSchema = z
  .object({
    amount_capturable: z.int().min(0).meta({
      description: 'What can still be captured, in minor units; what is pending is taken off',
    }),
    expires_at: z.string().nullable().meta({
      description: 'When the provider lets go of it, ISO 8601, UTC; null when it does not say',
    }),
    multiple_capture: z.boolean().meta({ description: 'Whether it may be captured in several parts' }),
    incremental: z.boolean().meta({ description: 'Whether it may be raised' }),
    overcapture: z.int().min(0).meta({
      description: 'How much above the authorised amount may be captured, in minor units',
    }),
  })
  .nullable()
  .meta({ description: 'The open hold; null when nothing is held' });

/** The public form of a payment; `toJson` makes it and OpenAPI describes it. */
export const paymentSchema = z
  .object({
    id: z.string(),
    object: z.literal('payment'),
    mode: z.enum(['test', 'live']),
    status: paymentStatusSchema,
    amount: z.int().min(1).meta({ description: 'What was asked for, in minor units of `currency`' }),
    currency: z.string().meta({ description: 'ISO 4217' }),
    capture_method: captureMethodSchema,
    amount_authorized: minorUnits,
    amount_captured: minorUnits,
    amount_refunded: minorUnits,
    amount_authorize_pending: pending,
    amount_capture_pending: pending,
    amount_refund_pending: pending,
    hold: holdSchema,
    initiation: initiationSchema,
    network_transaction_id: z.string().nullable().meta({
      description: "The card network's id of this payment, for later ones without the guest; once known",
    }),
    original_network_transaction_id: z.string().nullable(),
    quote: z
      .object({ id: z.string(), hash: z.string() })
      .nullable()
      .meta({ description: 'The quote that said the amount' }),
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
    cancellation_reason: z.string().nullable().meta({
      description: 'requested_by_customer, duplicate, fraudulent, abandoned or expired; null unless canceled',
    }),
    disputed: z.boolean().meta({ description: 'Whether the guest disputes it at the bank' }),
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
    capture_method: toCaptureMethod(payment.captureMethod),
    amount_authorized: toAmount(payment.authorizedMinor),
    amount_captured: toAmount(payment.capturedMinor),
    amount_refunded: toAmount(payment.refundedMinor),
    amount_authorize_pending: toAmount(payment.authorizePendingMinor),
    amount_capture_pending: toAmount(payment.capturePendingMinor),
    amount_refund_pending: toAmount(payment.refundPendingMinor),
    hold: payment.hold === undefined ? null : toHold(payment.hold),
    initiation: toInitiation(payment.initiation),
    network_transaction_id: payment.networkTransactionId || null,
    original_network_transaction_id: payment.originalNetworkTransactionId || null,
    quote: payment.quoteId === '' ? null : { id: payment.quoteId, hash: payment.quoteHash },
    provider: payment.provider,
    provider_account: payment.providerAccountId,
    provider_reference: payment.providerReference || null,
    card: card === undefined ? null : toCard(card),
    booking_reference: payment.bookingReference,
    guest: toGuest(payment.guest),
    description: payment.description || null,
    metadata: sortedByKey(payment.metadata),
    failure: failure === undefined ? null : toFailure(failure),
    cancellation_reason: payment.cancellationReason || null,
    disputed: payment.disputed,
    next_action: nextAction === undefined ? null : { type: 'redirect', redirect_url: nextAction.redirectUrl },
    created_at: toTime(payment.createdAt),
    updated_at: toTime(payment.updatedAt),
  };
}

/** Our word of each status, and its message. */
export const STATUSES = {
  created: PaymentStatus.PAYMENT_STATUS_CREATED,
  processing: PaymentStatus.PAYMENT_STATUS_PROCESSING,
  requires_action: PaymentStatus.PAYMENT_STATUS_REQUIRES_ACTION,
  authorized: PaymentStatus.PAYMENT_STATUS_AUTHORIZED,
  partially_captured: PaymentStatus.PAYMENT_STATUS_PARTIALLY_CAPTURED,
  succeeded: PaymentStatus.PAYMENT_STATUS_SUCCEEDED,
  partially_refunded: PaymentStatus.PAYMENT_STATUS_PARTIALLY_REFUNDED,
  refunded: PaymentStatus.PAYMENT_STATUS_REFUNDED,
  canceled: PaymentStatus.PAYMENT_STATUS_CANCELED,
  failed: PaymentStatus.PAYMENT_STATUS_FAILED,
} as const satisfies Record<PaymentStatusWord, PaymentStatus>;

const STATUS_WORDS = new Map<PaymentStatus, PaymentStatusWord>(
  paymentStatusSchema.options.map((word) => [STATUSES[word], word]),
);

export function toStatus(status: PaymentStatus): PaymentStatusWord {
  const word = STATUS_WORDS.get(status);
  if (word === undefined) throw new Error(`transaction sent the payment status ${status}`);
  return word;
}

/** Unspecified is the default: transaction's release before knew no other. */
function toCaptureMethod(method: CaptureMethod): PaymentJson['capture_method'] {
  switch (method) {
    case CaptureMethod.CAPTURE_METHOD_UNSPECIFIED:
    case CaptureMethod.CAPTURE_METHOD_AUTOMATIC:
      return 'automatic';
    case CaptureMethod.CAPTURE_METHOD_MANUAL:
      return 'manual';
    default:
      throw new Error(`transaction sent the capture method ${String(method)}`);
  }
}

function toInitiation(initiation: Initiation): PaymentJson['initiation'] {
  switch (initiation) {
    case Initiation.INITIATION_UNSPECIFIED:
    case Initiation.INITIATION_CUSTOMER:
      return 'customer';
    case Initiation.INITIATION_MERCHANT:
      return 'merchant';
    case Initiation.INITIATION_MOTO:
      return 'moto';
    default:
      throw new Error(`transaction sent the initiation ${String(initiation)}`);
  }
}

function toHold(hold: NonNullable<Payment['hold']>): PaymentJson['hold'] {
  return {
    amount_capturable: toAmount(hold.capturableMinor),
    expires_at: hold.expiresAt === undefined ? null : toTime(hold.expiresAt),
    multiple_capture: hold.multipleCapture,
    incremental: hold.incremental,
    overcapture: toAmount(hold.overcaptureMinor),
  };
}

/** int64 → a JSON integer that every client reads exactly. */
export function toAmount(minor: bigint): number {
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
export function toFailure(failure: NonNullable<Payment['failure']>): NonNullable<PaymentJson['failure']> {
  return { code: failure.code, message: failure.message, retryable: failure.retryable };
}

function toGuest(guest: Payment['guest']): PaymentJson['guest'] {
  if (guest === undefined || (guest.name === '' && guest.email === '')) return null;
  return { name: guest.name || null, email: guest.email || null };
}

/** A map has no order on the wire, and jsonb keeps its own; the bytes of a reply must not depend on either. */
export function sortedByKey(metadata: Payment['metadata']): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

export function toTime(time: Date | undefined): string {
  if (time === undefined) throw new Error('transaction sent a payment without a time');
  return time.toISOString();
}
