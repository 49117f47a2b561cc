import { openBooks } from '../crashpoints/book.ts';
import { createClient } from '../crashpoints/client.ts';
import { drawCases, nameOf, planCases, shuffled } from '../crashpoints/crash-cases.ts';
import type { ArmedService } from '../crashpoints/crash-cases.ts';
import { createNemesisJournal } from '../nemesis/nemesis-journal.ts';
import { crashLoop, crashOne, isEventCase, isLoopCase } from '../crashpoints/run-case.ts';
import { untilAtRest } from '../crashpoints/settle.ts';
import type { CaseResult } from '../crashpoints/settle.ts';
import { REPLICAS_OF, createWiring } from '../crashpoints/wiring.ts';
import { restart, UNARMED } from '../crashpoints/world.ts';
import type { NumberedCase, World } from '../crashpoints/world.ts';
import { dumpRun } from '../dump/dump-run.ts';
import { check } from '../scenario.ts';
import type { Check, Outcome, Scenario, ScenarioOptions } from '../scenario.ts';
import { seeded } from '@centra/testkit/seeded.ts';
import { startStage } from '../stage/stage.ts';
import type { Stage } from '../stage/stage.ts';
import { toChecks, verifyRun } from '../verify/verify.ts';

export const crashpoints: Scenario = {
  name: 'crashpoints',
  promise:
    'P2: kill -9 at every named step, with every operation and adapter, never doubles or loses a charge',
  weight: 3,
  run,
};

// Of the long profile's cases only so many settle at once; each asks again now and then.
const SETTLING_MAX = 24;
// Of the minutes, for crashes in the middle of a request; the rest is for those of the loops.
const REQUESTS_SHARE = 0.7;

async function run(options: ScenarioOptions): Promise<Outcome> {
  const stage = await startStage({ folder: options.folder, say: options.say });
  try {
    return await runOn(stage, options);
  } finally {
    await stage.stop();
  }
}

async function runOn(stage: Stage, options: ScenarioOptions): Promise<Outcome> {
  const { seed, folder, profile } = options;
  const startedAt = new Date().toISOString();
  const random = seeded(seed);
  const { cases, impossible } = planCases();
  const chosen = profile === 'short' ? drawCases(cases, random.fork('draw')) : cases;
  const numbered = shuffled(chosen, random.fork('order')).map((crash, at) => ({ crash, nth: at + 1 }));
  const results = await crashAll(stage, options, numbered);
  const quietAt = new Date().toISOString();
  const facts = { scenario: 'crashpoints', seed, startedAt, quietAt, hotels: [...stage.hotels] };
  await dumpRun(stage, facts, folder);
  const verdicts = toChecks(verifyRun(folder));
  const left = chosen.length - results.length;
  return {
    checks: [...results.map(toCheck), endedByItself(stage), ...verdicts.checks],
    notes: [
      ...(left === 0 ? [] : [`${left} of ${chosen.length} cases did not fit into the minutes`]),
      ...impossible,
      ...verdicts.notes,
    ],
    counts: {
      cases: results.length,
      failpoints: new Set(results.map(({ crash }) => crash.failpoint)).size,
      slowestSettleMs: Math.round(Math.max(...results.map(({ settledMs }) => settledMs))),
    },
  };
}

/** Every case, and then rest. */
async function crashAll(
  stage: Stage,
  { folder, minutes, profile, seed, say }: ScenarioOptions,
  cases: readonly NumberedCase[],
): Promise<CaseResult[]> {
  // What is drawn for the short profile is always done. All cases take about eight minutes on two cores.
  const lastsMs = profile === 'short' ? Number.POSITIVE_INFINITY : minutes * 60_000;
  const startedAt = performance.now();
  const client = await createClient(folder);
  const books = openBooks(stage);
  const journal = createNemesisJournal(folder);
  const world: World = { stage, wiring: createWiring(stage), client, books, random: seeded(seed), journal };
  try {
    const inRequests = await runRequests(
      world,
      cases.filter((each) => !isLoopCase(each)),
      startedAt + lastsMs * REQUESTS_SHARE,
    );
    say(`${inRequests.length} processes died in the middle of a request`);
    const inLoops = await runLoops(world, cases.filter(isLoopCase), startedAt + lastsMs);
    say(`${inLoops.length} died while they cleared up, or of an event`);
    await stage.heal();
    await untilAtRest(books);
    return [...inRequests, ...inLoops];
  } finally {
    await client.close();
    await books.close();
  }
}

/** One armed process of each service at a time; what they leave behind settles meanwhile. */
async function runRequests(
  world: World,
  cases: readonly NumberedCase[],
  endsAt: number,
): Promise<CaseResult[]> {
  const lane = async (service: ArmedService): Promise<CaseResult[]> => {
    const { armed, other } = REPLICAS_OF[service];
    world.wiring.route(service, other);
    const settling: Promise<CaseResult>[] = [];
    for (const each of cases.filter(({ crash }) => crash.service === service)) {
      if (performance.now() > endsAt) break;
      const { settled } = await crashOne(world, each);
      settling.push(settled);
      await settling.at(-SETTLING_MAX);
    }
    await restart(world.stage.replica(armed), UNARMED);
    return await Promise.all(settling);
  };
  const lanes = [lane('transaction'), lane('payment-api'), lane('api-gateway')];
  return (await Promise.all(lanes)).flat();
}

/** One after the other, with a single transaction process: what its loops find is then of this case only. */
async function runLoops(world: World, cases: readonly NumberedCase[], endsAt: number): Promise<CaseResult[]> {
  const { stage, wiring, books } = world;
  const results: CaseResult[] = [];
  await untilAtRest(books);
  wiring.route('transaction', REPLICAS_OF.transaction.armed);
  await stage.replica(REPLICAS_OF.transaction.other).stop();
  // The sweeper's first: webhooks that met a dead process come again some seconds later, and are waited for only once.
  const ordered = cases.toSorted((a, b) => Number(isEventCase(a)) - Number(isEventCase(b)));
  for (const each of ordered) if (performance.now() <= endsAt) results.push(await crashLoop(world, each));
  return results;
}

function toCheck({ crash, failures }: CaseResult): Check {
  return check(
    `rows 1-4: killed at ${nameOf(crash)}: one effect, and the books as if nothing had been`,
    failures.length === 0,
    failures.join('; '),
  );
}

/** Every process that ended by itself did so at its failpoint. */
function endedByItself({ crashes }: Stage): Check {
  const others = crashes.filter((crash) => !crash.includes('"message":"killed at a failpoint"'));
  return check('no process ended but at a failpoint', others.length === 0, others.join('\n'));
}
