import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Suite } from './plant.ts';
import { readResults } from './suite-reporter.ts';
import type { TestResult } from './suite-reporter.ts';

// One named test takes seconds; on a busy machine, and with its database to make first, a minute. A plant may also make a
// test wait until its own patience ends.
const SUITE_TIMEOUT_MS = 240_000;
// The end of what the runner prints, for whoever must find out why nothing could be judged.
const OUTPUT_TAIL = 2_000;

export type SuiteRun = {
  results: TestResult[];
  isTimedOut: boolean;
  output: string;
};

/** Where the suites run: the copy, its database, a folder for what they write, and who may end the run. */
export type SuitePlace = { root: string; postgresUrl: string; scratch: string; signal: AbortSignal };

/** Runs one named test of a tree. Nothing of it is left running when this answers. */
export async function runSuite(place: SuitePlace, { file, test }: Suite): Promise<SuiteRun> {
  const { root, scratch, postgresUrl, signal } = place;
  signal.throwIfAborted();
  const report = join(scratch, 'results');
  rmSync(report, { force: true });
  const args = [
    '--test',
    `--test-name-pattern=${escapePattern(test)}`,
    `--test-reporter=${join(import.meta.dirname, 'suite-reporter.ts')}`,
    `--test-reporter-destination=${report}`,
    '--test-reporter=tap',
    '--test-reporter-destination=stdout',
    file,
  ];
  const env = {
    ...process.env,
    TEST_POSTGRES_URL: postgresUrl,
    NODE_COMPILE_CACHE: join(scratch, 'compile'),
  };
  // Set where this runs inside a test itself: the child would report to that one and not to us.
  Reflect.deleteProperty(env, 'NODE_TEST_CONTEXT');
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env,
  });
  let output = '';
  const keep = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-OUTPUT_TAIL));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  let isTimedOut = false;
  const timer = setTimeout(() => {
    isTimedOut = true;
    endGroup(child.pid);
  }, SUITE_TIMEOUT_MS);
  const stop = (): void => endGroup(child.pid);
  signal.addEventListener('abort', stop);
  try {
    await new Promise<void>((done, fail) => child.once('close', () => done()).once('error', fail));
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    // What the tests started and did not stop, because a planted bug kept them from it.
    endGroup(child.pid);
  }
  signal.throwIfAborted();
  return { results: existsSync(report) ? readResults(report) : [], isTimedOut, output };
}

/** A regular expression that finds exactly this text. */
function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);
}

/** The runner, its test files and what those started are one process group. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
