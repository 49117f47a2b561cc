import type { Pool } from '@centra/service-kit/database.ts';
import type { Payment } from '../payments/payment.ts';
import type { PendingEvent } from './pending-event.ts';

/** What is open on a payment, and what this event has done about it. */
export type OpenOperations = {
  /** Operations that are not settled. */
  count: number;
  /** Those that were made due just now, with their attempt numbers. */
  hastened: Readonly<Record<string, number>>;
  /** Whether the provider was asked about each since the event came: then what is open is open there too. */
  isEachAsked: boolean;
};

type OpenRow = { id: string; attempt: number; is_unsent: boolean; is_hastened: boolean };

/**
 * Makes the open operations of a payment due now, so that the sweeper asks the provider: the event is no answer, only a
 * reason to ask. Each once for an event, since each claim takes the operation from its holder, and events that came every
 * second would let nobody finish. An operation in its first call is left to its caller (row 29): it is `sent` and has no
 * reference yet; when its lease ends, the sweeper has it anyway.
 */
export async function hastenOperations(
  pool: Pool,
  event: Pick<PendingEvent, 'hastened' | 'hastenedForMs'>,
  payment: Payment,
  leaseMs: number,
): Promise<OpenOperations> {
  const { rows } = await pool.query<OpenRow>({
    name: 'hasten-operations',
    text: `
      with open as (
        select id, attempt, state = 'prepared' as is_unsent,
               not ($3::jsonb ? id::text) and (state = 'unknown' or (state = 'sent' and provider_reference is not null))
                 as is_hastened
          from operations
         where merchant_id = $1 and payment_id = $2 and state in ('prepared', 'sent', 'unknown')
      ), hastened as (
        update operations o set due_at = now()
          from open
         where o.merchant_id = $1 and o.id = open.id and open.is_hastened and o.due_at > now()
           and o.attempt = open.attempt and o.state in ('sent', 'unknown')
      )
      select id, attempt, is_unsent, is_hastened from open`,
    values: [payment.merchantId, payment.id, JSON.stringify(event.hastened)],
  });
  const isAsked = ({ id, attempt, is_unsent }: OpenRow): boolean => {
    // Surely not sent, so there is nothing to ask about; a retry may wait for days.
    if (is_unsent) return true;
    const before = event.hastened[id];
    // A claim since then raised the number; a lease later that holder has its answer or has lost its turn.
    return before !== undefined && attempt > before && (event.hastenedForMs ?? 0) >= leaseMs;
  };
  return {
    count: rows.length,
    hastened: Object.fromEntries(
      rows.filter((row) => row.is_hastened).map(({ id, attempt }) => [id, attempt]),
    ),
    isEachAsked: rows.every(isAsked),
  };
}
