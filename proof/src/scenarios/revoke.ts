import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startBystanders } from '../revocation/bystanders.ts';
import type { Trouble } from '../revocation/bystanders.ts';
import { openEntrances } from '../revocation/entrances.ts';
import { startHeartbeat } from '../revocation/heartbeat.ts';
import { openKeyDesk } from '../revocation/keys.ts';
import { BITES_WITHIN_MS, revokeOne } from '../revocation/revoke-one.ts';
import type { Revoked, Round } from '../revocation/revoke-one.ts';
import { TRIALS } from '../revocation/trials.ts';
import type { Trial } from '../revocation/trials.ts';
import { check } from '../scenario.ts';
import type { Check, Outcome, Profile, Scenario, ScenarioOptions } from '../scenario.ts';
import { seeded } from '@centra/testkit/seeded.ts';
import type { Seeded } from '@centra/testkit/seeded.ts';
import { startStage } from '../stage/stage.ts';
import type { Stage } from '../stage/stage.ts';

// A key is good until it is revoked, and five seconds later at the latest it is not, at any entrance, whatever breaks meanwhile.

// Between two trials: long enough to see the others work while nothing is broken.
const CALM_MS = 6_000;
const SHORT_CALM_MS = 500;

export const revoke: Scenario = {
  name: 'revoke',
  promise: 'P15: revocation bites',
  weight: 1,
  async run(options) {
    const folder = join(options.folder, 'stage');
    mkdirSync(folder);
    const hotels = [{ name: 'Riad Revoked', provider: 'simulator' as const }];
    const stage = await startStage({ folder, hotels, say: options.say });
    try {
      return await revokeAll(stage, options);
    } finally {
      await stage.stop();
    }
  },
};

async function revokeAll(stage: Stage, { seed, minutes, profile, say }: ScenarioOptions): Promise<Outcome> {
  const [hotel] = stage.hotels;
  if (hotel === undefined) throw new Error('there is no hotel');
  const desk = openKeyDesk(stage.doors[0] ?? '', hotel.apiKey);
  const entrances = openEntrances(stage);
  const heartbeat = startHeartbeat();
  const bystanders = startBystanders(entrances.all, [await desk.make('stays 1'), await desk.make('stays 2')]);
  const round: Round = { stage, hotel, desk, entrances: entrances.all, heartbeat };
  const done: Revoked[] = [];
  const deadline = performance.now() + minutes * 60_000;
  try {
    for (const trial of trialsOf(stage, profile, seeded(seed).fork('revoke'), deadline)) {
      const revoked = await revokeOne(round, trial, await desk.make(`goes ${done.length + 1}`));
      done.push(revoked);
      say(`${trial.name}: refused after ${Math.round(revoked.slowestMs)} ms`);
      await stage.heal();
      await pause(SHORT_CALM_MS);
    }
    await pause(CALM_MS);
  } finally {
    heartbeat.stop();
  }
  const calls = bystanders.calls();
  const troubles: Trouble[] = done.flatMap(({ trouble }) => (trouble === undefined ? [] : [trouble]));
  const others = await bystanders.stop(troubles);
  await entrances.close();
  await desk.close();
  return {
    checks: [...judge(done), ...others, noCrash(stage)],
    notes: stage.redis === undefined ? ['There is no Redis on this machine: its trials were left out.'] : [],
    counts: {
      revocations: done.length,
      callsOfOthers: calls,
      slowestMs: Math.round(Math.max(0, ...done.map(({ slowestMs }) => slowestMs))),
      slowestUnbrokenMs: Math.round(
        Math.max(0, ...done.filter(({ trouble }) => trouble === undefined).map(({ slowestMs }) => slowestMs)),
      ),
      pausedMs: Math.round(done.reduce((sum, { pausedMs }) => sum + pausedMs, 0)),
    },
  };
}

// Beside the one in which nothing is broken; each takes some seconds.
const TRIALS_IN_SHORT = 5;

/** Each trial once, the whole one first, then as the seed has it until time is up; the short profile draws from them. */
function* trialsOf(stage: Stage, profile: Profile, random: Seeded, deadline: number): Generator<Trial> {
  const [whole, ...broken] = TRIALS.filter(
    ({ name }) => stage.redis !== undefined || !name.startsWith('Redis'),
  );
  if (whole !== undefined) yield whole;
  if (profile === 'short')
    while (broken.length > TRIALS_IN_SHORT) broken.splice(random.between(0, broken.length - 1), 1);
  yield* broken;
  if (profile === 'short') return;
  while (performance.now() < deadline) yield random.oneOf(broken);
}

function judge(done: readonly Revoked[]): Check[] {
  const late = done.flatMap((one) => one.late);
  const broken = done.flatMap(({ trial, operation }) =>
    operation === undefined ? [] : [`${trial}: ${operation}`],
  );
  const open = done.flatMap(({ trial, unrefused }) => unrefused.map((one) => `${trial}: ${one}`));
  return [
    check(
      `25: a revoked key is taken nowhere later than ${BITES_WITHIN_MS / 1_000} s after the answer (${done.length} checked)`,
      done.length > 0 && late.length === 0,
      late.slice(0, 10).join('; '),
    ),
    check(
      '59: what was under way with the key completes',
      broken.length === 0,
      broken.slice(0, 5).join('; '),
    ),
    check(
      '25: once nothing is broken any more, a revoked key is refused as such everywhere',
      open.length === 0,
      open.slice(0, 5).join('; '),
    ),
  ];
}

function noCrash({ crashes }: Stage): Check {
  return check('no service ended by itself', crashes.length === 0, crashes.join('\n'));
}
