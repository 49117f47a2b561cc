import type { Charge } from '../charges/charge.ts';

/** What charges and disputes have done to an account's balance, per currency, in minor units; only disputes have a fee. */
export class Balance {
  readonly #available = new Map<string, number>();
  readonly #pending = new Map<string, number>();

  /** Books the difference between two states of one charge. */
  book(before: Charge | undefined, after: Charge, availableAtOnce: boolean): void {
    const change = worth(after) - (before ? worth(before) : 0);
    if (change === 0) return;
    const side = availableAtOnce ? this.#available : this.#pending;
    side.set(after.currency, (side.get(after.currency) ?? 0) + change);
  }

  /** What a dispute takes (negative) or gives back. */
  move(currency: string, change: number): void {
    if (change !== 0) this.#available.set(currency, (this.#available.get(currency) ?? 0) + change);
  }

  available(): [string, number][] {
    return [...this.#available];
  }

  pending(): [string, number][] {
    return [...this.#pending];
  }
}

function worth(charge: Charge): number {
  return charge.status === 'succeeded' ? charge.amount_captured - charge.amount_refunded : 0;
}
