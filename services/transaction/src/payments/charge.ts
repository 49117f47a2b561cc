import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type { SaleRequest, SaleResponse } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { isDatabaseUnavailable } from '@centra/service-kit/database.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId, newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { attemptSale, settle } from '../operations/attempt.ts';
import { WriteUncertain } from '../operations/begin-operation.ts';
import type { Begun, NewOperation } from '../operations/begin-operation.ts';
import { claimPrepared, findOperation } from '../operations/operation.ts';
import type { Operation, OperationWithTiming } from '../operations/operation.ts';
import { chooseAccounts, reopenAccounts } from '../providers/choose-accounts.ts';
import type { ChosenAccounts } from '../providers/choose-accounts.ts';
import { toPaymentMessage } from './payment.ts';
import type { Payment } from './payment.ts';

/**
 * Collects an amount in one step. Two durable writes with the provider call between them and no transaction open
 * meanwhile; the operation id makes any repetition find the first.
 * Refuses with idempotency_key_reused, in_progress, idempotency_key_expired, provider_account_missing,
 * currency_not_supported, amount_not_allowed; unavailable or provider_unreachable when surely nothing was sent.
 */
export async function sale(context: Context, request: SaleRequest): Promise<SaleResponse> {
  const wanted = readRequest(request);
  let accounts: ChosenAccounts;
  try {
    accounts = await chooseAccounts(context, wanted);
    context.providers.choose(accounts.provider.provider).checkAmount(wanted.money);
  } catch (error) {
    // A repeated key gets its first answer even when the hotel has since disconnected the account.
    const known = await findOperation(context, wanted.merchantId, wanted.operationId);
    if (known === undefined) throw error;
    return await repeatSale(context, wanted.fingerprint, known);
  }
  const operation = toNewOperation(wanted, request, accounts);
  context.config.failpoint('sale.before-write-1');
  const begun = await beginDespiteLostConnection(context, operation);
  if (begun.kind === 'exists') return await repeatSale(context, wanted.fingerprint, begun.known);
  context.config.failpoint('sale.after-write-1');
  return await runSale(context, toOperation(operation, begun.createdAt), accounts, false);
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
        { err: error, operationId: operation.operationId, attempt },
        'operation not begun yet',
      );
    }
  }
}

type WantedSale = {
  operationId: string;
  merchantId: string;
  mode: 'test' | 'live';
  fingerprint: Buffer;
  money: Payment['money'];
  providerAccountId: string | undefined;
  cardToken: string;
  requestId: string;
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What only a broken caller can get wrong; the public door has checked the rest with its own words. */
function readRequest(request: SaleRequest): WantedSale {
  const { amount, mode } = request;
  const errors = [
    ...(UUID.test(request.operationId) ? [] : [{ field: 'operation_id', reason: 'is not a UUID' }]),
    ...(UUID.test(request.merchantId) ? [] : [{ field: 'merchant_id', reason: 'is not a UUID' }]),
    ...(request.requestFingerprint.length === 32
      ? []
      : [{ field: 'request_fingerprint', reason: 'is not 32 bytes' }]),
    ...(mode === Mode.MODE_TEST || mode === Mode.MODE_LIVE ? [] : [{ field: 'mode', reason: 'is missing' }]),
    ...(request.cardToken === '' ? [{ field: 'card_token', reason: 'is missing' }] : []),
    ...fieldsWithNul(request).map((field) => ({ field, reason: 'holds a NUL character' })),
  ];
  if (amount === undefined || amount.amountMinor < 1n || amount.amountMinor > BigInt(Number.MAX_SAFE_INTEGER))
    errors.push({ field: 'amount', reason: 'is not between 1 and 2^53 - 1' });
  if (errors.length > 0 || amount === undefined) throw new AppError('validation_failed', { errors });
  const providerAccountId =
    request.providerAccountId === '' ? undefined : fromPublicId('pa', request.providerAccountId);
  if (request.providerAccountId !== '' && providerAccountId === undefined)
    throw new AppError('provider_account_missing', { detail: 'There is no such provider account.' });
  return {
    operationId: request.operationId,
    merchantId: request.merchantId,
    mode: mode === Mode.MODE_LIVE ? 'live' : 'test',
    fingerprint: Buffer.from(request.requestFingerprint),
    money: amount,
    providerAccountId,
    cardToken: request.cardToken,
    requestId: request.origin?.requestId ?? '',
  };
}

/** Postgres text holds every character but NUL. */
function fieldsWithNul(request: SaleRequest): string[] {
  const texts = {
    card_token: request.cardToken,
    booking_reference: request.bookingReference,
    guest: `${request.guest?.name ?? ''}${request.guest?.email ?? ''}`,
    description: request.description,
    metadata: Object.entries(request.metadata).flat().join(''),
    return_url: request.returnUrl,
    origin: `${request.origin?.actor ?? ''}${request.origin?.requestId ?? ''}${request.origin?.address ?? ''}`,
  };
  return Object.entries(texts).flatMap(([field, text]) => (text.includes('\0') ? [field] : []));
}

function toNewOperation(wanted: WantedSale, request: SaleRequest, accounts: ChosenAccounts): NewOperation {
  return {
    merchantId: wanted.merchantId,
    operationId: wanted.operationId,
    paymentId: newUuid(),
    mode: wanted.mode,
    fingerprint: wanted.fingerprint,
    amountMinor: wanted.money.amountMinor,
    currency: wanted.money.currency,
    cardToken: request.cardToken,
    returnUrl: request.returnUrl === '' ? undefined : request.returnUrl,
    bookingReference: request.bookingReference,
    guest: { name: request.guest?.name ?? '', email: request.guest?.email ?? '' },
    description: request.description,
    metadata: request.metadata,
    provider: accounts.provider.provider,
    providerAccountId: accounts.provider.id,
    providerAccountVersion: accounts.provider.version,
    vaultAccountId: accounts.vault?.id,
    vaultAccountVersion: accounts.vault?.version,
    actor: request.origin?.actor ?? '',
    requestId: wanted.requestId,
    address: request.origin?.address ?? '',
  };
}

/** The operation as write 1 stored it, without reading it back. */
function toOperation(begun: NewOperation, createdAt: Date): Operation {
  const { merchantId, mode, guest, description, metadata, bookingReference } = begun;
  return {
    merchantId,
    id: begun.operationId,
    kind: 'sale',
    state: 'sent',
    attempt: 1,
    mayHaveCharged: false,
    fingerprint: begun.fingerprint,
    cardToken: begun.cardToken,
    returnUrl: begun.returnUrl,
    providerAccountId: begun.providerAccountId,
    providerAccountVersion: begun.providerAccountVersion,
    vaultAccountId: begun.vaultAccountId,
    vaultAccountVersion: begun.vaultAccountVersion,
    providerReference: undefined,
    requestId: begun.requestId,
    createdAt,
    payment: {
      merchantId,
      id: begun.paymentId,
      mode,
      status: 'processing',
      version: 1,
      money: { amountMinor: begun.amountMinor, currency: begun.currency },
      authorizedMinor: 0n,
      capturedMinor: 0n,
      refundedMinor: 0n,
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
      updatedAt: createdAt,
    },
  };
}

/** Asks the provider and stores what came of it. */
async function runSale(
  context: Context,
  operation: Operation,
  accounts: ChosenAccounts,
  replayed: boolean,
): Promise<SaleResponse> {
  const outcome = await attemptSale(context, operation, accounts);
  context.config.failpoint('sale.after-provider');
  let settled: Payment | undefined;
  try {
    settled = await settle(context, operation, outcome);
  } catch (error) {
    // The provider was asked, so nothing may be refused any more: the sweeper finds the outcome when the lease ends.
    context.log.error(
      { err: error, operationId: operation.id, outcome: outcome.kind },
      'an outcome could not be stored',
    );
    return respond(operation.payment, operation.createdAt, replayed);
  }
  context.config.failpoint('sale.after-write-2');
  if (settled === undefined) {
    // Another holder took the operation over while we slept past our lease: its record is the truth.
    const known = await findOperation(context, operation.merchantId, operation.id);
    if (known === undefined) throw new Error('an operation was superseded and cannot be found');
    return respond(known.operation.payment, known.operation.createdAt, true);
  }
  if (outcome.kind === 'not_sent' && !operation.mayHaveCharged)
    throw new AppError('provider_unreachable', { retryAfterSeconds: 2, internal: outcome.reason });
  return respond(settled, operation.createdAt, replayed);
}

/** A second call with the same operation id: the first one's outcome, or why there is none to give. */
async function repeatSale(
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
      return respond(operation.payment, operation.createdAt, true);
    case 'sent':
      if (operation.payment.status === 'processing' && timing.isLeased)
        throw new AppError('in_progress', { retryAfterSeconds: 1, extra: { payment_id: paymentId } });
      return respond(operation.payment, operation.createdAt, true);
    case 'prepared':
      return await resumeSale(context, operation);
    default:
      throw new Error(`no answer for state ${String(operation.state satisfies never)}`);
  }
}

/** A call that was told "nothing was sent" comes again with its key: it is taken up where it was left. */
async function resumeSale(context: Context, operation: Operation): Promise<SaleResponse> {
  const accounts = await reopenAccounts(context, operation);
  const claimed = await claimPrepared(context, operation);
  if (claimed === undefined) throw new AppError('in_progress', { retryAfterSeconds: 1 });
  return await runSale(context, claimed, accounts, false);
}

function respond(payment: Payment, operationCreatedAt: Date, replayed: boolean): SaleResponse {
  return { payment: toPaymentMessage(payment), replayed, operationCreatedAt };
}
