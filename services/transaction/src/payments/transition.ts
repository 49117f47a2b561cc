import { isDatabaseUnavailable } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { DatabaseError } from 'pg';
import { createMicroBatch } from '../micro-batch.ts';
import type { Operation } from '../operations/operation.ts';
import type { Failure } from '../providers/failure.ts';
import type { CardSummary } from '../providers/provider.ts';
import { STATUSES } from './payment.ts';
import type { Hold, Status } from './payment.ts';

/**
 * Every legal move of a payment. What is not here cannot be written. A move onto itself is a step that changes sums (a
 * capture asked for, a refund refused) and not the status.
 */
export const LEGAL_MOVES: Readonly<Record<Status, readonly Status[]>> = {
  created: ['processing', 'canceled', 'created'],
  processing: ['processing', 'requires_action', 'authorized', 'succeeded', 'failed', 'canceled'],
  requires_action: ['requires_action', 'authorized', 'succeeded', 'failed', 'canceled'],
  authorized: ['authorized', 'partially_captured', 'succeeded', 'canceled'],
  partially_captured: ['partially_captured', 'succeeded', 'partially_refunded', 'refunded'],
  succeeded: ['succeeded', 'partially_refunded', 'refunded'],
  partially_refunded: ['partially_refunded', 'refunded', 'succeeded'],
  refunded: ['refunded', 'partially_refunded', 'succeeded'],
  // Only when the provider itself says, asked again, that money was held or collected after all: see corrections.ts.
  canceled: ['canceled', 'authorized', 'succeeded'],
  failed: ['failed', 'authorized', 'succeeded'],
};

/** What an operation becomes after an attempt, and what its payment becomes with it. */
export type Transition = {
  operationState: 'prepared' | 'sent' | 'unknown' | 'succeeded' | 'declined';
  /** Undefined: the payment stays as it is. `derived`: what its sums make of it. */
  paymentStatus: Status | 'derived' | undefined;
  /** The step in the history and the outbox, for example `payment.captured`. */
  eventType: string | undefined;
  /** What is added to the payment's sums, in minor units; negative takes off. */
  add: Sums;
  /** A new amount of the payment as a whole. */
  newAmountMinor: bigint | undefined;
  hold: Hold | 'closed' | undefined;
  /** What the provider did of this operation. */
  settledMinor: bigint | undefined;
  providerReference: string | undefined;
  /** The payment's own id at the provider; undefined where `providerReference` is only the operation's. */
  paymentReference: string | undefined;
  networkTransactionId: string | undefined;
  card: CardSummary | undefined;
  /** Why the operation was declined. */
  failure: Failure | undefined;
  redirectUrl: string | undefined;
  cancellationReason: string | undefined;
  unknownReason: string | undefined;
  mayHaveCharged: boolean;
  /** When the sweeper takes it up, from now, while it is not settled. */
  dueInMs: number;
  /** Start (true) or drop (false) the proof of absence; undefined leaves it. */
  absent: boolean | undefined;
  /** The card vault holds a security code that must go. */
  wipeServiceCode: boolean;
  /** What else the history tells of this step. */
  details?: Readonly<Record<string, string>>;
};

export type Sums = {
  authorized: bigint;
  captured: bigint;
  refunded: bigint;
  authorizePending: bigint;
  capturePending: bigint;
  refundPending: bigint;
};

export const NO_SUMS: Sums = {
  authorized: 0n,
  captured: 0n,
  refunded: 0n,
  authorizePending: 0n,
  capturePending: 0n,
  refundPending: 0n,
};

/** `written` with the payment's new version and time, or `superseded`: another holder raised the fence, nothing was written. */
export type Written =
  | { kind: 'written'; status: Status; version: number; updatedAt: Date }
  | { kind: 'superseded' };

type Input = { operation: Operation; transition: Transition };
export type TransitionWriter = (operation: Operation, transition: Transition) => Promise<Written>;

// A hold of which everything was captured is over, whatever was asked for: no provider keeps a hold of nothing. Not while
// another capture of it is under way, which may still fail.
const HOLD_OPEN = `(coalesce(o.hold_open, p.hold_open)
                    and not (p.captured_minor + o.captured >= greatest(p.authorized_minor + o.authorized, 1)
                             and p.capture_pending_minor + o.capture_pending = 0))`;

/**
 * Durable write 2, and the only statement that moves a payment by what a provider said: operation, payment, history and
 * outbox together, guarded by the attempt number. A move that is not legal raises and writes nothing; sums that would break
 * a limit violate a constraint and write nothing.
 */
export const WRITE_TRANSITIONS_SQL = `
  with input as (
    select * from json_to_recordset($1::json) as i(
      merchant_id uuid, operation_id uuid, attempt int, state text, payment_status text, from_statuses text[],
      authorized bigint, captured bigint, refunded bigint, authorize_pending bigint, capture_pending bigint,
      refund_pending bigint, new_amount bigint, hold_open boolean, hold_expires_at timestamptz, hold_multiple boolean,
      hold_incremental boolean, overcapture bigint, settled bigint, provider_reference text, payment_reference text,
      network_id text, card jsonb, failure jsonb, payment_failure jsonb, next_action jsonb, canceled_why text,
      unknown_reason text, may_have_charged boolean, due_in_ms float8, absent boolean, wipe boolean, event_type text,
      details jsonb)
  ), operation as (
    update operations o
       set state = i.state,
           provider_reference = coalesce(i.provider_reference, o.provider_reference),
           unknown_reason = i.unknown_reason,
           may_have_charged = o.may_have_charged or i.may_have_charged,
           due_at = now() + make_interval(secs => i.due_in_ms / 1000),
           absent_since = case when i.absent then coalesce(o.absent_since, now()) when not i.absent then null
                               else o.absent_since end,
           service_code_wipe = case when i.wipe then 'due' else o.service_code_wipe end,
           failure = i.failure,
           settled_minor = coalesce(i.settled, o.settled_minor),
           finished_at = case when i.state in ('succeeded', 'declined') then now() end
      from input i
     where o.merchant_id = i.merchant_id and o.id = i.operation_id and o.attempt = i.attempt
       and o.state in ('prepared', 'sent', 'unknown')
    returning o.payment_id, o.attempt as held, o.actor, o.request_id, o.address, i.*
  ), payment as (
    update payments p
       set status = case when o.payment_status = 'derived'
                         then status_of_sums(${HOLD_OPEN}, p.captured_minor + o.captured,
                                             p.refunded_minor + o.refunded)
                         else o.payment_status end,
           version = p.version + 1,
           amount_minor = coalesce(o.new_amount, p.amount_minor),
           authorized_minor = p.authorized_minor + o.authorized,
           captured_minor = p.captured_minor + o.captured,
           refunded_minor = p.refunded_minor + o.refunded,
           authorize_pending_minor = p.authorize_pending_minor + o.authorize_pending,
           capture_pending_minor = p.capture_pending_minor + o.capture_pending,
           refund_pending_minor = p.refund_pending_minor + o.refund_pending,
           hold_open = ${HOLD_OPEN},
           hold_expires_at = coalesce(o.hold_expires_at, p.hold_expires_at),
           -- A new deadline is told anew, and looked at when it comes.
           hold_reminded_at = case when coalesce(o.hold_expires_at = p.hold_expires_at, o.hold_expires_at is null)
                                   then p.hold_reminded_at end,
           hold_due_at = case when coalesce(o.hold_expires_at = p.hold_expires_at, o.hold_expires_at is null)
                              then p.hold_due_at end,
           hold_multiple_capture = coalesce(o.hold_multiple, p.hold_multiple_capture),
           hold_incremental = coalesce(o.hold_incremental, p.hold_incremental),
           overcapture_minor = coalesce(o.overcapture, p.overcapture_minor),
           busy_operation_id = case when o.state in ('succeeded', 'declined') and p.busy_operation_id = o.operation_id
                                    then null else p.busy_operation_id end,
           provider_reference = coalesce(o.payment_reference, p.provider_reference),
           network_transaction_id = coalesce(o.network_id, p.network_transaction_id),
           card = coalesce(o.card, p.card),
           failure = o.payment_failure,
           next_action = o.next_action,
           -- In the words of whoever asked for it, where somebody did.
           cancellation_reason = case when o.canceled_why is not null and p.captured_minor + o.captured = 0 then coalesce(
             (select nullif(b.reason, '') from operations b where b.merchant_id = p.merchant_id and b.id = p.busy_operation_id),
             o.canceled_why) end,
           updated_at = now()
      from operation o
     where p.merchant_id = o.merchant_id and p.id = o.payment_id and o.payment_status is not null
       and p.status = any(o.from_statuses)
    returning p.*, old.status as from_status, o.operation_id, o.held, o.actor, o.request_id, o.address, o.event_type,
      o.details
  ), reference as (
    insert into provider_references (provider_reference, merchant_id, payment_id)
    select payment_reference, merchant_id, payment_id from operation where payment_reference is not null
    on conflict do nothing
  ), event as (
    insert into payment_events (merchant_id, payment_id, version, type, from_status, to_status, operation_id, attempt, actor,
      request_id, address, details, amount_minor, authorized_minor, captured_minor, refunded_minor, authorize_pending_minor,
      capture_pending_minor, refund_pending_minor, hold_open, hold_expires_at, hold_multiple_capture, hold_incremental,
      overcapture_minor, disputed)
    select merchant_id, id, version, event_type, from_status, status, operation_id, held, actor, request_id, address, details,
      amount_minor, authorized_minor, captured_minor, refunded_minor, authorize_pending_minor, capture_pending_minor,
      refund_pending_minor, hold_open, hold_expires_at, hold_multiple_capture, hold_incremental, overcapture_minor, disputed
      from payment
  ), outbox as (
    insert into outbox (merchant_id, payment_id, version, type, data)
    select merchant_id, id, version, event_type, json_build_object('status', status, 'mode', mode, 'amount', amount_minor,
      'currency', currency, 'amount_authorized', authorized_minor, 'amount_captured', captured_minor, 'amount_refunded',
      refunded_minor, 'booking_reference', booking_reference, 'operation_id', operation_id) from payment
  )
  select o.merchant_id, o.operation_id, payment.status, payment.version, payment.updated_at,
         case when o.payment_status is not null and payment.id is null
              then refuse_move(o.payment_id, o.payment_status) end as refused
    from operation o left join payment on payment.merchant_id = o.merchant_id and payment.id = o.payment_id`;

// As for write 1: see begin-operation.ts.
const STATEMENTS_UNDER_WAY = 2;
const BATCH_MAX = 32;
/** SQLSTATE that `refuse_move` raises: integrity constraint violation. */
export const ILLEGAL_MOVE_STATE = '23000';

type WrittenRow = {
  merchant_id: string;
  operation_id: string;
  status: Status | null;
  version: number | null;
  updated_at: Date | null;
};

/**
 * Writes transitions; concurrent sales and authorisations share a statement and its commit. What follows them goes alone:
 * several operations of one payment may settle at once, and one statement changes a row once only.
 */
export function createTransitionWriter(pool: Pool): TransitionWriter {
  const flush = async (inputs: readonly Input[]): Promise<Written[]> => await writeAll(pool, inputs);
  const writeTogether = createMicroBatch<Input, Written>({
    name: 'write transition',
    concurrency: STATEMENTS_UNDER_WAY,
    sizeMax: BATCH_MAX,
    // As for write 1.
    isItemFailure: (error) => error instanceof DatabaseError && !isDatabaseUnavailable(error),
    flush,
  });
  return async (operation, transition) => {
    if (operation.kind === 'sale' || operation.kind === 'authorize')
      return await writeTogether({ operation, transition });
    const [written] = await flush([{ operation, transition }]);
    if (written === undefined) throw new Error('a transition was written without an answer');
    return written;
  };
}

async function writeAll(pool: Pool, inputs: readonly Input[]): Promise<Written[]> {
  const { rows } = await pool.query<WrittenRow>({
    name: 'write-transitions',
    text: WRITE_TRANSITIONS_SQL,
    values: [JSON.stringify(inputs.map(toInput))],
  });
  // An operation id is unique within its merchant only.
  const written = new Map(rows.map((row) => [`${row.merchant_id} ${row.operation_id}`, row]));
  return inputs.map(({ operation: { merchantId, id, payment } }): Written => {
    const row = written.get(`${merchantId} ${id}`);
    if (row === undefined) return { kind: 'superseded' };
    return {
      kind: 'written',
      status: row.status ?? payment.status,
      version: row.version ?? payment.version,
      updatedAt: row.updated_at ?? payment.updatedAt,
    };
  });
}

/** One row of the statement's JSON parameter. Amounts as text: JSON numbers would pass through a double on the way. */
export function toInput({ operation, transition }: Input): Record<string, unknown> {
  const { add, hold, paymentStatus: target } = transition;
  const open = hold === undefined || hold === 'closed' ? undefined : hold;
  return {
    merchant_id: operation.merchantId,
    operation_id: operation.id,
    attempt: operation.attempt,
    state: transition.operationState,
    payment_status: target ?? null,
    from_statuses: target === undefined ? null : statusesBefore(operation.kind, target),
    authorized: add.authorized.toString(),
    captured: add.captured.toString(),
    refunded: add.refunded.toString(),
    authorize_pending: add.authorizePending.toString(),
    capture_pending: add.capturePending.toString(),
    refund_pending: add.refundPending.toString(),
    new_amount: transition.newAmountMinor?.toString() ?? null,
    hold_open: hold === undefined ? null : hold !== 'closed',
    hold_expires_at: open?.expiresAt?.toISOString() ?? null,
    hold_multiple: open?.multipleCapture ?? null,
    hold_incremental: open?.incremental ?? null,
    overcapture: open?.overcaptureMinor.toString() ?? null,
    settled: transition.settledMinor?.toString() ?? null,
    provider_reference: transition.providerReference ?? null,
    payment_reference: transition.paymentReference ?? null,
    network_id: transition.networkTransactionId ?? null,
    card: transition.card ?? null,
    failure: transition.operationState === 'declined' ? (transition.failure ?? null) : null,
    payment_failure: target === 'failed' ? (transition.failure ?? null) : null,
    next_action: transition.redirectUrl === undefined ? null : { redirectUrl: transition.redirectUrl },
    canceled_why: transition.cancellationReason ?? null,
    unknown_reason: transition.unknownReason ?? null,
    may_have_charged: transition.mayHaveCharged,
    due_in_ms: transition.dueInMs,
    absent: transition.absent ?? null,
    wipe: transition.wipeServiceCode,
    event_type: transition.eventType ?? null,
    details: detailsOf(operation, transition),
  };
}

/**
 * The statuses from which an operation of that kind may take its payment there. For a status that the sums decide: where an
 * operation of the kind can find its payment when it ends.
 */
export function statusesBefore(kind: Operation['kind'], target: Status | 'derived'): readonly Status[] {
  if (target !== 'derived')
    return STATUSES.filter((from) => from !== target && LEGAL_MOVES[from].includes(target));
  switch (kind) {
    case 'capture':
      return ['authorized', 'partially_captured'];
    case 'void':
      // A payment that was only registered is over with it.
      return ['created', 'authorized', 'partially_captured'];
    case 'adjust':
      return ['authorized'];
    case 'refund':
      return ['partially_captured', 'succeeded', 'partially_refunded', 'refunded'];
    case 'sale':
    case 'authorize':
    case 'create':
      return [];
    default:
      throw new Error(`no statuses for ${String(kind satisfies never)}`);
  }
}

function detailsOf(operation: Operation, transition: Transition): Record<string, string> {
  const { failure, providerReference, settledMinor } = transition;
  return {
    ...transition.details,
    ...(failure === undefined ? {} : { failure: failure.code }),
    ...(providerReference === undefined ? {} : { provider_reference: providerReference }),
    ...(operation.kind === 'sale' || operation.kind === 'authorize'
      ? {}
      : { amount: (settledMinor ?? operation.money.amountMinor).toString() }),
  };
}
