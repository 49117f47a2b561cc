import { readFileSync } from 'node:fs';
import { REPLICAS } from '../stage/stage.ts';
import type { Stage } from '../stage/stage.ts';

/** Resident memory of every replica, in bytes. */
export type Memory = Readonly<Record<string, number>>;

export function readMemory(stage: Pick<Stage, 'replica'>): Memory {
  return Object.fromEntries(REPLICAS.map((name) => [name, residentBytes(stage.replica(name).pid())]));
}

/** The largest of each, over time. */
export function watchMemory(stage: Pick<Stage, 'replica'>): { stop(): Memory } {
  let largest = readMemory(stage);
  const timer = setInterval(() => {
    const now = readMemory(stage);
    largest = Object.fromEntries(
      REPLICAS.map((name) => [name, Math.max(largest[name] ?? 0, now[name] ?? 0)]),
    );
  }, LOOK_MS);
  return {
    stop() {
      clearInterval(timer);
      return largest;
    },
  };
}

const LOOK_MS = 500;

/** proc(5): in kibibytes. */
function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1] ?? 0) * 1_024;
}
