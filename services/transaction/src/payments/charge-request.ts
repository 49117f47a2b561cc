import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type { Money as MoneyMessage } from '@centra/proto/centra/money/v1/money.ts';
import type { Guest } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Origin, PaymentOptions } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { OperationOptions } from '../operations/operation.ts';
import type { RoutingHints } from '../routing/choose-route.ts';
import { initiationOf } from './payment.ts';
import type { Payment } from './payment.ts';

/** A charge as it was asked for, checked. */
export type Wanted = {
  kind: 'sale' | 'authorize';
  operationId: string;
  merchantId: string;
  mode: 'test' | 'live';
  fingerprint: Buffer;
  money: Payment['money'];
  providerAccountId: string | undefined;
  cardToken: string;
  returnUrl: string | undefined;
  bookingReference: string;
  guest: { name: string; email: string };
  description: string;
  metadata: Readonly<Record<string, string>>;
  options: OperationOptions;
  hints: RoutingHints;
  initiation: Payment['initiation'];
  originalNetworkTransactionId: string | undefined;
  quoteId: string | undefined;
  quoteHash: string | undefined;
  /** The payment that was registered before, if any. */
  registeredId: string | undefined;
  actor: string;
  requestId: string;
  address: string;
};

/** The members that every request for a new payment has. */
export type ChargeMessage = {
  operationId: string;
  merchantId: string;
  mode: Mode;
  requestFingerprint: Uint8Array;
  amount?: MoneyMessage | undefined;
  cardToken: string;
  returnUrl: string;
  bookingReference: string;
  guest?: Guest | undefined;
  description: string;
  metadata: Readonly<Record<string, string>>;
  providerAccountId: string;
  origin?: Origin | undefined;
  options?: PaymentOptions | undefined;
  paymentId: string;
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What only a broken caller can get wrong; the public door has checked the rest with its own words. */
export function readRequest(
  kind: Wanted['kind'],
  request: ChargeMessage,
  errors: { field: string; reason: string }[],
): Wanted {
  checkRequest(request, errors);
  const { amount, mode, options } = request;
  const providerAccountId = providerAccountOf(request);
  const registeredId = registeredPaymentOf(request);
  return {
    kind,
    operationId: request.operationId,
    merchantId: request.merchantId,
    mode: mode === Mode.MODE_LIVE ? 'live' : 'test',
    fingerprint: Buffer.from(request.requestFingerprint),
    money: amount ?? { amountMinor: 0n, currency: '' },
    providerAccountId,
    cardToken: request.cardToken,
    returnUrl: request.returnUrl === '' ? undefined : request.returnUrl,
    bookingReference: request.bookingReference,
    guest: { name: request.guest?.name ?? '', email: request.guest?.email ?? '' },
    description: request.description,
    metadata: request.metadata,
    options: toOptions(options),
    hints: {
      cardBrand: emptyToUndefined(options?.routingHints?.cardBrand),
      cardCountry: emptyToUndefined(options?.routingHints?.cardCountry),
      country: emptyToUndefined(options?.routingHints?.country),
    },
    initiation: initiationOf(options?.initiation),
    originalNetworkTransactionId: emptyToUndefined(options?.originalNetworkTransactionId),
    quoteId: emptyToUndefined(options?.quoteId),
    quoteHash: emptyToUndefined(options?.quoteHash),
    registeredId,
    actor: request.origin?.actor ?? '',
    requestId: request.origin?.requestId ?? '',
    address: request.origin?.address ?? '',
  };
}

function checkRequest(request: ChargeMessage, errors: { field: string; reason: string }[]): void {
  const { amount, mode } = request;
  errors.push(
    ...(UUID.test(request.operationId) ? [] : [{ field: 'operation_id', reason: 'is not a UUID' }]),
    ...(UUID.test(request.merchantId) ? [] : [{ field: 'merchant_id', reason: 'is not a UUID' }]),
    ...(request.requestFingerprint.length === 32
      ? []
      : [{ field: 'request_fingerprint', reason: 'is not 32 bytes' }]),
    ...(mode === Mode.MODE_TEST || mode === Mode.MODE_LIVE ? [] : [{ field: 'mode', reason: 'is missing' }]),
    ...fieldsWithNul(request).map((field) => ({ field, reason: 'holds a NUL character' })),
  );
  const isAmountSane =
    amount !== undefined && amount.amountMinor >= 1n && amount.amountMinor <= BigInt(Number.MAX_SAFE_INTEGER);
  const isRegistered = request.paymentId !== '';
  if (!isAmountSane && !isRegistered)
    errors.push({ field: 'amount', reason: 'is not between 1 and 2^53 - 1' });
  if (errors.length > 0) throw new AppError('validation_failed', { errors });
}

/** Postgres text holds every character but NUL. */
function fieldsWithNul(request: ChargeMessage): string[] {
  const texts = {
    card_token: request.cardToken,
    booking_reference: request.bookingReference,
    guest: `${request.guest?.name ?? ''}${request.guest?.email ?? ''}`,
    description: request.description,
    metadata: Object.entries(request.metadata).flat().join(''),
    return_url: request.returnUrl,
    origin: `${request.origin?.actor ?? ''}${request.origin?.requestId ?? ''}${request.origin?.address ?? ''}`,
    currency: request.amount?.currency ?? '',
    options: `${request.options?.originalNetworkTransactionId ?? ''}${request.options?.quoteId ?? ''}${request.options?.quoteHash ?? ''}`,
  };
  return Object.entries(texts).flatMap(([field, text]) => (text.includes('\0') ? [field] : []));
}

function providerAccountOf({ providerAccountId }: ChargeMessage): string | undefined {
  if (providerAccountId === '') return undefined;
  const id = fromPublicId('pa', providerAccountId);
  if (id === undefined)
    throw new AppError('provider_account_missing', { detail: 'There is no such provider account.' });
  return id;
}

function registeredPaymentOf({ paymentId }: ChargeMessage): string | undefined {
  if (paymentId === '') return undefined;
  const id = fromPublicId('pay', paymentId);
  if (id === undefined) throw new AppError('not_found');
  return id;
}

function emptyToUndefined(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** Only what was asked for is stored. */
function toOptions(options: PaymentOptions | undefined): OperationOptions {
  if (options === undefined) return {};
  const { extras } = options;
  return {
    ...(extras === undefined ? {} : { extras: { ...extras } }),
    ...(options.allowPartialApproval ? { allowPartialApproval: true } : {}),
    ...(options.retrySoftDeclines ? { retrySoftDeclines: true } : {}),
  };
}
