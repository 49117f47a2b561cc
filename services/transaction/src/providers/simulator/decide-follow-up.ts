import type { FailureCode } from '../failure.ts';
import type { FollowUpAttempt, PaymentStanding } from '../provider.ts';
import { FOLLOW_UP_AMOUNTS } from './simulator-amounts.ts';
import { expiryOf, holdTermsOf } from './simulator-reference.ts';
import type { PaymentFacts } from './simulator-reference.ts';

/** One line of the journal, with its state at the moment of reading. */
export type Effect = {
  kind: FollowUpAttempt['kind'];
  providerKey: string;
  amountMinor: bigint;
  isFinal: boolean;
  state: 'succeeded' | 'declined' | 'pending' | 'failed';
  failureCode: FailureCode | undefined;
};

/** What the journal adds up to. */
export type Totals = {
  authorizedMinor: bigint;
  capturedMinor: bigint;
  refundedMinor: bigint;
  refundPendingMinor: bigint;
  /** Whether something can still be captured. */
  isOpen: boolean;
  isVoided: boolean;
  isExpired: boolean;
};

/** Adds up what was done to a payment, in the order of the journal. `now` is the database's time. */
export function totalsOf(facts: PaymentFacts, effects: readonly Effect[], now: Date): Totals {
  const done = effects.filter(({ state }) => state === 'succeeded');
  const sum = (kind: Effect['kind'], of: readonly Effect[]): bigint =>
    of.filter((effect) => effect.kind === kind).reduce((total, effect) => total + effect.amountMinor, 0n);
  const isSale = facts.captureMethod === 'automatic';
  const authorizedMinor = done.findLast(({ kind }) => kind === 'adjust')?.amountMinor ?? facts.amountMinor;
  const capturedMinor = isSale ? facts.amountMinor : sum('capture', done);
  const isVoided = done.some(({ kind }) => kind === 'void');
  const isClosed =
    isSale ||
    isVoided ||
    done.some(({ kind, isFinal }) => kind === 'capture' && isFinal) ||
    capturedMinor >= authorizedMinor;
  const isExpired = !isClosed && now >= expiryOf(facts);
  return {
    authorizedMinor,
    capturedMinor,
    refundedMinor: sum('refund', done),
    refundPendingMinor: sum(
      'refund',
      effects.filter(({ state }) => state === 'pending'),
    ),
    isOpen: !isClosed && !isExpired,
    isVoided,
    isExpired,
  };
}

export type RefundPlan =
  | 'succeeded'
  | 'pending_then_succeeded'
  | 'pending_then_failed'
  | 'succeeded_then_failed';
export type Verdict = { kind: 'done'; plan: RefundPlan } | { kind: 'declined'; code: FailureCode };

// For as long as the schemes let a hotel give money back; banks may differ.
export const REFUND_WINDOW_DAYS = 180;
const DAY_MS = 24 * 60 * 60_000;
const DONE: Verdict = { kind: 'done', plan: 'succeeded' };

function refused(code: FailureCode): Verdict {
  return { kind: 'declined', code };
}

const REFUSALS = {
  capture: 'capture_refused',
  void: 'release_refused',
  refund: 'refund_refused',
  adjust: 'adjustment_refused',
} as const satisfies Record<FollowUpAttempt['kind'], FailureCode>;

/** The plain refusal of what cannot be done, where nothing more exact can be said. */
export function refusalOf(kind: FollowUpAttempt['kind']): FailureCode {
  return REFUSALS[kind];
}

type Asked = Pick<FollowUpAttempt, 'kind' | 'money' | 'isFinal'>;

/** What the bank says to a capture, void, refund or adjustment. Its limits are a bank's: never beyond what is there. */
export function decideFollowUp(facts: PaymentFacts, totals: Totals, attempt: Asked, now: Date): Verdict {
  const { kind, money } = attempt;
  if (facts.state === 'declined' || money.currency !== facts.currency) return refused(refusalOf(kind));
  if (kind !== 'void' && money.amountMinor <= 0n) return refused('amount_refused');
  const verdict = decideByKind(facts, totals, attempt, now);
  if (verdict.kind === 'declined') return verdict;
  const effect = FOLLOW_UP_AMOUNTS.get(money.amountMinor);
  return effect?.kind === 'decline' ? refused(effect.code) : verdict;
}

function decideByKind(
  facts: PaymentFacts,
  totals: Totals,
  { kind, money: { amountMinor }, isFinal }: Asked,
  now: Date,
): Verdict {
  const closed = closedBecause(totals);
  switch (kind) {
    case 'capture':
      return closed === undefined ? decideCapture(facts, totals, amountMinor, isFinal) : refused(closed);
    case 'void':
      return closed === undefined ? DONE : refused(closed);
    case 'refund':
      return decideRefund(facts, totals, amountMinor, now);
    case 'adjust':
      return closed === undefined ? decideAdjustment(facts, totals, amountMinor) : refused(closed);
    default:
      throw new Error(`unhandled kind ${JSON.stringify(kind satisfies never)}`);
  }
}

function closedBecause(totals: Totals): FailureCode | undefined {
  if (totals.isOpen) return undefined;
  if (totals.isVoided) return 'canceled';
  return totals.isExpired ? 'hold_expired' : 'already_captured';
}

function decideCapture(facts: PaymentFacts, totals: Totals, amountMinor: bigint, isFinal: boolean): Verdict {
  const rest = totals.authorizedMinor - totals.capturedMinor;
  const isOneOfSeveral = totals.capturedMinor > 0n || (!isFinal && amountMinor < rest);
  if (isOneOfSeveral && !facts.multipleCapture) return refused('capture_refused');
  if (amountMinor > rest + holdTermsOf(facts, totals.authorizedMinor).overcaptureMinor)
    return refused('amount_refused');
  const { captureDecline } = facts.card;
  return captureDecline === undefined ? DONE : refused(captureDecline);
}

function decideRefund(facts: PaymentFacts, totals: Totals, amountMinor: bigint, now: Date): Verdict {
  if (totals.capturedMinor === 0n) return refused('refund_refused');
  if (isDisputed(facts, totals)) return refused('disputed');
  if (now.getTime() > facts.createdAt.getTime() + REFUND_WINDOW_DAYS * DAY_MS)
    return refused('refund_refused');
  // What is pending counts as given back.
  const left = totals.capturedMinor - totals.refundedMinor - totals.refundPendingMinor;
  if (amountMinor > left) return refused(left === 0n ? 'already_refunded' : 'amount_refused');
  const byAmount = FOLLOW_UP_AMOUNTS.get(amountMinor);
  const plan = facts.card.refund ?? (byAmount?.kind === 'refund' ? byAmount.refund : 'succeeded');
  return plan === 'declined' ? refused('refund_refused') : { kind: 'done', plan };
}

function decideAdjustment(facts: PaymentFacts, totals: Totals, amountMinor: bigint): Verdict {
  if (amountMinor < totals.capturedMinor || amountMinor === totals.authorizedMinor)
    return refused('amount_refused');
  // Lowering asks no bank for anything.
  if (amountMinor < totals.authorizedMinor) return DONE;
  if (!facts.incremental) return refused('adjustment_refused');
  const { raiseDecline } = facts.card;
  return raiseDecline === undefined ? DONE : refused(raiseDecline);
}

/** An inquiry takes no money yet, so refunds stay possible. */
export function isDisputed(facts: PaymentFacts, totals: Totals): boolean {
  return facts.card.dispute?.isInquiry === false && totals.capturedMinor > 0n;
}

/** Where the payment stands, in the provider's terms. */
export function standingOf(facts: PaymentFacts, totals: Totals): PaymentStanding {
  const { authorizedMinor, capturedMinor, refundedMinor, isOpen } = totals;
  const endedEmpty = !isOpen && capturedMinor === 0n;
  return {
    state: isOpen ? 'held' : endedEmpty ? 'canceled' : 'captured',
    authorizedMinor,
    capturedMinor,
    refundedMinor,
    capturableMinor: isOpen ? authorizedMinor - capturedMinor : 0n,
    ...(endedEmpty ? { canceledBy: totals.isVoided ? ('request' as const) : ('expiry' as const) } : {}),
    disputed: isDisputed(facts, totals),
    ...(isOpen ? { hold: holdTermsOf(facts, authorizedMinor) } : {}),
  };
}
