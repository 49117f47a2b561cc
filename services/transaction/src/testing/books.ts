import { createHash } from 'node:crypto';
import type { Pool } from '@centra/service-kit/database.ts';
import { z } from 'zod';
import type { JournalLine } from './simulators.ts';
import type { Hotel, World } from './world.ts';

// What a verification reads: our rows as the superuser sees them, and the providers' own records. No code of the service is
// used, so that no mistake of its own can hide here.

export type PaymentBook = {
  merchant_id: string;
  id: string;
  status: string;
  version: number;
  currency: string;
  authorized_minor: bigint;
  captured_minor: bigint;
  refunded_minor: bigint;
  authorize_pending_minor: bigint;
  capture_pending_minor: bigint;
  refund_pending_minor: bigint;
  overcapture_minor: bigint;
  hold_open: boolean;
  busy_operation_id: string | null;
  provider: string;
  provider_account_id: string;
  provider_reference: string | null;
};

export type OperationBook = {
  merchant_id: string;
  id: string;
  payment_id: string;
  kind: string;
  state: string;
  amount_minor: bigint;
  settled_minor: bigint | null;
  currency: string;
  provider_account_id: string;
  escalated_at: Date | null;
  unknown_reason: string | null;
  finished_at: Date | null;
};

export type EventBook = {
  payment_id: string;
  version: number;
  type: string;
  from_status: string | null;
  to_status: string;
  operation_id: string | null;
  authorized_minor: bigint;
  captured_minor: bigint;
  refunded_minor: bigint;
};

/** One thing that a provider really did, in our words; `operationId` from the key it was asked with. */
export type Effect = {
  kind: 'sale' | 'authorize' | 'capture' | 'void' | 'refund' | 'adjust';
  operationId: string;
  paymentReference: string;
  /** Of an adjustment the new total. */
  amountMinor: bigint;
  currency: string;
};

export type Books = {
  payments: PaymentBook[];
  operations: OperationBook[];
  events: EventBook[];
  outbox: Pick<EventBook, 'payment_id' | 'version' | 'type'>[];
  effects: Effect[];
};

/** Everything there is to compare of one hotel. */
export async function readBooks(world: World, hotel: Hotel): Promise<Books> {
  const { admin } = world;
  const own = [hotel.merchantId];
  const payments = await admin.query<PaymentBook>(`select * from payments where merchant_id = $1`, own);
  const operations = await admin.query<OperationBook>(`select * from operations where merchant_id = $1`, own);
  const events = await admin.query<EventBook>(
    `select * from payment_events where merchant_id = $1 order by payment_id, version`,
    own,
  );
  const outbox = await admin.query<EventBook>(
    `select payment_id, version, type from outbox where merchant_id = $1`,
    own,
  );
  const journal = hotel.stripeAccount === '' ? [] : await world.stripe.journal('effect');
  return {
    payments: payments.rows,
    operations: operations.rows,
    events: events.rows,
    outbox: outbox.rows,
    effects: [
      ...effectsAtStripe(journal.filter(({ account }) => account === hotel.stripeAccount)),
      ...(await chargesAtSimulator(admin, hotel)),
      ...(await followUpsAtSimulator(admin, hotel)),
    ],
  };
}

/** The built-in simulator's journal of what followed a charge; a late refund counts as what its bank made of it. */
async function followUpsAtSimulator(admin: Pool, hotel: Hotel): Promise<Effect[]> {
  const { rows } = await admin.query<{
    kind: Effect['kind'];
    provider_key: string;
    reference: string;
    amount_minor: bigint;
  }>(
    `select kind, provider_key, reference, amount_minor from simulator_effects where account_id = $1
        and case when settles_at <= clock_timestamp() then settled_state else state end = 'succeeded' order by seq`,
    [hotel.providerAccountId],
  );
  return rows.map((row) => ({
    kind: row.kind,
    operationId: operationOfKey(row.provider_key),
    paymentReference: row.reference,
    amountMinor: row.amount_minor,
    currency: REFERENCE.exec(row.reference)?.groups?.['currency'] ?? '',
  }));
}

// Its charges write no line: what was approved stands in the reference, after a hash of the key it was asked with.
const REFERENCE =
  /^sim_(?<hash>[0-9a-f]{12}x[0-9a-f]{12})-a(?<method>[ah])m?i?o?-(?<currency>[A-Z]{3})-a(?<amount>[0-9a-z]+)-/;

async function chargesAtSimulator(admin: Pool, { merchantId }: Hotel): Promise<Effect[]> {
  const { rows } = await admin.query<{ provider_reference: string; operations: string[] }>(
    `select p.provider_reference, array_agg(o.id) as operations
       from payments p join operations o on o.merchant_id = p.merchant_id and o.payment_id = p.id
      where p.merchant_id = $1 and p.provider = 'simulator' and p.provider_reference is not null
        and not exists (select from simulator_challenges c where c.reference = p.provider_reference
                           and (c.state <> 'approved' or c.failure_code is not null))
      group by 1`,
    [merchantId],
  );
  return rows.flatMap(({ provider_reference: reference, operations }) => {
    const facts = REFERENCE.exec(reference)?.groups;
    if (facts === undefined) return [];
    const { hash = '', method, currency = '', amount = '' } = facts;
    return [
      {
        kind: method === 'h' ? 'authorize' : 'sale',
        operationId: operations.find((id) => hashOfKey(id) === hash.replace('x', '')) ?? `of hash ${hash}`,
        paymentReference: reference,
        amountMinor: BigInt(Number.parseInt(amount, 36)),
        currency,
      },
    ];
  });
}

function hashOfKey(operationId: string): string {
  return createHash('sha256').update(`centra-${operationId}`).digest('hex').slice(0, 24);
}

const lineSchema = z.object({
  effect: z.string(),
  payment_intent: z.string(),
  refund: z.string().optional(),
  amount: z.int().optional(),
  amount_new_total: z.int().optional(),
  currency: z.string(),
  idempotency_key: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).optional(),
});

const KINDS: Readonly<Record<string, Effect['kind']>> = {
  'charge.succeeded': 'sale',
  'authorization.succeeded': 'authorize',
  'capture.succeeded': 'capture',
  'authorization.released': 'void',
  'refund.succeeded': 'refund',
  'authorization.incremented': 'adjust',
};

/** Stripe's journal in the same words. Amounts are the minor units of the currencies that tests use. */
export function effectsAtStripe(journal: readonly JournalLine[]): Effect[] {
  const lines = journal.filter(({ effect }) => String(effect) in KINDS || effect === 'refund.failed');
  const parsed = lines.map((line) => lineSchema.parse(line));
  const takenBack = new Set(
    parsed.flatMap(({ effect, refund }) => (effect === 'refund.failed' ? [refund] : [])),
  );
  const captures = new Set(
    parsed.flatMap((line) => (line.effect === 'capture.succeeded' ? [line.idempotency_key] : [])),
  );
  return parsed.flatMap((line) => {
    const kind = KINDS[line.effect];
    if (kind === undefined || (kind === 'refund' && takenBack.has(line.refund))) return [];
    // The rest that a last capture lets go of belongs to that capture; a hold that lapses has no key at all.
    if (kind === 'void' && (typeof line.idempotency_key !== 'string' || captures.has(line.idempotency_key)))
      return [];
    const isFirst = kind === 'sale' || kind === 'authorize';
    const told = isFirst ? line.metadata?.['centra_operation'] : undefined;
    return [
      {
        kind,
        operationId: told ?? operationOfKey(line.idempotency_key ?? ''),
        paymentReference: line.payment_intent,
        amountMinor: BigInt(line.amount_new_total ?? line.amount ?? 0),
        currency: line.currency.toUpperCase(),
      },
    ];
  });
}

function operationOfKey(key: string): string {
  return /^centra-([0-9a-f-]{36})/.exec(key)?.[1] ?? `of key ${key}`;
}
