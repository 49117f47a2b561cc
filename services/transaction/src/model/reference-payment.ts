// A payment in plain words; amounts are minor units of one currency.

export type Payment = {
  stage: 'created' | 'processing' | 'failed' | 'canceled' | 'paid';
  isManual: boolean;
  isHeld: boolean;
  amount: number;
  authorized: number;
  captured: number;
  refunded: number;
  capturing: number;
  refunding: number;
  raising: number;
  /** The void, adjustment or last capture that has the hold to itself. */
  busy: object | undefined;
};

/** What its hotel sees of it; `pending` is all that is reserved. */
export type View = Record<'amount' | 'authorized' | 'captured' | 'refunded' | 'pending', number> & {
  status: string;
};

/** What is left of the hold. */
export const capturable = ({ isHeld, authorized, captured, capturing }: Payment): number =>
  isHeld ? authorized - captured - capturing : 0;

/** What is left to give back. */
export const refundable = ({ captured, refunded, refunding }: Payment): number =>
  captured - refunded - refunding;

/** Its status follows from its sums. */
export function statusOf({ stage, isHeld, captured, refunded }: Payment): string {
  if (stage !== 'paid') return stage;
  if (isHeld) return captured === 0 ? 'authorized' : 'partially_captured';
  if (captured === 0) return 'canceled';
  return refunded === 0 ? 'succeeded' : refunded < captured ? 'partially_refunded' : 'refunded';
}

/** A payment as its hotel sees it. */
export function viewOf(payment: Payment): View {
  const { amount, authorized, captured, refunded, capturing, refunding, raising } = payment;
  return {
    status: statusOf(payment),
    amount,
    authorized,
    captured,
    refunded,
    pending: capturing + refunding + raising,
  };
}
