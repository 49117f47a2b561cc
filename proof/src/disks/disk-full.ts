import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { withDatabase } from '@centra/testkit/test-database.ts';
import { z } from 'zod';
import { ask } from '../load/ask.ts';
import type { Asked } from '../load/ask.ts';
import { cardAt } from '../load/card.ts';
import { check } from '../scenario.ts';
import type { Check } from '../scenario.ts';
import type { Stage, StageHotel } from '../stage/stage.ts';
import { readPaymentIds } from './acknowledged.ts';
import type { LoopDisk } from './loop-disk.ts';

export type FullDisk = { checks: Check[]; notes: string[]; counts: Record<string, number> };

type Try = { hotel: StageHotel; asked: Asked; told: string };

// Charges at once: enough to need new pages of every table within seconds.
const WORKERS = 4;
// A full disk has to show within so many charges; each writes some rows.
const TRIES_MAX = 2_000;
// After that many refusals it has been seen often enough.
const REFUSED_ENOUGH = 40;
const HEAL_TIMEOUT_MS = 60_000;
// How often the database is looked after.
const LOOK_MS = 200;
const FIRST = 5;

/**
 * Takes every free byte of the database's disk while charges are asked for, and gives them back. A database that ends by
 * itself then is started again when it can be, as Kubernetes would; nothing else is touched.
 */
export async function fillDisk(stage: Stage, disk: LoopDisk): Promise<FullDisk> {
  const cards = await cardsOf(stage);
  disk.fill();
  const supervisor = superviseDatabase(stage);
  let tries: Try[];
  try {
    tries = await chargeUntilRefused(stage, cards);
  } finally {
    disk.free();
  }
  const healedMs = await untilItWorks(stage, cards);
  const ends = await supervisor.end();
  const refused = tries.filter(({ told }) => told.startsWith('503'));
  const unclean = tries.filter(({ told }) => !/^(201|202|503 )/.test(told)).map(({ told }) => told);
  const left = await repeat(
    stage,
    tries.filter(({ told }) => !told.startsWith('201')),
  );
  const orphans = await findOrphans(stage);
  return {
    checks: [
      check(
        '61: a full disk is refused with 503, or left processing',
        unclean.length === 0,
        firstOf(unclean),
      ),
      check(
        '61: the disk was really full',
        refused.length > 0,
        `none of ${tries.length} charges was refused`,
      ),
      check('61: it heals by itself once there is space', healedMs !== undefined, 'charges still fail'),
      check('61: the same key then charges, once', left.length === 0, firstOf(left)),
      check('61: nothing is charged without an operation of ours', orphans.length === 0, firstOf(orphans)),
    ],
    notes: [
      ends === 0
        ? 'disk full: Postgres refused what did not fit and went on'
        : `disk full: Postgres ended by itself ${ends} times and was started again`,
    ],
    counts: { fullCharges: tries.length, fullRefused: refused.length, fullHealedMs: healedMs ?? 0 },
  };
}

function firstOf(words: readonly string[]): string {
  return `${words.length}: ${words.slice(0, FIRST).join('; ')}`;
}

type Cards = ReadonlyMap<StageHotel, string>;

async function cardsOf(stage: Stage): Promise<Cards> {
  const cards = new Map<StageHotel, string>();
  for (const hotel of stage.hotels)
    cards.set(hotel, await waitFor('a card in the vault', async () => await cardAt(stage, hotel)));
  return cards;
}

/** Starts the database again when it has ended by itself. */
function superviseDatabase(stage: Stage): { end(): Promise<number> } {
  let ends = 0;
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      if (!stage.postgres.isRunning()) {
        ends += 1;
        // It fails for as long as there is no space to recover in.
        await stage.postgres.start().catch(() => {});
      }
      await pause(LOOK_MS);
    }
  })();
  return {
    async end() {
      over.abort();
      await watching;
      return ends;
    },
  };
}

async function chargeUntilRefused(stage: Stage, cards: Cards): Promise<Try[]> {
  const tries: Try[] = [];
  const enough = (): boolean =>
    tries.length >= TRIES_MAX || tries.filter(({ told }) => told.startsWith('503')).length >= REFUSED_ENOUGH;
  const work = async (nth: number): Promise<void> => {
    for (let turn = nth; !enough(); turn += 1) {
      const [hotel, card] = [...cards][turn % cards.size] ?? [];
      const door = stage.doors[turn % stage.doors.length] ?? '';
      if (hotel === undefined || card === undefined) return;
      const asked: Asked = { action: 'charge', card, amount: 1_500, currency: 'EUR', key: randomUUID() };
      tries.push({ hotel, asked, told: await tellOf(door, hotel, asked) });
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, async (_, nth) => await work(nth)));
  return tries;
}

const problemSchema = z.object({ code: z.string() }).loose();

/** `201`, `503 unavailable`, `0 timeout …` */
async function tellOf(door: string, hotel: StageHotel, asked: Asked): Promise<string> {
  const answer = await ask(door, hotel, asked);
  if (!('json' in answer)) return `0 ${answer.reason}`;
  const code = problemSchema.safeParse(answer.json).data?.code;
  return code === undefined ? String(answer.status) : `${answer.status} ${code}`;
}

/** Milliseconds until a charge at each hotel works again; undefined: never. */
async function untilItWorks(stage: Stage, cards: Cards): Promise<number | undefined> {
  const startedAt = performance.now();
  const [door = ''] = stage.doors;
  for (const [hotel, card] of cards) {
    const works = async (): Promise<true | undefined> => {
      const asked: Asked = { action: 'charge', card, amount: 1_600, currency: 'EUR', key: randomUUID() };
      return (await tellOf(door, hotel, asked)) === '201' ? true : undefined;
    };
    const isUp = await waitFor('a charge to work again', works, HEAL_TIMEOUT_MS).catch(() => false);
    if (!isUp) return undefined;
  }
  return Math.round(performance.now() - startedAt);
}

/** Each key once more, until it has an end: 201, since no card is refused. Answers those that have another one. */
async function repeat(stage: Stage, tries: readonly Try[]): Promise<string[]> {
  const [door = ''] = stage.doors;
  const left: string[] = [];
  for (const { hotel, asked } of tries) {
    let told = '';
    const ended = async (): Promise<true | undefined> => {
      told = await tellOf(door, hotel, asked);
      return told === '201' ? true : undefined;
    };
    await waitFor('an end', ended, HEAL_TIMEOUT_MS).catch(() => left.push(`${asked.key} ${told}`));
    if (left.length >= FIRST) break;
  }
  return left;
}

const effectSchema = z
  .object({
    kind: z.string(),
    effect: z.string().optional(),
    metadata: z.record(z.string(), z.string()).optional(),
  })
  .loose();

/** Charges in Stripe's own journal whose payment we know nothing of, or that a payment has twice. */
async function findOrphans(stage: Stage): Promise<string[]> {
  const url = withDatabase(stage.postgres.url, stage.postgres.databases['transaction'] ?? '');
  const known = await readPaymentIds(url);
  const seen = new Map<string, number>();
  for (const line of readFileSync(stage.journals.stripe, 'utf8').split('\n').slice(0, -1)) {
    const entry = effectSchema.parse(JSON.parse(line));
    const payment = entry.metadata?.['centra_payment'];
    if (entry.kind === 'effect' && entry.effect === 'charge.succeeded' && payment !== undefined)
      seen.set(payment, (seen.get(payment) ?? 0) + 1);
  }
  return [...seen].flatMap(([payment, times]) => {
    if (!isKnown(known, payment)) return [`${payment} is unknown to us`];
    return times > 1 ? [`${payment} was charged ${times} times`] : [];
  });
}

/** Stripe is told the public id. */
function isKnown(known: ReadonlySet<string>, payment: string): boolean {
  return known.has(fromPublicId('pay', payment) ?? payment);
}
