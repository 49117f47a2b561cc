import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { untilRest } from './chaos/at-rest.ts';
import { factsOf } from './chaos/facts.ts';
import { dumpRun } from './dump/dump-run.ts';
import { startLoad } from './load/load.ts';
import type { Load, LoadOptions } from './load/load.ts';
import { startNemesis } from './nemesis/nemesis.ts';
import type { Nemesis, NemesisOptions } from './nemesis/nemesis.ts';
import { createSampler } from './resources/sampler.ts';
import { ACTIONS } from './run-folder.ts';
import { check } from './scenario.ts';
import type { Check, Outcome, ScenarioOptions } from './scenario.ts';
import { seeded } from '@centra/testkit/seeded.ts';
import { REPLICAS, startStage } from './stage/stage.ts';
import type { Stage, StageOptions } from './stage/stage.ts';
import { toChecks, verifyRun } from './verify/verify.ts';

/** What a scenario of chaos asks for. */
export type Chaos = {
  scenario: string;
  load: Pick<LoadOptions, 'workers' | 'duplicates' | 'slow' | 'lostShare'>;
  nemesis: Pick<NemesisOptions, 'families' | 'faultsPerMinute'>;
  stage?: Omit<StageOptions, 'folder' | 'say'>;
  /** At rest, after every key was settled and before anything is dumped: what else the scenario looks at. */
  atRest?(stage: Stage, load: Load): Promise<Partial<Outcome>>;
};

// The longest that anything needs by itself: two looks a minute apart prove that nothing was done, with some seconds before
// and after. What is not at rest by then never will be.
const REST_MAX_MS = 120_000;
// A client's patience after the outage; what is unknown longer than the operations themselves is a failure of its own.
const SETTLE_MAX_MS = 120_000;
// Keys that are asked for once more at the end; each is one more request of the run.
const REPLAYS_MAX = 100;

// Several of each provider, so that what belongs to one can turn up at another. More would only thin out what is done at each.
const HOTELS: NonNullable<StageOptions['hotels']> = (['stripe', 'simulator'] as const).flatMap((provider) =>
  ['North', 'South', 'East'].map((name) => ({ name: `Riad ${name} (${provider})`, provider })),
);

/** Load and faults for the given minutes, then everything healed and at rest, then every invariant judged. */
export async function runChaos(options: ScenarioOptions, chaos: Chaos): Promise<Outcome> {
  const { folder, say } = options;
  const startedAt = new Date();
  const stageFolder = join(folder, 'stage');
  mkdirSync(stageFolder);
  const stage = await startStage({ hotels: HOTELS, ...chaos.stage, folder: stageFolder, say });
  let seen: Outcome;
  try {
    seen = await breakAndMend(stage, options, chaos, startedAt);
  } finally {
    await stage.stop();
  }
  const verified = toChecks(verifyRun(folder));
  return {
    checks: [...seen.checks, ...verified.checks],
    notes: [...seen.notes, ...verified.notes],
    counts: seen.counts,
  };
}

async function breakAndMend(
  stage: Stage,
  options: ScenarioOptions,
  chaos: Chaos,
  startedAt: Date,
): Promise<Outcome> {
  const { folder, minutes, seed, say } = options;
  const random = seeded(seed);
  const sampler = createSampler(
    REPLICAS.map((name) => stage.replica(name)),
    folder,
  );
  await sampler.take('baseline');
  sampler.start();
  const load = await startLoad(stage, { ...chaos.load, random: random.fork('load'), folder, say });
  const nemesis = startNemesis(stage, { ...chaos.nemesis, random: random.fork('nemesis'), folder, say });
  await pause(minutes * 60_000);
  const undone = await stopped(nemesis);
  const { ok } = await load.stop();
  await stage.heal();
  const quietAt = new Date();
  say(`healed; ${ok} done, ${sum(nemesis.counts())} faults`);
  const unknown = await load.settle(SETTLE_MAX_MS);
  const unrest = await untilRest(stage, REST_MAX_MS);
  const restSeconds = Math.round((Date.now() - quietAt.getTime()) / 1_000);
  const replayed = await load.replay(REPLAYS_MAX);
  const more = (await chaos.atRest?.(stage, load)) ?? {};
  await load.close();
  sampler.stop();
  await endIdleConnections(stage);
  await sampler.take('rest');
  // What was asked at rest has sequels too, and a provider may tell late of what was long over.
  const last = await untilRest(stage, REST_MAX_MS);
  await dumpRun(stage, factsOf(stage, { scenario: chaos.scenario, seed, startedAt, quietAt }), folder);
  const open = [unrest, last].flatMap(({ operations, events }) => [...operations, ...events]);
  const checks = [
    check('every operation and provider event comes to rest', open.length === 0, open.join('; ')),
    check('nothing stays unknown to its client', unknown === 0, `${unknown} keys have no end`),
    ...judgeLoad(load, minutes),
    check(
      'what was answered for good is answered so again',
      replayed.asked > 0 && replayed.answered === replayed.asked,
      `${replayed.answered} of ${replayed.asked} keys`,
    ),
    ...judgeNemesis(nemesis, minutes),
    check('every fault could be done and undone', undone === undefined, String(undone)),
    check('no process of ours ended by itself', stage.crashes.length === 0, stage.crashes.join('\n')),
    ...(more.checks ?? []),
  ];
  const counts = { ...load.counts(), ...nemesis.counts(), restSeconds, ...more.counts };
  return { checks, notes: more.notes ?? [], counts };
}

// Far longer than a process needs to see that a connection is gone.
const END_MS = 1_000;

/** What is kept open for the next request would end by itself a minute later; what is left then belongs to nobody. */
async function endIdleConnections({ links }: Stage): Promise<void> {
  for (const name of ['door-1', 'door-2', 'webhooks', 'payment-api', 'auth', 'merchant'] as const)
    links[name].breakAll();
  await pause(END_MS);
}

// Far below what a healthy stage does on two busy cores; a run with fewer has tested nothing.
const DONE_PER_MINUTE = 30;
// In less time not every action gets its turn: some need a payment of the right kind.
const EVERY_ACTION_MINUTES = 1;

function judgeLoad(load: Load, minutes: number): Check[] {
  const { ok } = load.counts();
  const done = load.done();
  const missing = minutes < EVERY_ACTION_MINUTES ? [] : ACTIONS.filter((action) => done[action] === 0);
  const [first] = load.violations;
  const { length } = load.violations;
  return [
    check('the load goes on', ok >= DONE_PER_MINUTE * minutes, `${ok} done in ${minutes} minutes`),
    check('every action is done at least once', missing.length === 0, `never: ${missing.join(', ')}`),
    check(
      'every answer keeps the contract',
      first === undefined,
      `${length} do not: ${load.violations.slice(0, 5).join('; ')}`,
    ),
  ];
}

// reliability.md §3.
const FAULTS_PER_MINUTE = 5;

function judgeNemesis(nemesis: Nemesis, minutes: number): Check[] {
  const faults = sum(nemesis.counts());
  const wanted = Math.floor(FAULTS_PER_MINUTE * minutes);
  return [
    check('at least 5 faults a minute are done', faults >= wanted && faults > 0, `${faults} of ${wanted}`),
  ];
}

/** Why some fault could not be done, or undone. */
async function stopped(nemesis: Nemesis): Promise<unknown> {
  try {
    await nemesis.stop();
    return undefined;
  } catch (error) {
    return error;
  }
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
