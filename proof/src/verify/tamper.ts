import { find, lines } from './small-run-file.ts';
import type { Row, SmallRun } from './small-run-file.ts';

/** One thing that is wrong in a run that holds otherwise, and the invariant that must see it. */
export type Tampering = { invariant: `I${number}`; name: string; tamper(run: SmallRun): void };

/** The first line with these values gets others. */
export function change(file: string, having: Row, to: Row): (run: SmallRun) => void {
  return (run) => void Object.assign(find(run, file, having), to);
}

export function drop(file: string, having: Row): (run: SmallRun) => void {
  return (run) => void lines(run, file).splice(lines(run, file).indexOf(find(run, file, having)), 1);
}

export function double(file: string, having: Row): (run: SmallRun) => void {
  return (run) => void lines(run, file).push({ ...find(run, file, having) });
}

/** A value inside a line that is an object of its own, to be changed in place. */
export function inside(row: Row, name: string): Row {
  const value = row[name];
  if (!isRow(value)) throw new Error(`${name} is no object`);
  return value;
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null;
}
