import { setTimeout as pause } from 'node:timers/promises';
import { waitFor } from '@centra/testkit/pause.ts';
import { z } from 'zod';
import { read } from '../load/ask.ts';
import type { Answered, Asked, Unanswered } from '../load/ask.ts';
import type { Asker } from '../load/asker.ts';
import { cardAt } from '../load/card.ts';
import { newErrand } from '../load/key-book.ts';
import type { Errand } from '../load/key-book.ts';
import { inShort, paymentOf } from '../load/told.ts';
import type { Stage, StageHotel } from '../stage/stage.ts';
import { beginOutage, DEPENDENCIES, PROBES } from './cells.ts';
import type { Cell, Probe } from './cells.ts';
import { quote } from './quote.ts';

export type Ground = { stage: Stage; asker: Asker; own: StageHotel; other: StageHotel };

export type Probed = { probe: Probe; ms: number; answer: Answered | Unanswered };

/** What came of one outage. */
export type Outage = {
  cell: Cell;
  probed: Probed[];
  /** Writes that were asked for in it, for whoever wants their end. */
  errands: Errand[];
  /** What Stripe's journal has to hold of each payment at the hotel that is on it, once all is settled. */
  expected: { errand: Errand; effects: readonly string[] }[];
  /** From its end until both hotels had charged again; undefined: they did not in time. */
  recoveryMs: number | undefined;
  /** How often the fault was met on the wire. */
  struck: number;
};

const AMOUNT = 4_200;
const CURRENCY = 'EUR';
// What is cached serves on for a while: a key until auth has been silent for 5 s, a provider account for 5 s.
const CACHED_MS = 5_500;
const NOT_CACHED_MS = 300;

/** Prepares what is to be followed up, lets the dependency fail, asks, ends the outage, and waits until charges work again. */
export async function probeOutage(ground: Ground, cell: Cell, name: string): Promise<Outage> {
  const { stage, own, other } = ground;
  const [held, charged] = await Promise.all([
    madePayment(ground, 'authorize', `${name}-hold`),
    madePayment(ground, 'charge', `${name}-paid`),
  ]);
  const card = await cardOf(stage, own);
  const about = { amount: AMOUNT, currency: CURRENCY };
  const writes = {
    'own charge': errandOf(own, { action: 'charge', key: `${name}-own`, card, ...about }),
    'own capture': errandOf(own, { action: 'capture', key: `${name}-capture`, paymentId: held }),
    'own refund': errandOf(own, { action: 'refund', key: `${name}-refund`, paymentId: charged }),
    'other charge': errandOf(other, {
      action: 'charge',
      key: `${name}-other`,
      card: await cardOf(stage, other),
      ...about,
    }),
  } as const satisfies Partial<Record<Probe, Errand>>;
  const known = await madePayment({ ...ground, own: other }, 'charge', `${name}-known`);
  const struckBefore = struckBy(stage, cell);
  const endOutage = beginOutage(stage, cell);
  const isCached = ['auth', 'postgres-auth', 'merchant', 'postgres-merchant'].includes(cell.dependency);
  await pause(isCached ? CACHED_MS : NOT_CACHED_MS);
  const [door = ''] = stage.doors;
  const asked: Readonly<Record<Probe, () => Promise<Answered | Unanswered>>> = {
    'own charge': async () => await ground.asker.once(writes['own charge']),
    'own read': async () => await read(door, own, `/v1/payments/${held}`),
    'own capture': async () => await ground.asker.once(writes['own capture']),
    'own refund': async () => await ground.asker.once(writes['own refund']),
    'own quote': async () => await quote(door, own),
    'other charge': async () => await ground.asker.once(writes['other charge']),
    'other read': async () => await read(door, other, `/v1/payments/${known}`),
  };
  const probed = await Promise.all(
    Object.entries(asked).map(async ([probe, once]) => await timed(probeSchema.parse(probe), once)),
  );
  await endOutage();
  const struck = struckBy(stage, cell) - struckBefore;
  const recoveryMs = await recovery(ground, name);
  return {
    cell,
    probed,
    errands: Object.values(writes),
    expected: [
      { errand: writes['own charge'], effects: [`sale ${AMOUNT}`] },
      { errand: writes['own capture'], effects: [`authorize ${AMOUNT}`, `capture ${AMOUNT}`] },
      { errand: writes['own refund'], effects: [`sale ${AMOUNT}`, `refund ${AMOUNT}`] },
    ],
    recoveryMs,
    struck,
  };
}

function struckBy({ links }: Stage, { dependency }: Cell): number {
  const counts = DEPENDENCIES[dependency].flatMap((name) => Object.values(links[name].struck()));
  return counts.reduce((sum, count) => sum + count, 0);
}

const probeSchema = z.enum(PROBES);

async function timed(probe: Probe, once: () => Promise<Answered | Unanswered>): Promise<Probed> {
  const start = performance.now();
  const answer = await once();
  return { probe, answer, ms: Math.round(performance.now() - start) };
}

function errandOf(hotel: StageHotel, asked: Asked): Errand {
  return newErrand({ hotel, asked, currency: CURRENCY });
}

async function cardOf(stage: Stage, hotel: StageHotel): Promise<string> {
  return await waitFor('a card', async () => await cardAt(stage, hotel));
}

/** A payment of before the outage. */
async function madePayment(
  { stage, asker, own }: Ground,
  action: 'charge' | 'authorize',
  key: string,
): Promise<string> {
  const about = { key, card: await cardOf(stage, own), amount: AMOUNT, currency: CURRENCY };
  const errand = errandOf(
    own,
    action === 'charge' ? { action, ...about } : { action, paymentId: null, ...about },
  );
  return paymentOf(await untilDone(asker, errand)).id;
}

// P9. A breaker tries again after 2 s, connections come back within one; the rest is a slow machine.
const RECOVERY_MAX_MS = 30_000;

/** How long until a new charge is made at each hotel. */
async function recovery({ stage, asker, own, other }: Ground, name: string): Promise<number | undefined> {
  const start = performance.now();
  const charges = [own, other].map(async (hotel, nth) => {
    const about = { card: await cardOf(stage, hotel), amount: AMOUNT, currency: CURRENCY };
    await untilDone(asker, errandOf(hotel, { action: 'charge', key: `${name}-after-${nth}`, ...about }));
  });
  const settled = await Promise.allSettled(charges);
  const isOver = settled.every(({ status }) => status === 'fulfilled');
  return isOver ? Math.round(performance.now() - start) : undefined;
}

/** As the documentation tells clients: the same again with the same key. Throws when it is not done in time. */
async function untilDone(asker: Asker, errand: Errand): Promise<Answered> {
  let last: Answered | Unanswered | undefined;
  try {
    return await waitFor(
      errand.asked.key,
      async () => {
        last = await asker.once(errand);
        return 'bytes' in last && (last.status === 200 || last.status === 201) ? last : undefined;
      },
      RECOVERY_MAX_MS,
    );
  } catch (error) {
    throw new Error(`${errand.asked.key} is not done: ${last === undefined ? '' : inShort(last)}`, {
      cause: error,
    });
  }
}
