import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import type { FollowUpKind } from '../testing/follow-ups.ts';
import type { Seeded } from '@centra/testkit/seeded.ts';

/** What one caller asks for; the amount in minor units, undefined for all that is left. */
export type Call = { kind: FollowUpKind; amountMinor: bigint | undefined; keepOpen: boolean };

/** How one call ended. `code` names a refusal. */
export type Ending = {
  call: Call;
  kind: 'succeeded' | 'declined' | 'open' | 'refused';
  code: string | undefined;
  /** Whether the same key was answered before. */
  replayed: boolean;
};

/** Who asks for what on one payment at the same moment, and who may win. */
export type Contest = {
  name: string;
  /** What the payment must be when they start: collected, or held. */
  on: 'sale' | 'hold';
  calls(random: Seeded, callers: number): Call[];
  /** Refusals that losing brings; any other is a fault. */
  refusals: ReadonlySet<string>;
  /** Whether the provider may say no. Elsewhere a decline means that we sent what we could have known to be too much. */
  mayDecline?: true;
  /** What is wrong with the endings, given the payment as it is afterwards; undefined when nothing is. */
  fault(endings: readonly Ending[], payment: Payment): string | undefined;
};

/** What is held or collected before the race. */
export const STAKE_MINOR = 10_000n;

const call = (kind: FollowUpKind, amount: number | undefined, keepOpen = false): Call => ({
  kind,
  amountMinor: amount === undefined ? undefined : BigInt(amount),
  keepOpen,
});

function many(callers: number, make: (nth: number) => Call): Call[] {
  return Array.from({ length: callers }, (_, nth) => make(nth));
}

function winners(endings: readonly Ending[]): Ending[] {
  return endings.filter(({ kind, replayed }) => kind === 'succeeded' && !replayed);
}

function exactlyOne(endings: readonly Ending[]): string | undefined {
  const { length } = winners(endings);
  // On a machine that is too busy the winner may be told before the provider has answered; the books say what became of it.
  const isOpen = length === 0 && endings.some(({ kind }) => kind === 'open');
  return length === 1 || isOpen ? undefined : `${length} callers won where one may`;
}

/** Nobody was refused for whom there was room, and together they did not take more than there was. */
function nobodyLost(endings: readonly Ending[], takenMinor: bigint): string | undefined {
  const left = STAKE_MINOR - takenMinor;
  if (left < 0n) return `${-left} more than there was`;
  const lost = endings.find(
    ({ kind, call: { amountMinor } }) => kind === 'refused' && (amountMinor ?? 1n) <= left,
  );
  const sum = winners(endings).reduce((total, ending) => total + (ending.call.amountMinor ?? 0n), 0n);
  if (sum !== takenMinor) return `callers were told ${sum}, and ${takenMinor} was done`;
  return lost === undefined
    ? undefined
    : `a call for ${lost.call.amountMinor} was refused (${lost.code}), and ${left} is left`;
}

/** Sent away by a busy machine, before anything was done; no contest can rule it out. */
export const SHED = 'unavailable';
// The payment was free again by the time the loser was to be told why it lost.
const CHANGED = 'state_conflict';

const REFUNDS: readonly Contest[] = [
  {
    name: 'refunds of the whole',
    on: 'sale',
    calls: (_random, callers) => many(callers, () => call('refund', undefined)),
    refusals: new Set(['amount_exceeds_captured', 'already_refunded', 'in_progress']),
    fault: exactlyOne,
  },
  {
    name: 'refunds of parts',
    on: 'sale',
    // Together about three times what there is.
    calls: (random, callers) => many(callers, () => call('refund', random.between(100, 900))),
    refusals: new Set(['amount_exceeds_captured', 'already_refunded', 'in_progress']),
    fault: (endings, { refundedMinor }) => nobodyLost(withoutRunning(endings), refundedMinor),
  },
];

// Neither refused nor done: a second caller with the same key may be told that the first is under way, and a machine that is
// too busy sends callers away before it has done anything.
function withoutRunning(endings: readonly Ending[]): Ending[] {
  return endings.filter(({ code }) => code !== 'in_progress' && code !== SHED);
}

const CAPTURE_REFUSALS = new Set([
  'amount_exceeds_hold',
  'already_captured',
  'operation_pending',
  'in_progress',
  CHANGED,
]);

const CAPTURES: readonly Contest[] = [
  {
    name: 'last captures',
    on: 'hold',
    calls: (random, callers) => many(callers, () => call('capture', random.between(100, 10_000))),
    refusals: CAPTURE_REFUSALS,
    fault: exactlyOne,
  },
  {
    name: 'captures of parts',
    on: 'hold',
    // Stripe takes at most 50 captures of one hold; these are fewer.
    calls: (random, callers) => many(callers, () => call('capture', random.between(300, 900), true)),
    refusals: CAPTURE_REFUSALS,
    fault: (endings, { capturedMinor }) => nobodyLost(withoutRunning(endings), capturedMinor),
  },
  {
    name: 'captures of parts against last ones',
    on: 'hold',
    calls: (random, callers) =>
      many(callers, (nth) => call('capture', random.between(300, 900), nth % 4 !== 0)),
    refusals: CAPTURE_REFUSALS,
    fault: (endings) =>
      winners(endings).filter((ending) => !ending.call.keepOpen).length <= 1
        ? undefined
        : 'two last captures of one hold',
  },
];

const VOIDS: readonly Contest[] = [
  {
    name: 'voids',
    on: 'hold',
    calls: (_random, callers) => many(callers, () => call('void', undefined)),
    refusals: new Set(['operation_pending', 'payment_canceled', 'in_progress', CHANGED]),
    fault: exactlyOne,
  },
  {
    name: 'voids against captures',
    on: 'hold',
    calls: (random, callers) =>
      many(callers, () =>
        random.between(0, 1) === 0 ? call('void', undefined) : call('capture', random.between(100, 10_000)),
      ),
    refusals: new Set([...CAPTURE_REFUSALS, 'payment_canceled']),
    fault: exactlyOne,
  },
];

const ADJUST_REFUSALS = new Set([
  'operation_pending',
  'amount_unchanged',
  'in_progress',
  'not_supported',
  CHANGED,
]);

const ADJUSTMENTS: readonly Contest[] = [
  {
    name: 'adjustments to one total',
    on: 'hold',
    calls: (_random, callers) => many(callers, () => call('adjust', 15_000)),
    refusals: ADJUST_REFUSALS,
    fault: exactlyOne,
  },
  {
    name: 'adjustments to many totals',
    on: 'hold',
    // Stripe raises a hold ten times at most.
    mayDecline: true,
    calls: (random, callers) => many(callers, () => call('adjust', random.between(10_100, 30_000))),
    refusals: ADJUST_REFUSALS,
    fault(endings, { authorizedMinor }) {
      const won = winners(endings);
      return won.some((ending) => ending.call.amountMinor === authorizedMinor)
        ? undefined
        : `the hold is ${authorizedMinor}, which none of the ${won.length} winners asked for`;
    },
  },
];

/** Every contest of an operation. */
export const CONTESTS: Readonly<Record<FollowUpKind, readonly Contest[]>> = {
  refund: REFUNDS,
  capture: CAPTURES,
  void: VOIDS,
  adjust: ADJUSTMENTS,
};
