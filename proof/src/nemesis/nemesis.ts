import { setTimeout as pause } from 'node:timers/promises';
import type { Seeded } from '@centra/testkit/seeded.ts';
import type { Stage } from '../stage/stage.ts';
import { doingOf } from './do-fault.ts';
import { createNemesisJournal } from './nemesis-journal.ts';
import { detailsOf, targetsOf } from './planned-fault.ts';
import type { PlannedFault } from './planned-fault.ts';
import { schedule } from './schedule.ts';

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
  /** How often each fault was done; one that could not be done is said, and does not count. */
  counts(): Readonly<Record<string, number>>;
  /** No new faults; those under way end, and everything is healed. */
  stop(): Promise<void>;
};

// reliability.md §3 wants at least 5.
const FAULTS_PER_MINUTE = 8;
const FAULTS_PER_MINUTE_MIN = 5;
// With more at once nothing is done any more on this stage, and nothing is tested.
const UNDER_WAY_MAX = 2;

/** Breaks one thing after the other, as the seed has it; what it stops it also starts again. */
export function startNemesis(stage: Stage, options: NemesisOptions): Nemesis {
  const { faultsPerMinute = FAULTS_PER_MINUTE, families = FAULT_FAMILIES } = options;
  if (faultsPerMinute < FAULTS_PER_MINUTE_MIN)
    throw new Error(`${faultsPerMinute} faults a minute are too few`);
  const possible = families.filter((family) => family !== 'redis' || stage.redis !== undefined);
  const journal = createNemesisJournal(options.folder);
  const underWay = new Map<Promise<void>, PlannedFault>();
  const counts: Record<string, number> = {};
  const unhealed: number[] = [];
  const stopping = new AbortController();

  const doOne = async (planned: PlannedFault): Promise<void> => {
    const { begin, undo } = doingOf(planned, stage);
    const target = targetsOf(planned).join(', ');
    const id = journal.begin(planned.name, target, detailsOf(planned));
    options.say(`${planned.name}: ${target} for ${planned.holdMs} ms`);
    try {
      await begin();
      counts[planned.name] = (counts[planned.name] ?? 0) + 1;
      await sleep(planned.holdMs, stopping.signal);
    } catch (error) {
      options.say(`${planned.name} could not be done: ${String(error)}`);
    }
    try {
      await undo();
      journal.end(id);
    } catch (error) {
      options.say(`${planned.name} is not undone yet: ${String(error)}`);
      unhealed.push(id);
    }
  };
  const run = async (): Promise<void> => {
    let due = performance.now();
    for (const { afterMs, planned } of schedule(options.random, { families: possible, faultsPerMinute })) {
      due += afterMs;
      await sleep(due - performance.now(), stopping.signal);
      while (!stopping.signal.aborted && !hasRoom([...underWay.values()], planned))
        await Promise.race(underWay.keys());
      if (stopping.signal.aborted) return;
      const doing = doOne(planned).finally(() => underWay.delete(doing));
      underWay.set(doing, planned);
    }
  };
  const running = run();
  // Whoever stops us hears of it.
  running.catch(() => {});
  return {
    counts: () => ({ ...counts }),
    async stop() {
      stopping.abort();
      await running;
      await Promise.all(underWay.keys());
      await stage.heal();
      for (const id of unhealed.splice(0)) journal.end(id);
    },
  };
}

/** Whether it may begin beside those. */
function hasRoom(others: readonly PlannedFault[], planned: PlannedFault): boolean {
  const taken = new Set(others.flatMap(targetsOf));
  return others.length < UNDER_WAY_MAX && !targetsOf(planned).some((target) => taken.has(target));
}

/** Ends early when it is told to. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return;
  await pause(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
