import { setTimeout as pause } from 'node:timers/promises';
import type { Asked, Charger } from './charges.ts';

/** What came of a while of charging. */
export type Offered = {
  /** Until the last of them was answered. */
  seconds: number;
  asked: Asked[];
  /** Charges made in a second of these. */
  goodput: number;
  /** Not even asked for, since too many were waiting for their answers. */
  heldBack: number;
};

/** So many clients, each of which asks again as soon as it is answered; what is refused costs it a moment's wait. */
export async function offerClosed(charger: Charger, clients: number, ms: number): Promise<Offered> {
  const start = performance.now();
  const asked: Asked[] = [];
  const client = async (): Promise<void> => {
    while (performance.now() - start < ms) {
      const one = await charger.charge();
      asked.push(one);
      if (one.end !== 'made') await pause(REFUSED_PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return summed(asked, start, 0);
}

const REFUSED_PAUSE_MS = 50;
// Requests are sent in small groups: a timer for each would be what is measured.
const GROUP_MS = 20;
// Without an answer at the same time: as many as there are connections. What waited on our side would be slow by our doing.
const WAITING_MAX = 160;

/** So many requests a second, whether the ones before were answered or not; ends when all are. */
export async function offerOpen(charger: Charger, perSecond: number, ms: number): Promise<Offered> {
  const start = performance.now();
  const asked: Asked[] = [];
  const waiting = new Set<Promise<void>>();
  let sent = 0;
  let heldBack = 0;
  for (let elapsed = 0; elapsed < ms; elapsed = performance.now() - start) {
    const due = Math.floor((elapsed / 1_000) * perSecond) - sent;
    sent += due;
    const room = Math.min(due, WAITING_MAX - waiting.size);
    heldBack += due - room;
    for (let nth = 0; nth < room; nth += 1) {
      const one = charger
        .charge()
        .then((answered) => void asked.push(answered))
        .finally(() => waiting.delete(one));
      waiting.add(one);
    }
    await pause(GROUP_MS);
  }
  await Promise.all(waiting);
  return summed(asked, start, heldBack);
}

/** Up to the last answer: what is still served when nothing more is asked for is not lost. */
function summed(asked: Asked[], start: number, heldBack: number): Offered {
  const seconds = (performance.now() - start) / 1_000;
  const made = asked.filter(({ end }) => end === 'made').length;
  return { seconds, asked, goodput: made / seconds, heldBack };
}
