import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { resolveDue } from '../operations/resolve-unknown.ts';
import { openBench } from './bench.ts';
import { drain, startCall, startRun } from './play.ts';
import { PLANTS } from './plants.ts';
import { runSeed } from './run-seed.ts';
import type { SeedResult } from './run-seed.ts';
import { runSeeds } from './run-seeds.ts';
import { createSimulationDatabases } from './simulation-database.ts';
import type { SimulationDatabases } from './simulation-database.ts';
import { startSimulationServer } from './simulation-server.ts';
import type { SimulationServer } from './simulation-server.ts';
import { createWorld } from './world.ts';

// What fits beside other tests; CI plays five hundred by main.ts.
const SEEDS = 100;
const REPLAYED = [3, 17, 58, 91];
// A planted mistake must come to light within so many.
const PLANTED_SEEDS_MAX = 100;

let server: SimulationServer;
let databases: SimulationDatabases;
let results: SeedResult[] = [];

before(async () => {
  server = await startSimulationServer();
  databases = await createSimulationDatabases(server.url, 1);
});
after(async () => {
  await databases.drop();
  await server.stop();
});

async function withBench<T>(
  plant: keyof typeof PLANTS,
  use: (bench: Awaited<ReturnType<typeof openBench>>) => Promise<T>,
): Promise<T> {
  const bench = await openBench(databases.urls[0] ?? '', PLANTS[plant]);
  try {
    return await use(bench);
  } finally {
    await bench.close();
  }
}

test(`P19: ${SEEDS} seeds keep every invariant`, async () => {
  results = await runSeeds({ serverUrl: server.url, from: 1, count: SEEDS, threads: 2 });
  const failed = results.filter(({ violations }) => violations.length > 0);
  const [first] = failed;
  const words = failed.map(({ seed, violations }) => `seed ${seed}: ${violations.join('; ')}`);
  assert.equal(failed.length, 0, `${words.join('\n')}\n\n${first?.story.join('\n') ?? ''}`);
  assert.equal(results.length, SEEDS);
});

test('P19: a seed tells the same story again, in another thread, on another database, after other seeds', async () => {
  assert.equal(results.length, SEEDS, 'all seeds were played before');
  await withBench('none', async (bench) => {
    for (const seed of REPLAYED.toReversed()) {
      const { digest, story } = await runSeed(bench, seed);
      assert.equal(digest, results.find((result) => result.seed === seed)?.digest, `seed ${seed}`);
      assert.ok(story.length > 20, 'something happened in it');
    }
  });
  assert.equal(new Set(results.map(({ digest }) => digest)).size, SEEDS, 'no two seeds are one');
});

for (const plant of ['no-fence', 'unknown-is-no'] as const)
  test(`P22: it is not blind: "${plant}" comes to light within ${PLANTED_SEEDS_MAX} seeds, and its story says what`, async () => {
    await withBench(plant, async (bench) => {
      for (let seed = 1; seed <= PLANTED_SEEDS_MAX; seed += 1) {
        const { violations, story } = await runSeed(bench, seed);
        if (violations.length === 0) continue;
        assert.match(story.at(-1) ?? '', /VIOLATION I\d/);
        return;
      }
      assert.fail('nobody noticed');
    });
  });

test('an operation whose holder died is taken up when its lease ends by the virtual clock, without waiting', async () => {
  await withBench('none', async (bench) => {
    const world = createWorld(bench, 1);
    try {
      world.faults.heal();
      const run = startRun(world);
      const ask = run.journeys
        .flatMap(({ asks }) => asks)
        .find(({ kind }) => kind === 'sale' || kind === 'authorize');
      assert.ok(ask);
      startCall(run, ask);
      const holder = ask.calls[0]?.instance ?? '';
      for (let begun = false; !begun;) {
        const [step] = await world.scheduler.waiting();
        assert.ok(step, 'it came to a step');
        begun = step.label.startsWith('sql begin-operations');
        await step.take();
      }
      world.scheduler.kill(holder);
      const other = world.newInstance('other').context;
      const sweep = async (): Promise<number> => {
        const swept = resolveDue(other);
        await drain(world);
        return await swept;
      };
      const leaseMs = other.config.operationLeaseMs;
      world.advance(leaseMs - 1_000);
      assert.equal(await sweep(), 0);
      world.advance(1_000);
      assert.equal(await sweep(), 1);
      assert.equal(Object.values(world.desks).flatMap(({ calls }) => calls).length, 1, 'and asked about');
    } finally {
      world.close();
    }
  });
});
