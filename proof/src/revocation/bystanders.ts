import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { check } from '../scenario.ts';
import type { Check } from '../scenario.ts';
import type { Answer, Entrance } from './entrances.ts';
import type { Key } from './keys.ts';

/** A stretch of time in which something is broken, by `performance.now()`. */
export type Trouble = { from: number; to: number };

export type Bystanders = {
  /** Calls so far. */
  calls(): number;
  stop(troubles: readonly Trouble[]): Promise<Check[]>;
};

type Seen = { entrance: string; at: number; answer: Answer };

// A small steady load: some thirty calls a second over all entrances and keys.
const EVERY_MS = 200;
// What was cut, paused or restarted is found again within this: connections are made anew, breakers close.
const RECOVERY_MS = 5_000;

/** Keys that nobody revokes, and one that never was, asked through every entrance the whole time. */
export function startBystanders(entrances: readonly Entrance[], keys: readonly Key[]): Bystanders {
  const stopping = new AbortController();
  const seen: Seen[] = [];
  const strangers: Seen[] = [];
  const stranger = `ck_test_${randomBytes(32).toString('base64url')}`;
  const watch = async (entrance: Entrance, secret: string, log: Seen[]): Promise<void> => {
    while (!stopping.signal.aborted) {
      const at = performance.now();
      log.push({ entrance: entrance.name, at, answer: await entrance.call(secret) });
      await pause(EVERY_MS);
    }
  };
  const loops = entrances.flatMap((entrance) => [
    ...keys.map(async ({ secret }) => await watch(entrance, secret, seen)),
    watch(entrance, stranger, strangers),
  ]);
  return {
    calls: () => seen.length + strangers.length,
    async stop(troubles) {
      stopping.abort();
      await Promise.all(loops);
      return [
        neverRefused(seen),
        alwaysTaken(seen, troubles),
        check(
          'a key that never was is never taken',
          strangers.length > 0 && strangers.every(({ answer }) => answer !== 'taken'),
          `${strangers.filter(({ answer }) => answer === 'taken').length} of ${strangers.length} calls were`,
        ),
        check(
          'a key that never was is refused as such while nothing is broken',
          strangers.filter((call) => isCalm(call, troubles)).every(({ answer }) => answer === 'refused'),
          describe(strangers.filter((call) => isCalm(call, troubles) && call.answer !== 'refused')),
        ),
      ];
    },
  };
}

function neverRefused(seen: readonly Seen[]): Check {
  const wrong = seen.filter(({ answer }) => answer === 'refused');
  const isHeld = seen.length > 0 && wrong.length === 0;
  return check(
    `keys that are good are never refused as bad, whatever breaks (${seen.length} checked)`,
    isHeld,
    describe(wrong),
  );
}

function alwaysTaken(seen: readonly Seen[], troubles: readonly Trouble[]): Check {
  const calm = seen.filter((call) => isCalm(call, troubles));
  const wrong = calm.filter(({ answer }) => answer !== 'taken');
  const isHeld = calm.length > 0 && wrong.length === 0;
  return check(
    `keys that are good work while nothing is broken (${calm.length} checked)`,
    isHeld,
    describe(wrong),
  );
}

function isCalm({ at }: Seen, troubles: readonly Trouble[]): boolean {
  // A call that began shortly before may still be under way.
  return troubles.every(({ from, to }) => at < from - RECOVERY_MS || at > to + RECOVERY_MS);
}

function describe(wrong: readonly Seen[]): string {
  const first = wrong
    .slice(0, 5)
    .map(({ entrance, at, answer }) => `${entrance} ${answer} at ${Math.round(at)} ms`);
  return `${wrong.length}: ${first.join('; ')}`;
}
