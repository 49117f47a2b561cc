import { spawn } from 'node:child_process';
import { existsSync, globSync, mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { CHROMIUM, ensureTool, NATS, REDIS } from '../packages/testkit/src/ensure-tool.ts';
import { startEmbeddedPostgres } from '../packages/testkit/src/embedded-postgres.ts';
import { temporaryFolder } from '../packages/testkit/src/temporary-folder.ts';

// npm test: sets up what the machine lacks, starts one Postgres for all test files, runs every *.test.ts, and ends with
// one line "N passed, N failed". Arguments narrow it to folders or files.

const root = join(import.meta.dirname, '..');
const ci = process.env['CI'] === 'true';
// Far above the slowest file on a busy two-core machine; a file that reaches it hangs.
const FILE_TIMEOUT_MS = 600_000;

for (const tool of [REDIS, CHROMIUM, NATS]) ensureTool(tool, (line) => console.log(line));
const files = testFiles(process.argv.slice(2));
if (files.length === 0) {
  console.error('no test file matches');
  process.exit(1);
}
const folder = temporaryFolder('tests');
const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres') });
// Ctrl-C ends the runner with its process group; the database runs in a group of its own and is stopped here.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    void postgres.stop().finally(() => {
      rmSync(folder, { recursive: true, force: true });
      process.exit(130);
    });
  });
let status = 1;
try {
  status = await runTests(files, postgres.url);
} finally {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(status);

function testFiles(wanted: readonly string[]): string[] {
  const all = globSync('{packages,services,simulators,dev,e2e,proof,bench,scripts}/**/*.test.ts', {
    cwd: root,
    exclude: (path) => path.includes('node_modules'),
  });
  const folders = wanted.map((path) => relative(root, resolve(path)));
  const chosen =
    folders.length === 0
      ? all
      : all.filter((file) =>
          folders.some((path) => path === '' || file === path || file.startsWith(`${path}/`)),
        );
  // The long stories first, so that the short files fill the gaps at the end.
  return chosen.toSorted(
    (a, b) => Number(b.startsWith('e2e/')) - Number(a.startsWith('e2e/')) || a.localeCompare(b),
  );
}

async function runTests(chosen: readonly string[], postgresUrl: string): Promise<number> {
  const cache = join(root, '.cache', 'compile');
  mkdirSync(cache, { recursive: true });
  const args = [
    '--test',
    // Three on two cores: test files wait for each other's databases and timers a third of the time.
    `--test-concurrency=${Math.max(3, Math.min(4, availableParallelism()))}`,
    `--test-timeout=${FILE_TIMEOUT_MS}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=./scripts/count-reporter.ts',
    `--test-reporter-destination=${join(folder, 'counts')}`,
    ...chosen,
  ];
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      TEST_POSTGRES_URL: postgresUrl,
      NODE_COMPILE_CACHE: cache,
    },
  });
  const code = await new Promise<number>((done) => child.once('exit', (exit) => done(exit ?? 1)));
  return report(code);
}

async function report(code: number): Promise<number> {
  const path = join(folder, 'counts');
  if (!existsSync(path)) {
    console.log('0 passed, 1 failed');
    return 1;
  }
  const { readCounts } = await import('./count-reporter.ts');
  const { passed, failed, skipped: skips, skippedNames } = readCounts(path);
  for (const name of skippedNames) console.log(`SKIPPED: ${name}`);
  const isBad = code !== 0 || failed > 0 || passed === 0 || (ci && skips > 0);
  if (isBad && failed === 0)
    console.log(ci && skips > 0 ? 'A skip is a failure in CI.' : `The test runner ended with ${code}.`);
  console.log(
    `${passed} passed, ${isBad ? Math.max(failed, 1) : 0} failed${!ci && skips > 0 ? `, ${skips} skipped` : ''}`,
  );
  return isBad ? 1 : 0;
}
