import type { Pool } from '@centra/service-kit/database.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { PAYMENT_COLUMNS, toPayment } from '../payments/payment.ts';
import type { Payment, PaymentRow } from '../payments/payment.ts';
import type { PendingEvent } from './pending-event.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * The payment that an event is about, among those of the hotel whose secret signed it; undefined when there is none (yet).
 * The provider's own id counts most, since we stored it from the provider's answer; then a refund's id; then our references
 * that the object carries, which are there before any answer (row 29) but which people can edit in a dashboard.
 */
export async function matchPayment(pool: Pool, event: PendingEvent): Promise<Payment | undefined> {
  const { fact, merchantId } = event;
  const refund = fact.about.kind === 'refund' ? fact.about.refundReference : null;
  const operationId = fact.operationId !== undefined && UUID.test(fact.operationId) ? fact.operationId : null;
  const paymentId = fact.paymentId === undefined ? null : (fromPublicId('pay', fact.paymentId) ?? null);
  const { rows } = await pool.query<PaymentRow>({
    name: 'match-payment',
    text: `
      with found as (
        select payment_id as id, 1 as rank from provider_references where merchant_id = $1 and provider_reference = any($4)
        union all
        select payment_id, 2 from operations where merchant_id = $1 and kind = 'refund' and provider_reference = $5
        union all
        select payment_id, 3 from operations where merchant_id = $1 and id = $6
        union all
        select $7::uuid, 4
      )
      select ${PAYMENT_COLUMNS} from found join payments p on p.merchant_id = $1 and p.id = found.id
       where p.mode = $2 and p.provider = $3
       order by found.rank limit 1`,
    values: [merchantId, event.mode, event.provider, fact.paymentReferences, refund, operationId, paymentId],
  });
  const row = rows[0];
  return row === undefined ? undefined : toPayment(row);
}

/** The earlier event that told the same fact under another id and is done with; a replay looks again all the same. */
export async function findTwin(pool: Pool, event: PendingEvent): Promise<string | undefined> {
  if (event.replays > 0) return undefined;
  const { rows } = await pool.query<{ id: string }>({
    name: 'find-twin-event',
    text: `
      select id from provider_events
       where merchant_id = $1 and provider_account_id = $2 and fact_key = $3 and id <> $4 and state = 'processed'
       order by id limit 1`,
    values: [event.merchantId, event.providerAccountId, event.fact.factKey, event.id],
  });
  return rows[0]?.id;
}
