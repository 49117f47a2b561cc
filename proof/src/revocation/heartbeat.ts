/** How long this machine stood still: what a process cannot do while it is not run, nobody can hold against it. */
export type Heartbeat = {
  /** Milliseconds that beats came too late between two moments of `performance.now()`, in all. */
  pausesBetween(from: number, to: number): number;
  stop(): void;
};

const BEAT_MS = 50;
// What a busy event loop adds to a beat without anything standing still.
const USUAL_MS = 50;

export function startHeartbeat(): Heartbeat {
  const pauses: { at: number; ms: number }[] = [];
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const late = now - last - BEAT_MS;
    if (late > USUAL_MS) pauses.push({ at: now, ms: late });
    last = now;
  }, BEAT_MS);
  return {
    pausesBetween: (from, to) =>
      pauses.filter(({ at, ms }) => at > from && at - ms < to).reduce((sum, { ms }) => sum + ms, 0),
    stop: () => clearInterval(timer),
  };
}
