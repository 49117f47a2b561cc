import type { Suite } from './plant.ts';
import type { SuiteRun } from './run-suite.ts';
import type { TestResult } from './suite-reporter.ts';

// A program that is broken rather than wrong: any run at all would notice it, so it proves nothing of the test.
const BROKEN_PROGRAM = new Set(['SyntaxError', 'ReferenceError']);

// Assertions may quote a whole answer.
const LINE_MAX = 120;

export type Caught = { test: string; message: string };

/**
 * The failing test that caught the bug, or why the run does not count. Only the named test counts, and only when it ran and
 * its own code failed: not a file that could not be loaded, a hook, a time-out or a test that was canceled with its parent.
 */
export function judgeRun({ results, isTimedOut, output }: SuiteRun, { file, test }: Suite): Caught | string {
  if (isTimedOut) return `${file} did not end in time`;
  const named = results.filter((result) => result.name === test && !result.isSuite);
  if (named.length === 0) return `${file} has no result of "${test}": ${tail(output)}`;
  const failed = named.find((result) => result.outcome === 'fail');
  if (failed === undefined)
    return named.every(({ outcome }) => outcome === 'skip')
      ? `"${test}" was skipped on this machine`
      : `no test failed: "${test}" does not see it`;
  if (!isOwnFailure(failed)) return `"${test}" broke off instead of failing (${wordsOf(failed)})`;
  return { test: failed.name, message: firstLine(failed.message) };
}

/** Why the tree as it is does not pass the suite; undefined when it does. */
export function whyNotPassed(
  { results, isTimedOut, output }: SuiteRun,
  { file, test }: Suite,
): string | undefined {
  if (isTimedOut) return `${file} did not end in time`;
  const failed = results.find(({ outcome }) => outcome === 'fail');
  if (failed !== undefined) return `"${failed.name}" fails without the bug (${wordsOf(failed)})`;
  const isPassed = results.some(
    ({ name, outcome, isSuite }) => name === test && outcome === 'pass' && !isSuite,
  );
  return isPassed ? undefined : `${file} did not run "${test}": ${tail(output)}`;
}

function isOwnFailure({ failureType, errorName }: TestResult): boolean {
  return failureType === 'testCodeFailure' && !BROKEN_PROGRAM.has(errorName);
}

function wordsOf({ failureType, errorName, message }: TestResult): string {
  return [failureType, errorName, firstLine(message)].filter((part) => part !== '').join(': ');
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').slice(0, LINE_MAX);
}

function tail(output: string): string {
  return output.trim().split('\n').slice(-5).join(' | ');
}
