import { inTransaction } from '@centra/service-kit/database.ts';
import type { Pool, PoolClient } from '@centra/service-kit/database.ts';
import { failureOf } from '../failure.ts';
import type { FailureCode } from '../failure.ts';
import type { FollowUpAttempt, Lookup, Outcome } from '../provider.ts';
import { decideFollowUp, refusalOf, totalsOf } from './decide-follow-up.ts';
import type { Effect, RefundPlan, Totals, Verdict } from './decide-follow-up.ts';
import { digest, holdTermsOf, parseReference } from './simulator-reference.ts';
import type { PaymentFacts } from './simulator-reference.ts';

export type Journal = {
  /** Does it, or finds that it was done: one effect for each key. */
  perform(attempt: FollowUpAttempt): Promise<Outcome>;
  find(attempt: FollowUpAttempt): Promise<Lookup>;
  /** What was done to a payment, added up; undefined when the reference is not one of ours. */
  totals(
    accountId: string,
    reference: string,
  ): Promise<{ facts: PaymentFacts; totals: Totals; now: Date } | undefined>;
};

type EffectRow = {
  provider_key: string;
  reference: string;
  kind: Effect['kind'];
  amount_minor: bigint;
  is_final: boolean;
  state: Effect['state'];
  failure_code: FailureCode | null;
};

// A refund that is over its time is in its later state; nothing is ever rewritten.
const COLUMNS = `provider_key, reference, kind, amount_minor, is_final, failure_code,
  case when settles_at <= clock_timestamp() then settled_state else state end as state`;

/** The simulator's journal of what followed a charge. A slow refund settles `refundDelayMs` after it was asked for. */
export function createJournal(pool: Pool, refundDelayMs: number): Journal {
  return {
    perform: async (attempt) => await perform(pool, refundDelayMs, attempt),
    async find(attempt) {
      const row = await rowOfKey(pool, attempt);
      return row === undefined ? { kind: 'absent' } : outcomeOfRow(attempt, row);
    },
    async totals(accountId, reference) {
      const facts = parseReference(reference);
      if (facts === undefined) return undefined;
      const { effects, now } = await readEffects(pool, accountId, reference);
      return { facts, totals: totalsOf(facts, effects, now), now };
    },
  };
}

async function perform(pool: Pool, refundDelayMs: number, attempt: FollowUpAttempt): Promise<Outcome> {
  const facts = parseReference(attempt.paymentReference);
  if (facts === undefined) return { kind: 'declined', failure: failureOf(refusalOf(attempt.kind)) };
  return await inTransaction(pool, async (client) => {
    // Everything that follows on one payment queues here, so that each decision sees what was done before it.
    await lockPayment(client, attempt);
    const { known, isUnpaid, effects, now } = await readBefore(client, attempt);
    if (known !== undefined) return outcomeOfRow(attempt, known);
    const verdict = isUnpaid
      ? ({ kind: 'declined', code: refusalOf(attempt.kind) } as const)
      : decideFollowUp(facts, totalsOf(facts, effects, now), attempt, now);
    return outcomeOfRow(attempt, await write(client, attempt, verdict, refundDelayMs));
  });
}

async function lockPayment(
  client: PoolClient,
  { account, paymentReference }: FollowUpAttempt,
): Promise<void> {
  await client.query({
    name: 'simulator-lock',
    // An update of nothing takes the row's lock, also where another has just made the row.
    text: `insert into simulator_payments as s (account_id, reference) values ($1, $2)
               on conflict (account_id, reference) do update set reference = s.reference`,
    values: [account.id, paymentReference],
  });
}

type Before = {
  /** The line that the attempt's own key has already written. */
  known: EffectRow | undefined;
  /** A challenge or hosted page stands before this payment that was not approved. */
  isUnpaid: boolean;
  effects: Effect[];
  now: Date;
};

/** All that a decision needs, in one look behind the lock. */
async function readBefore(
  client: PoolClient,
  { account, providerKey, paymentReference }: FollowUpAttempt,
): Promise<Before> {
  const { rows } = await client.query<
    { now: Date; is_unpaid: boolean } & (EffectRow | { provider_key: null })
  >({
    name: 'simulator-before',
    text: `
      select c.now, c.is_unpaid, e.*
        from (select clock_timestamp() as now, exists (
                select from simulator_challenges where account_id = $1 and reference = $2
                   and (state <> 'approved' or failure_code is not null)) as is_unpaid) c
        left join (select ${COLUMNS}, seq from simulator_effects
                    where account_id = $1 and (reference = $2 or provider_key = $3)) e on true
       order by e.seq`,
    values: [account.id, paymentReference, providerKey],
  });
  const [first] = rows;
  if (first === undefined) throw new Error('the database did not tell the time');
  const lines = rows.flatMap((row) => (row.provider_key === null ? [] : [row]));
  return {
    known: lines.find((line) => line.provider_key === providerKey),
    isUnpaid: first.is_unpaid,
    effects: lines.filter(({ reference }) => reference === paymentReference).map(toEffect),
    now: first.now,
  };
}

async function rowOfKey(
  database: Pool | PoolClient,
  { account, providerKey }: FollowUpAttempt,
): Promise<EffectRow | undefined> {
  const { rows } = await database.query<EffectRow>(
    `select ${COLUMNS} from simulator_effects where account_id = $1 and provider_key = $2`,
    [account.id, providerKey],
  );
  return rows[0];
}

async function readEffects(
  database: Pool | PoolClient,
  accountId: string,
  reference: string,
): Promise<{ effects: Effect[]; now: Date }> {
  // The time comes along in the same statement, also when there is no effect.
  const { rows } = await database.query<{ now: Date } & (EffectRow | { provider_key: null })>(
    `select c.now, e.* from (select clock_timestamp() as now) c
       left join (select ${COLUMNS}, seq from simulator_effects where account_id = $1 and reference = $2) e on true
      order by e.seq`,
    [accountId, reference],
  );
  const now = rows[0]?.now;
  if (now === undefined) throw new Error('the database did not tell the time');
  return { now, effects: rows.flatMap((row) => (row.provider_key === null ? [] : [toEffect(row)])) };
}

function toEffect(row: EffectRow): Effect {
  return {
    kind: row.kind,
    providerKey: row.provider_key,
    amountMinor: row.amount_minor,
    isFinal: row.is_final,
    state: row.state,
    failureCode: row.failure_code ?? undefined,
  };
}

async function write(
  client: PoolClient,
  attempt: FollowUpAttempt,
  verdict: Verdict,
  refundDelayMs: number,
): Promise<EffectRow> {
  const stored = verdict.kind === 'declined' ? { state: 'declined' } : PLANS[verdict.plan];
  const { rows } = await client.query<EffectRow>({
    name: 'simulator-effect',
    text: `insert into simulator_effects (account_id, provider_key, reference, kind, amount_minor, is_final, state,
       failure_code, settled_state, settles_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9,
       case when $9::text is null then null else clock_timestamp() + make_interval(secs => $10::float8 / 1000) end)
  returning ${COLUMNS}`,
    values: [
      attempt.account.id,
      attempt.providerKey,
      attempt.paymentReference,
      attempt.kind,
      attempt.money.amountMinor,
      attempt.isFinal,
      stored.state,
      verdict.kind === 'declined' ? verdict.code : null,
      stored.settledState ?? null,
      refundDelayMs,
    ],
  });
  if (rows[0] === undefined) throw new Error('an effect that was written is gone');
  return rows[0];
}

const PLANS: Readonly<Record<RefundPlan, { state: string; settledState?: string }>> = {
  succeeded: { state: 'succeeded' },
  pending_then_succeeded: { state: 'pending', settledState: 'succeeded' },
  pending_then_failed: { state: 'pending', settledState: 'failed' },
  succeeded_then_failed: { state: 'succeeded', settledState: 'failed' },
};

/** The journal's line as the answer to whoever asks under its key. */
function outcomeOfRow(attempt: FollowUpAttempt, row: EffectRow): Outcome {
  const isSame =
    row.kind === attempt.kind &&
    row.reference === attempt.paymentReference &&
    row.amount_minor === attempt.money.amountMinor;
  // As a provider that compares parameters would refuse it; what is stored under the key says nothing of this call.
  if (!isSame) return { kind: 'unknown', reason: 'the key belongs to another call', onlyLookupTells: true };
  // A refund is an object of its own; the others are steps of the payment.
  const providerReference =
    row.kind === 'refund' ? `simre_${digest(`refund ${row.provider_key}`, 12)}x` : attempt.paymentReference;
  switch (row.state) {
    case 'pending':
      return { kind: 'pending', providerReference };
    case 'declined':
    case 'failed':
      return {
        kind: 'declined',
        providerReference,
        failure: failureOf(row.failure_code ?? refusalOf(row.kind)),
      };
    case 'succeeded':
      return { kind: 'succeeded', providerReference, amountMinor: row.amount_minor, ...holdAfter(attempt) };
    default:
      throw new Error(`unhandled state ${JSON.stringify(row.state satisfies never)}`);
  }
}

function holdAfter({
  kind,
  paymentReference,
  money,
}: FollowUpAttempt): Pick<Extract<Outcome, { kind: 'succeeded' }>, 'hold'> {
  const facts = kind === 'adjust' ? parseReference(paymentReference) : undefined;
  return facts === undefined ? {} : { hold: holdTermsOf(facts, money.amountMinor) };
}
