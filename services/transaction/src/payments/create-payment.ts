import { CaptureMethod } from '@centra/proto/centra/payment/v1/payment.ts';
import type {
  CreatePaymentRequest,
  CreatePaymentResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { isDatabaseUnavailable } from '@centra/service-kit/database.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { DatabaseError } from 'pg';
import type { Context } from '../context.ts';
import { paymentAsAnswered } from '../operations/answer.ts';
import { OPERATION_COLUMNS, descriptorOf, findOperation, toOperation } from '../operations/operation.ts';
import type { Operation, OperationRow, OperationWithTiming } from '../operations/operation.ts';
import { checkSupported } from '../providers/check-supported.ts';
import { chooseVault } from '../providers/choose-accounts.ts';
import type { ChosenAccounts } from '../providers/choose-accounts.ts';
import { chooseRoute, openAccount } from '../routing/choose-route.ts';
import type { Routed } from '../routing/choose-route.ts';
import { withRoute } from './charge-operation.ts';
import { readRequest } from './charge-request.ts';
import type { Wanted } from './charge-request.ts';
import { refusalOf } from './legal-operations.ts';
import { PAYMENT_COLUMNS, toPaymentMessage } from './payment.ts';
import type { PaymentRow } from './payment.ts';

/**
 * Registers a payment without paying it; a later Sale or Authorize names it. The operation id makes a repetition find the
 * first. Refuses with provider_account_missing, currency_not_supported, amount_not_allowed, not_supported,
 * idempotency_key_reused, idempotency_key_expired.
 */
export async function createPayment(
  context: Context,
  request: CreatePaymentRequest,
): Promise<CreatePaymentResponse> {
  const kind = request.captureMethod === CaptureMethod.CAPTURE_METHOD_MANUAL ? 'authorize' : 'sale';
  const wanted = readRequest(kind, { ...request, cardToken: '', returnUrl: '', paymentId: '' }, []);
  const known = await findOperation(context, wanted.merchantId, wanted.operationId);
  if (known !== undefined) return await repeat(context, wanted, known);
  // Whatever registers a payment has it paid with a card token later.
  const routed = await chooseRoute(context, { ...wanted, method: 'card' });
  checkSupported(context, { kind, money: wanted.money, isHosted: false }, routed.provider);
  let replayed = false;
  try {
    await register(context, wanted, routed);
  } catch (error) {
    if (!isTaken(error)) throw error;
    replayed = true;
  }
  const stored = await findOperation(context, wanted.merchantId, wanted.operationId);
  if (stored === undefined) throw new Error('a registered payment cannot be found');
  return { ...(await repeat(context, wanted, stored)), replayed };
}

async function repeat(
  context: Context,
  wanted: Wanted,
  { operation, timing }: OperationWithTiming,
): Promise<CreatePaymentResponse> {
  if (!operation.fingerprint.equals(wanted.fingerprint)) throw new AppError('idempotency_key_reused');
  if (timing.isExpired)
    throw new AppError('idempotency_key_expired', {
      extra: { payment_id: toPublicId('pay', operation.payment.id) },
    });
  return { payment: toPaymentMessage(await paymentAsAnswered(context, operation)), replayed: true };
}

/** Somebody else began an operation of that id at the same moment. */
export function isTaken(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '23505' && error.constraint === 'operations_pkey';
}

async function register(
  context: Context,
  wanted: Wanted,
  { provider: account, route }: Routed,
): Promise<void> {
  await context.pool.query({
    name: 'register-payment',
    text: `
      with operation as (
        insert into operations (merchant_id, id, payment_id, kind, state, attempt, due_at, finished_at, fingerprint,
          amount_minor, currency, provider, provider_account_id, provider_account_version, options, actor, request_id, address)
        values ($1, $2, $3, 'create', 'succeeded', 1, now(), now(), $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        returning merchant_id, id, payment_id
      ), payment as (
        insert into payments (merchant_id, id, mode, status, version, amount_minor, currency, provider, provider_account_id,
          booking_reference, guest, description, metadata, capture_method, initiation, original_network_transaction_id,
          quote_id, quote_hash)
        select merchant_id, payment_id, $14, 'created', 1, $5, $6, $7, $8, $15, $16, $17, $18, $19, $20, $21, $22, $23
          from operation
      ), event as (
        insert into payment_events (merchant_id, payment_id, version, type, to_status, operation_id, attempt, actor, request_id,
          address, details, amount_minor)
        select merchant_id, payment_id, 1, 'payment.created', 'created', id, 1, $11, $12, $13,
          jsonb_strip_nulls(jsonb_build_object('routing_rule', $10::jsonb->'routing'->'ruleId')), $5 from operation
      )
      insert into outbox (merchant_id, payment_id, version, type, data)
      select merchant_id, payment_id, 1, 'payment.created', json_build_object('status', 'created', 'mode', $14::text, 'amount',
        $5::bigint, 'currency', $6::text, 'booking_reference', $15::text) from operation`,
    values: [
      wanted.merchantId,
      wanted.operationId,
      newUuid(),
      wanted.fingerprint,
      wanted.money.amountMinor,
      wanted.money.currency,
      account.provider,
      account.id,
      account.version,
      withRoute(wanted.options, route),
      wanted.actor,
      wanted.requestId,
      wanted.address,
      wanted.mode,
      wanted.bookingReference,
      wanted.guest,
      wanted.description,
      wanted.metadata,
      wanted.kind === 'authorize' ? 'manual' : 'automatic',
      wanted.initiation,
      wanted.originalNetworkTransactionId ?? null,
      wanted.quoteId ?? null,
      wanted.quoteHash ?? null,
    ],
  });
}

type BegunOnCreated =
  | { kind: 'begun'; operation: Operation; accounts: ChosenAccounts }
  | { kind: 'exists'; known: OperationWithTiming };

/** Durable write 1 of a payment that was registered before: it becomes `processing` and gets its sale or authorisation. */
export async function beginOnCreated(
  context: Context,
  wanted: Wanted,
  paymentId: string,
): Promise<BegunOnCreated> {
  const registered = await readPayment(context, wanted, paymentId);
  const account = await openAccount(context, wanted, { id: registered.provider_account_id });
  const accounts = { provider: account, vault: await chooseVault(context, wanted, account) };
  try {
    const begun = await insertFirstOperation(context, wanted, paymentId, accounts);
    if (begun !== undefined) return { kind: 'begun', operation: begun.operation, accounts };
  } catch (error) {
    // Lost at COMMIT it may be stored, and then the sweeper charges it: 503 would say that nothing was done.
    if (isDatabaseUnavailable(error))
      throw new AppError('in_progress', { retryAfterSeconds: 1, cause: error });
    if (!isTaken(error)) throw error;
  }
  const known = await findOperation(context, wanted.merchantId, wanted.operationId);
  if (known !== undefined) return { kind: 'exists', known };
  const { status } = await readPayment(context, wanted, paymentId);
  throw refusalOf('authorize', status);
}

async function readPayment(context: Context, wanted: Wanted, paymentId: string): Promise<PaymentRow> {
  const { rows } = await context.pool.query<PaymentRow>({
    name: 'read-registered-payment',
    text: `select ${PAYMENT_COLUMNS} from payments p where p.merchant_id = $1 and p.id = $2 and p.mode = $3`,
    values: [wanted.merchantId, paymentId, wanted.mode],
  });
  const row = rows[0];
  if (row === undefined) throw new AppError('not_found');
  return row;
}

async function insertFirstOperation(
  context: Context,
  wanted: Wanted,
  paymentId: string,
  { provider, vault }: ChosenAccounts,
): Promise<OperationWithTiming | undefined> {
  const { rows } = await context.pool.query<OperationRow & PaymentRow>({
    name: 'begin-on-created',
    text: `
      with p as (
        update payments p set status = 'processing', version = p.version + 1, updated_at = now()
         where p.merchant_id = $1 and p.id = $2 and p.mode = $3 and p.status = 'created' and p.busy_operation_id is null
        returning p.*
      ), o as (
        insert into operations (merchant_id, id, payment_id, kind, state, attempt, due_at, fingerprint, amount_minor, currency,
          provider, provider_account_id, provider_account_version, vault_account_id, vault_account_version, card_token,
          return_url, actor, request_id, address, options)
        select p.merchant_id, $4, p.id, case p.capture_method when 'manual' then 'authorize' else 'sale' end, 'sent', 1,
          now() + make_interval(secs => $5::float8 / 1000), $6, p.amount_minor, p.currency, p.provider, p.provider_account_id,
          $7, $8, $9, $10, $11, $12, $13, $14,
          coalesce((select c.options from operations c
                     where c.merchant_id = p.merchant_id and c.payment_id = p.id and c.kind = 'create'), '{}') || $15::jsonb
          from p
        returning *
      ), event as (
        insert into payment_events (merchant_id, payment_id, version, type, from_status, to_status, operation_id, attempt,
          actor, request_id, address, details, amount_minor)
        select merchant_id, id, version, 'payment.processing', 'created', status, $4, 1, $12, $13, $14, '{}', amount_minor from p
      ), outbox as (
        insert into outbox (merchant_id, payment_id, version, type, data)
        select merchant_id, id, version, 'payment.processing', json_build_object('status', status, 'mode', mode, 'amount',
          amount_minor, 'currency', currency, 'booking_reference', booking_reference) from p
      )
      select ${OPERATION_COLUMNS}, ${PAYMENT_COLUMNS} from o join p on p.id = o.payment_id`,
    values: [
      wanted.merchantId,
      paymentId,
      wanted.mode,
      wanted.operationId,
      context.config.operationLeaseMs,
      wanted.fingerprint,
      provider.version,
      vault?.id ?? null,
      vault?.version ?? null,
      wanted.cardToken,
      wanted.returnUrl ?? null,
      wanted.actor,
      wanted.requestId,
      wanted.address,
      descriptorOf(provider),
    ],
  });
  const row = rows[0];
  return row === undefined ? undefined : toOperation(row);
}
