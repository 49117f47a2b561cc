import { join } from 'node:path';
import { RUN_FILES } from '../run-folder.ts';
import type { Action } from '../run-folder.ts';
import type { Seeded } from '@centra/testkit/seeded.ts';
import type { Stage } from '../stage/stage.ts';
import { createAsker } from './asker.ts';
import { replay, settle } from './settle.ts';
import type { Slow } from './choose.ts';
import { askFor, judgeRivals, workOn } from './worker.ts';
import type { Work } from './worker.ts';

export type LoadOptions = {
  random: Seeded;
  /** Workers at once; each asks, waits for the answer, and asks again. */
  workers: number;
  /** Share of requests that are sent this many times at once with one key; 0 to 1. */
  duplicates: { share: number; copies: number };
  /**
   * What the platform takes a minute or more to find out, by design; without it a run comes to rest in seconds. `pending`: refunds
   * that the bank works on. `absent`: what never happened, which two looks a minute apart prove.
   */
  slow?: readonly Slow[];
  /** Share of the built-in simulator's payments whose answer it loses; 0.04 unless told otherwise. */
  lostShare?: number;
  /** Where `client.jsonl` is written. */
  folder: string;
  say(line: string): void;
};

export type LoadCounts = Readonly<Record<'invoked' | 'ok' | 'fail' | 'info' | 'replayed', number>>;

export type Load = {
  counts(): LoadCounts;
  /** How many requests of each action were told to be done. */
  done(): Readonly<Record<Action, number>>;
  /** Answers against the contract, each as soon as it was seen: other bytes at a replay, a used key taken for something else … */
  violations: readonly string[];
  /** Ends when every request under way has ended (each within its own time limit). */
  stop(): Promise<LoadCounts>;
  /**
   * Asks again with the same key and body for every request whose end is not known, until each has one. To be called once the
   * stage is healed; answers how many stayed unknown.
   */
  settle(timeoutMs: number): Promise<number>;
  /** Asks again for so many of what was answered for good. `answered` came back the same; other bytes are violations. */
  replay(max: number): Promise<{ asked: number; answered: number }>;
  /** Closes journal and connections; nothing may be asked afterwards. */
  close(): Promise<void>;
};

// Some in each minute, and most payments as they should be.
const LOST_SHARE = 0.04;

/**
 * Mixed operations over all hotels of the stage through both doors, with an fsynced journal: charges, holds, captures, cancels,
 * adjustments and refunds; repeated keys, keys shared between hotels, keys used again with other bodies.
 */
export async function startLoad(stage: Stage, options: LoadOptions): Promise<Load> {
  const journalFile = join(options.folder, RUN_FILES.client);
  const asker = await createAsker({ doors: stage.doors, journalFile });
  const { duplicates, random, say, slow = [], lostShare = LOST_SHARE } = options;
  const work: Work = {
    stage,
    asker,
    duplicates,
    slow,
    lostShare,
    known: new Map(),
    open: new Set(),
    rivals: [],
    isStopping: false,
  };
  const workers = Array.from({ length: options.workers }, async (_, nth) => {
    const own = random.fork(`worker ${nth}`);
    while (!work.isStopping) await workOn(work, own);
  });
  const working = Promise.all(workers);
  // Whoever stops the load gets the error too; until then it is at least seen.
  working.catch((error: unknown) => say(`the load cannot go on: ${String(error)}`));
  return {
    counts: asker.counts,
    done: asker.done,
    violations: asker.book.violations,
    async stop() {
      work.isStopping = true;
      await working;
      return asker.counts();
    },
    async settle(timeoutMs) {
      const left = await settle(work.open, async (errand) => await askFor(work, errand), timeoutMs);
      work.open = new Set(left);
      judgeRivals(work);
      return left.length;
    },
    replay: async (max) => await replay(asker, max),
    close: asker.close,
  };
}
