import { readFileSync } from 'node:fs';
import { pauseMs } from '@centra/testkit/pause.ts';
import type { Answered, Unanswered } from '../load/ask.ts';
import { endOf, isFinal } from '../load/end-of.ts';
import type { Replica } from '../stage/stage.ts';
import type { CrashCase } from './crash-cases.ts';
import { judgeFirst, judgeLeft } from './judge.ts';
import type { Subject } from './subject.ts';
import { armedOf, doorFor } from './world.ts';
import type { World } from './world.ts';

// On a busy machine a process takes its time, and a sweeper waits for a lease of some seconds first.
const DEATH_TIMEOUT_MS = 20_000;
const LOOK_EVERY_MS = 10;
// The cut connection is often seen before the end of the process; after this long nobody has died of the request.
const SEEN_WITHIN_MS = 2_000;

/**
 * Asks for the operation until the armed process is dead, and says what was wrong with its death, with what it left, and with
 * what the client was told. `afterwards` runs between the two: until then nobody takes over.
 */
export async function dieAsking(
  world: World,
  crash: CrashCase,
  subject: Subject,
  afterwards: () => void = () => {},
): Promise<string[]> {
  const asking = askUntilDead(world, crash, subject);
  const failures = await die(world, crash, subject);
  afterwards();
  return [...failures, ...judgeFirst(crash, await asking)];
}

/** A way to the armed process that has only just been cut and laid anew may refuse at first; then nothing was done. */
async function askUntilDead(
  world: World,
  crash: CrashCase,
  subject: Subject,
): Promise<Answered | Unanswered> {
  const replica = armedOf(world, crash);
  const endsAt = performance.now() + DEATH_TIMEOUT_MS;
  for (;;) {
    const answer = await world.client.ask(doorFor(world, crash), subject.hotel, subject.asked);
    if (isFinal(endOf(answer))) return answer;
    await untilDead(replica, SEEN_WITHIN_MS);
    if (!replica.isRunning() || performance.now() > endsAt) return answer;
  }
}

/** Waits for the death. A process that lives on has passed no step of that name, and then the case proves nothing. */
export async function die(world: World, crash: CrashCase, subject: Subject): Promise<string[]> {
  const { journal, books } = world;
  const replica = armedOf(world, crash);
  const { failpoint, kind, provider } = crash;
  const fault = journal.begin('failpoint', replica.name, { failpoint, kind, provider });
  // It may have died as soon as it was asked.
  const sinceMs = Date.now() - SEEN_WITHIN_MS;
  await untilDead(replica, DEATH_TIMEOUT_MS);
  journal.end(fault);
  if (replica.isRunning()) {
    await replica.kill9();
    return [`${replica.name} did not die at ${failpoint}`];
  }
  const words = lastWords(replica.logFile, sinceMs);
  if (words !== failpoint) return [`${replica.name} died, but not of ${failpoint}: ${words}`];
  return judgeLeft(crash, subject, await books.of(subject)).map((what) => `at its death ${what}`);
}

async function untilDead(replica: Replica, timeoutMs: number): Promise<void> {
  const endsAt = performance.now() + timeoutMs;
  while (replica.isRunning() && performance.now() < endsAt) await pauseMs(LOOK_EVERY_MS);
}

// What the log still had in hand may reach the file after the last words, which are written at once.
const LAST_LINES = 20;

/** What the failpoint wrote before it killed; else the last line of the log. */
function lastWords(logFile: string, sinceMs: number): string {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LAST_LINES);
  const words = lines.map((line) => /"time":"([^"]+)".*"failpoint":"([^"]+)"/.exec(line));
  const said = words.findLast((match) => match !== null && new Date(match[1] ?? '').getTime() >= sinceMs);
  return said?.[2] ?? lines.at(-1) ?? '';
}
