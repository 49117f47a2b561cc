/** A clock that moves only when told. */
export class FakeClock {
  #now: Date;

  constructor(start = new Date('2026-01-01T00:00:00Z')) {
    this.#now = start;
  }

  now(): Date {
    return new Date(this.#now);
  }

  advance(ms: number): void {
    this.#now = new Date(this.#now.getTime() + ms);
  }
}
