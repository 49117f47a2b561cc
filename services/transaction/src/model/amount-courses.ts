import type { Request } from './reference-refusals.ts';

/** `unsent`: surely nothing was sent; the same key takes it up. */
export type State = 'succeeded' | 'declined' | 'open' | 'unsent';

// docs/providers/simulator.md: what is said first and what comes of it at last, by amount; every other amount is done at once.
type Course = readonly [State, State?];
const FIRST: Readonly<Record<number, Course>> = {
  66_601: ['declined'],
  66_610: ['open', 'succeeded'],
  66_611: ['open', 'declined'],
  66_631: ['unsent', 'declined'],
};
const NEXT: Readonly<Record<number, Course>> = {
  66_640: ['open', 'succeeded'],
  66_641: ['open', 'declined'],
  66_642: ['open', 'succeeded'],
  66_643: ['unsent', 'declined'],
  66_650: ['declined'],
};
const REFUND: Readonly<Record<number, Course>> = {
  ...NEXT,
  66_651: ['open', 'succeeded'],
  66_652: ['open', 'declined'],
};

/** What becomes of a request for that amount. */
export function courseOf(request: Request, amount: number): Course {
  if (request.kind === 'create') return ['succeeded'];
  if ('isCardGood' in request && !request.isCardGood) return ['declined'];
  const byAmount =
    request.kind === 'refund' ? REFUND : 'on' in request && request.kind !== 'pay' ? NEXT : FIRST;
  return byAmount[amount] ?? ['succeeded'];
}
