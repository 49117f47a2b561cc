/** A caller may use a second's worth at once, and then as much as time brings back. */
export class RateLimiter {
  readonly #perSecond: number;
  readonly #buckets = new Map<string, { left: number; atMs: number }>();

  /** 0 = no limit. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Whether one more request of this caller fits. Counts by the machine's clock: a test's clock does not make it faster. */
  take(caller: string, nowMs = Date.now()): boolean {
    if (this.#perSecond === 0) return true;
    const bucket = this.#buckets.get(caller) ?? { left: this.#perSecond, atMs: nowMs };
    const back = ((nowMs - bucket.atMs) * this.#perSecond) / 1000;
    const left = Math.min(this.#perSecond, bucket.left + Math.max(back, 0));
    this.#buckets.set(caller, { left: left >= 1 ? left - 1 : left, atMs: nowMs });
    return left >= 1;
  }
}
