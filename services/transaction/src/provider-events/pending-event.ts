import type { Origin } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import type { EventFact } from '../providers/provider.ts';
import { toFact } from './provider-event.ts';
import type { EventState, StoredFact } from './provider-event.ts';

/** One stored event that somebody works on. */
export type PendingEvent = {
  merchantId: string;
  id: string;
  mode: 'test' | 'live';
  provider: string;
  providerAccountId: string;
  fact: EventFact;
  /** The fence: only the holder of the current number concludes. */
  attempts: number;
  requestId: string;
  /** Attempt numbers of the operations that were made due for it. */
  hastened: Readonly<Record<string, number>>;
  /** Since the last of them was made due; undefined when none was. */
  hastenedForMs: number | undefined;
  /** Since the provider's totals were first seen to differ. */
  differsForMs: number | undefined;
  /** How often a person had it processed again; whoever held it before that concludes nothing. */
  replays: number;
};

/** What came of a look at an event: over (`processed`, `mismatch`), or to be looked at again (`received`, `unmatched`). */
export type Verdict = {
  state: Exclude<EventState, 'parked'>;
  /** For people. */
  reason: string;
  paymentId?: string;
  /** Operations made due by this look. */
  hastened?: Readonly<Record<string, number>>;
  /** The provider's totals differ from ours so far. */
  differs?: true;
  /** When the provider was asked that agreed, by the database's clock. */
  askedAt?: Date;
};

/** A verdict that has the event looked at again. */
export function waiting(reason: string, more: Partial<Verdict> = {}): Verdict {
  return { state: 'received', reason, ...more };
}

export function processed(reason: string, more: Partial<Verdict> = {}): Verdict {
  return { state: 'processed', reason, ...more };
}

/** Who changed a payment because of an event, for its history. */
export function originOf(event: PendingEvent): Origin {
  return { actor: `provider:${event.provider}`, requestId: event.requestId, address: '' };
}

type PendingRow = {
  merchant_id: string;
  id: string;
  mode: 'test' | 'live';
  provider: string;
  provider_account_id: string;
  fact: StoredFact;
  attempts: number;
  request_id: string;
  hastened: Record<string, number>;
  hastened_for_ms: number | null;
  differs_for_ms: number | null;
  replays: number;
};

/**
 * Takes the events that are due, the oldest first. Each claim raises the fence; several processes share the work, each row
 * goes to one of them.
 */
export async function claimDueEvents(pool: Pool, limit: number, leaseMs: number): Promise<PendingEvent[]> {
  const { rows } = await pool.query<PendingRow>({
    name: 'claim-provider-events',
    text: `
      with due as (
        select merchant_id, id from provider_events
         where state in ('received', 'unmatched') and due_at <= now()
         order by due_at limit $1
           for update skip locked
      )
      update provider_events e
         set attempts = e.attempts + 1, due_at = now() + make_interval(secs => $2::float8 / 1000)
        from due where e.merchant_id = due.merchant_id and e.id = due.id
      returning e.merchant_id, e.id, e.mode, e.provider, e.provider_account_id, e.fact, e.attempts, e.request_id, e.hastened,
        (extract(epoch from now() - e.hastened_at) * 1000)::float8 as hastened_for_ms,
        (extract(epoch from now() - e.differs_since) * 1000)::float8 as differs_for_ms,
        e.replays`,
    values: [limit, leaseMs],
  });
  return rows.map(toPendingEvent);
}

function toPendingEvent(row: PendingRow): PendingEvent {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    mode: row.mode,
    provider: row.provider,
    providerAccountId: row.provider_account_id,
    fact: toFact(row.fact),
    attempts: row.attempts,
    requestId: row.request_id,
    hastened: row.hastened,
    hastenedForMs: row.hastened_for_ms ?? undefined,
    differsForMs: row.differs_for_ms ?? undefined,
    replays: row.replays,
  };
}

// Each wait is as long as the event has waited so far, which doubles the pauses without counting tries. What waits for our
// own operation is over within seconds; a payment nobody knows yet hardly ever turns up late.
const WAIT_MIN_MS = 1_000;
/** How long a difference must last before it counts; copies that providers answer from lag behind by up to this. */
export const CONFIRM_AFTER_MS = 30_000;
const RECEIVED_WAIT_MAX_MS = 10 * 60_000;
const UNMATCHED_WAIT_MAX_MS = 60 * 60_000;
/** How long after it came (or was replayed) an event that cannot be processed is put before a person (row 31). */
export const PARKED_AFTER_HOURS = 72;
const REASON_MAX_LENGTH = 500;

/** Stores a verdict. The state it led to, or undefined when another holder has raised the fence or a replay came between. */
export async function conclude(
  pool: Pool,
  event: PendingEvent,
  verdict: Verdict,
): Promise<EventState | undefined> {
  const isOver = verdict.state === 'processed' || verdict.state === 'mismatch';
  const { rows } = await pool.query<{ state: EventState }>({
    name: 'conclude-provider-event',
    text: `
      with judged as (
        select merchant_id, id,
               case when not $5::boolean and now() >= waiting_since + make_interval(hours => $6)
                    then 'parked' else $4::text end as state
          from provider_events
         where merchant_id = $1 and id = $2 and attempts = $3 and replays = $14 and state in ('received', 'unmatched')
           for update
      )
      update provider_events e
         set state = judged.state,
             reason = $7,
             payment_id = coalesce($8, e.payment_id),
             due_at = now() + greatest(make_interval(secs => $9::float8 / 1000),
                                       least(make_interval(secs => $10::float8 / 1000), now() - e.waiting_since)),
             hastened = e.hastened || $11::jsonb,
             hastened_at = case when $11::jsonb = '{}' then e.hastened_at else now() end,
             differs_since = case when $12::boolean then coalesce(e.differs_since, now()) end,
             asked_at = coalesce($13, e.asked_at),
             processed_at = case when judged.state in ('processed', 'mismatch', 'parked') then now() end
        from judged where e.merchant_id = judged.merchant_id and e.id = judged.id
      returning e.state`,
    values: [
      event.merchantId,
      event.id,
      event.attempts,
      verdict.state,
      isOver,
      PARKED_AFTER_HOURS,
      verdict.reason.slice(0, REASON_MAX_LENGTH),
      verdict.paymentId ?? null,
      verdict.differs === true ? CONFIRM_AFTER_MS : WAIT_MIN_MS,
      verdict.state === 'unmatched' ? UNMATCHED_WAIT_MAX_MS : RECEIVED_WAIT_MAX_MS,
      JSON.stringify(verdict.hastened ?? {}),
      verdict.differs === true,
      verdict.askedAt ?? null,
      event.replays,
    ],
  });
  return rows[0]?.state;
}
