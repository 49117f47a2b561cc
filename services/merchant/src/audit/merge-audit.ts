import type { AuditEntry, AuditFilters } from './audit-entry.ts';
import type { AuditPage, AuditSource } from './audit-source.ts';

/** One source while it is read downwards: what is loaded and not yet given out. */
export type Lane = {
  source: AuditSource;
  queue: AuditEntry[];
  /** Below this number the source was not read yet; 0: nowhere. */
  readDownTo: number;
  hasMore: boolean;
};

/** A source that is read from that number downwards; 0: from the newest entry on. */
export function laneOf(source: AuditSource, before: number): Lane {
  return { source, queue: [], readDownTo: before, hasMore: true };
}

/** Loads the next entries of every lane that has run empty. */
export async function fill(lanes: readonly Lane[], filters: AuditFilters, limit: number): Promise<void> {
  const empty = lanes.filter((lane) => lane.queue.length === 0 && lane.hasMore);
  await Promise.all(
    empty.map(async (lane) => take(lane, await lane.source.load(filters, lane.readDownTo, limit))),
  );
}

function take(lane: Lane, { entries, hasMore }: AuditPage): void {
  const last = entries.at(-1);
  if (hasMore && last === undefined) throw new Error(`${lane.source.name} has more and sent nothing`);
  lane.queue.push(...entries);
  lane.readDownTo = last?.sequence ?? lane.readDownTo;
  lane.hasMore = hasMore;
}

/**
 * Takes up to `limit` entries, newest first, ties by source. It stops before a lane whose next entry is not loaded: that
 * one might be newer than the other's. Within a source the number decides, so that a clock set back loses nothing.
 */
export function merge(lanes: readonly Lane[], limit: number): AuditEntry[] {
  const merged: AuditEntry[] = [];
  while (merged.length < limit && !lanes.some((lane) => lane.queue.length === 0 && lane.hasMore)) {
    const next = lanes.reduce<Lane | undefined>(newerOf, undefined)?.queue.shift();
    if (next === undefined) break;
    merged.push(next);
  }
  return merged;
}

function newerOf(best: Lane | undefined, lane: Lane): Lane | undefined {
  const [head] = lane.queue;
  if (head === undefined) return best;
  const against = best?.queue[0];
  return against === undefined || microsOf(head.at) > microsOf(against.at) ? lane : best;
}

/** Microseconds since 1970. Digits beyond are cut off; missing ones are zeros. */
function microsOf(at: string): bigint {
  const fraction = /\.(\d+)/.exec(at)?.[1] ?? '';
  const seconds = Math.floor(Date.parse(at) / 1_000);
  return BigInt(seconds) * 1_000_000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
}

// Smaller than every number: nothing is below it.
const AT_THE_END = 1;

/** Where to go on: the number that the next entry must be below. What is added meanwhile is above it. */
export function placeOf(lane: Lane): number {
  const [head] = lane.queue;
  if (head !== undefined) return head.sequence + 1;
  return lane.hasMore ? lane.readDownTo : AT_THE_END;
}

/** Whether something is left to give out. */
export function isLeft(lanes: readonly Lane[]): boolean {
  return lanes.some((lane) => lane.queue.length > 0 || lane.hasMore);
}
