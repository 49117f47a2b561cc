import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { FAKETIME } from '@centra/testkit/ensure-tool.ts';
import { untilRest } from '../chaos/at-rest.ts';
import { factsOf } from '../chaos/facts.ts';
import { judgeKept, judgeProbes, judgeTruth } from '../clocks/judge.ts';
import { makeHolds } from '../clocks/kept-holds.ts';
import { drawLies, findLibrary, nameOf, tell, tellTruth } from '../clocks/lies.ts';
import type { Lie } from '../clocks/lies.ts';
import { expireAtStripe } from '../clocks/expire.ts';
import { probe } from '../clocks/probe.ts';
import type { Probed } from '../clocks/probe.ts';
import { dumpRun } from '../dump/dump-run.ts';
import { startLoad } from '../load/load.ts';
import { check } from '../scenario.ts';
import type { Outcome, Scenario, ScenarioOptions } from '../scenario.ts';
import { seeded } from '@centra/testkit/seeded.ts';
import { startStage } from '../stage/stage.ts';
import type { Stage } from '../stage/stage.ts';
import { toChecks, verifyRun } from '../verify/verify.ts';

// What is unknown when the last clock is right again is proven within two looks a minute apart.
const SETTLE_MAX_MS = 120_000;
const WORKERS = 2;

export const clock: Scenario = {
  name: 'clock',
  promise: 'P17: clocks may lie',
  weight: 1,
  async run(options) {
    const library = findLibrary();
    if (library === undefined)
      return { checks: [], notes: [`clocks cannot lie without ${FAKETIME.package}`], counts: {} };
    const folder = join(options.folder, 'stage');
    mkdirSync(folder);
    const stage = await startStage({ folder, say: options.say });
    let seen: Outcome;
    try {
      seen = await lieAndJudge(stage, options, library);
    } finally {
      await stage.stop();
    }
    const verified = toChecks(verifyRun(options.folder));
    return {
      checks: [...seen.checks, ...verified.checks],
      notes: [...seen.notes, ...verified.notes],
      counts: seen.counts,
    };
  },
};

async function lieAndJudge(stage: Stage, options: ScenarioOptions, library: string): Promise<Outcome> {
  const { folder, seed, say, profile } = options;
  const startedAt = new Date();
  const random = seeded(seed);
  const holds = await makeHolds(stage);
  const load = await startLoad(stage, {
    random: random.fork('load'),
    workers: WORKERS,
    duplicates: { share: 0, copies: 1 },
    folder,
    say,
  });
  const lies = drawLies(profile, random);
  const eachMs = (options.minutes * 60_000) / lies.length;
  const probes = new Map<string, Probed>();
  for (const lie of lies) probes.set(nameOf(lie), await live(stage, lie, { library, eachMs, holds }));
  await load.stop();
  await stage.heal();
  const quietAt = new Date();
  say(`${lies.length} lies told; ${load.counts().ok} done`);
  const unknown = await load.settle(SETTLE_MAX_MS);
  const unrest = await untilRest(stage, SETTLE_MAX_MS);
  const truth = await probe(stage, holds, 'the truth');
  const keptChecks = await judgeKept(stage, holds);
  await untilRest(stage, SETTLE_MAX_MS);
  await load.close();
  await dumpRun(stage, factsOf(stage, { scenario: 'clock', seed, startedAt, quietAt }), folder);
  const expired = await expireAtStripe(stage);
  const open = [...unrest.operations, ...unrest.events];
  return {
    checks: [
      ...judgeProbes(probes),
      ...keptChecks,
      judgeTruth(truth),
      check('what was unknown is settled once the clock is right', unknown === 0, `${unknown} keys`),
      check('every operation and event comes to rest', open.length === 0, open.join('; ')),
      expired,
      check('no process of ours ended by itself', stage.crashes.length === 0, stage.crashes.join('\n')),
    ],
    notes: [...probes].map(([lie, { answers }]) => `${lie}: ${[...answers].map(timesTold).join(', ')}`),
    counts: { ...load.counts(), lies: lies.length, holds: holds.length },
  };
}

function timesTold([told, times]: [string, number]): string {
  return `${told} ×${times}`;
}

/** Lives through one lie: load and probes while it lasts, then the truth again. */
async function live(
  stage: Stage,
  lie: Lie,
  { library, eachMs, holds }: { library: string; eachMs: number; holds: Parameters<typeof probe>[1] },
): Promise<Probed> {
  await tell(stage, lie, library);
  const until = performance.now() + eachMs;
  const probed = await probe(stage, holds, nameOf(lie));
  await pause(Math.max(0, until - performance.now()));
  await tellTruth(stage, lie);
  return probed;
}
