import { isDatabaseUnavailable } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { DatabaseError } from 'pg';
import { createMicroBatch } from '../micro-batch.ts';
import type { Operation } from '../operations/operation.ts';
import type { Failure } from '../providers/failure.ts';
import type { CardSummary, Outcome } from '../providers/provider.ts';
import { STATUSES } from './payment.ts';
import type { Status } from './payment.ts';

/** Every legal move of a payment. What is not here cannot be written. */
export const LEGAL_MOVES: Readonly<Record<Status, readonly Status[]>> = {
  processing: ['requires_action', 'succeeded', 'failed'],
  requires_action: ['succeeded', 'failed'],
  succeeded: [],
  failed: [],
};

const EVENT_TYPES = {
  processing: 'payment.created',
  requires_action: 'payment.requires_action',
  succeeded: 'payment.successful',
  failed: 'payment.failed',
} as const satisfies Record<Status, string>;

/** What an operation becomes after an attempt, and what its payment becomes with it. */
export type Transition = {
  operationState: 'prepared' | 'sent' | 'unknown' | 'succeeded' | 'declined';
  /** Undefined: the payment stays as it is. */
  paymentStatus: Status | undefined;
  capturedMinor: bigint;
  providerReference: string | undefined;
  card: CardSummary | undefined;
  failure: Failure | undefined;
  redirectUrl: string | undefined;
  unknownReason: string | undefined;
  mayHaveCharged: boolean;
  /** When the sweeper takes it up, from now, while it is not settled. */
  dueInMs: number;
  /** Start (true) or drop (false) the proof of absence; undefined leaves it. */
  absent: boolean | undefined;
  /** The card vault holds a security code that must go. */
  wipeServiceCode: boolean;
};

/** `written` with the payment's new version and time, or `superseded`: another holder raised the fence, nothing was written. */
export type Written = { kind: 'written'; version: number; updatedAt: Date } | { kind: 'superseded' };

type Input = { operation: Operation; transition: Transition };
export type TransitionWriter = (operation: Operation, transition: Transition) => Promise<Written>;

/**
 * Durable write 2, and the only statement that changes a payment's status: operation, payment, history and outbox
 * together, guarded by the attempt number. A move that is not legal raises and writes nothing.
 */
export const WRITE_TRANSITIONS_SQL = `
  with input as (
    select * from json_to_recordset($1::json) as i(
      merchant_id uuid, operation_id uuid, attempt int, state text, payment_status text, from_statuses text[],
      captured_minor bigint, provider_reference text, card jsonb, failure jsonb, next_action jsonb, unknown_reason text,
      may_have_charged boolean, due_in_ms float8, absent boolean, wipe boolean, event_type text, details jsonb)
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
           finished_at = case when i.state in ('succeeded', 'declined') then now() end
      from input i
     where o.merchant_id = i.merchant_id and o.id = i.operation_id and o.attempt = i.attempt and o.state in ('prepared', 'sent', 'unknown')
    returning o.merchant_id, o.payment_id, o.id as operation_id, o.attempt, o.actor, o.request_id, i.payment_status,
      i.from_statuses, i.captured_minor, i.provider_reference, i.card, i.failure, i.next_action, i.event_type, i.details
  ), payment as (
    update payments p
       set status = o.payment_status,
           version = p.version + 1,
           authorized_minor = p.authorized_minor + o.captured_minor,
           captured_minor = p.captured_minor + o.captured_minor,
           provider_reference = coalesce(o.provider_reference, p.provider_reference),
           card = coalesce(o.card, p.card),
           failure = o.failure,
           next_action = o.next_action,
           updated_at = now()
      from operation o
     where p.merchant_id = o.merchant_id and p.id = o.payment_id and o.payment_status is not null
       and p.status = any(o.from_statuses)
    returning p.merchant_id, p.id, p.version, p.updated_at, p.mode, p.amount_minor, p.currency, p.captured_minor,
      p.booking_reference, o.operation_id, o.attempt, o.actor, o.request_id, o.payment_status, o.from_statuses,
      o.event_type, o.details
  ), event as (
    insert into payment_events (merchant_id, payment_id, version, type, from_status, to_status, operation_id, attempt, actor,
      request_id, address, details)
    select merchant_id, id, version, event_type, details->>'from_status', payment_status, operation_id, attempt, actor,
      request_id, '', details from payment
  ), outbox as (
    insert into outbox (merchant_id, payment_id, version, type, data)
    select merchant_id, id, version, event_type, json_build_object('status', payment_status, 'mode', mode, 'amount', amount_minor,
      'currency', currency, 'amount_captured', captured_minor, 'booking_reference', booking_reference) from payment
  )
  select o.merchant_id, o.operation_id, payment.version, payment.updated_at,
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
  version: number | null;
  updated_at: Date | null;
};

/** Writes transitions; concurrent callers share a statement and its commit. */
export function createTransitionWriter(pool: Pool): TransitionWriter {
  const write = createMicroBatch<Input, Written>({
    concurrency: STATEMENTS_UNDER_WAY,
    sizeMax: BATCH_MAX,
    // As for write 1.
    isItemFailure: (error) => error instanceof DatabaseError && !isDatabaseUnavailable(error),
    async flush(inputs) {
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
          version: row.version ?? payment.version,
          updatedAt: row.updated_at ?? payment.updatedAt,
        };
      });
    },
  });
  return async (operation, transition) => await write({ operation, transition });
}

/** One row of the statement's JSON parameter. */
export function toInput({ operation, transition }: Input): Record<string, unknown> {
  const target = transition.paymentStatus;
  return {
    merchant_id: operation.merchantId,
    operation_id: operation.id,
    attempt: operation.attempt,
    state: transition.operationState,
    payment_status: target ?? null,
    from_statuses: target === undefined ? null : statusesBefore(target),
    captured_minor: transition.capturedMinor.toString(),
    provider_reference: transition.providerReference ?? null,
    card: transition.card ?? null,
    failure: transition.failure ?? null,
    next_action: transition.redirectUrl === undefined ? null : { redirectUrl: transition.redirectUrl },
    unknown_reason: transition.unknownReason ?? null,
    may_have_charged: transition.mayHaveCharged,
    due_in_ms: transition.dueInMs,
    absent: transition.absent ?? null,
    wipe: transition.wipeServiceCode,
    event_type: target === undefined ? null : EVENT_TYPES[target],
    details: { from_status: operation.payment.status, ...detailsOf(transition) },
  };
}

function statusesBefore(target: Status): Status[] {
  return STATUSES.filter((from) => LEGAL_MOVES[from].includes(target));
}

function detailsOf({ failure, providerReference }: Transition): Record<string, string> {
  return {
    ...(failure === undefined ? {} : { failure: failure.code }),
    ...(providerReference === undefined ? {} : { provider_reference: providerReference }),
  };
}

// The sweeper looks again after this long, doubled with each attempt up to the maximum: 99 % of unknowns must be
// settled within a minute after the provider answers again (promise P3).
const RECHECK_FIRST_MS = 1_000;
const RECHECK_MAX_MS = 30_000;
// A guest at the bank's challenge is waited for in small steps, since nothing tells us yet when they are done.
const CHALLENGE_FIRST_MS = 2_000;
const CHALLENGE_MAX_MS = 30_000;
// How long a request that was told "nothing was sent, try again" may be taken up with the same key.
const RELEASED_FOR_MS = 15 * 60_000;

/** What an outcome means for operation and payment; the same for a first answer, a resend, a lookup or a challenge. */
export function toTransition(operation: Operation, outcome: Outcome, vaulted: boolean): Transition {
  const unchanged: Transition = {
    operationState: 'unknown',
    paymentStatus: undefined,
    capturedMinor: 0n,
    providerReference: 'providerReference' in outcome ? outcome.providerReference : undefined,
    card: 'card' in outcome ? outcome.card : undefined,
    failure: undefined,
    redirectUrl: undefined,
    unknownReason: undefined,
    mayHaveCharged: false,
    dueInMs: 0,
    absent: false,
    wipeServiceCode: false,
  };
  switch (outcome.kind) {
    case 'succeeded':
      return {
        ...unchanged,
        operationState: 'succeeded',
        paymentStatus: 'succeeded',
        capturedMinor: operation.payment.money.amountMinor,
        wipeServiceCode: vaulted,
      };
    case 'declined':
      return { ...unchanged, operationState: 'declined', paymentStatus: 'failed', failure: outcome.failure };
    case 'requires_action':
      return {
        ...unchanged,
        operationState: 'sent',
        // Waiting on is not a move: the second look at the same challenge changes no status.
        paymentStatus: operation.payment.status === 'requires_action' ? undefined : 'requires_action',
        redirectUrl: outcome.redirectUrl,
        mayHaveCharged: true,
        dueInMs: backoff(CHALLENGE_FIRST_MS, CHALLENGE_MAX_MS, operation.attempt),
      };
    case 'unknown':
      return {
        ...unchanged,
        unknownReason: outcome.reason.slice(0, 500),
        mayHaveCharged: true,
        dueInMs: backoff(RECHECK_FIRST_MS, RECHECK_MAX_MS, operation.attempt),
      };
    case 'not_sent':
      return {
        ...unchanged,
        operationState: 'prepared',
        unknownReason: outcome.reason.slice(0, 500),
        dueInMs: RELEASED_FOR_MS,
      };
    default:
      throw new Error(`no transition for ${JSON.stringify(outcome satisfies never)}`);
  }
}

/** Doubles from `first` to `max`, give or take a tenth, so that many operations of one outage do not come at once. */
function backoff(firstMs: number, maxMs: number, attempt: number): number {
  const base = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 16));
  return Math.round(base * (0.9 + Math.random() * 0.2));
}
