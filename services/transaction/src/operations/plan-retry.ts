import { newUuid } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import type { Payment } from '../payments/payment.ts';
import type { Outcome } from '../providers/provider.ts';
import type { Operation } from './operation.ts';

type Declined = Extract<Outcome, { kind: 'declined' }>;

/**
 * Ends a declined attempt and plans the next, in one statement guarded by the attempt number: the payment stays `processing`.
 * The next is an operation of its own with its own key, since a provider answers a repeated key with the old decline. Its
 * time of creation is when it will be sent, so that the provider's key window counts from there. Undefined when another
 * holder has raised the fence, the payment is no longer processing, or somebody has canceled it meanwhile.
 */
export async function planRetry(
  context: Pick<Context, 'pool'>,
  operation: Operation,
  { failure, providerReference, card }: Declined,
  delayMs: number,
): Promise<Payment | undefined> {
  const { rows } = await context.pool.query<{ version: number; updated_at: Date }>({
    name: 'plan-retry',
    text: PLAN_RETRY_SQL,
    values: [
      operation.merchantId,
      operation.id,
      operation.attempt,
      failure,
      newUuid(),
      delayMs,
      providerReference ?? null,
      card ?? null,
    ],
  });
  const row = rows[0];
  if (row === undefined) return undefined;
  const { payment } = operation;
  return { ...payment, version: row.version, updatedAt: row.updated_at, card: card ?? payment.card };
}

// Both rows are locked before anything is decided: a void that comes at the same moment either finds the next attempt and
// calls it off, or is seen here and the decline is final.
const PLAN_RETRY_SQL = `
  with held as (
    select o.merchant_id, o.id, o.payment_id from operations o
      join payments p on p.merchant_id = o.merchant_id and p.id = o.payment_id
     where o.merchant_id = $1 and o.id = $2 and o.attempt = $3 and o.state in ('prepared', 'sent', 'unknown')
       and p.status = 'processing' and p.busy_operation_id is null
       for update of o, p
  ), declined as (
    update operations o
       set state = 'declined', failure = $4, finished_at = now(), unknown_reason = null,
           provider_reference = coalesce($7, o.provider_reference)
      from held where o.merchant_id = held.merchant_id and o.id = held.id
    returning o.*
  ), p as (
    update payments p set version = p.version + 1, updated_at = now(), card = coalesce($8, p.card)
      from declined d where p.merchant_id = d.merchant_id and p.id = d.payment_id
    returning p.*
  ), next as (
    insert into operations (merchant_id, id, payment_id, kind, state, sequence, attempt, due_at, created_at, fingerprint,
      amount_minor, currency, provider, provider_account_id, provider_account_version, vault_account_id,
      vault_account_version, card_token, return_url, options, actor, request_id, address)
    select d.merchant_id, $5, d.payment_id, d.kind, 'prepared', d.sequence + 1, 1,
      now() + make_interval(secs => $6::float8 / 1000), now() + make_interval(secs => $6::float8 / 1000), d.fingerprint,
      d.amount_minor, d.currency, d.provider, d.provider_account_id, d.provider_account_version, d.vault_account_id,
      d.vault_account_version, d.card_token, d.return_url, d.options, d.actor, d.request_id, d.address from declined d
  ), event as (
    insert into payment_events (merchant_id, payment_id, version, type, from_status, to_status, operation_id, attempt, actor,
      request_id, address, details, amount_minor)
    select p.merchant_id, p.id, p.version, 'payment.retry_planned', p.status, p.status, d.id, d.attempt, d.actor,
      d.request_id, d.address, jsonb_build_object('failure', $4::jsonb->>'code', 'retry_at',
        to_char((now() + make_interval(secs => $6::float8 / 1000)) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
      p.amount_minor
      from p, declined d
  ), outbox as (
    insert into outbox (merchant_id, payment_id, version, type, data)
    select p.merchant_id, p.id, p.version, 'payment.retry_planned', json_build_object('status', p.status, 'mode', p.mode,
      'amount', p.amount_minor, 'currency', p.currency, 'booking_reference', p.booking_reference, 'operation_id', $5::uuid)
      from p
  )
  select version, updated_at from p`;
