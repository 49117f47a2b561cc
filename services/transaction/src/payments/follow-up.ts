import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { OperationState as StateMessage } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { FollowUp } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { isDatabaseUnavailable } from '@centra/service-kit/database.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { Money } from '@centra/money/money.ts';
import type { Context } from '../context.ts';
import { paymentAsAnswered, readBack } from '../operations/answer.ts';
import { askProvider, settle } from '../operations/attempt.ts';
import { claimPrepared, findOperation, OPERATION_COLUMNS, toOperation } from '../operations/operation.ts';
import type {
  Operation,
  OperationOptions,
  OperationRow,
  OperationState,
  OperationWithTiming,
} from '../operations/operation.ts';
import { chooseFollowUpAccount, reopenAccounts } from '../providers/choose-accounts.ts';
import type { OpenedAccount } from '../providers/provider-account.ts';
import type { FollowUpAttempt, Provider } from '../providers/provider.ts';
import { isTaken } from './create-payment.ts';
import { refusalOf } from './legal-operations.ts';
import { PAYMENT_COLUMNS, toPayment } from './payment.ts';
import type { Payment, PaymentRow } from './payment.ts';

/** What was asked for on an existing payment. */
export type FollowUpWanted = {
  kind: FollowUpAttempt['kind'];
  operationId: string;
  merchantId: string;
  mode: 'test' | 'live';
  fingerprint: Buffer;
  paymentId: string;
  /** Undefined: all that is left. For an adjustment the new total. */
  money: Money | undefined;
  isFinal: boolean;
  reason: string;
  options: OperationOptions;
  actor: string;
  requestId: string;
  address: string;
};

/** One kind of operation: the part of write 1 that is its own, and the words of its refusals. */
export type FollowUpRule = {
  /** Assignments to `payments p` that reserve what is asked for. */
  reserve: string;
  /** All conditions under which it may begin. One statement checks and reserves; nothing is read before it is written. */
  guard: string;
  /** The amount of the operation, from the row after (`p`) and before (`old`). */
  amount: string;
  eventType: string;
  /** What the provider cannot do at all, before anything is stored. */
  checkSupported?(wanted: FollowUpWanted, payment: Payment, provider: Provider): void;
  /** Why the guard refused a payment in a legal status; undefined when that cannot be told any more. */
  refusal(wanted: FollowUpWanted, payment: Payment): AppError | undefined;
};

/** How a follow-up ended, or stands. */
export type FollowUpAnswer = { operation: Operation; payment: Payment; replayed: boolean };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
// Of reasons and of what a hotel notes on a refund; the public door is stricter.
const TEXT_MAX = 4_000;

/** What only a broken caller can get wrong; the public door has checked the rest with its own words. */
export function readFollowUp(
  followUp: FollowUp | undefined,
  rest: Pick<FollowUpWanted, 'kind' | 'isFinal' | 'reason' | 'options'> & { amount: Money | undefined },
): FollowUpWanted {
  const { amount, ...own } = rest;
  const errors = [
    ...(UUID.test(followUp?.operationId ?? '') ? [] : [{ field: 'operation_id', reason: 'is not a UUID' }]),
    ...(UUID.test(followUp?.merchantId ?? '') ? [] : [{ field: 'merchant_id', reason: 'is not a UUID' }]),
    ...(followUp?.requestFingerprint.length === 32
      ? []
      : [{ field: 'request_fingerprint', reason: 'is not 32 bytes' }]),
    ...(followUp?.mode === Mode.MODE_TEST || followUp?.mode === Mode.MODE_LIVE
      ? []
      : [{ field: 'mode', reason: 'is missing' }]),
    ...(amount === undefined ||
    (amount.amountMinor >= 1n && amount.amountMinor <= BigInt(Number.MAX_SAFE_INTEGER))
      ? []
      : [{ field: 'amount', reason: 'is not between 1 and 2^53 - 1' }]),
    ...textErrors(followUp, rest),
  ];
  if (followUp === undefined || errors.length > 0) throw new AppError('validation_failed', { errors });
  const paymentId = fromPublicId('pay', followUp.paymentId);
  if (paymentId === undefined) throw new AppError('not_found');
  return {
    ...own,
    operationId: followUp.operationId,
    merchantId: followUp.merchantId,
    mode: followUp.mode === Mode.MODE_LIVE ? 'live' : 'test',
    fingerprint: Buffer.from(followUp.requestFingerprint),
    paymentId,
    money: amount,
    actor: followUp.origin?.actor ?? '',
    requestId: followUp.origin?.requestId ?? '',
    address: followUp.origin?.address ?? '',
  };
}

function textErrors(
  followUp: FollowUp | undefined,
  { reason, options, amount }: Parameters<typeof readFollowUp>[1],
): { field: string; reason: string }[] {
  const texts = {
    currency: amount?.currency ?? '',
    reason,
    metadata: JSON.stringify(Object.entries(options.metadata ?? {}).flat()),
    origin: JSON.stringify(Object.values(followUp?.origin ?? {})),
  };
  return Object.entries(texts).flatMap(([field, text]) =>
    text.includes('\0') || text.includes('\\u0000') || text.length > 50 * TEXT_MAX
      ? [{ field, reason: 'holds a NUL character or is too long' }]
      : [],
  );
}

/**
 * Runs an operation on an existing payment: one statement checks, reserves and stores it, then the provider is asked with no
 * transaction open, then one statement stores what came of it. The operation id makes any repetition find the first.
 */
export async function runFollowUp(
  context: Context,
  wanted: FollowUpWanted,
  rule: FollowUpRule,
): Promise<FollowUpAnswer> {
  const begun = await begin(context, wanted, rule);
  if (begun.kind === 'exists') return await repeat(context, wanted, begun.known);
  context.config.failpoint(`${wanted.kind}.after-write-1`);
  return await run(context, begun.operation, begun.account);
}

type BegunFollowUp =
  | { kind: 'begun'; operation: Operation; account: OpenedAccount }
  | { kind: 'exists'; known: OperationWithTiming };

async function begin(context: Context, wanted: FollowUpWanted, rule: FollowUpRule): Promise<BegunFollowUp> {
  const payment = await readPayment(context, wanted);
  let account: OpenedAccount;
  try {
    account = await chooseFollowUpAccount(context, wanted, payment);
    rule.checkSupported?.(wanted, payment, context.providers.choose(account.provider));
  } catch (error) {
    // A repeated key gets its first answer even when the hotel has since disconnected the account.
    const known = await findOperation(context, wanted.merchantId, wanted.operationId);
    if (known === undefined) throw error;
    return { kind: 'exists', known };
  }
  context.config.failpoint(`${wanted.kind}.before-write-1`);
  for (let tries = 1; ; tries += 1) {
    const operation = await insertDespiteLostConnection(context, wanted, rule, account);
    if (operation !== undefined) return { kind: 'begun', operation, account };
    // Among other reasons nothing was inserted because it was before, by a try whose answer was lost.
    const known = await readBack(
      async () => await findOperation(context, wanted.merchantId, wanted.operationId),
    );
    if (known !== undefined) return { kind: 'exists', known };
    const refused = refusal(wanted, rule, await readPayment(context, wanted));
    // The payment has changed since the statement refused, and would allow it now: a capture came between, for example.
    if (refused.code !== 'state_conflict' || tries === BEGIN_TRIES_MAX) throw refused;
  }
}

// Each try meets the payment as it is; one that changes so often is told to come again.
const BEGIN_TRIES_MAX = 3;

function refusal(wanted: FollowUpWanted, rule: FollowUpRule, payment: Payment): AppError {
  const byStatus = refusalOf(wanted.kind, payment.status);
  if (byStatus.code !== 'state_conflict') return byStatus;
  const { money } = wanted;
  if (money !== undefined && money.currency !== payment.money.currency)
    return new AppError('currency_mismatch', { extra: { payment_currency: payment.money.currency } });
  return rule.refusal(wanted, payment) ?? byStatus;
}

async function readPayment(context: Context, wanted: FollowUpWanted): Promise<Payment> {
  const { rows } = await context.pool.query<PaymentRow>({
    name: 'read-payment',
    text: `select ${PAYMENT_COLUMNS} from payments p where p.merchant_id = $1 and p.id = $2 and p.mode = $3`,
    values: [wanted.merchantId, wanted.paymentId, wanted.mode],
  });
  const row = rows[0];
  if (row === undefined) throw new AppError('not_found');
  return toPayment(row);
}

// A second try meets the row of the first, if that was written; a third covers a database that restarts.
const INSERT_ATTEMPTS_MAX = 3;

/**
 * A connection lost at COMMIT leaves open whether write 1 happened. Writing again finds out: then the operation exists, and
 * as nobody was asked yet the sweeper takes it up when its lease ends, or the same key is told that it is in progress.
 */
async function insertDespiteLostConnection(
  context: Context,
  wanted: FollowUpWanted,
  rule: FollowUpRule,
  account: OpenedAccount,
): Promise<Operation | undefined> {
  let mayBeStored = false;
  for (let tries = 1; ; tries += 1) {
    try {
      return await insert(context, wanted, rule, account);
    } catch (error) {
      if (isTaken(error)) return undefined;
      const isAway = isDatabaseUnavailable(error);
      mayBeStored ||= isAway;
      if (!isAway) throw error;
      if (tries === INSERT_ATTEMPTS_MAX)
        throw new AppError('in_progress', { retryAfterSeconds: 1, cause: error });
      context.log.warn(
        { err: error, operationId: wanted.operationId, requestId: wanted.requestId, tries },
        'operation not begun yet',
      );
    }
  }
}

async function insert(
  context: Context,
  wanted: FollowUpWanted,
  rule: FollowUpRule,
  account: OpenedAccount,
): Promise<Operation | undefined> {
  const { rows } = await context.pool.query<OperationRow & PaymentRow>({
    name: `begin-${wanted.kind}`,
    text: beginSql(wanted.kind, rule),
    values: [
      wanted.merchantId,
      wanted.paymentId,
      wanted.mode,
      wanted.operationId,
      wanted.money?.amountMinor ?? null,
      wanted.money?.currency ?? null,
      wanted.isFinal,
      context.config.operationLeaseMs,
      wanted.fingerprint,
      account.version,
      wanted.reason,
      wanted.options,
      wanted.actor,
      wanted.requestId,
      wanted.address,
    ],
  });
  const row = rows[0];
  return row === undefined ? undefined : toOperation(row).operation;
}

/**
 * Durable write 1 of a follow-up. The conditional update is the limit (reliability rule 5): of two callers the second
 * waits for the row, sees the first's reservation and finds the condition false. $5 and $6 are amount and currency, $7
 * whether a capture is the last.
 */
function beginSql(kind: FollowUpWanted['kind'], rule: FollowUpRule): string {
  return `
    with p as (
      update payments p
         set version = p.version + 1, updated_at = now(), ${rule.reserve}
       where p.merchant_id = $1 and p.id = $2 and p.mode = $3
         and ($6::text is null or p.currency = $6::text) and $7::boolean is not null
         and not exists (select from operations where merchant_id = $1 and id = $4)
         and ${rule.guard}
      returning p.*, old.status as from_status, ${rule.amount} as operation_amount
    ), o as (
      insert into operations (merchant_id, id, payment_id, kind, state, attempt, due_at, fingerprint, amount_minor, currency,
        provider, provider_account_id, provider_account_version, is_final, reason, options, actor, request_id, address)
      select p.merchant_id, $4, p.id, '${kind}', 'sent', 1, now() + make_interval(secs => $8::float8 / 1000), $9,
        p.operation_amount, p.currency, p.provider, p.provider_account_id, $10, $7, $11, $12, $13, $14, $15
        from p
      returning *
    ), event as (
      insert into payment_events (merchant_id, payment_id, version, type, from_status, to_status, operation_id, attempt, actor,
        request_id, address, details, amount_minor, authorized_minor, captured_minor, refunded_minor, authorize_pending_minor,
        capture_pending_minor, refund_pending_minor, hold_open, hold_expires_at, disputed)
      select merchant_id, id, version, '${rule.eventType}', from_status, status, $4, 1, $13, $14, $15,
        jsonb_strip_nulls(jsonb_build_object('amount', operation_amount::text, 'reason', nullif($11::text, ''))),
        amount_minor, authorized_minor, captured_minor, refunded_minor, authorize_pending_minor, capture_pending_minor,
        refund_pending_minor, hold_open, hold_expires_at, disputed from p
    ), outbox as (
      insert into outbox (merchant_id, payment_id, version, type, data)
      select merchant_id, id, version, '${rule.eventType}', json_build_object('status', status, 'mode', mode, 'amount',
        amount_minor, 'currency', currency, 'amount_authorized', authorized_minor, 'amount_captured', captured_minor,
        'amount_refunded', refunded_minor, 'booking_reference', booking_reference, 'operation_id', $4::uuid) from p
    )
    select ${OPERATION_COLUMNS}, ${PAYMENT_COLUMNS} from o join p on p.id = o.payment_id`;
}

/** Asks the provider and stores what came of it. */
async function run(context: Context, operation: Operation, account: OpenedAccount): Promise<FollowUpAnswer> {
  // What waits for another outcome, and what no provider knows of, is the sweeper's from the start.
  if (operation.payment.status === 'processing' || operation.payment.status === 'requires_action')
    return await waitForOutcome(context, operation);
  context.config.failpoint(`${operation.kind}.before-provider`);
  const outcome =
    operation.payment.status === 'created'
      ? ({ kind: 'succeeded', providerReference: '' } as const)
      : await askProvider(context, operation, { provider: account, vault: undefined });
  context.config.failpoint(`${operation.kind}.after-provider`);
  let isWritten: boolean;
  try {
    isWritten = (await settle(context, operation, outcome)) !== undefined;
  } catch (error) {
    // The provider was asked, so nothing may be refused any more: the sweeper finds the outcome when the lease ends.
    context.log.error(
      { err: error, operationId: operation.id, requestId: operation.requestId, outcome: outcome.kind },
      'an outcome could not be stored',
    );
    return { operation, payment: operation.payment, replayed: false };
  }
  context.config.failpoint(`${operation.kind}.after-write-2`);
  // Not when another holder took it over while we slept past our lease: that one may be sending at this moment.
  if (isWritten && outcome.kind === 'not_sent' && !operation.mayHaveCharged)
    throw new AppError('provider_unreachable', { retryAfterSeconds: 2, internal: outcome.reason });
  const { merchantId, id } = operation;
  const settled = await readBack(async () => await findOperation(context, merchantId, id));
  if (settled === undefined) throw new Error('an operation was settled and cannot be found');
  return await answer(context, settled.operation, false);
}

/** A void of a payment whose outcome is open: whoever asks for the outcome is hurried, and the void follows it. */
async function waitForOutcome(context: Context, operation: Operation): Promise<FollowUpAnswer> {
  const { rows } = await readBack(async () => await hurryOutcome(context, operation));
  return {
    operation: { ...operation, state: rows[0]?.state ?? operation.state },
    payment: operation.payment,
    replayed: false,
  };
}

async function hurryOutcome(
  context: Context,
  operation: Operation,
): Promise<{ rows: { state: OperationState }[] }> {
  return await context.pool.query<{ state: OperationState }>({
    name: 'wait-for-outcome',
    text: `
      with waiting as (
        update operations set state = 'unknown', due_at = now(), unknown_reason = 'the payment''s own outcome is open'
         where merchant_id = $1 and id = $2 and attempt = $4 and state = 'sent' returning state
      ), hurried as (
        -- Only where nobody is asking at this moment: settled back to the sweeper, or waiting for the guest.
        update operations set due_at = now()
         where merchant_id = $1 and payment_id = $3 and kind in ('sale', 'authorize')
           and (state in ('prepared', 'unknown') or (state = 'sent' and provider_reference is not null))
      )
      select state from waiting`,
    values: [operation.merchantId, operation.id, operation.payment.id, operation.attempt],
  });
}

/** A second call with the same operation id: the first one's outcome, or why there is none to give. */
async function repeat(
  context: Context,
  wanted: FollowUpWanted,
  { operation, timing }: OperationWithTiming,
): Promise<FollowUpAnswer> {
  const ids = { payment_id: toPublicId('pay', operation.payment.id) };
  if (!operation.fingerprint.equals(wanted.fingerprint)) throw new AppError('idempotency_key_reused');
  if (timing.isExpired) throw new AppError('idempotency_key_expired', { extra: ids });
  switch (operation.state) {
    case 'succeeded':
    case 'declined':
    case 'unknown':
      return await answer(context, operation, true);
    case 'sent':
      if (operation.providerReference === undefined && timing.isLeased)
        throw new AppError('in_progress', { retryAfterSeconds: 1, extra: ids });
      return await answer(context, operation, true);
    case 'prepared':
      return await resume(context, operation);
    default:
      throw new Error(`no answer for state ${String(operation.state satisfies never)}`);
  }
}

/** A call that was told "nothing was sent" comes again with its key: it is taken up where it was left. */
async function resume(context: Context, operation: Operation): Promise<FollowUpAnswer> {
  const accounts = await reopenAccounts(context, operation);
  const claimed = await readBack(async () => await claimPrepared(context, operation));
  if (claimed === undefined) throw new AppError('in_progress', { retryAfterSeconds: 1 });
  return await run(context, claimed, accounts.provider);
}

async function answer(context: Context, operation: Operation, replayed: boolean): Promise<FollowUpAnswer> {
  return { operation, payment: await paymentAsAnswered(context, operation), replayed };
}

const STATE_MESSAGES = {
  prepared: StateMessage.OPERATION_STATE_PREPARED,
  sent: StateMessage.OPERATION_STATE_SENT,
  succeeded: StateMessage.OPERATION_STATE_SUCCEEDED,
  declined: StateMessage.OPERATION_STATE_DECLINED,
  unknown: StateMessage.OPERATION_STATE_UNKNOWN,
} as const satisfies Record<OperationState, StateMessage>;

/** The state of an operation on the wire. */
export function toStateMessage(state: OperationState): StateMessage {
  return STATE_MESSAGES[state];
}
