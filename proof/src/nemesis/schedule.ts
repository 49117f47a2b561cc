import type { Seeded } from '@centra/testkit/seeded.ts';
import { drawFault } from './draw-fault.ts';
import type { FaultFamily } from './nemesis.ts';
import type { PlannedFault } from './planned-fault.ts';

/** The next fault, and when it is due after the one before was. */
export type Due = { afterMs: number; planned: PlannedFault };

/** Faults without end, the same for the same seed; how long any of them takes to be done changes nothing about the next. */
export function* schedule(
  random: Seeded,
  options: { families: readonly FaultFamily[]; faultsPerMinute: number },
): Generator<Due, never> {
  const meanMs = 60_000 / options.faultsPerMinute;
  // The first comes soon: a short run has few.
  let share = 0.2;
  for (;;) {
    yield { afterMs: Math.round(meanMs * share), planned: drawFault(random, options.families) };
    share = 0.5 + random.fraction();
  }
}
