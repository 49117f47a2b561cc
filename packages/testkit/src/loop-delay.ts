import { monitorEventLoopDelay } from 'node:perf_hooks';

const NANOSECONDS_PER_MS = 1_000_000;
// A pause of the machine falls into one round and not into all; what the work itself blocks, it blocks in each.
const ROUNDS = 3;

/**
 * The longest time in milliseconds that this process was blocked while each of the works was done: the least of three
 * rounds, in turns, so that both see the same machine.
 */
export async function longestBlocks(
  usual: () => Promise<void>,
  unusual: () => Promise<void>,
): Promise<{ usualMs: number; unusualMs: number }> {
  let [usualMs, unusualMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round += 1) {
    usualMs = Math.min(usualMs, await longestBlock(usual));
    unusualMs = Math.min(unusualMs, await longestBlock(unusual));
  }
  return { usualMs, unusualMs };
}

async function longestBlock(work: () => Promise<void>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  await work();
  histogram.disable();
  return histogram.max / NANOSECONDS_PER_MS;
}
