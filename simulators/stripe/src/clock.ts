// The simulator's own time. Key windows, expiries and retry delays are measured on it, so that a test
// moves a day ahead with one control call.

/** Node clamps longer timers to 1 ms; a task further away than this is simply re-armed when it wakes. */
const TIMER_MAX_MS = 2_147_483_647;

type Task = { dueMs: number; run: () => void; timer: NodeJS.Timeout };

export class Clock {
  #offsetMs = 0;
  readonly #tasks = new Set<Task>();

  /** Milliseconds since the epoch on the simulator's clock. */
  now(): number {
    return Date.now() + this.#offsetMs;
  }

  /** Unix seconds, as Stripe writes them. */
  seconds(): number {
    return Math.floor(this.now() / 1000);
  }

  /** How far ahead of the machine's clock this one is, in milliseconds. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  set offsetMs(offsetMs: number) {
    this.#offsetMs = offsetMs;
    for (const task of this.#tasks) this.#arm(task);
  }

  /** Runs once the clock reaches `dueMs`; answers a function that cancels. */
  at(dueMs: number, run: () => void): () => void {
    const task: Task = { dueMs, run, timer: setTimeout(() => {}, 0) };
    this.#tasks.add(task);
    this.#arm(task);
    return () => this.#drop(task);
  }

  /** Forgets every task, so that the process can end. */
  close(): void {
    for (const task of this.#tasks) this.#drop(task);
  }

  #arm(task: Task): void {
    clearTimeout(task.timer);
    const waitMs = Math.min(Math.max(task.dueMs - this.now(), 0), TIMER_MAX_MS);
    task.timer = setTimeout(() => this.#wake(task), waitMs);
  }

  #wake(task: Task): void {
    if (task.dueMs > this.now()) return this.#arm(task);
    this.#drop(task);
    task.run();
  }

  #drop(task: Task): void {
    clearTimeout(task.timer);
    this.#tasks.delete(task);
  }
}
