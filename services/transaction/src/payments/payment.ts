import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Payment as PaymentMessage } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Money } from '@centra/money/money.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { Failure } from '../providers/failure.ts';
import type { CardSummary } from '../providers/provider.ts';

export const STATUSES = ['processing', 'requires_action', 'succeeded', 'failed'] as const;
export type Status = (typeof STATUSES)[number];
export type PaymentMode = 'test' | 'live';

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
  p.description, p.metadata, p.failure, p.next_action, p.created_at, p.updated_at`;

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
  processing: PaymentStatus.PAYMENT_STATUS_PROCESSING,
  requires_action: PaymentStatus.PAYMENT_STATUS_REQUIRES_ACTION,
  succeeded: PaymentStatus.PAYMENT_STATUS_SUCCEEDED,
  failed: PaymentStatus.PAYMENT_STATUS_FAILED,
} as const satisfies Record<Status, PaymentStatus>;

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
  };
}

/** The stored word of a status message; undefined for "any". */
export function statusOfMessage(status: PaymentStatus): Status | undefined {
  return STATUSES.find((stored) => STATUS_MESSAGES[stored] === status);
}
