const RUNS = 5;

/** The time in milliseconds of the fastest of several runs: a busy machine only ever makes one slower. */
export function fastestMs(work: () => void): number {
  let fastest = Infinity;
  for (let run = 0; run < RUNS; run += 1) {
    const startedAt = performance.now();
    work();
    fastest = Math.min(fastest, performance.now() - startedAt);
  }
  return fastest;
}

/** The least of a few measurements, until one is below `enough`: a busy machine only ever makes it more. */
export function leastOf(measure: () => number, enough: number): number {
  let least = Infinity;
  for (let run = 0; run < RUNS && least >= enough; run += 1) least = Math.min(least, measure());
  return least;
}
