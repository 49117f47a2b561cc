import type { PaymentIntent } from '../payment-intents/payment-intent.ts';
import { isFound, type Query } from './search-query.ts';

/** What search sees: every change, but only a while after it happened. */
export class SearchIndex {
  readonly #delayMs: number;
  readonly #intents = new Map<string, PaymentIntent>();
  readonly #byMetadata = new Map<string, Set<string>>();
  #changes: { dueMs: number; intent: PaymentIntent }[] = [];

  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  put(intent: PaymentIntent, atMs: number): void {
    this.#changes.push({ dueMs: atMs + this.#delayMs, intent });
  }

  /** What the index holds at `nowMs` and the query finds, newest first. */
  find(query: Query, nowMs: number): PaymentIntent[] {
    this.#catchUp(nowMs);
    return this.#candidates(query)
      .filter((intent) => isFound(intent, query))
      .toReversed();
  }

  #catchUp(nowMs: number): void {
    const pending = this.#changes.findIndex(({ dueMs }) => dueMs > nowMs);
    const due = pending < 0 ? this.#changes : this.#changes.slice(0, pending);
    this.#changes = pending < 0 ? [] : this.#changes.slice(pending);
    for (const { intent } of due) this.#index(intent);
  }

  #index(intent: PaymentIntent): void {
    const before = this.#intents.get(intent.id);
    if (before && before.metadata !== intent.metadata) {
      for (const pair of Object.entries(before.metadata))
        this.#byMetadata.get(pairName(...pair))?.delete(intent.id);
    }
    this.#intents.set(intent.id, intent);
    if (before?.metadata === intent.metadata) return;
    for (const pair of Object.entries(intent.metadata)) {
      const name = pairName(...pair);
      const ids = this.#byMetadata.get(name) ?? new Set();
      ids.add(intent.id);
      this.#byMetadata.set(name, ids);
    }
  }

  /** Our caller looks for one metadata value among everything: that must not walk through everything. */
  #candidates(query: Query): PaymentIntent[] {
    const exact =
      query.joinedBy === 'AND' &&
      query.clauses.find(
        (clause) => clause.metadataKey !== null && clause.operator === ':' && !clause.negated,
      );
    if (!exact || typeof exact.value !== 'string') return [...this.#intents.values()];
    const ids = this.#byMetadata.get(pairName(exact.metadataKey ?? '', exact.value)) ?? new Set<string>();
    return [...ids].flatMap((id) => this.#intents.get(id) ?? []);
  }
}

function pairName(key: string, value: string): string {
  return `${key}\0${value.toLowerCase()}`;
}
