import type { Seeded } from '@centra/testkit/seeded.ts';
import type { PaymentTold } from './told.ts';

/** What the load remembers of the payments of one hotel: enough to choose what to ask next, never what to expect. */
export type KnownPayments = {
  /** One of those that are wanted, else undefined. */
  one(random: Seeded, isWanted: (payment: PaymentTold) => boolean): PaymentTold | undefined;
  note(told: PaymentTold): void;
  /** What a refund takes off. */
  noteRefund(paymentId: string, amount: number): void;
};

// So many payments stay of interest; with all of them, hardly any would be met twice.
const KEPT = 60;

export function createKnownPayments(): KnownPayments {
  const byId = new Map<string, PaymentTold>();
  return {
    one(random, isWanted) {
      const wanted = [...byId.values()].filter(isWanted);
      return wanted.length === 0 ? undefined : random.oneOf(wanted);
    },
    note(told) {
      byId.set(told.id, told);
      const [oldest] = byId.keys();
      if (byId.size > KEPT && oldest !== undefined) byId.delete(oldest);
    },
    noteRefund(paymentId, amount) {
      const known = byId.get(paymentId);
      if (known !== undefined)
        byId.set(paymentId, { ...known, amount_refunded: known.amount_refunded + amount });
    },
  };
}
