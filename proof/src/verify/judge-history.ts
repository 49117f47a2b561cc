import type { Books } from './books.ts';
import { groupBy } from './group.ts';
import type { Found, Invariant } from './judge.ts';
import type { PaymentEventRow } from './rows.ts';

/** The history of payments and the events that leave: I12, I13. */
export const HISTORY: readonly Invariant[] = [
  {
    number: 'I12',
    rule: 'only legal transitions, version + 1 each, up to where the payment is',
    judge: judgeMoves,
  },
  {
    number: 'I13',
    rule: 'each transition has one outgoing event and each event one source (no relay yet: rows of the outbox)',
    judge: judgeOutbox,
  },
];

// docs/architecture.md, and a copy on purpose. A move onto itself changes sums only.
const MOVES: Readonly<Record<string, readonly string[]>> = {
  created: ['created', 'processing', 'canceled'],
  processing: ['processing', 'requires_action', 'authorized', 'succeeded', 'failed', 'canceled'],
  requires_action: ['requires_action', 'authorized', 'succeeded', 'failed', 'canceled'],
  authorized: ['authorized', 'partially_captured', 'succeeded', 'canceled'],
  partially_captured: ['partially_captured', 'succeeded', 'partially_refunded', 'refunded'],
  succeeded: ['succeeded', 'partially_refunded', 'refunded'],
  partially_refunded: ['partially_refunded', 'refunded', 'succeeded'],
  refunded: ['refunded', 'partially_refunded', 'succeeded'],
  canceled: ['canceled', 'authorized', 'succeeded'],
  failed: ['failed', 'authorized', 'succeeded'],
};
const FIRST = ['created', 'processing'];
// Only with the provider's own word that it was paid or held after all (docs/decisions/0019).
const AFTER_ALL = new Set(['payment.late_success', 'payment.late_authorization']);

function judgeMoves({ payments, events }: Books): Found {
  const steps = groupBy(events, (row) => `${row.merchant_id} ${row.payment_id}`);
  const offending = payments.flatMap((payment) => {
    const own = steps.get(`${payment.merchant_id} ${payment.id}`) ?? [];
    const last = own.at(-1);
    const wrong = own.flatMap((step, index) => wrongMove(step, own[index - 1], index));
    if (last?.version !== payment.version || last.to_status !== payment.status)
      wrong.push(
        `the history ends at version ${last?.version} ${last?.to_status}, it is at ${payment.version} ${payment.status}`,
      );
    const ofSums = statusOfSums(payment);
    if (ofSums !== undefined && ofSums !== payment.status)
      wrong.push(`it is ${payment.status}, its sums make it ${ofSums}`);
    return wrong.map((words) => `payment ${payment.id}: ${words}`);
  });
  const known = new Set(payments.map(({ merchant_id, id }) => `${merchant_id} ${id}`));
  const orphans = [...steps.keys()]
    .filter((key) => !known.has(key))
    .map((key) => `steps of no payment: ${key}`);
  return { checked: events.length, offending: [...offending, ...orphans] };
}

function wrongMove(step: PaymentEventRow, before: PaymentEventRow | undefined, index: number): string[] {
  const { version, from_status: from, to_status: to, type } = step;
  const found: string[] = [];
  if (version !== index + 1) found.push(`version ${index + 1} is missing before ${version}`);
  if (from !== (before?.to_status ?? null)) found.push(`version ${version} begins at ${from}`);
  if (before === undefined) return FIRST.includes(to) ? found : [...found, `it began as ${to}`];
  if (MOVES[before.to_status]?.includes(to) !== true)
    found.push(`version ${version}: ${before.to_status} became ${to}`);
  const isEnd = before.to_status === 'canceled' || before.to_status === 'failed';
  if (isEnd && to !== before.to_status && !AFTER_ALL.has(type))
    found.push(`version ${version}: ${before.to_status} became ${to} by ${type}`);
  return found;
}

/** The table of docs/architecture.md; undefined while nothing was held yet. */
function statusOfSums(payment: Books['payments'][number]): string | undefined {
  const { status, hold_open: isOpen, captured_minor: captured, refunded_minor: refunded } = payment;
  if (['created', 'processing', 'requires_action', 'failed'].includes(status)) return undefined;
  if (isOpen) return captured === 0n ? 'authorized' : 'partially_captured';
  if (captured === 0n) return 'canceled';
  if (refunded === 0n) return 'succeeded';
  return refunded < captured ? 'partially_refunded' : 'refunded';
}

function judgeOutbox({ events, outbox, operations }: Books): Found {
  const sent = groupBy(outbox, nameOf);
  const steps = groupBy(events, nameOf);
  const sources = new Set(operations.map((row) => `${row.merchant_id} ${row.payment_id} ${row.id}`));
  const ids = groupBy(outbox, ({ event_id }) => event_id);
  return {
    checked: events.length,
    offending: [
      ...[...steps.keys()].flatMap((name) =>
        sent.get(name)?.length === 1 ? [] : [`${name} has ${sent.get(name)?.length ?? 0} outgoing events`],
      ),
      ...[...sent.keys()].flatMap((name) => (steps.has(name) ? [] : [`outgoing ${name} has no step`])),
      ...[...ids].flatMap(([id, rows]) =>
        rows.length > 1 ? [`event id ${id} is used ${rows.length} times`] : [],
      ),
      ...events.flatMap((step) =>
        sources.has(`${step.merchant_id} ${step.payment_id} ${step.operation_id}`)
          ? []
          : [`${nameOf(step)} names operation ${step.operation_id}, which is not its payment's`],
      ),
    ],
  };
}

function nameOf(row: Pick<PaymentEventRow, 'merchant_id' | 'payment_id' | 'version' | 'type'>): string {
  return `${row.type} of payment ${row.payment_id} version ${row.version} at hotel ${row.merchant_id}`;
}
