import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Assumptions } from './assumptions.ts';
import { assumptionsSchema } from './assumptions.ts';
import { secretNames } from './cards/card.ts';
import type { TargetClient } from './cards/forward.ts';
import { openTargetClient } from './cards/forward.ts';
import { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { FaultBook } from './faults/fault-book.ts';
import type { JournalFields } from './journal.ts';
import { Journal } from './journal.ts';
import type { Snapshot, State } from './state.ts';
import { applySnapshot, emptyState, snapshotSchema } from './state.ts';
import { SealedStore } from './vault/sealed-store.ts';

export type Context = {
  config: Config;
  clock: Clock;
  journal: Journal;
  state: State;
  secrets: SealedStore;
  faults: FaultBook;
  /** Replaced as a whole by `POST /_control/assumptions`. */
  assumptions: Assumptions;
  targets: TargetClient;
  /** Aborted when the simulator stops: ends the waits of faults. */
  stopping: AbortController;
};

/** Rebuilds everything from the data folder. */
export async function createContext(config: Config): Promise<Context> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const clock = new Clock();
  const state = emptyState();
  const journal = await Journal.open(join(config.dataDir, 'journal.jsonl'), clock, (entry) => {
    if (!Array.isArray(entry.state)) return;
    for (const snapshot of entry.state) applySnapshot(state, snapshotSchema.parse(snapshot));
  });
  clock.setOffset(state.clockOffsetMs);
  const secrets = await SealedStore.open(
    config.dataDir,
    new Set([...state.cards.values()].flatMap(secretNames)),
  );
  return {
    config,
    clock,
    journal,
    state,
    secrets,
    faults: new FaultBook(),
    assumptions: assumptionsSchema.parse({}),
    targets: openTargetClient(config),
    stopping: new AbortController(),
  };
}

/**
 * Records something that happened in the outside world, with the objects it changed, on one line.
 * Memory changes at once, so of two racing requests the second sees the first; the promise is the disk's word.
 */
export function recordEffect(
  ctx: Context,
  effect: string,
  fields: JournalFields,
  changed: Snapshot[],
): Promise<void> {
  for (const snapshot of changed) applySnapshot(ctx.state, snapshot);
  return ctx.journal.append('effect', { effect, ...fields, ...(changed.length > 0 && { state: changed }) });
}

/** Records changed objects that nobody outside notices. */
export function recordState(ctx: Context, changed: Snapshot[]): Promise<void> {
  for (const snapshot of changed) applySnapshot(ctx.state, snapshot);
  return ctx.journal.append('state', { state: changed });
}
