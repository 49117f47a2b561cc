/** The simulator's own clock: real time plus an offset that only grows, so that tests can age tokens and secret ids. */
export class Clock {
  #offsetMs = 0;

  get offsetMs(): number {
    return this.#offsetMs;
  }

  nowMs(): number {
    return Date.now() + this.#offsetMs;
  }

  iso(): string {
    return new Date(this.nowMs()).toISOString();
  }

  setOffset(offsetMs: number): void {
    this.#offsetMs = offsetMs;
  }
}
