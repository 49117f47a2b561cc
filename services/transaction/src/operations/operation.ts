import type { Money } from '@centra/money/money.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import type { Payment } from '../payments/payment.ts';
import { PAYMENT_COLUMNS, toPayment } from '../payments/payment.ts';
import type { PaymentRow } from '../payments/payment.ts';
import type { Failure } from '../providers/failure.ts';
import type { OpenedAccount } from '../providers/provider-account.ts';
import type { Route } from '../routing/choose-route.ts';
import type { ChargeAttempt, FollowUpAttempt, HostedAttempt } from '../providers/provider.ts';

export type OperationState = 'prepared' | 'sent' | 'succeeded' | 'declined' | 'unknown';
/** `create` registers a payment and asks no provider. */
export type OperationKind = 'create' | 'sale' | 'authorize' | 'capture' | 'void' | 'refund' | 'adjust';

/** What was asked for beyond the amount; absent members were not. Stored as it is. */
export type OperationOptions = {
  extras?: ChargeAttempt['extras'];
  allowPartialApproval?: boolean;
  retrySoftDeclines?: boolean;
  /** The provider's own page instead of a card, and how many minutes it stays open. */
  hosted?: { successUrl: string; cancelUrl: string; minutes: number };
  /** What guests read on their statement: kept, because a provider's key is good for the same words only. */
  statementDescriptor?: string;
  /** By which route of the hotel's its account was chosen; absent: no rule had a say. */
  routing?: Route;
  /** The hotel's own values on a refund. */
  metadata?: Readonly<Record<string, string>>;
};

/** One attempt of one provider action on a payment, as stored. */
export type Operation = {
  merchantId: string;
  id: string;
  kind: OperationKind;
  state: OperationState;
  /** 1 for what a client asked for; one more with each retry of a soft decline. */
  sequence: number;
  /** The fence: only the holder of the current number may settle. */
  attempt: number;
  mayHaveCharged: boolean;
  fingerprint: Buffer;
  /** What it is about; for an adjustment the new total of the hold. */
  money: Money;
  cardToken: string | undefined;
  returnUrl: string | undefined;
  /** Of a capture: whether it lets go of the rest. */
  isFinal: boolean;
  reason: string;
  options: OperationOptions;
  /** Why it was declined. */
  failure: Failure | undefined;
  providerAccountId: string;
  providerAccountVersion: number;
  vaultAccountId: string | undefined;
  vaultAccountVersion: number | undefined;
  providerReference: string | undefined;
  actor: string;
  requestId: string;
  address: string;
  createdAt: Date;
  finishedAt: Date | undefined;
  payment: Payment;
};

/** What the database's clock says of an operation at the moment of reading. */
export type OperationTiming = {
  isLeased: boolean;
  isExpired: boolean;
  ageMs: number;
  absentForMs: number | undefined;
};

export type OperationRow = {
  operation_id: string;
  kind: OperationKind;
  state: OperationState;
  sequence: number;
  attempt: number;
  may_have_charged: boolean;
  fingerprint: Buffer;
  operation_amount: bigint;
  card_token: string | null;
  return_url: string | null;
  is_final: boolean;
  reason: string;
  options: OperationOptions;
  operation_failure: Failure | null;
  operation_account_id: string;
  provider_account_version: number;
  vault_account_id: string | null;
  vault_account_version: number | null;
  operation_reference: string | null;
  actor: string;
  request_id: string;
  address: string;
  operation_created_at: Date;
  finished_at: Date | null;
  is_leased: boolean;
  is_expired: boolean;
  age_ms: number;
  absent_for_ms: number | null;
};

// A reply is kept for 30 days; after that a key is refused rather than charged or answered from memory.
export const OPERATION_COLUMNS = `
  o.id as operation_id, o.kind, o.state, o.sequence, o.attempt, o.may_have_charged, o.fingerprint,
  o.amount_minor as operation_amount, o.card_token, o.return_url, o.is_final, o.reason, o.options,
  o.failure as operation_failure, o.provider_account_id as operation_account_id, o.provider_account_version,
  o.vault_account_id, o.vault_account_version, o.provider_reference as operation_reference, o.actor, o.request_id, o.address,
  o.created_at as operation_created_at, o.finished_at, o.due_at > now() as is_leased,
  o.created_at < now() - interval '30 days' as is_expired,
  (extract(epoch from now() - o.created_at) * 1000)::float8 as age_ms,
  (extract(epoch from now() - o.absent_since) * 1000)::float8 as absent_for_ms`;

export type OperationWithTiming = { operation: Operation; timing: OperationTiming };

/** Joins the two halves of a row that was selected with OPERATION_COLUMNS and PAYMENT_COLUMNS. */
export function toOperation(row: OperationRow & PaymentRow): OperationWithTiming {
  const payment = toPayment(row);
  return {
    operation: {
      merchantId: payment.merchantId,
      id: row.operation_id,
      kind: row.kind,
      state: row.state,
      sequence: row.sequence,
      attempt: row.attempt,
      mayHaveCharged: row.may_have_charged,
      fingerprint: row.fingerprint,
      money: { amountMinor: row.operation_amount, currency: payment.money.currency },
      cardToken: row.card_token ?? undefined,
      returnUrl: row.return_url ?? undefined,
      isFinal: row.is_final,
      reason: row.reason,
      options: row.options,
      failure: row.operation_failure ?? undefined,
      providerAccountId: row.operation_account_id,
      providerAccountVersion: row.provider_account_version,
      vaultAccountId: row.vault_account_id ?? undefined,
      vaultAccountVersion: row.vault_account_version ?? undefined,
      providerReference: row.operation_reference ?? undefined,
      actor: row.actor,
      requestId: row.request_id,
      address: row.address,
      createdAt: row.operation_created_at,
      finishedAt: row.finished_at ?? undefined,
      payment,
    },
    timing: {
      isLeased: row.is_leased,
      isExpired: row.is_expired,
      ageMs: row.age_ms,
      absentForMs: row.absent_for_ms ?? undefined,
    },
  };
}

/** An operation by its id, with its payment; undefined when nobody began it. */
export async function findOperation(
  context: Pick<Context, 'pool'>,
  merchantId: string,
  operationId: string,
): Promise<OperationWithTiming | undefined> {
  const { rows } = await context.pool.query<OperationRow & PaymentRow>({
    name: 'find-operation',
    text: `
      select ${OPERATION_COLUMNS}, ${PAYMENT_COLUMNS}
        from operations o join payments p on p.merchant_id = o.merchant_id and p.id = o.payment_id
       where o.merchant_id = $1 and o.id = $2`,
    values: [merchantId, operationId],
  });
  const row = rows[0];
  return row === undefined ? undefined : toOperation(row);
}

/**
 * Takes operations whose time has come, raises their fence and gives them a new lease. Whoever held one before writes
 * nothing any more. Several sweepers share the work: each row goes to one of them.
 */
export async function claimDue(
  context: Pick<Context, 'pool' | 'config'>,
  limit: number,
): Promise<OperationWithTiming[]> {
  const { rows } = await context.pool.query<OperationRow & PaymentRow>({
    name: 'claim-due-operations',
    text: `
      with due as (
        select merchant_id, id from operations
         where state in ('prepared', 'sent', 'unknown') and due_at <= now()
         order by due_at limit $1
           for update skip locked
      ), o as (
        update operations o
           set attempt = o.attempt + 1,
               due_at = now() + make_interval(secs => $2::float8 / 1000),
               tried_at = now(),
               held_until = now() + make_interval(secs => $2::float8 / 1000),
               -- The time of a planned retry has come: from here on it may have charged.
               state = case when o.state = 'prepared' and o.sequence > 1 then 'sent' else o.state end,
               -- Whoever held a sent operation may have got as far as the charge. An unknown one carries the mark, unless
               -- it is a void that has only waited so far.
               may_have_charged = o.may_have_charged or o.state = 'sent'
          from due where o.merchant_id = due.merchant_id and o.id = due.id
        returning o.*
      )
      select ${OPERATION_COLUMNS}, ${PAYMENT_COLUMNS}
        from o join payments p on p.merchant_id = o.merchant_id and p.id = o.payment_id`,
    values: [limit, context.config.operationLeaseMs],
  });
  return rows.map(toOperation);
}

/** Takes one operation that was released unsent, for the caller who repeats its key. Undefined when another was faster. */
export async function claimPrepared(context: Context, operation: Operation): Promise<Operation | undefined> {
  const { rows } = await context.pool.query<{ attempt: number }>({
    name: 'claim-prepared-operation',
    text: `update operations
              set state = 'sent', attempt = attempt + 1, due_at = now() + make_interval(secs => $3::float8 / 1000),
                  tried_at = now(), held_until = now() + make_interval(secs => $3::float8 / 1000)
            where merchant_id = $1 and id = $2 and state = 'prepared'
        returning attempt`,
    values: [operation.merchantId, operation.id, context.config.operationLeaseMs],
  });
  const row = rows[0];
  return row === undefined ? undefined : { ...operation, state: 'sent', attempt: row.attempt };
}

/** A sale or authorisation as a provider sees it. */
export function toChargeAttempt(
  operation: Operation,
  account: OpenedAccount,
  vaultAccount: OpenedAccount | undefined,
): ChargeAttempt {
  const { payment, options } = operation;
  return {
    ...attemptOf(operation, account),
    captureMethod: operation.kind === 'authorize' ? 'manual' : 'automatic',
    cardToken: operation.cardToken ?? '',
    description: payment.description,
    guest: payment.guest,
    returnUrl: operation.returnUrl,
    vaultAccount,
    initiation: payment.initiation,
    originalNetworkTransactionId: payment.originalNetworkTransactionId,
    extras: options.extras ?? NO_EXTRAS,
    allowPartialApproval: options.allowPartialApproval ?? false,
    ...descriptorOf(options),
  };
}

const NO_EXTRAS = { multipleCapture: false, incremental: false, overcapture: false, extended: false };

/** The same on the provider's own page; undefined when the operation has a card. */
export function toHostedAttempt(operation: Operation, account: OpenedAccount): HostedAttempt | undefined {
  const { payment, options } = operation;
  if (options.hosted === undefined) return undefined;
  return {
    ...attemptOf(operation, account),
    captureMethod: operation.kind === 'authorize' ? 'manual' : 'automatic',
    description: payment.description,
    guest: payment.guest,
    successUrl: options.hosted.successUrl,
    cancelUrl: options.hosted.cancelUrl,
    // From the database's time of the operation, so that each attempt with the key says the same.
    expiresAt: new Date(operation.createdAt.getTime() + options.hosted.minutes * 60_000 + PAGE_MARGIN_MS),
    extras: options.extras ?? NO_EXTRAS,
    ...descriptorOf(options),
  };
}

/** What guests read on their statement, from the account to the operation and from there to each attempt. */
export function descriptorOf({
  statementDescriptor,
}: Pick<OpenedAccount, 'statementDescriptor'>): Pick<OpenedAccount, 'statementDescriptor'> {
  return statementDescriptor === undefined ? {} : { statementDescriptor };
}

// The page opens a little after the operation began; the guest has the whole time.
const PAGE_MARGIN_MS = 30_000;

/** A capture, void, refund or adjustment as a provider sees it. */
export function toFollowUpAttempt(
  operation: Operation & { kind: FollowUpAttempt['kind'] },
  account: OpenedAccount,
): FollowUpAttempt {
  const { payment } = operation;
  if (payment.providerReference === undefined)
    throw new Error(`payment ${payment.id} has no reference at its provider`);
  return {
    ...attemptOf(operation, account),
    kind: operation.kind,
    paymentReference: payment.providerReference,
    providerReference: operation.providerReference,
    before: {
      authorizedMinor: payment.authorizedMinor,
      capturedMinor: payment.capturedMinor,
      refundedMinor: payment.refundedMinor,
    },
    isFinal: operation.isFinal,
    reason: operation.reason,
  };
}

function attemptOf(
  operation: Operation,
  account: OpenedAccount,
): Pick<
  ChargeAttempt,
  'providerKey' | 'operationId' | 'paymentId' | 'money' | 'bookingReference' | 'createdAt' | 'account'
> {
  return {
    providerKey: providerKeyOf(operation.id),
    operationId: operation.id,
    paymentId: toPublicId('pay', operation.payment.id),
    money: operation.money,
    bookingReference: operation.payment.bookingReference,
    createdAt: operation.createdAt,
    account,
  };
}

/** The key of every call to a provider for this operation: the same for each attempt, so that no attempt adds an effect. */
export function providerKeyOf(operationId: string): string {
  return `centra-${operationId}`;
}
