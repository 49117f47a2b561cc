import { isDeepStrictEqual } from 'node:util';
import { setTimeout as pause } from 'node:timers/promises';
import type { Seeded } from '@centra/testkit/seeded.ts';
import type { Stage, StageHotel } from '../stage/stage.ts';
import type { Asked } from './ask.ts';
import type { Asker } from './asker.ts';
import { cardAt } from './card.ts';
import { chooseWanted, newCharge } from './choose.ts';
import type { Slow, Taste, Wanted } from './choose.ts';
import { keptOf } from './end-of.ts';
import { newErrand } from './key-book.ts';
import type { Errand } from './key-book.ts';
import { createKnownPayments } from './known-payments.ts';
import type { KnownPayments } from './known-payments.ts';
import { codeOf, inShort, toldOf } from './told.ts';

/** What all workers of a load have in common. */
export type Work = {
  stage: Pick<Stage, 'hotels' | 'vaulteraUrl'>;
  asker: Asker;
  duplicates: { share: number; copies: number };
  slow: readonly Slow[];
  lostShare: number;
  /** Payments by hotel. */
  known: Map<string, KnownPayments>;
  /** Errands whose end is not known. */
  open: Set<Errand>;
  /** Two requests that shared a key: at most one of each pair may be done. */
  rivals: (readonly [Errand, Errand])[];
  /** No request leaves that would only be a retry. */
  isStopping: boolean;
};

// Like a good client's, with shorter pauses: it asks again where it does not know, and leaves the rest for later.
const TRIES_MAX = 4;
const BACKOFF_MS = 150;

/** One thing after the other that a client might do, as the seed has it. */
export async function workOn(work: Work, random: Seeded): Promise<void> {
  const hotel = random.oneOf(work.stage.hotels);
  const old = work.asker.book.kept.length === 0 ? undefined : random.oneOf(work.asker.book.kept);
  const [open] = work.open;
  const drawn = random.fraction();
  if (open !== undefined && random.chance(0.15)) await takeUp(work, random, open);
  else if (old !== undefined && drawn < 0.08) await work.asker.once(old, { respelt: random.chance(0.5) });
  else if (old !== undefined && drawn < 0.12) await reuse(work, random, old);
  else if (old !== undefined && drawn < 0.15) await elsewhere(work, random, old);
  else if (drawn < 0.18) await rival(work, random, hotel);
  else await run(work, random, hotel, chooseWanted(random, tasteOf(work, hotel), knownAt(work, hotel)));
}

/** A key that one hotel has used, at another hotel: there it is new (reliability row 21). */
async function elsewhere(work: Work, random: Seeded, { hotel, asked }: Errand): Promise<void> {
  const others = work.stage.hotels.filter(({ merchantId }) => merchantId !== hotel.merchantId);
  if (others.length === 0) return;
  const other = random.oneOf(others);
  const isUsed = work.asker.book.kept.some((kept) => kept.hotel === other && kept.asked.key === asked.key);
  if (!isUsed) await run(work, random, other, newCharge(random, tasteOf(work, other)), asked.key);
}

function knownAt({ known }: Work, { merchantId }: StageHotel): KnownPayments {
  const payments = known.get(merchantId) ?? createKnownPayments();
  known.set(merchantId, payments);
  return payments;
}

function tasteOf({ slow, lostShare }: Work, { provider }: StageHotel): Taste {
  return { provider, slow, lostShare };
}

/** What was left unknown before, by a client that has not forgotten it. */
async function takeUp(work: Work, random: Seeded, open: Errand): Promise<void> {
  // Behind the others from now on, and nobody else's meanwhile.
  work.open.delete(open);
  await askFor(work, open);
  await persist(work, random, open);
}

async function run(
  work: Work,
  random: Seeded,
  hotel: StageHotel,
  wanted: Wanted,
  key = freshKey(random),
): Promise<void> {
  const errand = await prepare(work, hotel, wanted, key);
  if (errand === undefined) return;
  const { share, copies } = work.duplicates;
  const atOnce = random.chance(share) ? copies : 1;
  await Promise.all(Array.from({ length: atOnce }, async () => await askFor(work, errand)));
  await persist(work, random, errand);
}

/** Undefined while the vault gives no card. */
async function prepare(
  { stage }: Work,
  hotel: StageHotel,
  wanted: Wanted,
  key: string,
): Promise<Errand | undefined> {
  const card = wanted.card === undefined ? '' : await cardAt(stage, hotel, wanted.card);
  if (card === undefined) return undefined;
  const { isTooMuch, currency } = wanted;
  return newErrand({ hotel, asked: wanted.toAsked(key, card), isTooMuch, currency });
}

/** One request, and what it says of the payment. */
export async function askFor(work: Work, errand: Errand): Promise<void> {
  const told = toldOf(await work.asker.once(errand));
  if (told?.object === 'payment') knownAt(work, errand.hotel).note(told);
  else if (told !== undefined) knownAt(work, errand.hotel).noteRefund(told.payment_id, told.amount);
}

/** Asks again while the end is not known, at most so often; what stays open is left to `settle`. */
async function persist(work: Work, random: Seeded, errand: Errand): Promise<void> {
  for (let nth = 1; nth < TRIES_MAX && errand.end === undefined && !work.isStopping; nth += 1) {
    await pause(BACKOFF_MS * 2 ** nth * (0.5 + random.fraction()));
    await askFor(work, errand);
  }
  if (errand.end === undefined) work.open.add(errand);
}

/** A key that was used, for something else: refused, whoever asks where (reliability row 20). */
async function reuse({ asker }: Work, random: Seeded, old: Errand): Promise<void> {
  const { hotel, currency } = old;
  const asked = otherThan(random, old.asked);
  const answer = await asker.once(newErrand({ hotel, asked, currency }));
  const code = codeOf(answer);
  // Not told, or sent away before anybody looked.
  if (answer.status === 0 || answer.status === 429 || answer.status >= 500) return;
  // A store that is just away cannot tell, and says so.
  if (code !== 'idempotency_key_reused' && code !== 'in_progress')
    asker.book.violation(old, `used again for another ${asked.action}, and was answered ${inShort(answer)}`);
}

function otherThan(random: Seeded, { key, ...asked }: Asked): Asked {
  const create: Asked = { action: 'create', key, amount: 777, currency: 'EUR', captureMethod: 'automatic' };
  if (random.chance(0.3)) return asked.action === 'create' ? { ...create, amount: 778 } : create;
  switch (asked.action) {
    case 'charge':
    case 'create':
    case 'adjust':
      return { ...asked, key, amount: asked.amount + 1 };
    case 'authorize':
      return asked.paymentId === null
        ? { ...asked, key, amount: asked.amount + 1 }
        : { ...asked, key, card: `${asked.card}x` };
    case 'capture':
    case 'refund':
      return { ...asked, key, amount: (asked.amount ?? 100) + 1 };
    case 'cancel':
      return { action: 'refund', key, paymentId: asked.paymentId };
    default:
      throw new Error(`nothing is other than ${JSON.stringify(asked satisfies never)}`);
  }
}

/** One key for two different things at the same moment: one of them gets it. */
async function rival(work: Work, random: Seeded, hotel: StageHotel): Promise<void> {
  const key = freshKey(random);
  const first = await prepare(work, hotel, newCharge(random, tasteOf(work, hotel)), key);
  const second = await prepare(work, hotel, newCharge(random, tasteOf(work, hotel)), key);
  if (first === undefined || second === undefined) return;
  // The same card and amount were drawn twice: then they are one request, not two.
  if (isDeepStrictEqual(first.asked, second.asked)) return;
  work.rivals.push([first, second]);
  await Promise.all([askFor(work, first), askFor(work, second)]);
  await persist(work, random, first);
  await persist(work, random, second);
}

/** Every pair of rivals of which both were done. */
export function judgeRivals({ rivals, asker }: Work): void {
  for (const [first, second] of rivals)
    if ([first, second].every(({ end }) => keptOf(end) !== undefined))
      asker.book.violation(first, 'one key was taken for two different charges');
}

/** Letters only: digits in a row may look like a card number, which no key may hold. */
function freshKey(random: Seeded): string {
  const letters = Array.from({ length: 14 }, () => String.fromCodePoint(97 + random.between(0, 25)));
  return `proof-${letters.join('')}`;
}
