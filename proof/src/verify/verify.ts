import type { Check } from '../scenario.ts';
import { readBooks } from './books.ts';
import { INVARIANTS } from './invariants.ts';

/** What became of one invariant of reliability.md §5. */
export type Verdict = {
  /** `I1` … `I30`. */
  invariant: string;
  /** What it says, in a line. */
  rule: string;
  /** How many things were looked at. Zero of what should be there is a violation by itself. */
  checked: number;
  /** The first offending things, with their ids; empty: it holds. */
  offending: string[];
  /** How many there are in all. */
  violations: number;
  /** Why it does not apply yet; then nothing else is meant. */
  notYet: string | undefined;
  /** What could not be looked at, and why. */
  note: string | undefined;
};

// Enough to find the cause; a run that is broken everywhere stays readable.
const OFFENDING_SHOWN = 5;

/** Reads a run folder, never the platform and never its code, and judges every invariant I1 to I30 in turn. */
export function verifyRun(folder: string): Verdict[] {
  const books = readBooks(folder);
  return INVARIANTS.map(({ number, rule, judge }) => {
    const found = judge(books);
    if ('notYet' in found)
      return {
        invariant: number,
        rule,
        checked: 0,
        offending: [],
        violations: 0,
        notYet: found.notYet,
        note: undefined,
      };
    // Whoever looks at nothing finds nothing.
    const offending = found.checked === 0 ? ['there was nothing to look at'] : found.offending;
    return {
      invariant: number,
      rule,
      checked: found.checked,
      offending: offending.slice(0, OFFENDING_SHOWN),
      violations: offending.length,
      notYet: undefined,
      note: found.note,
    };
  });
}

/** Verdicts as checks and notes of a scenario. */
export function toChecks(verdicts: readonly Verdict[]): { checks: Check[]; notes: string[] } {
  return {
    checks: verdicts
      .filter(({ notYet }) => notYet === undefined)
      .map(({ invariant, rule, checked, offending, violations }) => ({
        name: `${invariant} ${rule} (${checked} checked)`,
        failure: violations === 0 ? undefined : `${violations} violations: ${offending.join('; ')}`,
      })),
    notes: verdicts.flatMap(({ invariant, rule, notYet, note }) => [
      ...(notYet === undefined ? [] : [`${invariant} not yet: ${rule}: ${notYet}`]),
      ...(note === undefined ? [] : [`${invariant}: ${note}`]),
    ]),
  };
}
