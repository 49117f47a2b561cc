import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type { Money as MoneyMessage } from '@centra/proto/centra/money/v1/money.ts';
import { CaptureMethod } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Guest } from '@centra/proto/centra/payment/v1/payment.ts';
import type {
  AuthorizeRequest,
  InitiateRequest,
  Origin,
  PaymentOptions,
  SaleRequest,
  SaleResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { isDatabaseUnavailable } from '@centra/service-kit/database.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId, newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { askProvider, settle } from '../operations/attempt.ts';
import { WriteUncertain } from '../operations/begin-operation.ts';
import type { Begun, NewOperation } from '../operations/begin-operation.ts';
import { claimPrepared, findOperation } from '../operations/operation.ts';
import type { Operation, OperationOptions, OperationWithTiming } from '../operations/operation.ts';
import { paymentAsAnswered, readBack } from '../operations/answer.ts';
import { chooseAccounts, reopenAccounts } from '../providers/choose-accounts.ts';
import type { ChosenAccounts } from '../providers/choose-accounts.ts';
import { beginOnCreated } from './create-payment.ts';
import { initiationOf, toPaymentMessage } from './payment.ts';
import type { Payment } from './payment.ts';

/**
 * Collects an amount (sale) or holds it (authorize) in one step. Two durable writes with the provider call between them and
 * no transaction open meanwhile; the operation id makes any repetition find the first.
 * Refuses with idempotency_key_reused, in_progress, idempotency_key_expired, provider_account_missing,
 * currency_not_supported, amount_not_allowed, not_supported; for a payment registered before also not_found and
 * payment_not_created; unavailable or provider_unreachable when surely nothing was sent.
 */
export async function charge(
  context: Context,
  kind: 'sale' | 'authorize',
  request: SaleRequest | AuthorizeRequest,
): Promise<SaleResponse> {
  const errors = request.cardToken === '' ? [{ field: 'card_token', reason: 'is missing' }] : [];
  const wanted = readRequest(kind, request, errors);
  return wanted.registeredId === undefined
    ? await chargeNew(context, wanted)
    : await chargeRegistered(context, wanted, wanted.registeredId);
}

/** Opens the provider's hosted page for a new payment; the same guarantees and refusals as `charge`. */
export async function initiate(context: Context, request: InitiateRequest): Promise<SaleResponse> {
  const kind = request.captureMethod === CaptureMethod.CAPTURE_METHOD_MANUAL ? 'authorize' : 'sale';
  const minutes = request.expiresInMinutes;
  const errors = [
    ...(request.successUrl === '' ? [{ field: 'success_url', reason: 'is missing' }] : []),
    ...(request.cancelUrl === '' ? [{ field: 'cancel_url', reason: 'is missing' }] : []),
    ...(request.successUrl.includes('\0') ? [{ field: 'success_url', reason: 'holds a NUL character' }] : []),
    ...(request.cancelUrl.includes('\0') ? [{ field: 'cancel_url', reason: 'holds a NUL character' }] : []),
    // Stripe's bounds for a Checkout Session (docs.stripe.com/api/checkout/sessions/create), kept for all.
    ...(minutes >= 30 && minutes <= 1440
      ? []
      : [{ field: 'expires_in_minutes', reason: 'is not between 30 and 1440' }]),
  ];
  const wanted = readRequest(kind, { ...request, cardToken: '', returnUrl: '', paymentId: '' }, errors);
  const hosted = { successUrl: request.successUrl, cancelUrl: request.cancelUrl, minutes };
  return await chargeNew(context, { ...wanted, options: { ...wanted.options, hosted } });
}

async function chargeNew(context: Context, wanted: Wanted): Promise<SaleResponse> {
  let accounts: ChosenAccounts;
  try {
    accounts = await chooseAccounts(context, wanted);
    checkSupported(context, wanted, accounts);
  } catch (error) {
    // A repeated key gets its first answer even when the hotel has since disconnected the account.
    const known = await findOperation(context, wanted.merchantId, wanted.operationId);
    if (known === undefined) throw error;
    return await repeat(context, wanted.fingerprint, known);
  }
  const operation = toNewOperation(wanted, accounts);
  context.config.failpoint(`${wanted.kind}.before-write-1`);
  const begun = await beginDespiteLostConnection(context, operation);
  if (begun.kind === 'exists') return await repeat(context, wanted.fingerprint, begun.known);
  context.config.failpoint(`${wanted.kind}.after-write-1`);
  return await run(context, toOperation(operation, begun.createdAt), accounts, false);
}

/** What the provider cannot do at all is refused before anything is stored. */
function checkSupported(context: Context, wanted: Wanted, accounts: ChosenAccounts): void {
  const provider = context.providers.choose(accounts.provider.provider);
  provider.checkAmount(wanted.money);
  if (wanted.kind === 'authorize' && !provider.capabilities.manualCapture)
    throw new AppError('not_supported', { detail: 'This provider cannot hold money for later.' });
  if (wanted.options.hosted !== undefined && !provider.capabilities.hostedPage)
    throw new AppError('not_supported', { detail: 'This provider has no hosted page.' });
}

/** A payment that was registered before is paid now; its amount and account are those it was registered with. */
async function chargeRegistered(context: Context, wanted: Wanted, paymentId: string): Promise<SaleResponse> {
  const known = await findOperation(context, wanted.merchantId, wanted.operationId);
  if (known !== undefined) return await repeat(context, wanted.fingerprint, known);
  context.config.failpoint(`${wanted.kind}.before-write-1`);
  const begun = await beginOnCreated(context, wanted, paymentId);
  if (begun.kind === 'exists') return await repeat(context, wanted.fingerprint, begun.known);
  context.config.failpoint(`${wanted.kind}.after-write-1`);
  return await run(context, begun.operation, begun.accounts, false);
}

// A second try meets the row of the first, if that was written; a third covers a database that restarts.
const BEGIN_ATTEMPTS_MAX = 3;

type BegunOrKnown = Extract<Begun, { kind: 'begun' }> | { kind: 'exists'; known: OperationWithTiming };

/**
 * A connection lost at COMMIT leaves open whether write 1 happened. Writing again finds out: a row with our own new
 * payment id is ours, and its lease is still this call's.
 */
async function beginDespiteLostConnection(context: Context, operation: NewOperation): Promise<BegunOrKnown> {
  let mayBeStored = false;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const begun = await context.beginOperation(operation);
      if (begun.kind === 'begun') return begun;
      const known = await findOperation(context, operation.merchantId, operation.operationId);
      if (known === undefined) throw new Error('an operation exists and cannot be found');
      const { payment, attempt: holder, createdAt } = known.operation;
      return payment.id === operation.paymentId && holder === 1
        ? { kind: 'begun', createdAt }
        : { kind: 'exists', known };
    } catch (error) {
      mayBeStored ||= error instanceof WriteUncertain;
      if (attempt === BEGIN_ATTEMPTS_MAX || !(mayBeStored || isDatabaseUnavailable(error)))
        // 503 would say that nothing was done; but what may be stored, the sweeper may charge. The same key tells.
        throw mayBeStored ? new AppError('in_progress', { retryAfterSeconds: 1, cause: error }) : error;
      context.log.warn(
        { err: error, operationId: operation.operationId, requestId: operation.requestId, attempt },
        'operation not begun yet',
      );
    }
  }
}

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
  const { amount, mode, options } = request;
  const isRegistered = request.paymentId !== '';
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
  if (!isAmountSane && !isRegistered)
    errors.push({ field: 'amount', reason: 'is not between 1 and 2^53 - 1' });
  if (errors.length > 0) throw new AppError('validation_failed', { errors });
  const providerAccountId =
    request.providerAccountId === '' ? undefined : fromPublicId('pa', request.providerAccountId);
  if (request.providerAccountId !== '' && providerAccountId === undefined)
    throw new AppError('provider_account_missing', { detail: 'There is no such provider account.' });
  const registeredId = isRegistered ? fromPublicId('pay', request.paymentId) : undefined;
  if (isRegistered && registeredId === undefined) throw new AppError('not_found');
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

function toNewOperation(wanted: Wanted, accounts: ChosenAccounts): NewOperation {
  return {
    ...wanted,
    paymentId: newUuid(),
    amountMinor: wanted.money.amountMinor,
    currency: wanted.money.currency,
    cardToken: wanted.cardToken === '' ? undefined : wanted.cardToken,
    provider: accounts.provider.provider,
    providerAccountId: accounts.provider.id,
    providerAccountVersion: accounts.provider.version,
    vaultAccountId: accounts.vault?.id,
    vaultAccountVersion: accounts.vault?.version,
  };
}

/** The operation as write 1 stored it, without reading it back. */
function toOperation(begun: NewOperation, createdAt: Date): Operation {
  const { merchantId, mode, guest, description, metadata, bookingReference, initiation } = begun;
  const money = { amountMinor: begun.amountMinor, currency: begun.currency };
  return {
    merchantId,
    id: begun.operationId,
    kind: begun.kind,
    state: 'sent',
    sequence: 1,
    attempt: 1,
    mayHaveCharged: false,
    fingerprint: begun.fingerprint,
    money,
    cardToken: begun.cardToken,
    returnUrl: begun.returnUrl,
    isFinal: false,
    reason: '',
    options: begun.options,
    failure: undefined,
    providerAccountId: begun.providerAccountId,
    providerAccountVersion: begun.providerAccountVersion,
    vaultAccountId: begun.vaultAccountId,
    vaultAccountVersion: begun.vaultAccountVersion,
    providerReference: undefined,
    actor: begun.actor,
    requestId: begun.requestId,
    address: begun.address,
    createdAt,
    finishedAt: undefined,
    payment: {
      merchantId,
      id: begun.paymentId,
      mode,
      status: 'processing',
      version: 1,
      money,
      authorizedMinor: 0n,
      capturedMinor: 0n,
      refundedMinor: 0n,
      authorizePendingMinor: 0n,
      capturePendingMinor: 0n,
      refundPendingMinor: 0n,
      captureMethod: begun.kind === 'authorize' ? 'manual' : 'automatic',
      hold: undefined,
      busyOperationId: undefined,
      initiation,
      networkTransactionId: undefined,
      originalNetworkTransactionId: begun.originalNetworkTransactionId,
      quoteId: begun.quoteId,
      quoteHash: begun.quoteHash,
      cancellationReason: undefined,
      disputed: false,
      provider: begun.provider,
      providerAccountId: begun.providerAccountId,
      providerReference: undefined,
      card: undefined,
      bookingReference,
      guest,
      description,
      metadata,
      failure: undefined,
      redirectUrl: undefined,
      createdAt,
      readAt: createdAt,
      updatedAt: createdAt,
    },
  };
}

/** Asks the provider and stores what came of it. */
async function run(
  context: Context,
  operation: Operation,
  accounts: ChosenAccounts,
  replayed: boolean,
): Promise<SaleResponse> {
  context.config.failpoint(`${operation.kind}.before-provider`);
  const outcome = await askProvider(context, operation, accounts);
  context.config.failpoint(`${operation.kind}.after-provider`);
  let settled: Payment | undefined;
  try {
    settled = await settle(context, operation, outcome);
  } catch (error) {
    // The provider was asked, so nothing may be refused any more: the sweeper finds the outcome when the lease ends.
    context.log.error(
      { err: error, operationId: operation.id, requestId: operation.requestId, outcome: outcome.kind },
      'an outcome could not be stored',
    );
    return respond(operation.payment, operation.createdAt, replayed);
  }
  context.config.failpoint(`${operation.kind}.after-write-2`);
  if (settled === undefined) {
    // Another holder took the operation over while we slept past our lease: its record is the truth.
    const { merchantId, id } = operation;
    const known = await readBack(async () => await findOperation(context, merchantId, id));
    if (known === undefined) throw new Error('an operation was superseded and cannot be found');
    return respond(await paymentAsAnswered(context, known.operation), known.operation.createdAt, true);
  }
  if (outcome.kind === 'not_sent' && !operation.mayHaveCharged)
    throw new AppError('provider_unreachable', { retryAfterSeconds: 2, internal: outcome.reason });
  return respond(settled, operation.createdAt, replayed);
}

/** A second call with the same operation id: the first one's outcome, or why there is none to give. */
async function repeat(
  context: Context,
  fingerprint: Buffer,
  known: OperationWithTiming,
): Promise<SaleResponse> {
  const { operation, timing } = known;
  const paymentId = toPublicId('pay', operation.payment.id);
  if (!operation.fingerprint.equals(fingerprint)) throw new AppError('idempotency_key_reused');
  if (timing.isExpired) throw new AppError('idempotency_key_expired', { extra: { payment_id: paymentId } });
  switch (operation.state) {
    case 'succeeded':
    case 'declined':
    case 'unknown':
      return respond(await paymentAsAnswered(context, operation), operation.createdAt, true);
    case 'sent':
      if (operation.payment.status === 'processing' && timing.isLeased)
        throw new AppError('in_progress', { retryAfterSeconds: 1, extra: { payment_id: paymentId } });
      return respond(operation.payment, operation.createdAt, true);
    case 'prepared':
      return await resume(context, operation);
    default:
      throw new Error(`no answer for state ${String(operation.state satisfies never)}`);
  }
}

/** A call that was told "nothing was sent" comes again with its key: it is taken up where it was left. */
async function resume(context: Context, operation: Operation): Promise<SaleResponse> {
  const accounts = await reopenAccounts(context, operation);
  const claimed = await readBack(async () => await claimPrepared(context, operation));
  if (claimed === undefined) throw new AppError('in_progress', { retryAfterSeconds: 1 });
  return await run(context, claimed, accounts, false);
}

function respond(payment: Payment, operationCreatedAt: Date, replayed: boolean): SaleResponse {
  return { payment: toPaymentMessage(payment), replayed, operationCreatedAt };
}
