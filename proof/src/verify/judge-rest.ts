import type { Books } from './books.ts';
import { groupBy, sumOf } from './group.ts';
import type { Found, Invariant } from './judge.ts';
import type { OperationRow, PaymentRow } from './rows.ts';

/** What is left when everything has come to rest: I5. */
export const REST: readonly Invariant[] = [
  { number: 'I5', rule: 'no operation is open, except before a person with a reason', judge: judgeRest },
];

/**
 * Two kinds may stay open by design: what surely was not sent waits up to 15 minutes for its key, or for its planned next
 * try (docs/decisions/0005 and 0018), and then ends by itself; and what its provider itself has not decided.
 */
function judgeRest(books: Books): Found {
  const { operations, payments, effects, now } = books;
  const byPayment = groupBy(operations, (row) => `${row.merchant_id} ${row.payment_id}`);
  const done = new Set(effects.map(({ operationId }) => operationId));
  const undecided = undecidedOf(books);
  const offending = payments.flatMap((payment) => {
    const own = byPayment.get(`${payment.merchant_id} ${payment.id}`) ?? [];
    const open = own.filter(({ state }) => state !== 'succeeded' && state !== 'declined');
    const left = open.filter((operation) => {
      const isBeforePerson = operation.escalated_at !== null && (operation.unknown_reason ?? '') !== '';
      const waits =
        operation.state === 'prepared' &&
        !operation.may_have_charged &&
        !done.has(operation.id) &&
        Date.parse(operation.due_at) > now;
      return (
        !isBeforePerson && !waits && !undecided.has(operation.id) && payment.status !== 'requires_action'
      );
    });
    return [
      ...left.map(
        ({ kind, id, state, unknown_reason }) => `${kind} ${id} is still ${state} (${unknown_reason})`,
      ),
      ...pendingOf(payment, open).map((wrong) => `payment ${payment.id}: ${wrong}`),
    ];
  });
  return { checked: operations.length, offending };
}

/** Refunds that their provider has neither done nor refused. */
function undecidedOf({ stripe, simulatorEffects, now }: Books): Set<string> {
  const ended = new Set(
    stripe.effects.flatMap(({ effect, refund }) =>
      effect === 'refund.succeeded' || effect === 'refund.failed' ? [refund] : [],
    ),
  );
  const keys = [
    ...stripe.effects.flatMap(({ effect, refund, idempotency_key }) =>
      effect === 'refund.pending' && !ended.has(refund) ? [idempotency_key ?? ''] : [],
    ),
    ...simulatorEffects.flatMap((row) =>
      row.state === 'pending' && Date.parse(row.settles_at ?? '') > now ? [row.provider_key] : [],
    ),
  ];
  return new Set(keys.map((key) => key.replace(/^centra-/, '')));
}

/** What is reserved is reserved for somebody, and a hold is busy with something that is open. */
function pendingOf(payment: PaymentRow, open: readonly OperationRow[]): string[] {
  const asked = (kind: string): bigint =>
    sumOf(
      open.filter((operation) => operation.kind === kind),
      ({ amount_minor }) => amount_minor,
    );
  const busy = payment.busy_operation_id;
  return [
    ...(payment.capture_pending_minor === asked('capture')
      ? []
      : [`${payment.capture_pending_minor} is reserved for captures of ${asked('capture')}`]),
    ...(payment.refund_pending_minor === asked('refund')
      ? []
      : [`${payment.refund_pending_minor} is reserved for refunds of ${asked('refund')}`]),
    ...(payment.authorize_pending_minor === 0n || open.length > 0
      ? []
      : [`${payment.authorize_pending_minor} is reserved for a hold of nobody`]),
    ...(busy === null || open.some(({ id }) => id === busy)
      ? []
      : [`it is busy with ${busy}, which is not open`]),
    ...(open.length === 0 && payment.hold_open && payment.captured_minor >= payment.authorized_minor
      ? ['a hold of nothing is open']
      : []),
  ];
}
