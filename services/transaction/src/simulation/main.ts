import { parseArgs } from 'node:util';
import { runSeeds } from './run-seeds.ts';
import { startSimulationServer } from './simulation-server.ts';

// Promise P19: node services/transaction/src/simulation/main.ts --seed N replays one seed and prints its story;
// --seeds 500 [--from 1] [--threads 2] plays many and prints the stories of those that fail. It brings its own Postgres, and
// ends with "N passed, N failed" and with a code that is not 0 when any failed.
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '500' },
    from: { type: 'string', default: '1' },
    threads: { type: 'string', default: '2' },
  },
});
const one = values.seed;
const from = Number(one ?? values.from);
const count = one === undefined ? Number(values.seeds) : 1;
const threads = Math.min(count, Number(values.threads));
if (![from, count, threads].every((number) => Number.isSafeInteger(number) && number >= 1)) {
  process.stderr.write('usage: main.ts [--seed N] [--seeds N] [--from N] [--threads N]\n');
  process.exit(2);
}

const server = await startSimulationServer();
// The server runs in a process group of its own, which Ctrl-C does not reach.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void server.stop().finally(() => process.exit(130)));
let failed = 0;
try {
  const startedAt = performance.now();
  const results = await runSeeds({
    serverUrl: server.url,
    from,
    count,
    threads,
    allStories: one !== undefined,
  });
  const ms = performance.now() - startedAt;
  for (const { seed, story, violations } of results) {
    if (story.length > 0) say(`\nseed ${seed}\n${story.join('\n')}`);
    if (violations.length > 0) failed += 1;
  }
  const seeds = results.filter(({ violations }) => violations.length > 0).map(({ seed }) => seed);
  if (seeds.length > 0) say(`\nto see one again: npm run sim -- --seed N; failed: ${seeds.join(', ')}`);
  say(`${(ms / 1_000).toFixed(1)} s, ${(ms / count).toFixed(0)} ms each`);
  say(`${results.length - failed} passed, ${failed} failed`);
} finally {
  await server.stop();
}
process.exit(failed === 0 ? 0 : 1);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
