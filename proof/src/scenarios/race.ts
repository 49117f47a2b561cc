import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { untilRest } from '../chaos/at-rest.ts';
import { factsOf } from '../chaos/facts.ts';
import { dumpRun } from '../dump/dump-run.ts';
import { createAsker } from '../load/asker.ts';
import type { Asker } from '../load/asker.ts';
import { cardAt } from '../load/card.ts';
import { newErrand } from '../load/key-book.ts';
import type { Errand } from '../load/key-book.ts';
import { settle } from '../load/settle.ts';
import { paymentOf } from '../load/told.ts';
import type { PaymentTold } from '../load/told.ts';
import { read } from '../load/ask.ts';
import { CONTESTS, faultOf, STAKE } from '../race/contests.ts';
import type { Contest } from '../race/contests.ts';
import { RUN_FILES } from '../run-folder.ts';
import { check } from '../scenario.ts';
import type { Check, Outcome, Scenario, ScenarioOptions } from '../scenario.ts';
import { seeded } from '@centra/testkit/seeded.ts';
import type { Seeded } from '@centra/testkit/seeded.ts';
import { startStage } from '../stage/stage.ts';
import type { Stage, StageHotel } from '../stage/stage.ts';
import { toChecks, verifyRun } from '../verify/verify.ts';

// Promise P4 has it so.
const CALLERS = 64;
// One caller in so many repeats the key of the one before.
const REPEATS_EVERY = 8;
// So many payments are raced for at the same time: two doors and two replicas of each then always have work.
const PAYMENTS_AT_ONCE = 2;
// What is left open by a time limit is found out within seconds by the sweeper; far above that on a loaded machine.
const SETTLE_MAX_MS = 60_000;

export const race: Scenario = {
  name: 'race',
  promise: 'P4: captured never above authorised, refunded never above captured',
  weight: 1.5,
  async run(options) {
    const startedAt = new Date();
    const folder = join(options.folder, 'stage');
    mkdirSync(folder);
    const stage = await startStage({ folder, say: options.say });
    let seen: Outcome;
    try {
      seen = await raceOn(stage, options, startedAt);
    } finally {
      await stage.stop();
    }
    const verified = toChecks(verifyRun(options.folder));
    return { ...seen, checks: [...seen.checks, ...verified.checks], notes: verified.notes };
  },
};

type Ring = { stage: Stage; asker: Asker; random: Seeded };
type Result = { contest: string; fault: string | undefined };

async function raceOn(stage: Stage, options: ScenarioOptions, startedAt: Date): Promise<Outcome> {
  const { folder, minutes, seed, say } = options;
  const asker = await createAsker({ doors: stage.doors, journalFile: join(folder, RUN_FILES.client) });
  const results: Result[] = [];
  const deadline = performance.now() + minutes * 60_000;
  // Every contest at least once at each hotel, whatever the time; then on until it is over.
  const least = CONTESTS.length * stage.hotels.length;
  for (let nth = 0; nth < least || performance.now() < deadline; nth += PAYMENTS_AT_ONCE) {
    const group = Array.from({ length: PAYMENTS_AT_ONCE }, async (_, beside) => {
      const random = seeded(seed).fork(`payment ${nth + beside}`);
      results.push(await raceOnce({ stage, asker, random }, nth + beside));
    });
    await Promise.all(group);
  }
  say(`${results.length} payments raced for by ${CALLERS} callers each`);
  const unrest = await untilRest(stage, SETTLE_MAX_MS);
  await asker.close();
  const facts = factsOf(stage, { scenario: 'race', seed, startedAt, quietAt: new Date() });
  await dumpRun(stage, facts, folder);
  const open = [...unrest.operations, ...unrest.events];
  const { violations } = asker.book;
  const checks = [
    ...CONTESTS.map(({ name }) => judgeContest(name, results)),
    check('every answer keeps the contract', violations.length === 0, violations.slice(0, 5).join('; ')),
    check('every operation and provider event comes to rest', open.length === 0, open.join('; ')),
    check('no process of ours ended by itself', stage.crashes.length === 0, stage.crashes.join('\n')),
  ];
  return { checks, notes: [], counts: { ...asker.counts(), payments: results.length, callers: CALLERS } };
}

async function raceOnce(ring: Ring, nth: number): Promise<Result> {
  const { hotels } = ring.stage;
  const contest = CONTESTS[nth % CONTESTS.length];
  const hotel = hotels[Math.floor(nth / CONTESTS.length) % hotels.length];
  if (contest === undefined || hotel === undefined) throw new Error('nothing to race for');
  try {
    const fault = await race64(ring, contest, hotel, nth);
    return { contest: contest.name, fault };
  } catch (error) {
    return { contest: contest.name, fault: String(error) };
  }
}

async function race64(
  { stage, asker, random }: Ring,
  contest: Contest,
  hotel: StageHotel,
  nth: number,
): Promise<string | undefined> {
  const { name } = hotel;
  const askFor = async (errand: Errand): Promise<void> => {
    await asker.once(errand);
  };
  const paymentId = await prepare(stage, askFor, hotel, contest.on, nth);
  const callers: Errand[] = [];
  for (let caller = 0; caller < CALLERS; caller += 1) {
    const last = callers.at(-1);
    const about = { key: `race-${nth}-${caller}`, paymentId };
    const asked = contest.call(random, caller, about);
    const repeats = last !== undefined && caller % REPEATS_EVERY === REPEATS_EVERY - 1;
    callers.push(repeats ? last : newErrand({ hotel, asked, currency: 'EUR' }));
  }
  await Promise.all(callers.map(askFor));
  const errands = [...new Set(callers)];
  await settle(errands, askFor, SETTLE_MAX_MS);
  const payment = await readPayment(stage, hotel, paymentId);
  const fault = faultOf(contest, errands, payment);
  return fault === undefined ? undefined : `${paymentId} at ${name}: ${fault}`;
}

/** A payment of the stake, collected or held. */
async function prepare(
  stage: Stage,
  askFor: (errand: Errand) => Promise<void>,
  hotel: StageHotel,
  on: Contest['on'],
  nth: number,
): Promise<string> {
  const card = await cardAt(stage, hotel);
  if (card === undefined) throw new Error('the vault gives no card');
  const payment = { key: `race-${nth}`, card, amount: STAKE, currency: 'EUR' };
  const errand = newErrand({
    hotel,
    currency: 'EUR',
    asked:
      on === 'collected'
        ? { action: 'charge', ...payment }
        : { action: 'authorize', paymentId: null, ...payment },
  });
  await settle([errand], askFor, SETTLE_MAX_MS);
  if (errand.end?.type !== 'ok') throw new Error(`nothing to race for: ${JSON.stringify(errand.end)}`);
  return errand.end.paymentId;
}

async function readPayment(
  { doors }: Pick<Stage, 'doors'>,
  hotel: StageHotel,
  paymentId: string,
): Promise<PaymentTold> {
  const [door = ''] = doors;
  return paymentOf(await read(door, hotel, `/v1/payments/${paymentId}`));
}

function judgeContest(name: string, results: readonly Result[]): Check {
  const own = results.filter(({ contest }) => contest === name);
  const faults = own.flatMap(({ fault }) => (fault === undefined ? [] : [fault]));
  return check(
    `${name}: the winners fit together and nobody else moves anything`,
    own.length > 0 && faults.length === 0,
    `${faults.length} of ${own.length}: ${faults.slice(0, 5).join('; ')}`,
  );
}
