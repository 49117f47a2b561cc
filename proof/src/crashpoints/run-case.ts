import type { Answered, Asked, Unanswered } from '../load/ask.ts';
import type { StageHotel } from '../stage/stage.ts';
import { untilFinal } from './client.ts';
import type { CrashCase } from './crash-cases.ts';
import { die, dieAsking } from './die.ts';
import { failed, messageOf, settle, untilAtRest } from './settle.ts';
import type { CaseResult } from './settle.ts';
import { prepare } from './subject.ts';
import type { Subject } from './subject.ts';
import { REPLICAS_OF } from './wiring.ts';
import { armedOf, restart, safeDoor, UNARMED } from './world.ts';
import type { NumberedCase, World } from './world.ts';

/**
 * Has the armed process die in the middle of the operation and answers as soon as it is dead; `settled` goes on by itself,
 * with the other process, and ends with what became of it. Never throws.
 */
export async function crashOne(
  world: World,
  { crash, nth }: NumberedCase,
): Promise<{ settled: Promise<CaseResult> }> {
  const { armed, other } = REPLICAS_OF[crash.service];
  const { wiring } = world;
  try {
    const [subject] = await Promise.all([
      prepareIn(world, { crash, nth }),
      restart(armedOf(world, crash), { FAILPOINT: crash.failpoint }),
    ]);
    const failures = await wiring.alone(async () => {
      wiring.route(crash.service, armed);
      return await dieAsking(world, crash, subject, () => wiring.route(crash.service, other));
    });
    return { settled: settle(world, crash, subject, failures) };
  } catch (error) {
    wiring.route(crash.service, other);
    return { settled: Promise.resolve(failed(crash, [messageOf(error)])) };
  }
}

/** Those die of what a loop does: on their own, since any other work of that loop would be met too. */
export function isLoopCase(numbered: NumberedCase): boolean {
  return numbered.crash.failpoint.startsWith('sweeper.') || isEventCase(numbered);
}

export function isEventCase({ crash }: NumberedCase): boolean {
  return crash.failpoint.startsWith('provider-event.');
}

/** Has the only transaction process die of what its loops do. Never throws. */
export async function crashLoop(world: World, numbered: NumberedCase): Promise<CaseResult> {
  try {
    return await (isEventCase(numbered) ? crashOnEvent(world, numbered) : crashSweeper(world, numbered));
  } catch (error) {
    return failed(numbered.crash, [messageOf(error)]);
  }
}

// Nobody takes the operation up before the armed sweeper is there, however long its start takes.
const LONG_LEASE = { OPERATION_LEASE_MS: '600000' };

/**
 * First the operation is left open by a death after its provider did it, then the next process dies while it clears up; a
 * third one ends it. That leases end by themselves is seen in all other cases.
 */
async function crashSweeper(world: World, { crash, nth }: NumberedCase): Promise<CaseResult> {
  const replica = armedOf(world, crash);
  const before: CrashCase = { ...crash, failpoint: `${crash.kind}.after-provider` };
  await restart(replica, { FAILPOINT: before.failpoint, ...LONG_LEASE });
  // What is made ready here is of another kind, so it passes the armed process unharmed.
  const subject = await prepareIn(world, { crash, nth });
  const failures = await dieAsking(world, before, subject);
  await restart(replica, { FAILPOINT: crash.failpoint, ...LONG_LEASE });
  await world.books.endLeases(subject);
  failures.push(...(await die(world, crash, subject)));
  await restart(replica, UNARMED);
  await world.books.endLeases(subject);
  return await settle(world, crash, subject, failures);
}

/** The process dies of the event by which the provider tells of the operation. */
async function crashOnEvent(world: World, { crash, nth }: NumberedCase): Promise<CaseResult> {
  const replica = armedOf(world, crash);
  await restart(replica, UNARMED);
  const subject = await prepareIn(world, { crash, nth });
  // The events of what was made ready must not be the ones it dies of.
  await untilAtRest(world.books);
  await restart(replica, { FAILPOINT: crash.failpoint });
  const failures = await dieAsking(world, crash, subject);
  await restart(replica, UNARMED);
  return await settle(world, crash, subject, failures);
}

// A door whose ways were cut a moment ago may refuse once or twice.
const SET_UP_TIMEOUT_MS = 30_000;

async function prepareIn(world: World, { crash, nth }: NumberedCase): Promise<Subject> {
  const { stage, client, wiring, random } = world;
  const askOnce = async (hotel: StageHotel, asked: Asked): Promise<Answered | Unanswered> => {
    const once = async (): Promise<Answered | Unanswered> =>
      await wiring.shared(async () => await client.ask(safeDoor(world), hotel, asked));
    return (await untilFinal(once, SET_UP_TIMEOUT_MS)).answer;
  };
  const hotel = stage.hotels.find(({ provider }) => provider === crash.provider);
  if (hotel === undefined) throw new Error(`no hotel at ${crash.provider}`);
  return await prepare({ crash, stage, hotel, random: random.fork(`case ${nth}`), askOnce, nth });
}
