import type { Books } from './books.ts';
import { deadlineAtSimulator } from './effects.ts';
import type { Found, Invariant } from './judge.ts';

/** When holds end: I26. */
export const HOLDS: readonly Invariant[] = [
  {
    number: 'I26',
    rule: "no hold expires before the provider's deadline, whatever the clocks said",
    judge: judgeHolds,
  },
];

/**
 * A hold that ended as expired ended after the provider's own deadline or because the provider had let go of it by itself, and
 * the deadline that we keep is the provider's. Steps are timed by the database.
 */
function judgeHolds(books: Books): Found {
  const { payments, events, stripe, operations } = books;
  const deadlineOf = (reference: string | null): number | undefined =>
    reference === null ? undefined : (stripe.captureBefore.get(reference) ?? deadlineAtSimulator(reference));
  const held = payments.filter(({ hold_expires_at }) => hold_expires_at !== null);
  if (held.length === 0) return { notYet: 'this run has no hold with a deadline' };
  const byId = new Map(payments.map((payment) => [`${payment.merchant_id} ${payment.id}`, payment]));
  const expiries = new Set(
    operations.flatMap(({ id, kind, reason }) => (kind === 'void' && reason === 'expired' ? [id] : [])),
  );
  const early = events.flatMap(({ merchant_id, payment_id, version, details, operation_id, at }) => {
    if (details['reason'] !== 'expired' && !expiries.has(operation_id)) return [];
    const reference = byId.get(`${merchant_id} ${payment_id}`)?.provider_reference ?? '';
    const deadline = deadlineOf(reference);
    if (deadline !== undefined && Date.parse(at) >= deadline * 1_000) return [];
    if (stripe.lapsed.has(reference)) return [];
    return [
      `payment ${payment_id}: step ${version} says that its hold expired at ${at}, ` +
        `the provider's deadline was ${deadline === undefined ? 'not told' : new Date(deadline * 1_000).toISOString()}`,
    ];
  });
  const other = held.flatMap(({ id, provider_reference, hold_expires_at }) => {
    const deadline = deadlineOf(provider_reference);
    const ours = Date.parse(hold_expires_at ?? '') / 1_000;
    return deadline === ours
      ? []
      : [`payment ${id}: we keep ${hold_expires_at} as deadline, the provider says ${deadline}`];
  });
  return { checked: held.length, offending: [...early, ...other] };
}
