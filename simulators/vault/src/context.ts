import { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { FaultBook } from './faults/fault-book.ts';
import { createJournal } from './journal.ts';
import type { Journal } from './journal.ts';
import { readState, writeState } from './state.ts';
import type { State } from './state.ts';

export type Context = {
  config: Config;
  clock: Clock;
  state: State;
  faults: FaultBook;
  journal: Journal;
  /** Aborted when the simulator stops: ends the waits of faults. */
  stopping: AbortController;
  /** To be called after each change of the state. */
  save(): void;
};

export function createContext(config: Config): Context {
  const clock = new Clock();
  const state = readState(config.dataDir);
  clock.setOffset(state.clock_offset_ms);
  return {
    config,
    clock,
    state,
    faults: new FaultBook(),
    journal: createJournal(clock),
    stopping: new AbortController(),
    save: () => writeState(config.dataDir, state),
  };
}
