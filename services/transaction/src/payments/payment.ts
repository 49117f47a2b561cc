import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import {
  CaptureMethod,
  Initiation as InitiationMessage,
  PaymentStatus,
} from '@centra/proto/centra/payment/v1/payment.ts';
import type { Payment as PaymentMessage } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Money } from '@centra/money/money.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { Failure } from '../providers/failure.ts';
import type { CardSummary, Initiation } from '../providers/provider.ts';

export const STATUSES = [
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
] as const;
export type Status = (typeof STATUSES)[number];
export type PaymentMode = 'test' | 'live';
export type CaptureMethodWord = 'automatic' | 'manual';

/** What the provider holds of a payment and what it allows with it. */
export type Hold = {
  expiresAt: Date | undefined;
  multipleCapture: boolean;
  incremental: boolean;
  /** How much above the authorised amount may be captured. */
  overcaptureMinor: bigint;
};

/** One amount that a merchant collects; all amounts in minor units of `money.currency`. */
export type Payment = {
  merchantId: string;
  id: string;
  mode: PaymentMode;
  status: Status;
  version: number;
  money: Money;
  authorizedMinor: bigint;
  capturedMinor: bigint;
  refundedMinor: bigint;
  /** Asked for and not settled; counts as used. */
  authorizePendingMinor: bigint;
  capturePendingMinor: bigint;
  refundPendingMinor: bigint;
  captureMethod: CaptureMethodWord;
  /** Undefined while nothing is held. */
  hold: Hold | undefined;
  /** The operation that has the hold to itself, if any. */
  busyOperationId: string | undefined;
  initiation: Initiation;
  networkTransactionId: string | undefined;
  originalNetworkTransactionId: string | undefined;
  quoteId: string | undefined;
  quoteHash: string | undefined;
  cancellationReason: string | undefined;
  disputed: boolean;
  /** The database's time of the reading: what deadlines are compared with (reliability rule 10). */
  readAt: Date;
  provider: string;
  providerAccountId: string;
  providerReference: string | undefined;
  card: CardSummary | undefined;
  bookingReference: string;
  guest: { name: string; email: string };
  description: string;
  metadata: Readonly<Record<string, string>>;
  failure: Failure | undefined;
  redirectUrl: string | undefined;
  createdAt: Date;
  updatedAt: Date;
};

export type PaymentRow = {
  merchant_id: string;
  id: string;
  mode: PaymentMode;
  status: Status;
  version: number;
  amount_minor: bigint;
  currency: string;
  authorized_minor: bigint;
  captured_minor: bigint;
  refunded_minor: bigint;
  authorize_pending_minor: bigint;
  capture_pending_minor: bigint;
  refund_pending_minor: bigint;
  capture_method: CaptureMethodWord;
  hold_open: boolean;
  hold_expires_at: Date | null;
  hold_multiple_capture: boolean;
  hold_incremental: boolean;
  overcapture_minor: bigint;
  busy_operation_id: string | null;
  initiation: Initiation;
  network_transaction_id: string | null;
  original_network_transaction_id: string | null;
  quote_id: string | null;
  quote_hash: string | null;
  cancellation_reason: string | null;
  disputed: boolean;
  read_at: Date;
  provider: string;
  provider_account_id: string;
  provider_reference: string | null;
  card: CardSummary | null;
  booking_reference: string;
  guest: { name: string; email: string };
  description: string;
  metadata: Record<string, string>;
  failure: Failure | null;
  next_action: { redirectUrl: string } | null;
  created_at: Date;
  updated_at: Date;
};

export const PAYMENT_COLUMNS = `
  p.merchant_id, p.id, p.mode, p.status, p.version, p.amount_minor, p.currency, p.authorized_minor, p.captured_minor,
  p.refunded_minor, p.provider, p.provider_account_id, p.provider_reference, p.card, p.booking_reference, p.guest,
  p.description, p.metadata, p.failure, p.next_action, p.created_at, p.updated_at, p.authorize_pending_minor,
  p.capture_pending_minor, p.refund_pending_minor, p.capture_method, p.hold_open, p.hold_expires_at, p.hold_multiple_capture,
  p.hold_incremental, p.overcapture_minor, p.busy_operation_id, p.initiation, p.network_transaction_id,
  p.original_network_transaction_id, p.quote_id, p.quote_hash, p.cancellation_reason, p.disputed,
  now() as read_at`;

export function toPayment(row: PaymentRow): Payment {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    mode: row.mode,
    status: row.status,
    version: row.version,
    money: { amountMinor: row.amount_minor, currency: row.currency },
    authorizedMinor: row.authorized_minor,
    capturedMinor: row.captured_minor,
    refundedMinor: row.refunded_minor,
    authorizePendingMinor: row.authorize_pending_minor,
    capturePendingMinor: row.capture_pending_minor,
    refundPendingMinor: row.refund_pending_minor,
    captureMethod: row.capture_method,
    hold: row.hold_open
      ? {
          expiresAt: row.hold_expires_at ?? undefined,
          multipleCapture: row.hold_multiple_capture,
          incremental: row.hold_incremental,
          overcaptureMinor: row.overcapture_minor,
        }
      : undefined,
    busyOperationId: row.busy_operation_id ?? undefined,
    initiation: row.initiation,
    networkTransactionId: row.network_transaction_id ?? undefined,
    originalNetworkTransactionId: row.original_network_transaction_id ?? undefined,
    quoteId: row.quote_id ?? undefined,
    quoteHash: row.quote_hash ?? undefined,
    cancellationReason: row.cancellation_reason ?? undefined,
    disputed: row.disputed,
    readAt: row.read_at,
    provider: row.provider,
    providerAccountId: row.provider_account_id,
    providerReference: row.provider_reference ?? undefined,
    card: row.card ?? undefined,
    bookingReference: row.booking_reference,
    guest: row.guest,
    description: row.description,
    metadata: row.metadata,
    failure: row.failure ?? undefined,
    redirectUrl: row.next_action?.redirectUrl,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

const STATUS_MESSAGES = {
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
} as const satisfies Record<Status, PaymentStatus>;

const INITIATION_MESSAGES = {
  customer: InitiationMessage.INITIATION_CUSTOMER,
  merchant: InitiationMessage.INITIATION_MERCHANT,
  moto: InitiationMessage.INITIATION_MOTO,
} as const satisfies Record<Initiation, InitiationMessage>;

/** What is left of a hold, in minor units; what is pending is taken off, an allowance above it not added. */
export function capturableMinor(payment: Payment): bigint {
  if (payment.hold === undefined) return 0n;
  const left = payment.authorizedMinor - payment.capturedMinor - payment.capturePendingMinor;
  return left > 0n ? left : 0n;
}

/** What can still be given back, in minor units; what is pending is taken off. */
export function refundableMinor(payment: Payment): bigint {
  return payment.capturedMinor - payment.refundedMinor - payment.refundPendingMinor;
}

export function toPaymentMessage(payment: Payment): PaymentMessage {
  return {
    paymentId: toPublicId('pay', payment.id),
    merchantId: payment.merchantId,
    mode: payment.mode === 'live' ? Mode.MODE_LIVE : Mode.MODE_TEST,
    status: STATUS_MESSAGES[payment.status],
    amount: payment.money,
    authorizedMinor: payment.authorizedMinor,
    capturedMinor: payment.capturedMinor,
    refundedMinor: payment.refundedMinor,
    provider: payment.provider,
    providerAccountId: toPublicId('pa', payment.providerAccountId),
    providerReference: payment.providerReference ?? '',
    card: payment.card,
    bookingReference: payment.bookingReference,
    guest: payment.guest,
    description: payment.description,
    metadata: { ...payment.metadata },
    failure: payment.failure,
    nextAction: payment.redirectUrl === undefined ? undefined : { redirectUrl: payment.redirectUrl },
    createdAt: payment.createdAt,
    updatedAt: payment.updatedAt,
    version: payment.version,
    captureMethod:
      payment.captureMethod === 'manual'
        ? CaptureMethod.CAPTURE_METHOD_MANUAL
        : CaptureMethod.CAPTURE_METHOD_AUTOMATIC,
    authorizePendingMinor: payment.authorizePendingMinor,
    capturePendingMinor: payment.capturePendingMinor,
    refundPendingMinor: payment.refundPendingMinor,
    hold:
      payment.hold === undefined ? undefined : { ...payment.hold, capturableMinor: capturableMinor(payment) },
    initiation: INITIATION_MESSAGES[payment.initiation],
    networkTransactionId: payment.networkTransactionId ?? '',
    originalNetworkTransactionId: payment.originalNetworkTransactionId ?? '',
    quoteId: payment.quoteId ?? '',
    quoteHash: payment.quoteHash ?? '',
    cancellationReason: payment.cancellationReason ?? '',
    disputed: payment.disputed,
  };
}

/** The stored word of an initiation message; customer when it says nothing. */
export function initiationOf(message: InitiationMessage | undefined): Initiation {
  return message === InitiationMessage.INITIATION_MERCHANT
    ? 'merchant'
    : message === InitiationMessage.INITIATION_MOTO
      ? 'moto'
      : 'customer';
}

/** The stored word of a status message; undefined for "any". */
export function statusOfMessage(status: PaymentStatus): Status | undefined {
  return STATUSES.find((stored) => STATUS_MESSAGES[stored] === status);
}

/** The message of a stored status word. */
export function toStatusMessage(status: Status): PaymentStatus {
  return STATUS_MESSAGES[status];
}
