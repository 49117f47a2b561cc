import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A bug put into a copy of the tree on purpose, small and of the kind that passes a review. */
export type Plant = {
  /** Unique, in kebab-case: what was done wrong. */
  name: string;
  /** What it breaks, with the rows of reliability.md or security-tests.md. */
  why: string;
  edits: readonly Edit[];
  suite: Suite;
};

export type Edit = {
  /** From the root of the tree. */
  file: string;
  /** Occurs in the file exactly once; anything else means that the plant no longer applies. */
  find: string;
  replace: string;
};

/** Who must catch it. */
export type Suite = {
  /** A test file, from the root of the tree. */
  file: string;
  /** The guarantee that must be seen to fail: a test's whole name. */
  test: string;
  /** What the file has of it, where the name is put together from the rows of a table; by default the name itself. */
  written?: string;
};

/** Applies all edits or none. Answers a function that takes them back, or why the plant no longer applies. */
export function applyPlant(root: string, { edits }: Plant): (() => void) | string {
  const before = new Map<string, string>();
  const after = new Map<string, string>();
  for (const { file, find, replace } of edits) {
    const path = join(root, file);
    if (!existsSync(path)) return `${file} is not there`;
    const text = after.get(path) ?? readFileSync(path, 'utf8');
    const count = text.split(find).length - 1;
    if (count !== 1) return `its place in ${file} is found ${count} times instead of once`;
    if (find === replace) return `it changes nothing in ${file}`;
    if (!before.has(path)) before.set(path, text);
    // By a function: a replacement text may hold $1, which means something to replace().
    after.set(
      path,
      text.replace(find, () => replace),
    );
  }
  for (const [path, text] of after) writeFileSync(path, text);
  return () => {
    for (const [path, text] of before) writeFileSync(path, text);
  };
}
