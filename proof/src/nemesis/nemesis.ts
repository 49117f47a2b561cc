import type { Seeded } from '../seeded.ts';
import type { Stage } from '../stage/stage.ts';

/** Families of faults that a scenario may ask for. */
export const FAULT_FAMILIES = ['kill', 'pause', 'network', 'redis', 'postgres', 'provider', 'vault'] as const;
export type FaultFamily = (typeof FAULT_FAMILIES)[number];

export type NemesisOptions = {
  random: Seeded;
  /** At least 5; the default is 8. */
  faultsPerMinute?: number;
  /** Default all that this machine can do. */
  families?: readonly FaultFamily[];
  /** Where `nemesis.jsonl` is written. */
  folder: string;
  say(line: string): void;
};

export type Nemesis = {
  /** How often each fault was done. */
  counts(): Readonly<Record<string, number>>;
  /** No new faults; those under way end, and everything is healed. */
  stop(): Promise<void>;
};

/** Breaks one thing after the other, as the seed has it; what it stops it also starts again. */
export function startNemesis(stage: Stage, options: NemesisOptions): Nemesis {
  throw new Error(`not built yet: ${stage.folder} ${options.folder}`);
}
