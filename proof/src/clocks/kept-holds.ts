import { randomUUID } from 'node:crypto';
import { waitFor } from '@centra/testkit/pause.ts';
import { request } from 'undici';
import { z } from 'zod';
import { ask, read } from '../load/ask.ts';
import { cardAt } from '../load/card.ts';
import type { Stage, StageHotel } from '../stage/stage.ts';

/** A hold that stays open through every lie, with the deadline that its provider gave it. */
export type KeptHold = {
  hotel: StageHotel;
  id: string;
  /** Milliseconds since 1970, as the hotel was told. */
  expiresAtMs: number;
  /** The provider's own word, to the second. */
  deadlineMs: number;
};

export const bookSchema = z
  .object({
    id: z.string(),
    status: z.string(),
    created_at: z.string(),
    amount_captured: z.int(),
    hold: z.object({ expires_at: z.string().nullable(), amount_capturable: z.int() }).loose().nullable(),
    cancellation_reason: z.string().nullable(),
    provider_reference: z.string().nullable(),
  })
  .loose();
type Book = z.infer<typeof bookSchema>;

export const HELD = 50_000;
const DAY_MS = 86_400_000;
// docs/providers/simulator.md: how long the built-in simulator's bank holds for each brand.
const SIMULATOR_CARDS = [
  { card: 'sim_card_visa', days: 7 },
  { card: 'sim_card_amex', days: 7 },
  { card: 'sim_card_discover', days: 10 },
] as const;
const SAFETY_TRIES_MS = 60_000;

/** One hold of each brand at each hotel. */
export async function makeHolds(stage: Stage): Promise<KeptHold[]> {
  const holds: KeptHold[] = [];
  for (const hotel of stage.hotels) {
    if (hotel.provider === 'stripe') holds.push(await holdAtStripe(stage, hotel));
    else
      for (const { card, days } of SIMULATOR_CARDS) {
        const book = await hold(stage, hotel, card);
        holds.push(kept(hotel, book, new Date(book.created_at).getTime() + days * DAY_MS));
      }
  }
  return holds;
}

/** With the deadline as Stripe itself tells it. */
export async function holdAtStripe(stage: Stage, hotel: StageHotel): Promise<KeptHold> {
  const card = await waitFor('a card in the vault', async () => await cardAt(stage, hotel));
  const book = await hold(stage, hotel, card);
  return kept(hotel, book, await captureBefore(stage, hotel, book.provider_reference ?? ''));
}

function kept(hotel: StageHotel, book: Book, deadlineMs: number): KeptHold {
  const told = book.hold?.expires_at;
  if (told === null || told === undefined) throw new Error(`hold ${book.id} has no deadline`);
  return { hotel, id: book.id, expiresAtMs: new Date(told).getTime(), deadlineMs };
}

async function hold(stage: Stage, hotel: StageHotel, card: string): Promise<Book> {
  const [door = ''] = stage.doors;
  const wanted = { action: 'authorize', paymentId: null, card, amount: HELD, currency: 'EUR' } as const;
  const answer = await ask(door, hotel, { ...wanted, key: randomUUID() }, { timeoutMs: SAFETY_TRIES_MS });
  if (answer.status !== 201)
    throw new Error(`no hold: ${answer.status} ${'bytes' in answer ? answer.bytes.toString() : ''}`);
  return bookSchema.parse(answer.json);
}

/** The payment as its hotel reads it. */
export async function readBook(stage: Stage, { hotel, id }: Pick<KeptHold, 'hotel' | 'id'>): Promise<Book> {
  return await waitFor(`payment ${id} to be read`, async () => {
    const [door = ''] = stage.doors;
    const answer = await read(door, hotel, `/v1/payments/${id}`);
    return answer.status === 200 && 'json' in answer ? bookSchema.parse(answer.json) : undefined;
  });
}

const intentSchema = z.object({
  latest_charge: z.object({
    payment_method_details: z.object({ card: z.object({ capture_before: z.int() }).loose() }).loose(),
  }),
});

/** Until when Stripe holds it, milliseconds since 1970. */
async function captureBefore(stage: Stage, hotel: StageHotel, reference: string): Promise<number> {
  const { body } = await request(
    `${stage.stripeUrl}/v1/payment_intents/${reference}?expand[]=latest_charge`,
    {
      headers: { authorization: `Bearer ${hotel.stripeKey}` },
    },
  );
  const intent = intentSchema.parse(await body.json());
  return intent.latest_charge.payment_method_details.card.capture_before * 1_000;
}
