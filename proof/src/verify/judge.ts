import type { Books } from './books.ts';

/**
 * What a judge saw: how many things it looked at, each one that breaks the rule, and what it could not look at; or why there is
 * nothing to judge.
 */
export type Found = { checked: number; offending: string[]; note?: string } | { notYet: string };

/** One invariant of reliability.md §5. */
export type Invariant = {
  number: `I${number}`;
  rule: string;
  judge(books: Books): Found;
};

/** Not judged here, whatever a run holds. */
export function notYet(number: `I${number}`, rule: string, why: string): Invariant {
  return { number, rule, judge: () => ({ notYet: why }) };
}
