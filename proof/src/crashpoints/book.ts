import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { Pool } from 'pg';
import { z } from 'zod';
import type { Stage } from '../stage/stage.ts';
import { createStripeReader } from './stripe-effects.ts';
import type { Subject } from './subject.ts';

const minor = z.string().transform(Number);
const paymentSchema = z.object({
  id: z.string(),
  status: z.string(),
  version: z.int(),
  provider_reference: z.string().nullable(),
  authorized_minor: minor,
  captured_minor: minor,
  refunded_minor: minor,
  pending_minor: minor,
  busy_operation_id: z.string().nullable(),
});
const operationSchema = z.object({ id: z.string(), kind: z.string(), state: z.string(), attempt: z.int() });
const stepSchema = z.object({ version: z.int(), type: z.string() });
const eventSchema = z.object({ state: z.string() });

/** All that is known of the payment of one case: what we stored, and what its provider says of itself. */
export type Book = {
  /** How many payments there are of that amount, or of that id. */
  payments: number;
  payment: z.infer<typeof paymentSchema> | undefined;
  operations: z.infer<typeof operationSchema>[];
  history: z.infer<typeof stepSchema>[];
  outbox: z.infer<typeof stepSchema>[];
  /** States of what the provider told us by itself. */
  providerEvents: string[];
  /** What moved at the provider, as `kind amount`. */
  effects: string[];
};

export type Books = {
  of(subject: Subject): Promise<Book>;
  /** What is under way by itself: webhooks that nobody has taken, events and operations that are not over. */
  unsettled(): Promise<string[]>;
  /** Ends the lease of what is open on that payment, as if its time were over. */
  endLeases(subject: Subject): Promise<void>;
  close(): Promise<void>;
};

// Read by a few cases at once, and never for long.
const CONNECTIONS_MAX = 3;

/** Opens the transaction service's database, past every link, and Stripe's journal. */
export function openBooks(stage: Stage): Books {
  const url = new URL(stage.postgres.url);
  url.pathname = `/${stage.postgres.databases['transaction'] ?? ''}`;
  const pool = new Pool({ connectionString: url.toString(), max: CONNECTIONS_MAX });
  // The stage ends the server before us; nothing is asked then any more.
  pool.on('error', () => {});
  const readStripe = createStripeReader(stage.journals.stripe);
  const rows = async <T extends z.ZodType>(
    schema: T,
    sql: string,
    values: unknown[],
  ): Promise<z.infer<T>[]> => {
    const result = await pool.query<Record<string, unknown>>(sql, values);
    return z.array(schema).parse(result.rows);
  };

  const effectsOf = async (subject: Subject, payment: Book['payment']): Promise<string[]> => {
    if (payment === undefined) return [];
    const { provider_reference: reference } = payment;
    if (subject.hotel.provider === 'stripe')
      return (await readStripe()).effectsOn({ id: toPublicId('pay', payment.id), reference });
    if (reference === null) return [];
    const followUps = await rows(
      z.object({ kind: z.string(), amount: minor }),
      `select kind, amount_minor::text as amount from simulator_effects
        where reference = $1 and state = 'succeeded' order by seq`,
      [reference],
    );
    return [chargeIn(reference), ...followUps.map(({ kind, amount }) => `${kind} ${amount}`)];
  };

  return {
    async of(subject) {
      const { merchantId } = subject.hotel;
      const payments = await rows(paymentSchema, PAYMENTS, [merchantId, idOf(subject), subject.amount]);
      const [payment] = payments;
      const own = [merchantId, payment?.id ?? null];
      const [operations, history, outbox, events] = await Promise.all([
        rows(operationSchema, OPERATIONS, own),
        rows(stepSchema, stepsIn('payment_events'), own),
        rows(stepSchema, stepsIn('outbox'), own),
        rows(eventSchema, PROVIDER_EVENTS, [...own, payment?.provider_reference ?? null]),
      ]);
      const effects = await effectsOf(subject, payment);
      const providerEvents = events.map(({ state }) => state);
      return { payments: payments.length, payment, operations, history, outbox, providerEvents, effects };
    },
    async unsettled() {
      const open = await rows(z.object({ what: z.string() }), UNSETTLED, []);
      const undelivered = (await readStripe()).undelivered();
      return [...open.map(({ what }) => what), ...(undelivered > 0 ? [`${undelivered} webhooks`] : [])];
    },
    async endLeases(subject) {
      const { merchantId } = subject.hotel;
      await pool.query(END_LEASES, [merchantId, idOf(subject), subject.amount]);
    },
    close: async () => await pool.end(),
  };
}

function idOf({ paymentId }: Subject): string | null {
  return paymentId === undefined ? null : (fromPublicId('pay', paymentId) ?? null);
}

const PAYMENTS = `
  select id, status, version, provider_reference, authorized_minor::text, captured_minor::text, refunded_minor::text,
         (authorize_pending_minor + capture_pending_minor + refund_pending_minor)::text as pending_minor, busy_operation_id
    from payments where merchant_id = $1 and (id = $2::uuid or ($2 is null and amount_minor = $3))`;
const END_LEASES = `
  update operations o set due_at = now() from payments p
   where p.merchant_id = $1 and (p.id = $2::uuid or ($2 is null and p.amount_minor = $3))
     and o.merchant_id = p.merchant_id and o.payment_id = p.id and o.state in ('sent', 'unknown')`;
const OPERATIONS = `
  select id, kind, state, attempt from operations where merchant_id = $1 and payment_id = $2 order by created_at`;
// An event that nobody has looked at yet is known by the provider's references only.
const PROVIDER_EVENTS = `
  select state from provider_events
   where merchant_id = $1 and (payment_id = $2::uuid or ($3::text is not null and strpos(fact::text, $3) > 0))`;
const UNSETTLED = `
  select kind || ' ' || state as what from operations where state in ('prepared', 'sent', 'unknown')
   union all select 'event ' || state from provider_events where state in ('received', 'unmatched')`;

function stepsIn(table: 'payment_events' | 'outbox'): string {
  return `select version, type from ${table} where merchant_id = $1 and payment_id = $2 order by version`;
}

// docs/decisions/0011-simulator-without-store.md: an approved charge of the built-in simulator writes nothing; its method
// (automatic or held) and its amount, to the base of 36, stand in the payment's reference.
const REFERENCE = /^sim_[0-9a-f]{12}x[0-9a-f]{12}-a([ah])m?i?o?-[A-Z]{3}-a([0-9a-z]+)-/;

function chargeIn(reference: string): string {
  const [, method, amount = ''] = REFERENCE.exec(reference) ?? [];
  return method === undefined
    ? `no charge in ${reference}`
    : `${method === 'h' ? 'authorize' : 'sale'} ${Number.parseInt(amount, 36)}`;
}
