import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { ask, read } from '../load/ask.ts';
import type { Asked } from '../load/ask.ts';
import { cardAt } from '../load/card.ts';
import { inShort } from '../load/told.ts';
import type { Stage, StageHotel } from '../stage/stage.ts';
import { askStripe, control } from './endpoint.ts';

// One payment from its hold to its dispute: what every order of its events must leave behind.

/** Minor units. */
export const HELD = 10_000;
export const CAPTURED = 6_000;
export const REFUNDED = [1_500, 2_500] as const;

export type Life = { paymentId: string; reference: string; isDisputed: boolean };

type Steps = {
  /** The replies of Stripe to our own calls get lost: only its events, and looking it up, tell what happened. */
  isLost: boolean;
  isDisputed: boolean;
  /** After each step, when what came of it may already be told. */
  afterStep?(reference: string): Promise<void>;
};

const SETTLE_MAX_MS = 60_000;

/** Holds, captures and gives back twice through alternating doors, and has the bank dispute it where that is wanted. */
export async function live(stage: Stage, hotel: StageHotel, steps: Steps): Promise<Life> {
  const card = await cardAt(stage, hotel);
  if (card === undefined) throw new Error('the vault gave no card');
  const lose = async (path: string): Promise<void> => {
    if (steps.isLost)
      await control(stage, 'POST', '/faults', { fault: 'act_then_drop', method: 'POST', path, times: 1 });
  };
  await lose('^/v1/payment_intents$');
  const hold: Asked = {
    action: 'authorize',
    paymentId: null,
    card,
    amount: HELD,
    currency: 'EUR',
    key: randomUUID(),
  };
  const { id } = await step(stage, hotel, 0, hold);
  const { provider_reference: reference } = await settled(
    stage,
    hotel,
    id,
    ({ status }) => status === 'authorized',
  );
  await steps.afterStep?.(reference);
  await lose(`^/v1/payment_intents/${reference}/capture$`);
  await step(stage, hotel, 1, { action: 'capture', paymentId: id, amount: CAPTURED, key: randomUUID() });
  await steps.afterStep?.(reference);
  await settled(stage, hotel, id, ({ amount_captured: captured }) => captured === CAPTURED);
  let refunded = 0;
  for (const amount of REFUNDED) {
    await lose('^/v1/refunds$');
    await step(stage, hotel, refunded === 0 ? 0 : 1, {
      action: 'refund',
      paymentId: id,
      amount,
      key: randomUUID(),
    });
    await steps.afterStep?.(reference);
    refunded += amount;
    const isDone = refunded;
    await settled(stage, hotel, id, ({ amount_refunded: told }) => told === isDone);
  }
  if (steps.isDisputed) await control(stage, 'POST', '/disputes', { payment_intent: reference });
  return { paymentId: id, reference, isDisputed: steps.isDisputed };
}

const madeSchema = z.object({ id: z.string() });

/** One operation through that door; refused is not expected here, unknown is. */
async function step(stage: Stage, hotel: StageHotel, door: number, asked: Asked): Promise<{ id: string }> {
  const answer = await ask(stage.doors[door % stage.doors.length] ?? '', hotel, asked);
  if (!('json' in answer) || answer.status > 299) throw new Error(`${asked.action}: ${inShort(answer)}`);
  return madeSchema.parse(answer.json);
}

const bookSchema = z.object({
  id: z.string(),
  status: z.string(),
  amount_authorized: z.int(),
  amount_captured: z.int(),
  amount_refunded: z.int(),
  amount_authorize_pending: z.int(),
  amount_capture_pending: z.int(),
  amount_refund_pending: z.int(),
  disputed: z.boolean(),
  provider_reference: z.string().nullable(),
});
export type Book = z.infer<typeof bookSchema>;

/** The payment as it is told through that door. */
export async function readBook(stage: Stage, hotel: StageHotel, id: string, door = 0): Promise<Book> {
  const answer = await read(stage.doors[door] ?? '', hotel, `/v1/payments/${id}`);
  if (!('json' in answer) || answer.status !== 200) throw new Error(`reading ${id}: ${inShort(answer)}`);
  return bookSchema.parse(answer.json);
}

async function settled(
  stage: Stage,
  hotel: StageHotel,
  id: string,
  is: (book: Book) => boolean,
): Promise<Book & { provider_reference: string }> {
  const deadline = performance.now() + SETTLE_MAX_MS;
  for (;;) {
    const book = await readBook(stage, hotel, id);
    const { provider_reference: reference } = book;
    const pending = book.amount_authorize_pending + book.amount_capture_pending + book.amount_refund_pending;
    if (reference !== null && pending === 0 && is(book)) return { ...book, provider_reference: reference };
    if (performance.now() > deadline) throw new Error(`it never settled: ${JSON.stringify(book)}`);
    await pause(50);
  }
}

const intentSchema = z.object({ latest_charge: z.string() });
const chargeSchema = z.object({
  amount: z.int(),
  amount_captured: z.int(),
  amount_refunded: z.int(),
  disputed: z.boolean(),
});

/** What Stripe itself has on record for the payment. */
export async function chargeAtStripe(
  stage: Stage,
  hotel: StageHotel,
  { reference }: Life,
): Promise<z.infer<typeof chargeSchema>> {
  const intent = intentSchema.parse(await askStripe(stage, hotel, 'GET', `/v1/payment_intents/${reference}`));
  return chargeSchema.parse(await askStripe(stage, hotel, 'GET', `/v1/charges/${intent.latest_charge}`));
}
