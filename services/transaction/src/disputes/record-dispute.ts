import type { Pool } from '@centra/service-kit/database.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { markDisputed } from '../payments/corrections.ts';
import type { Payment } from '../payments/payment.ts';
import { originOf } from '../provider-events/pending-event.ts';
import type { PendingEvent } from '../provider-events/pending-event.ts';
import type { OpenedAccount } from '../providers/provider-account.ts';
import type { DisputeFacts, Provider } from '../providers/provider.ts';
import { DISPUTE_COLUMNS, holdsMoney } from './dispute.ts';
import type { DisputeRow, DisputeStatus } from './dispute.ts';

type Told = { event: PendingEvent; payment: Payment; account: OpenedAccount; provider: Provider };

export type Recorded = { kind: 'recorded'; status: DisputeStatus } | { kind: 'waiting'; reason: string };

/**
 * Brings a dispute to where the provider says it stands now, whatever the event said, so that late and repeated events
 * change nothing. The payment is marked while the bank has the money. Repeating it after a crash between the two writes
 * finishes the second.
 */
export async function recordDispute(context: Context, told: Told): Promise<Recorded> {
  const { event, payment, account, provider } = told;
  const { about } = event.fact;
  if (about.kind !== 'dispute') throw new Error('the event is not about a dispute');
  const known = await findByReference(context.pool, payment, about.disputeReference);
  const facts = await provider.readDispute(account, about.disputeReference);
  if (facts === undefined)
    return { kind: 'waiting', reason: 'the provider could not tell how the dispute stands' };
  const stored = isAsKnown(known, facts) ? known : await write(context.pool, told, facts, known);
  if (stored === undefined)
    return { kind: 'waiting', reason: 'the dispute changed while the provider was asked' };
  const isDisputed = await hasMoneyHeld(context.pool, payment);
  if (isDisputed !== payment.disputed) {
    const details = {
      dispute: toPublicId('dis', stored.id),
      status: stored.status,
      reason: stored.reason,
      amount: stored.amount_minor.toString(),
    };
    if ((await markDisputed(context, payment, isDisputed, originOf(event), details)) === 'superseded')
      return { kind: 'waiting', reason: 'the payment changed while the provider was asked' };
  }
  return { kind: 'recorded', status: stored.status };
}

async function findByReference(
  pool: Pool,
  payment: Payment,
  reference: string,
): Promise<DisputeRow | undefined> {
  const { rows } = await pool.query<DisputeRow>({
    name: 'find-dispute',
    text: `select ${DISPUTE_COLUMNS} from disputes d
            where d.merchant_id = $1 and d.provider = $2 and d.provider_reference = $3`,
    values: [payment.merchantId, payment.provider, reference],
  });
  return rows[0];
}

function isAsKnown(known: DisputeRow | undefined, facts: DisputeFacts): known is DisputeRow {
  return (
    known !== undefined &&
    known.status === facts.status &&
    known.provider_status === facts.providerStatus &&
    known.reason === facts.reason &&
    known.inquiry === facts.isInquiry &&
    known.amount_minor === facts.money.amountMinor &&
    known.currency === facts.money.currency &&
    known.evidence_due_at?.getTime() === facts.evidenceDueAt?.getTime()
  );
}

/**
 * Dispute and history in one statement, guarded by the version that was read before the provider was asked: an older answer
 * never replaces a newer one. Undefined when another event was faster.
 */
async function write(
  pool: Pool,
  { event, payment }: Told,
  facts: DisputeFacts,
  known: DisputeRow | undefined,
): Promise<DisputeRow | undefined> {
  const { rows } = await pool.query<DisputeRow>({
    name: 'write-dispute',
    text: `
      with d as (
        insert into disputes as known (merchant_id, mode, payment_id, provider, provider_reference, amount_minor, currency,
          status, provider_status, reason, inquiry, evidence_due_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        on conflict (merchant_id, provider, provider_reference) do update
           set version = known.version + 1, amount_minor = excluded.amount_minor, currency = excluded.currency,
               status = excluded.status, provider_status = excluded.provider_status, reason = excluded.reason,
               inquiry = excluded.inquiry, evidence_due_at = excluded.evidence_due_at, updated_at = now()
         where known.version = $13
        returning *
      ), history as (
        insert into dispute_events (merchant_id, dispute_id, version, amount_minor, currency, status, provider_status, reason,
          inquiry, evidence_due_at, provider_event_id)
        select merchant_id, id, version, amount_minor, currency, status, provider_status, reason, inquiry, evidence_due_at, $14
          from d
      )
      select ${DISPUTE_COLUMNS} from d`,
    values: [
      payment.merchantId,
      payment.mode,
      payment.id,
      payment.provider,
      facts.reference,
      facts.money.amountMinor,
      facts.money.currency,
      facts.status,
      facts.providerStatus,
      facts.reason,
      facts.isInquiry,
      facts.evidenceDueAt ?? null,
      known?.version ?? null,
      event.id,
    ],
  });
  return rows[0];
}

/** A payment can be disputed more than once; it is free when none of them has the money any more. */
async function hasMoneyHeld(pool: Pool, payment: Payment): Promise<boolean> {
  const { rows } = await pool.query<Pick<DisputeRow, 'status' | 'inquiry'>>({
    name: 'disputes-of-payment',
    text: `select status, inquiry from disputes where merchant_id = $1 and payment_id = $2`,
    values: [payment.merchantId, payment.id],
  });
  return rows.some(holdsMoney);
}
