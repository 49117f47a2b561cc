import { setTimeout as pause } from 'node:timers/promises';
import type { Asker } from './asker.ts';
import type { Errand } from './key-book.ts';

// So many at once keep two doors busy without filling a hotel's share of the services.
const AT_ONCE = 8;
// Between two rounds: what is open needs the sweeper, not us.
const ROUND_MS = 500;

/** Asks again for every errand until each has its end, and answers those that have none after `timeoutMs`. */
export async function settle(
  errands: Iterable<Errand>,
  askAgain: (errand: Errand) => Promise<void>,
  timeoutMs: number,
): Promise<Errand[]> {
  const deadline = performance.now() + timeoutMs;
  for (let left = openOf(errands); ; left = openOf(left)) {
    await inGroups(left, askAgain);
    if (openOf(left).length === 0 || performance.now() > deadline) return openOf(left);
    await pause(ROUND_MS);
  }
}

// A replay is refused only in passing: a limit of requests, a service that is just back.
const REPLAY_TRIES_MAX = 10;

function openOf(errands: Iterable<Errand>): Errand[] {
  return [...errands].filter(({ end }) => end === undefined);
}

/** Asks again for so many of what was answered for good; `answered` came back with the same status. */
export async function replay(
  { book, once }: Asker,
  max: number,
): Promise<{ asked: number; answered: number }> {
  // Evenly over the whole run: the first keys are as good as the last ones.
  const step = Math.max(1, book.kept.length / max);
  const chosen = book.kept.filter((_, nth) => Math.floor(nth / step) !== Math.floor((nth - 1) / step));
  let answered = 0;
  await inGroups(chosen, async (errand) => {
    for (let nth = 1; nth <= REPLAY_TRIES_MAX; nth += 1) {
      const { status } = await once(errand, { respelt: nth % 2 === 0 });
      if (status === errand.end?.status) {
        answered += 1;
        return;
      }
      await pause(ROUND_MS);
    }
  });
  return { asked: chosen.length, answered };
}

async function inGroups<T>(things: readonly T[], work: (thing: T) => Promise<void>): Promise<void> {
  const left = [...things];
  const worker = async (): Promise<void> => {
    for (let thing = left.shift(); thing !== undefined; thing = left.shift()) await work(thing);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
