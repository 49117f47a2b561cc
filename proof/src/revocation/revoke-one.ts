import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { withTransactionDatabase } from '../chaos/at-rest.ts';
import { ask, read } from '../load/ask.ts';
import type { Answered, Unanswered } from '../load/ask.ts';
import { inShort } from '../load/told.ts';
import type { Stage, StageHotel } from '../stage/stage.ts';
import type { Trouble } from './bystanders.ts';
import type { Answer, Entrance } from './entrances.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Key, KeyDesk } from './keys.ts';
import type { Trial } from './trials.ts';

/** The promise (P15, security-tests row 25). */
export const BITES_WITHIN_MS = 5_000;

// What the built-in simulator approves after two seconds (docs/providers/simulator.md): it is under way when the key goes.
const SLOW_AMOUNT = 66_620;
const EVERY_MS = 50;
// Beyond the promise, so that what would be late is seen.
const WATCH_MS = BITES_WITHIN_MS + 1_500;
// Once every entrance has refused so often in a row, it is over.
const REFUSALS_TO_END = 10;

export type Revoked = {
  trial: string;
  /** The last call that was taken, from the answer to the revocation to when it was sent; 0 when none was. */
  slowestMs: number;
  late: string[];
  /** What is wrong with the operation that was under way; undefined: it completed. */
  operation: string | undefined;
  /** Entrances that do not refuse the key as such once everything is whole again. */
  unrefused: string[];
  trouble: Trouble | undefined;
  /** Milliseconds that the machine stood still meanwhile. */
  pausedMs: number;
};

export type Round = {
  stage: Stage;
  hotel: StageHotel;
  desk: KeyDesk;
  entrances: readonly Entrance[];
  heartbeat: Heartbeat;
};

type Call = { entrance: string; sentAt: number; answer: Answer };

/** Revokes one key under the trial's fault, while an operation of that key is under way, and watches every entrance. */
export async function revokeOne(round: Round, trial: Trial, victim: Key): Promise<Revoked> {
  const { stage, entrances, heartbeat } = round;
  await warm(entrances, victim);
  const running = await startOperation(round, victim);
  const from = performance.now();
  await revokeUnder(round, trial, victim);
  const answeredAt = performance.now();
  const after = trial.after?.(stage);
  const calls = await watch(round, trial, victim, answeredAt);
  const watchedAt = performance.now();
  await after;
  await trial.heal?.(stage);
  const to = performance.now();
  const pausedMs = heartbeat.pausesBetween(answeredAt, watchedAt);
  const taken = calls
    .filter(({ answer }) => answer === 'taken')
    .map((call) => ({ ...call, ms: call.sentAt - answeredAt }));
  const late = taken.filter(
    ({ ms, sentAt }) => ms > BITES_WITHIN_MS + heartbeat.pausesBetween(answeredAt, sentAt),
  );
  return {
    trial: trial.name,
    slowestMs: Math.max(0, ...taken.map(({ ms }) => ms)),
    late: late.map(
      ({ entrance, ms }) => `${trial.name}: ${entrance} took it ${Math.round(ms)} ms afterwards`,
    ),
    operation: await running(),
    unrefused: await untilRefused(entrances, victim),
    trouble: trial.isTrouble ? { from, to } : undefined,
    pausedMs,
  };
}

const TRIES_MAX = 5;

/**
 * Breaks what the trial breaks, and revokes. Where nobody can ask auth any more the key that revokes is soon trusted no longer
 * either: on a slow machine that is made whole, and tried again.
 */
async function revokeUnder({ stage, desk, entrances }: Round, trial: Trial, victim: Key): Promise<void> {
  for (let nth = 1; ; nth += 1) {
    await trial.before?.(stage);
    try {
      return await desk.revoke(victim);
    } catch (error) {
      if (nth === TRIES_MAX || trial.before === undefined || trial.heal === undefined) throw error;
      await trial.heal(stage);
      await warm(entrances, victim);
    }
  }
}

/** Every entrance has seen the key, and remembers it. */
async function warm(entrances: readonly Entrance[], { secret }: Key): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (const entrance of entrances)
    while ((await entrance.call(secret)) !== 'taken') {
      if (performance.now() > deadline) throw new Error(`${entrance.name} does not take a good key`);
      await pause(EVERY_MS);
    }
}

/** A charge with the key that takes two seconds; what it answers in the end is asked of a key that stays. */
async function startOperation(
  { stage, hotel }: Round,
  victim: Key,
): Promise<() => Promise<string | undefined>> {
  const [door = ''] = stage.doors;
  const asked = { action: 'charge', card: 'sim_card_visa', amount: SLOW_AMOUNT, currency: 'EUR' } as const;
  const answer = ask(door, { apiKey: victim.secret }, { ...asked, key: randomUUID() }, { timeoutMs: 30_000 });
  const operation = { isOver: false };
  const over = answer.then(() => {
    operation.isOver = true;
  });
  // On a slow machine it may be over before it was seen to run; then it completed all the same.
  while (!operation.isOver && !(await isUnderWay(stage, hotel))) await Promise.race([over, pause(EVERY_MS)]);
  return async () => await wrongOf(door, hotel, await answer);
}

/** Past the gateway and stored: whatever becomes of the key now, it is not asked about again. */
async function isUnderWay(stage: Stage, { merchantId }: StageHotel): Promise<boolean> {
  return await withTransactionDatabase(stage, async (client) => {
    const { rowCount } = await client.query(
      `select 1 from operations where merchant_id = $1 and amount_minor = $2 and state in ('prepared', 'sent') limit 1`,
      [merchantId, SLOW_AMOUNT],
    );
    return rowCount === 1;
  });
}

async function wrongOf(
  door: string,
  hotel: StageHotel,
  answer: Answered | Unanswered,
): Promise<string | undefined> {
  if (answer.status !== 201 || !('json' in answer)) return inShort(answer);
  const id =
    typeof answer.json === 'object' && answer.json !== null && 'id' in answer.json
      ? String(answer.json.id)
      : '';
  const payment = await read(door, hotel, `/v1/payments/${id}`, { timeoutMs: 10_000 });
  const isDone = 'bytes' in payment && payment.bytes.toString('utf8').includes('"status":"succeeded"');
  return isDone ? undefined : inShort(payment);
}

/** Asks at every entrance until all have refused for a while, or well past the five seconds. */
async function watch(round: Round, trial: Trial, victim: Key, answeredAt: number): Promise<Call[]> {
  const { stage, entrances } = round;
  const calls: Call[] = [];
  const isAsleep = ({ name }: Entrance): boolean => trial.asleep?.includes(name) === true;
  const awake = entrances.filter((entrance) => !isAsleep(entrance));
  const watching = awake.map(async (entrance) => await watchOne(entrance, victim, answeredAt, calls));
  const asleep = entrances.filter(isAsleep);
  if (asleep.length > 0) {
    await pause(Math.max(0, answeredAt + BITES_WITHIN_MS + 200 - performance.now()));
    // They wait at the door when it wakes, and so does the news.
    const waiting = asleep.flatMap((entrance) =>
      Array.from({ length: 10 }, async () => await callOnce(entrance, victim, calls)),
    );
    await pause(300);
    trial.wake?.(stage);
    await Promise.all([
      ...waiting,
      ...asleep.map(async (entrance) => await watchOne(entrance, victim, performance.now(), calls)),
    ]);
  }
  await Promise.all(watching);
  return calls;
}

async function watchOne(entrance: Entrance, victim: Key, from: number, calls: Call[]): Promise<void> {
  let refusals = 0;
  while (performance.now() < from + WATCH_MS && refusals < REFUSALS_TO_END) {
    const answer = await callOnce(entrance, victim, calls);
    // Being closed says nothing of what comes when it opens again.
    refusals = answer === 'refused' ? refusals + 1 : 0;
    await pause(EVERY_MS);
  }
}

async function callOnce(entrance: Entrance, { secret }: Key, calls: Call[]): Promise<Answer> {
  const sentAt = performance.now();
  const answer = await entrance.call(secret);
  calls.push({ entrance: entrance.name, sentAt, answer });
  return answer;
}

/** Once everything is whole again the key is refused as such; whoever took it once more is told of at once. */
async function untilRefused(entrances: readonly Entrance[], { secret }: Key): Promise<string[]> {
  const wrong: string[] = [];
  for (const entrance of entrances) {
    const deadline = performance.now() + 20_000;
    let answer = await entrance.call(secret);
    while (answer !== 'refused' && answer !== 'taken' && performance.now() < deadline) {
      await pause(EVERY_MS);
      answer = await entrance.call(secret);
    }
    if (answer !== 'refused') wrong.push(`${entrance.name}: ${answer}`);
  }
  return wrong;
}
