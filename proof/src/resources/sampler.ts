import { appendFileSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { RUN_FILES } from '../run-folder.ts';
import type { ResourceLine } from '../run-folder.ts';

/** A process to look at, under its name; a pid that is gone is passed over. */
export type Sampled = { name: string; pid(): number; isRunning(): boolean };

export type Sampler = {
  /** Looks a few times: before the load (`baseline`), or when everything has come to rest (`rest`). */
  take(phase: 'baseline' | 'rest'): Promise<void>;
  /** Looks again and again until `stop`. */
  start(): void;
  stop(): void;
};

// Of so many the median is judged: one look may meet a garbage collection.
const LOOKS = 5;
const LOOK_MS = 200;
// Two looks a process and second cost nothing, and a run of an hour leaves some megabytes.
const RUNNING_MS = 1_000;

/** Writes `resources.jsonl` in a run folder: memory and descriptors of each process, from /proc. */
export function createSampler(processes: readonly Sampled[], folder: string): Sampler {
  const file = join(folder, RUN_FILES.resources);
  let timer: NodeJS.Timeout | undefined;
  const look = (phase: ResourceLine['phase']): void => {
    const lines = processes.flatMap((process) => lineOf(process, phase));
    appendFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  };
  return {
    async take(phase) {
      for (let nth = 0; nth < LOOKS; nth += 1) {
        look(phase);
        await pause(LOOK_MS);
      }
    },
    start() {
      timer ??= setInterval(() => look('running'), RUNNING_MS);
    },
    stop() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}

function lineOf(process: Sampled, phase: ResourceLine['phase']): ResourceLine[] {
  if (!process.isRunning()) return [];
  const pid = process.pid();
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    // A process that has ended and was not waited for yet has no memory any more.
    if (kibibytes === undefined) return [];
    const descriptors = readdirSync(`/proc/${pid}/fd`).length;
    const rssBytes = Number(kibibytes) * 1_024;
    return [{ at: new Date().toISOString(), phase, process: process.name, pid, rssBytes, descriptors }];
  } catch {
    // Killed between two looks: the nemesis at work.
    return [];
  }
}
