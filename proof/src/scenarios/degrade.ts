import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { untilRest } from '../chaos/at-rest.ts';
import { factsOf } from '../chaos/facts.ts';
import { percentile } from '../chaos/recovery.ts';
import { createStripeReader } from '../crashpoints/stripe-effects.ts';
import type { StripeBook } from '../crashpoints/stripe-effects.ts';
import { DEPENDENCIES, drawCells, mustWork, STATES } from '../degrade/cells.ts';
import type { Cell, State } from '../degrade/cells.ts';
import { wrongWith } from '../degrade/judge-answer.ts';
import { probeOutage } from '../degrade/probe-outage.ts';
import type { Outage } from '../degrade/probe-outage.ts';
import { dumpRun } from '../dump/dump-run.ts';
import { createAsker } from '../load/asker.ts';
import { settle } from '../load/settle.ts';
import { RUN_FILES } from '../run-folder.ts';
import { check } from '../scenario.ts';
import type { Check, Outcome, Scenario, ScenarioOptions } from '../scenario.ts';
import { seeded } from '@centra/testkit/seeded.ts';
import { startStage } from '../stage/stage.ts';
import type { Stage } from '../stage/stage.ts';
import { toChecks, verifyRun } from '../verify/verify.ts';

// What was never sent is proven so by two looks a minute apart; with that, and a slow machine.
const SETTLE_MAX_MS = 120_000;

export const degrade: Scenario = {
  name: 'degrade',
  promise: 'P9: a partial outage stays partial',
  weight: 2,
  async run(options) {
    const startedAt = new Date();
    const folder = join(options.folder, 'stage');
    mkdirSync(folder);
    const stage = await startStage({ folder, say: options.say });
    let seen: Outcome;
    try {
      seen = await failEachInTurn(stage, options, startedAt);
    } finally {
      await stage.stop();
    }
    const verified = toChecks(verifyRun(options.folder));
    return { ...seen, checks: [...seen.checks, ...verified.checks], notes: verified.notes };
  },
};

/** One round of outages, and further ones while there is time for them; the number of a short run's is fixed. */
async function failEachInTurn(stage: Stage, options: ScenarioOptions, startedAt: Date): Promise<Outcome> {
  const { folder, minutes, profile, seed, say } = options;
  const asker = await createAsker({ doors: stage.doors, journalFile: join(folder, RUN_FILES.client) });
  const [own, other] = stage.hotels;
  if (own === undefined || other === undefined) throw new Error('two hotels are needed');
  const readStripe = createStripeReader(stage.journals.stripe);
  const outages: Outage[] = [];
  const deadline = performance.now() + minutes * 60_000;
  const roundsMax = profile === 'long' ? Number.POSITIVE_INFINITY : 1;
  for (let round = 0; round === 0 || (round < roundsMax && performance.now() < deadline); round += 1)
    for (const cell of drawCells(seeded(seed).fork(`round ${round}`), profile)) {
      const name = `degrade-${round}-${cell.dependency}-${cell.state}`;
      const outage = await probeOutage({ stage, asker, own, other }, cell, name);
      outages.push(outage);
      say(inLine(outage));
    }
  const errands = outages.flatMap((outage) => outage.errands);
  const left = await settle(errands, async (errand) => void (await asker.once(errand)), SETTLE_MAX_MS);
  const unrest = await untilRest(stage, SETTLE_MAX_MS);
  const book = await readStripe();
  await asker.close();
  await dumpRun(stage, factsOf(stage, { scenario: 'degrade', seed, startedAt, quietAt: new Date() }), folder);
  const open = [...unrest.operations, ...unrest.events];
  const checks = [
    ...judgeAnswers(outages),
    judgeStrikes(outages),
    judgeRecovery(outages),
    check(
      'the same keys complete after the outage',
      left.length === 0,
      left.map(({ asked }) => asked.key).join(', '),
    ),
    judgeEffects(outages, book),
    check('every operation and provider event comes to rest', open.length === 0, open.join('; ')),
    check('no process of ours ended by itself', stage.crashes.length === 0, stage.crashes.join('\n')),
  ];
  return { checks, notes: [], counts: { ...asker.counts(), ...countTimes(outages) } };
}

function nameOf({ dependency, state, fault }: Cell): string {
  return state === 'slow' ? `${dependency} slow (${fault.kind})` : `${dependency} ${state}`;
}

function inLine({ cell, probed, recoveryMs }: Outage): string {
  const answers = probed.map(({ probe, answer, ms }) => `${probe} ${answer.status} in ${ms} ms`);
  return `${nameOf(cell)}: ${answers.join(', ')}; charges again after ${recoveryMs ?? 'never'} ms`;
}

/** For each dependency: what depends on it gets an honest answer, what does not goes on. */
function judgeAnswers(outages: readonly Outage[]): Check[] {
  return Object.keys(DEPENDENCIES).map((dependency) => {
    const wrong = outages
      .filter(({ cell }) => cell.dependency === dependency)
      .flatMap(({ cell, probed }) =>
        probed.flatMap(({ probe, answer, ms }) => {
          const what = wrongWith(cell, probe, answer);
          return what === undefined ? [] : [`${nameOf(cell)}: ${probe} ${what} (${ms} ms)`];
        }),
      );
    const rows = { redis: 'P9, row 25', stripe: 'P9, row 5', 'postgres-transaction': 'P9, row 61' };
    const row = Object.entries(rows).find(([name]) => name === dependency)?.[1] ?? 'P9';
    const name = `${row}: with ${dependency} failing every answer is one of those documented, and the rest goes on`;
    return check(name, wrong.length === 0, wrong.join('; '));
  });
}

/** One that nobody met proves nothing. Who flaps may just be back when it is asked. */
function judgeStrikes(outages: readonly Outage[]): Check {
  const missed = outages.filter(({ cell, struck }) => cell.state !== 'flapping' && struck === 0);
  const names = missed.map(({ cell }) => nameOf(cell)).join(', ');
  return check('each outage was met by somebody', missed.length === 0, names);
}

function judgeRecovery(outages: readonly Outage[]): Check {
  const never = outages.filter(({ recoveryMs }) => recoveryMs === undefined).map(({ cell }) => nameOf(cell));
  return check(
    'P9: after each outage both hotels charge again within 30 s',
    never.length === 0,
    never.join(', '),
  );
}

/** Each key has one effect in Stripe's journal, however often it was asked for. */
function judgeEffects(outages: readonly Outage[], book: StripeBook): Check {
  const wrong = outages.flatMap(({ expected }) =>
    expected.flatMap(({ errand, effects }) => {
      const { end, asked } = errand;
      if (end === undefined) return [];
      if (end.type !== 'ok') return [`${asked.key} ended as ${JSON.stringify(end)}`];
      const seen = book.effectsOn({ id: end.paymentId, reference: null });
      return seen.join() === effects.join()
        ? []
        : [`${asked.key} ${end.paymentId}: ${seen.join(', ') || 'nothing'}`];
    }),
  );
  const judged = outages.reduce((sum, { expected }) => sum + expected.length, 0);
  return check(
    `each key asked for in an outage has one effect at Stripe (${judged} checked)`,
    wrong.length === 0 && judged > 0,
    wrong.join('; '),
  );
}

// Promise P9. Reported and not judged: the limits of time of this stage are configured, and its machine is shared.
const PROMPT_MS = 2_000;

function countTimes(outages: readonly Outage[]): Record<string, number> {
  const counts: Record<string, number> = { outages: outages.length };
  for (const state of STATES) {
    const times = timesOf(outages, state);
    if (times.length === 0) continue;
    counts[`${state} p50 ms`] = percentile(times, 50);
    counts[`${state} p99 ms`] = percentile(times, 99);
    counts[`${state} above 2 s`] = times.filter((ms) => ms > PROMPT_MS).length;
  }
  const unaffected = outages.flatMap(({ cell, probed }) =>
    probed.filter(({ probe }) => mustWork(cell.dependency, probe)).map(({ ms }) => ms),
  );
  counts['unaffected p99 ms'] = percentile(unaffected, 99);
  counts['slowest recovery ms'] = Math.max(...outages.map(({ recoveryMs = 0 }) => recoveryMs));
  return counts;
}

function timesOf(outages: readonly Outage[], state: State): number[] {
  return outages.flatMap(({ cell, probed }) => (cell.state === state ? probed.map(({ ms }) => ms) : []));
}
