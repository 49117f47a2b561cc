import type { Pool } from '@centra/service-kit/database.ts';
import { isDatabaseUnavailable } from '@centra/service-kit/database.ts';
import { DatabaseError } from 'pg';
import { createMicroBatch } from '../micro-batch.ts';
import type { Initiation } from '../providers/provider.ts';
import type { OperationOptions } from './operation.ts';

/** Everything the first durable write stores; amounts in minor units. */
export type NewOperation = {
  merchantId: string;
  operationId: string;
  paymentId: string;
  kind: 'sale' | 'authorize';
  mode: 'test' | 'live';
  fingerprint: Buffer;
  amountMinor: bigint;
  currency: string;
  /** Absent on the provider's own page. */
  cardToken: string | undefined;
  returnUrl: string | undefined;
  options: OperationOptions;
  initiation: Initiation;
  originalNetworkTransactionId: string | undefined;
  quoteId: string | undefined;
  quoteHash: string | undefined;
  bookingReference: string;
  guest: { name: string; email: string };
  description: string;
  metadata: Readonly<Record<string, string>>;
  provider: string;
  providerAccountId: string;
  providerAccountVersion: number;
  vaultAccountId: string | undefined;
  vaultAccountVersion: number | undefined;
  actor: string;
  requestId: string;
  address: string;
};

/** `begun` with the time it was stored, or `exists`: somebody asked for this operation before. */
export type Begun = { kind: 'begun'; createdAt: Date } | { kind: 'exists' };

export type OperationWriter = (operation: NewOperation) => Promise<Begun>;

/**
 * Durable write 1: payment, operation (already `sent`, with its lease), history and outbox in one statement. The primary
 * key of the operation decides between concurrent callers: insert and see. Rows come as one JSON parameter, so that one
 * prepared statement serves a batch of any size; they are inserted in key order, so that two batches cannot deadlock.
 */
export const BEGIN_OPERATIONS_SQL = `
  with input as (
    select * from json_to_recordset($1::json) as i(
      merchant_id uuid, operation_id uuid, payment_id uuid, mode text, fingerprint text, amount_minor bigint,
      currency text, card_token text, return_url text, booking_reference text, guest jsonb, description text,
      metadata jsonb, provider text, provider_account_id uuid, provider_account_version int, vault_account_id uuid,
      vault_account_version int, actor text, request_id text, address text, kind text, options jsonb, initiation text,
      original_network_id text, quote_id text, quote_hash text)
  ), operation as (
    insert into operations (merchant_id, id, payment_id, kind, state, attempt, due_at, fingerprint, amount_minor, currency,
      provider, provider_account_id, provider_account_version, vault_account_id, vault_account_version, card_token,
      return_url, actor, request_id, address, options)
    select merchant_id, operation_id, payment_id, kind, 'sent', 1, now() + make_interval(secs => $2::float8 / 1000),
      decode(fingerprint, 'hex'), amount_minor, currency, provider, provider_account_id, provider_account_version,
      vault_account_id, vault_account_version, card_token, return_url, actor, request_id, address, options
      from input order by merchant_id, operation_id
    on conflict (merchant_id, id) do nothing
    returning merchant_id, payment_id, created_at
  ), begun as (
    select input.*, operation.created_at from operation join input using (merchant_id, payment_id)
  ), payment as (
    insert into payments (merchant_id, id, mode, status, version, amount_minor, currency, provider, provider_account_id,
      booking_reference, guest, description, metadata, capture_method, initiation, original_network_transaction_id, quote_id,
      quote_hash)
    select merchant_id, payment_id, mode, 'processing', 1, amount_minor, currency, provider, provider_account_id,
      booking_reference, guest, description, metadata, case kind when 'authorize' then 'manual' else 'automatic' end,
      initiation, original_network_id, quote_id, quote_hash from begun
  ), event as (
    insert into payment_events (merchant_id, payment_id, version, type, from_status, to_status, operation_id, attempt, actor,
      request_id, address, details)
    select merchant_id, payment_id, 1, 'payment.created', null, 'processing', operation_id, 1, actor, request_id, address,
      -- Why it goes where it goes, where a rule decided.
      jsonb_strip_nulls(jsonb_build_object('routing_rule', options->'routing'->'ruleId')) from begun
  ), outbox as (
    insert into outbox (merchant_id, payment_id, version, type, data)
    select merchant_id, payment_id, 1, 'payment.created', json_build_object('status', 'processing', 'mode', mode,
      'amount', amount_minor, 'currency', currency, 'booking_reference', booking_reference) from begun
  )
  select payment_id, created_at from begun`;

// Two statements under way keep the disk busy while the next batch forms; more would only split the batches.
const STATEMENTS_UNDER_WAY = 2;
const BATCH_MAX = 32;

/** Writes operations; concurrent callers share a statement and its commit. */
export function createOperationWriter(pool: Pool, leaseMs: number): OperationWriter {
  return createMicroBatch<NewOperation, Begun>({
    name: 'begin operation',
    concurrency: STATEMENTS_UNDER_WAY,
    sizeMax: BATCH_MAX,
    // Whatever the database refuses about a statement it answered may be one row's fault; being away is nobody's.
    isItemFailure: (error) => error instanceof DatabaseError && !isDatabaseUnavailable(error),
    async flush(operations) {
      const rows = await writeKnowingly(pool, operations, leaseMs);
      const begun = new Map(rows.map((row) => [row.payment_id, row.created_at]));
      return operations.map(({ paymentId }) => {
        const createdAt = begun.get(paymentId);
        return createdAt === undefined ? { kind: 'exists' } : { kind: 'begun', createdAt };
      });
    },
  });
}

/** The connection was lost while write 1 was under way: it may be stored, and then the sweeper takes it up. */
export class WriteUncertain extends Error {
  override name = 'WriteUncertain';
}

type BegunRow = { payment_id: string; created_at: Date };

/** Tells a database that was never reached, or that refused, from one whose answer was lost. */
async function writeKnowingly(
  pool: Pool,
  operations: readonly NewOperation[],
  leaseMs: number,
): Promise<BegunRow[]> {
  const client = await pool.connect();
  try {
    const { rows } = await client.query<BegunRow>({
      name: 'begin-operations',
      text: BEGIN_OPERATIONS_SQL,
      values: [JSON.stringify(operations.map(toInput)), leaseMs],
    });
    client.release();
    return rows;
  } catch (error) {
    if (error instanceof DatabaseError) {
      client.release();
      throw error;
    }
    client.release(true);
    throw new WriteUncertain('the answer to write 1 was lost', { cause: error });
  }
}

/** One row of the statement's JSON parameter. */
export function toInput(operation: NewOperation): Record<string, unknown> {
  return {
    merchant_id: operation.merchantId,
    operation_id: operation.operationId,
    payment_id: operation.paymentId,
    mode: operation.mode,
    fingerprint: operation.fingerprint.toString('hex'),
    // As text: JSON numbers would pass through a double on the way.
    amount_minor: operation.amountMinor.toString(),
    currency: operation.currency,
    kind: operation.kind,
    card_token: operation.cardToken ?? null,
    options: operation.options,
    initiation: operation.initiation,
    original_network_id: operation.originalNetworkTransactionId ?? null,
    quote_id: operation.quoteId ?? null,
    quote_hash: operation.quoteHash ?? null,
    return_url: operation.returnUrl ?? null,
    booking_reference: operation.bookingReference,
    guest: operation.guest,
    description: operation.description,
    metadata: operation.metadata,
    provider: operation.provider,
    provider_account_id: operation.providerAccountId,
    provider_account_version: operation.providerAccountVersion,
    vault_account_id: operation.vaultAccountId ?? null,
    vault_account_version: operation.vaultAccountVersion ?? null,
    actor: operation.actor,
    request_id: operation.requestId,
    address: operation.address,
  };
}
