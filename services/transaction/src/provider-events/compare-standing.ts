import type { Payment } from '../payments/payment.ts';
import type { PaymentStanding } from '../providers/provider.ts';

/** How the provider's word on a payment compares with our record, both after nothing is under way any more. */
export type Comparison =
  | { kind: 'agrees' }
  /** The provider holds nothing any more of a hold that we think open. */
  | { kind: 'hold_gone' }
  /** Money was collected or is held for a payment that we took for failed or canceled. */
  | { kind: 'late_success' }
  /** Less was given back than we think: a refund of ours came to nothing after all. */
  | { kind: 'refund_reversed' }
  /** No correction of ours explains it; `reason` is for people. */
  | { kind: 'differs'; reason: string };

type Ours = Pick<
  Payment,
  | 'status'
  | 'money'
  | 'hold'
  | 'authorizedMinor'
  | 'capturedMinor'
  | 'refundedMinor'
  | 'authorizePendingMinor'
  | 'capturePendingMinor'
  | 'refundPendingMinor'
>;

/**
 * Compares sums, not words: a declined payment intent stays open at Stripe and is failed here, and both mean no money. What
 * is pending here may or may not be in the provider's sums already.
 */
export function compareStanding(ours: Ours, theirs: PaymentStanding): Comparison {
  const isHeldThere = theirs.state === 'held';
  const collectedThere = theirs.capturedMinor - theirs.refundedMinor;
  const isOver = ours.status === 'failed' || ours.status === 'canceled';
  if (isOver && (isHeldThere || collectedThere > 0n)) return { kind: 'late_success' };
  if (!isWithin(theirs.capturedMinor, ours.capturedMinor, ours.capturePendingMinor))
    return differs(ours, 'collected', ours.capturedMinor, theirs.capturedMinor);
  if (theirs.refundedMinor > ours.refundedMinor + ours.refundPendingMinor)
    return differs(ours, 'given back', ours.refundedMinor + ours.refundPendingMinor, theirs.refundedMinor);
  if (theirs.refundedMinor < ours.refundedMinor) return { kind: 'refund_reversed' };
  return compareHolds(ours, theirs);
}

function compareHolds(ours: Ours, theirs: PaymentStanding): Comparison {
  const isHeldThere = theirs.state === 'held';
  if (ours.hold === undefined)
    return isHeldThere
      ? {
          kind: 'differs',
          reason: `the provider holds ${money(ours, theirs.capturableMinor)}, we hold nothing`,
        }
      : { kind: 'agrees' };
  // A capture that is not settled yet may have closed it.
  if (!isHeldThere) return ours.capturePendingMinor > 0n ? { kind: 'agrees' } : { kind: 'hold_gone' };
  if (!isWithin(theirs.authorizedMinor, ours.authorizedMinor, ours.authorizePendingMinor))
    return differs(ours, 'held in all', ours.authorizedMinor, theirs.authorizedMinor);
  return { kind: 'agrees' };
}

/** Whether the amount is ours with or without what is pending; lowering a hold is pending with a negative amount. */
function isWithin(theirs: bigint, ours: bigint, pending: bigint): boolean {
  return theirs === ours || theirs === ours + pending || (theirs > ours && theirs < ours + pending);
}

function differs(ours: Ours, what: string, here: bigint, there: bigint): Comparison {
  return {
    kind: 'differs',
    reason: `${what}: ${money(ours, there)} at the provider, ${money(ours, here)} in our record`,
  };
}

function money({ money: { currency } }: Ours, amountMinor: bigint): string {
  return `${amountMinor} ${currency} (minor units)`;
}
