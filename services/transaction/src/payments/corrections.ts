import { createHash } from 'node:crypto';
import { newUuid } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { findOperation } from '../operations/operation.ts';
import type { Failure } from '../providers/failure.ts';
import type { PaymentStanding } from '../providers/provider.ts';
import type { Payment } from './payment.ts';

/** Who or what brought a correction about, for the history. */
export type CorrectionOrigin = { actor: string; requestId: string; address: string };
/** `superseded`: the payment has changed since it was read, or needs no correction; nothing was written. */
export type Corrected = 'done' | 'superseded';

/** The provider let go of the hold by itself, or its deadline has passed: nothing can be captured any more. */
export async function lapseHold(
  context: Context,
  payment: Payment,
  origin: CorrectionOrigin,
): Promise<Corrected> {
  return await step(context, payment, origin, {
    name: 'lapse-hold',
    // An operation under way decides first: it may be the capture that came in time (reliability row 43).
    guard: `p.hold_open and p.capture_pending_minor = 0 and p.busy_operation_id is null`,
    set: `hold_open = false, status = status_of_sums(false, p.captured_minor, p.refunded_minor),
          cancellation_reason = case when p.captured_minor = 0 then 'expired' end`,
    eventType: payment.capturedMinor === 0n ? 'payment.canceled' : 'payment.hold_released',
    details: { reason: 'expired', released: (payment.authorizedMinor - payment.capturedMinor).toString() },
  });
}

/** The provider holds it longer, or less long, than it had said: its own deadline counts (reliability rule 10). */
export async function moveDeadline(
  context: Context,
  payment: Payment,
  expiresAt: Date,
  origin: CorrectionOrigin,
): Promise<Corrected> {
  return await step(context, payment, origin, {
    name: 'move-deadline',
    guard: `p.hold_open and p.hold_expires_at is distinct from $11::timestamptz`,
    // A new deadline is told anew, and looked at when it comes.
    set: `hold_expires_at = $11::timestamptz, hold_reminded_at = null, hold_due_at = null`,
    eventType: 'payment.hold_extended',
    details: { expires_at: expiresAt.toISOString() },
    values: [expiresAt],
  });
}

/** The hotel is told that a hold is about to lapse; once for each deadline. */
export async function remindOfHold(
  context: Context,
  payment: Payment,
  origin: CorrectionOrigin,
): Promise<Corrected> {
  return await step(context, payment, origin, {
    name: 'remind-of-hold',
    guard: `p.hold_open and p.hold_reminded_at is null`,
    set: `hold_reminded_at = now()`,
    eventType: 'payment.hold_expiring',
    details: { expires_at: payment.hold?.expiresAt?.toISOString() ?? '' },
  });
}

/** A dispute was opened or is over. While one is open nothing is given back a second time. */
export async function markDisputed(
  context: Context,
  payment: Payment,
  disputed: boolean,
  origin: CorrectionOrigin,
  details: Readonly<Record<string, string>>,
): Promise<Corrected> {
  return await step(context, payment, origin, {
    name: disputed ? 'mark-disputed' : 'unmark-disputed',
    guard: disputed ? `not p.disputed` : `p.disputed`,
    set: `disputed = ${String(disputed)}`,
    eventType: disputed ? 'payment.disputed' : 'payment.dispute_closed',
    details,
  });
}

/** A refund that had succeeded was sent back by the bank: the money is the hotel's again (providers/stripe.md, Refunds). */
export async function reverseRefund(
  context: Context,
  refund: { merchantId: string; operationId: string },
  failure: Failure,
  origin: CorrectionOrigin,
): Promise<Corrected> {
  const known = await findOperation(context, refund.merchantId, refund.operationId);
  if (known === undefined || known.operation.state !== 'succeeded') return 'superseded';
  const { amountMinor } = known.operation.money;
  return await step(context, known.operation.payment, origin, {
    name: 'reverse-refund',
    operationId: refund.operationId,
    with: `, operation as (
      update operations set state = 'declined', failure = $12, finished_at = now()
       where merchant_id = $1 and id = $9 and kind = 'refund' and state = 'succeeded' and exists (select from p)
      returning id
    )`,
    guard: `exists (select from operations where merchant_id = $1 and id = $9 and kind = 'refund' and state = 'succeeded')
            and $12::jsonb is not null`,
    set: `refunded_minor = p.refunded_minor - $11::bigint,
          status = status_of_sums(p.hold_open, p.captured_minor, p.refunded_minor - $11::bigint)`,
    eventType: 'payment.refund_failed',
    details: { failure: failure.code, amount: amountMinor.toString() },
    values: [amountMinor, failure],
  });
}

/**
 * The provider says, asked again, that a payment which had failed or was canceled is paid or held after all. Collected
 * money is kept and reported; a hold that nobody waits for any more is released by a void of our own. `providerReference` is
 * the object that was asked about, for a payment whose own was never told.
 */
export async function recordLateSuccess(
  context: Context,
  payment: Payment,
  standing: Pick<PaymentStanding, 'state' | 'authorizedMinor' | 'capturedMinor' | 'hold'>,
  origin: CorrectionOrigin,
  providerReference?: string,
): Promise<Corrected> {
  const isHeld = standing.state === 'held';
  if (!isHeld && standing.state !== 'captured') return 'superseded';
  const voidId = newUuid();
  return await step(context, payment, origin, {
    name: isHeld ? 'late-hold' : 'late-success',
    with: `, first as (
      update operations o set state = 'succeeded', failure = null, finished_at = now(), settled_minor = $11::bigint,
             provider_reference = coalesce(o.provider_reference, $15::text)
        from p
       where o.merchant_id = $1 and o.payment_id = p.id and o.kind in ('sale', 'authorize')
         and o.id = (select l.id from operations l where l.merchant_id = $1 and l.payment_id = p.id
                        and l.kind in ('sale', 'authorize') order by l.sequence desc limit 1)
      returning o.id
    )${isHeld ? RELEASE : ''}`,
    guard: `p.status in ('failed', 'canceled') and p.authorized_minor <= $11::bigint and p.captured_minor = 0
            and $12::bigint >= 0 and $13::uuid is not null and $14::bytea is not null`,
    set: `status = ${isHeld ? `'authorized'` : `'succeeded'`}, hold_open = ${String(isHeld)}, failure = null,
          cancellation_reason = null, authorized_minor = $11::bigint, captured_minor = $12::bigint,
          provider_reference = coalesce(p.provider_reference, $15::text),
          hold_expires_at = coalesce($16::timestamptz, p.hold_expires_at), hold_due_at = null,
          busy_operation_id = ${isHeld ? '$13::uuid' : 'null'}`,
    eventType: isHeld ? 'payment.late_authorization' : 'payment.late_success',
    details: { late_success: 'true' },
    values: [
      standing.authorizedMinor,
      isHeld ? 0n : standing.capturedMinor,
      voidId,
      createHash('sha256').update(`late ${voidId}`).digest(),
      providerReference ?? null,
      standing.hold?.expiresAt ?? null,
    ],
  });
}

// Due at once and never sent so far: the sweeper's first look finds a hold and lets go of it.
const RELEASE = `, release as (
      insert into operations (merchant_id, id, payment_id, kind, state, attempt, due_at, fingerprint, amount_minor, currency,
        provider, provider_account_id, provider_account_version, reason, is_final, actor, request_id, address, unknown_reason)
      select p.merchant_id, $13, p.id, 'void', 'unknown', 1, now(), $14, p.authorized_minor, p.currency, p.provider,
        p.provider_account_id, l.provider_account_version, 'abandoned', true, $5, $6, $7, 'a hold that came too late'
        from p cross join lateral (
          select o.provider_account_version from operations o where o.merchant_id = p.merchant_id and o.payment_id = p.id
            and o.kind in ('sale', 'authorize') order by o.sequence desc limit 1) l
    )`;

type Step = {
  name: string;
  /** Beside the payment not having changed since it was read. */
  guard: string;
  set: string;
  /** What else is written in the same statement; may read `p`. */
  with?: string;
  eventType: string;
  details: Readonly<Record<string, string>>;
  /** Undefined: the payment's own sale or authorisation. */
  operationId?: string;
  /** $11 and on. */
  values?: readonly unknown[];
};

/** One step of a payment that no operation's outcome brought about: payment, history and outbox in one statement. */
async function step(
  context: Context,
  payment: Payment,
  origin: CorrectionOrigin,
  spec: Step,
): Promise<Corrected> {
  const { rowCount } = await context.pool.query({
    name: spec.name,
    text: `
      with p as (
        update payments p set version = p.version + 1, updated_at = now(), ${spec.set}
         where p.merchant_id = $1 and p.id = $2 and p.version = $3 and ${spec.guard}
        returning p.*, old.status as from_status,
          coalesce($9::uuid, (select o.id from operations o where o.merchant_id = $1 and o.payment_id = $2
                                and o.kind in ('sale', 'authorize', 'create') order by o.sequence desc, o.created_at desc
                               limit 1)) as operation_id
      )${spec.with ?? ''}, event as (
        insert into payment_events (merchant_id, payment_id, version, type, from_status, to_status, operation_id, attempt,
          actor, request_id, address, details, amount_minor, authorized_minor, captured_minor, refunded_minor,
          authorize_pending_minor, capture_pending_minor, refund_pending_minor, hold_open, hold_expires_at,
          hold_multiple_capture, hold_incremental, overcapture_minor, disputed)
        select merchant_id, id, version, $4, from_status, status, operation_id, 1, $5, $6, $7, $8, amount_minor,
          authorized_minor, captured_minor, refunded_minor, authorize_pending_minor, capture_pending_minor,
          refund_pending_minor, hold_open, hold_expires_at, hold_multiple_capture, hold_incremental, overcapture_minor,
          disputed from p
      ), outbox as (
        insert into outbox (merchant_id, payment_id, version, type, data)
        select merchant_id, id, version, $4, json_build_object('status', status, 'mode', mode, 'amount', amount_minor,
          'currency', currency, 'amount_authorized', authorized_minor, 'amount_captured', captured_minor, 'amount_refunded',
          refunded_minor, 'booking_reference', booking_reference, 'details', $10::json) from p
      )
      select id from p`,
    values: [
      payment.merchantId,
      payment.id,
      payment.version,
      spec.eventType,
      origin.actor,
      origin.requestId,
      origin.address,
      spec.details,
      spec.operationId ?? null,
      JSON.stringify(spec.details),
      ...(spec.values ?? []),
    ],
  });
  return rowCount === 1 ? 'done' : 'superseded';
}
