import type { Clock } from './clock.ts';

/** One request as it was answered: never its body, its token or what was in the answer. */
export type JournalEntry = {
  seq: number;
  at: string;
  method: string;
  path: string;
  namespace: string | null;
  /** Accessor of the token that came with it; null without a known one. */
  accessor: string | null;
  /** Null when the connection was cut in place of an answer. */
  status: number | null;
};

export type Journal = {
  note(entry: Omit<JournalEntry, 'seq' | 'at'>): void;
  after(seq: number): JournalEntry[];
};

// A test reads the last minutes of one run; older entries would only cost memory.
const ENTRIES_MAX = 100_000;

/** The requests in order, in memory. */
export function createJournal(clock: Clock): Journal {
  let entries: JournalEntry[] = [];
  let seq = 0;
  return {
    note(entry) {
      seq += 1;
      entries.push({ seq, at: clock.iso(), ...entry });
      if (entries.length > ENTRIES_MAX) entries = entries.slice(ENTRIES_MAX / 2);
    },
    after: (from) => entries.filter((entry) => entry.seq > from),
  };
}
