import type { Books } from './books.ts';
import { ownersOfAccounts } from './effects.ts';
import { groupBy } from './group.ts';
import type { Found, Invariant } from './judge.ts';

/** What providers told us: I15. */
export const EVENTS: readonly Invariant[] = [
  {
    number: 'I15',
    rule: 'each provider event that we answered with 200 is stored once and processed, or unmatched, mismatch or parked with a reason',
    judge: judgeEvents,
  },
];

const WITH_REASON = new Set(['unmatched', 'mismatch', 'parked']);

function judgeEvents({ stripe, providerEvents, run }: Books): Found {
  const owners = ownersOfAccounts(run.hotels);
  const delivered = stripe.delivered.filter(({ account }) => owners.has(account));
  if (delivered.length === 0 && providerEvents.length === 0)
    return { notYet: 'this run has no delivered event of a provider' };
  const stored = groupBy(providerEvents, (row) => `${row.merchant_id} ${row.provider_event_id}`);
  const vanished = delivered.flatMap(({ id, type, account }) => {
    const rows = stored.get(`${owners.get(account)} ${id}`) ?? [];
    return rows.length === 1
      ? []
      : [`${type} ${id} was answered with 200 and is stored ${rows.length} times`];
  });
  const unfinished = providerEvents.flatMap(({ id, type, state, reason }) => {
    if (state === 'processed') return [];
    if (WITH_REASON.has(state)) return reason === '' ? [`${type} ${id} is ${state} without a reason`] : [];
    return [`${type} ${id} is still ${state} (${reason})`];
  });
  return {
    checked: Math.max(delivered.length, providerEvents.length),
    offending: [...vanished, ...unfinished],
  };
}
