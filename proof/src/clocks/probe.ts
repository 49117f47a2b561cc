import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ask } from '../load/ask.ts';
import type { Answered, Asked, Unanswered } from '../load/ask.ts';
import { cardAt } from '../load/card.ts';
import type { Stage, StageHotel } from '../stage/stage.ts';
import type { KeptHold } from './kept-holds.ts';

/** How an answer is told apart: `201`, `401 unauthorized`, `0`. */
export type Answers = Map<string, number>;

export type Probed = {
  answers: Answers;
  /** Neither done, nor refused with a status and a code of the contract. */
  unclean: string[];
  /** A hold or payment that was said to be over. */
  early: string[];
  done: number;
};

const problemSchema = z.object({ code: z.string() }).loose();
const paymentSchema = z.object({ id: z.string() }).loose();
// reliability.md §6: what may be said of something that was not done.
const REFUSALS = new Set([400, 401, 403, 404, 409, 422, 429, 503]);
const OVER = new Set(['hold_expired', 'payment_canceled', 'refund_window_over', 'rate_expired']);

/** A charge and its refund, and a part of each kept hold, through each door. */
export async function probe(stage: Stage, holds: readonly KeptHold[], lie: string): Promise<Probed> {
  const probed: Probed = { answers: new Map(), unclean: [], early: [], done: 0 };
  const put = async (door: string, hotel: StageHotel, asked: Asked): Promise<Answered | Unanswered> => {
    const answer = await ask(door, hotel, asked);
    take(probed, `${lie}: ${asked.action}`, answer);
    return answer;
  };
  for (const door of stage.doors) {
    await Promise.all(stage.hotels.map(async (hotel) => await chargeAndRefund(stage, hotel, door, put)));
    await Promise.all(
      holds.map(async ({ hotel, id }) => {
        const capture = { action: 'capture', paymentId: id, amount: 100, keepOpen: true } as const;
        // A hold that allows one capture only is not to be used up; raising it asks its deadline just as well.
        const adjust = { action: 'adjust', paymentId: id, amount: 50_000 } as const;
        await put(door, hotel, { ...capture, key: randomUUID() });
        await put(door, hotel, { ...adjust, key: randomUUID() });
      }),
    );
  }
  return probed;
}

async function chargeAndRefund(
  stage: Stage,
  hotel: StageHotel,
  door: string,
  put: (door: string, hotel: StageHotel, asked: Asked) => Promise<Answered | Unanswered>,
): Promise<void> {
  const card = await cardAt(stage, hotel);
  if (card === undefined) return;
  const charge = { action: 'charge', card, amount: 2_000, currency: 'EUR' } as const;
  const answer = await put(door, hotel, { ...charge, key: randomUUID() });
  if (answer.status !== 201) return;
  const { id } = paymentSchema.parse(answer.json);
  await put(door, hotel, { action: 'refund', paymentId: id, amount: 500, key: randomUUID() });
}

function take(probed: Probed, what: string, answer: Answered | Unanswered): void {
  const code = 'json' in answer ? problemSchema.safeParse(answer.json).data?.code : undefined;
  const told = [String(answer.status), code].filter((part) => part !== undefined).join(' ');
  probed.answers.set(told, (probed.answers.get(told) ?? 0) + 1);
  if (answer.status >= 200 && answer.status < 300) probed.done += 1;
  else if (!REFUSALS.has(answer.status) || code === undefined)
    probed.unclean.push(`${what} ${told}${'reason' in answer ? ` ${answer.reason}` : ''}`);
  else if (OVER.has(code)) probed.early.push(`${what} ${told}`);
}
