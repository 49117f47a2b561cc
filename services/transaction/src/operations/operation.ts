import { toPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import type { Payment } from '../payments/payment.ts';
import { PAYMENT_COLUMNS, toPayment } from '../payments/payment.ts';
import type { PaymentRow } from '../payments/payment.ts';
import type { OpenedAccount } from '../providers/provider-account.ts';
import type { SaleAttempt } from '../providers/provider.ts';

export type OperationState = 'prepared' | 'sent' | 'succeeded' | 'declined' | 'unknown';

/** One attempt of one provider action on a payment, as stored. */
export type Operation = {
  merchantId: string;
  id: string;
  kind: 'sale';
  state: OperationState;
  /** The fence: only the holder of the current number may settle. */
  attempt: number;
  mayHaveCharged: boolean;
  fingerprint: Buffer;
  cardToken: string;
  returnUrl: string | undefined;
  providerAccountId: string;
  providerAccountVersion: number;
  vaultAccountId: string | undefined;
  vaultAccountVersion: number | undefined;
  providerReference: string | undefined;
  requestId: string;
  createdAt: Date;
  payment: Payment;
};

/** What the database's clock says of an operation at the moment of reading. */
export type OperationTiming = {
  isLeased: boolean;
  isExpired: boolean;
  ageMs: number;
  absentForMs: number | undefined;
};

type OperationRow = {
  operation_id: string;
  kind: 'sale';
  state: OperationState;
  attempt: number;
  may_have_charged: boolean;
  fingerprint: Buffer;
  card_token: string;
  return_url: string | null;
  operation_account_id: string;
  provider_account_version: number;
  vault_account_id: string | null;
  vault_account_version: number | null;
  operation_reference: string | null;
  request_id: string;
  operation_created_at: Date;
  is_leased: boolean;
  is_expired: boolean;
  age_ms: number;
  absent_for_ms: number | null;
};

// A reply is kept for 30 days; after that a key is refused rather than charged or answered from memory.
export const OPERATION_COLUMNS = `
  o.id as operation_id, o.kind, o.state, o.attempt, o.may_have_charged, o.fingerprint, o.card_token, o.return_url,
  o.provider_account_id as operation_account_id, o.provider_account_version, o.vault_account_id, o.vault_account_version,
  o.provider_reference as operation_reference, o.request_id, o.created_at as operation_created_at,
  o.due_at > now() as is_leased, o.created_at < now() - interval '30 days' as is_expired,
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
      attempt: row.attempt,
      mayHaveCharged: row.may_have_charged,
      fingerprint: row.fingerprint,
      cardToken: row.card_token,
      returnUrl: row.return_url ?? undefined,
      providerAccountId: row.operation_account_id,
      providerAccountVersion: row.provider_account_version,
      vaultAccountId: row.vault_account_id ?? undefined,
      vaultAccountVersion: row.vault_account_version ?? undefined,
      providerReference: row.operation_reference ?? undefined,
      requestId: row.request_id,
      createdAt: row.operation_created_at,
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

/** The operation with its payment, or undefined. */
export async function findOperation(
  context: Pick<Context, 'pool'>,
  merchantId: string,
  operationId: string,
): Promise<OperationWithTiming | undefined> {
  const { rows } = await context.pool.query<OperationRow & PaymentRow>({
    name: 'find-operation',
    text: `select ${OPERATION_COLUMNS}, ${PAYMENT_COLUMNS}
             from operations o join payments p on p.merchant_id = o.merchant_id and p.id = o.payment_id
            where o.merchant_id = $1 and o.id = $2`,
    values: [merchantId, operationId],
  });
  const row = rows[0];
  return row === undefined ? undefined : toOperation(row);
}

/**
 * Takes the operations that are due: leases past their end, unknown ones at their next check, released ones past their
 * time. Each claim raises the fence, so whoever held one before writes nothing any more. Several sweepers share the
 * work: each row goes to one of them.
 */
export async function claimDue(context: Context, limit: number): Promise<OperationWithTiming[]> {
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
               -- Whoever held a sent operation may have got as far as the charge.
               may_have_charged = o.may_have_charged or o.state <> 'prepared'
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
              set state = 'sent', attempt = attempt + 1, due_at = now() + make_interval(secs => $3::float8 / 1000)
            where merchant_id = $1 and id = $2 and state = 'prepared'
        returning attempt`,
    values: [operation.merchantId, operation.id, context.config.operationLeaseMs],
  });
  const row = rows[0];
  return row === undefined ? undefined : { ...operation, state: 'sent', attempt: row.attempt };
}

/** The operation as a provider sees it. */
export function toSaleAttempt(
  operation: Operation,
  account: OpenedAccount,
  vaultAccount: OpenedAccount | undefined,
): SaleAttempt {
  const { payment } = operation;
  return {
    providerKey: providerKeyOf(operation.id),
    operationId: operation.id,
    paymentId: toPublicId('pay', payment.id),
    money: payment.money,
    cardToken: operation.cardToken,
    bookingReference: payment.bookingReference,
    description: payment.description,
    guest: payment.guest,
    returnUrl: operation.returnUrl,
    createdAt: operation.createdAt,
    account,
    vaultAccount,
  };
}

/** The key of every call to a provider for this operation: the same for each attempt, so that no attempt adds an effect. */
export function providerKeyOf(operationId: string): string {
  return `centra-${operationId}`;
}
