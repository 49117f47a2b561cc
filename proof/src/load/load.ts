import type { Seeded } from '../seeded.ts';
import type { Stage } from '../stage/stage.ts';

export type LoadOptions = {
  random: Seeded;
  /** Workers at once; each asks, waits for the answer, and asks again. */
  workers: number;
  /** Share of requests that are sent this many times at once with one key; 0 to 1. */
  duplicates: { share: number; copies: number };
  /** Where `client.jsonl` is written. */
  folder: string;
  say(line: string): void;
};

export type LoadCounts = Readonly<Record<'invoked' | 'ok' | 'fail' | 'info' | 'replayed', number>>;

export type Load = {
  counts(): LoadCounts;
  /** Ends when every request under way has ended (each within its own time limit). */
  stop(): Promise<LoadCounts>;
  /**
   * Asks again with the same key and body for every request whose end is not known, until each has one. To be called once the
   * stage is healed; answers how many stayed unknown.
   */
  settle(timeoutMs: number): Promise<number>;
};

/**
 * Mixed operations over all hotels of the stage through both doors, with an fsynced journal: charges, holds, captures, cancels,
 * adjustments and refunds; repeated keys, keys shared between hotels, keys used again with other bodies.
 */
export async function startLoad(stage: Stage, options: LoadOptions): Promise<Load> {
  throw new Error(`not built yet: ${stage.folder} ${options.folder}`);
}
