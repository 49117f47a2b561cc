import type { Asked } from '../load/ask.ts';
import { keptOf } from '../load/end-of.ts';
import type { Errand } from '../load/key-book.ts';
import type { PaymentTold } from '../load/told.ts';
import type { Seeded } from '@centra/testkit/seeded.ts';

/** Who asks for what on one payment at the same moment, and what may come of it. */
export type Contest = {
  name: string;
  /** What the payment must be when they start. */
  on: 'collected' | 'held';
  /** What the nth caller asks for. */
  call(random: Seeded, nth: number, about: { key: string; paymentId: string }): Asked;
  /** How losers may be refused; any other refusal is a fault. */
  refusals: readonly string[];
  /** Whether the provider may say no. Elsewhere a decline means that it was asked for what we could have known to be too much. */
  mayDecline?: true;
  /** What is wrong with the ends, given the payment as it is afterwards; undefined when nothing is. */
  fault(errands: readonly Errand[], payment: PaymentTold): string | undefined;
};

/** What is held or collected before the race, in minor units. */
export const STAKE = 10_000;

// Whoever lost may find the payment free again by the time the reason is looked for.
const CHANGED = 'state_conflict';
const REFUND_REFUSALS = ['amount_exceeds_captured', 'already_refunded'];
const CAPTURE_REFUSALS = ['amount_exceeds_hold', 'already_captured', 'operation_pending', CHANGED];
const ADJUST_REFUSALS = ['operation_pending', 'amount_unchanged', 'not_supported', CHANGED];

/** Reliability rows 41 to 45, as far as they are races on one payment. */
export const CONTESTS: readonly Contest[] = [
  {
    name: 'refunds of the whole',
    on: 'collected',
    call: (_random, _nth, about) => ({ action: 'refund', ...about }),
    refusals: REFUND_REFUSALS,
    fault: (errands) => exactlyOne(errands),
  },
  {
    name: 'refunds of parts',
    on: 'collected',
    // Together about three times what there is.
    call: (random, _nth, about) => ({ action: 'refund', ...about, amount: random.between(100, 900) }),
    refusals: REFUND_REFUSALS,
    fault: (errands, { amount_refunded: refunded }) => nobodyLost(errands, refunded),
  },
  {
    name: 'last captures',
    on: 'held',
    call: (random, _nth, about) => ({ action: 'capture', ...about, amount: random.between(100, STAKE) }),
    refusals: CAPTURE_REFUSALS,
    fault: (errands) => exactlyOne(errands),
  },
  {
    name: 'captures of parts',
    on: 'held',
    call: (random, _nth, about) => ({
      action: 'capture',
      ...about,
      amount: random.between(300, 900),
      keepOpen: true,
    }),
    refusals: CAPTURE_REFUSALS,
    fault: (errands, { amount_captured: captured }) => nobodyLost(errands, captured),
  },
  {
    name: 'cancels',
    on: 'held',
    call: (_random, _nth, about) => ({ action: 'cancel', ...about }),
    refusals: ['operation_pending', 'payment_canceled', CHANGED],
    fault: (errands) => exactlyOne(errands),
  },
  {
    name: 'captures against cancels',
    on: 'held',
    call: (random, nth, about) =>
      nth % 2 === 0
        ? { action: 'cancel', ...about }
        : { action: 'capture', ...about, amount: random.between(100, STAKE) },
    refusals: [...CAPTURE_REFUSALS, 'payment_canceled'],
    fault: (errands) => exactlyOne(errands),
  },
  {
    name: 'adjustments to one total',
    on: 'held',
    call: (_random, _nth, about) => ({ action: 'adjust', ...about, amount: 15_000 }),
    refusals: ADJUST_REFUSALS,
    fault: (errands) => exactlyOne(errands),
  },
  {
    name: 'adjustments to many totals',
    on: 'held',
    // Stripe raises a hold ten times at most.
    mayDecline: true,
    call: (random, _nth, about) => ({ action: 'adjust', ...about, amount: random.between(10_100, 30_000) }),
    refusals: ADJUST_REFUSALS,
    fault: (errands, { amount_authorized: authorized }) =>
      winners(errands).some(({ asked }) => 'amount' in asked && asked.amount === authorized)
        ? undefined
        : `the hold is ${authorized}, which none of the ${winners(errands).length} winners asked for`,
  },
];

/** What is wrong with a contest that is over: an end that no loser may have, or sums that do not fit. Pure. */
export function faultOf(
  contest: Contest,
  errands: readonly Errand[],
  payment: PaymentTold,
): string | undefined {
  for (const { end, asked } of errands) {
    if (end === undefined) return `${asked.key} has no end`;
    if (end.type !== 'fail') continue;
    if (keptOf(end) !== undefined) {
      if (contest.mayDecline !== true) return `the provider was asked for ${asked.key} in vain`;
    } else if (!contest.refusals.includes(end.code)) return `refused with ${end.code}, which is no loss`;
  }
  if (payment.amount_captured > payment.amount_authorized) return 'more collected than held';
  if (payment.amount_refunded > payment.amount_captured) return 'more given back than collected';
  return contest.fault(errands, payment);
}

function winners(errands: readonly Errand[]): Errand[] {
  return errands.filter(({ end }) => end?.type === 'ok');
}

function exactlyOne(errands: readonly Errand[]): string | undefined {
  const { length } = winners(errands);
  return length === 1 ? undefined : `${length} callers won where one may`;
}

/** Nobody was refused for whom there was room, and together they did not take more than there was. */
function nobodyLost(errands: readonly Errand[], taken: number): string | undefined {
  const left = STAKE - taken;
  if (left < 0) return `${-left} more than there was`;
  const told = winners(errands).reduce((total, { asked }) => total + amountOf(asked), 0);
  if (told !== taken) return `callers were told ${told}, and ${taken} was done`;
  const lost = errands.find(({ end, asked }) => end?.type === 'fail' && amountOf(asked) <= left);
  return lost === undefined ? undefined : `${amountOf(lost.asked)} was refused, and ${left} is left`;
}

function amountOf(asked: Asked): number {
  return 'amount' in asked ? (asked.amount ?? STAKE) : STAKE;
}
