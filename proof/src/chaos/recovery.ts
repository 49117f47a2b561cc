import { readFileSync } from 'node:fs';
import { nemesisLineSchema } from '../run-folder.ts';
import type { NemesisLine } from '../run-folder.ts';

/** An operation that was not settled by the call that began it. Times in milliseconds since 1970. */
export type Late = { id: string; createdAt: number; finishedAt: number; wasAbsent: boolean };

/** From and until when a fault lasted, in milliseconds since 1970. */
export type Outage = { begin: number; end: number };

/** Reads `nemesis.jsonl`; a fault without an end lasted until `until`. */
export function readOutages(file: string, until: number): Outage[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => nemesisLineSchema.parse(JSON.parse(line)));
  return outagesOf(lines, until);
}

export function outagesOf(lines: readonly NemesisLine[], until: number): Outage[] {
  const ends = new Map(lines.flatMap(({ id, type, at }) => (type === 'end' ? [[id, Date.parse(at)]] : [])));
  return lines
    .filter(({ type }) => type === 'begin')
    .map(({ id, at }) => ({ begin: Date.parse(at), end: ends.get(id) ?? until }));
}

/**
 * How long an operation stayed open although nothing was broken any more, in milliseconds: from the end of the last fault that
 * struck while it was open, or from its own beginning. 0 when it ended during a fault.
 */
export function recoveryMs({ createdAt, finishedAt }: Late, outages: readonly Outage[]): number {
  const during = outages.filter(({ begin, end }) => begin <= finishedAt && end >= createdAt);
  const mended = Math.max(createdAt, ...during.map(({ end }) => end));
  return Math.max(0, finishedAt - mended);
}

/** The smallest value that so many per cent of all do not exceed; 0 of none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0;
}
