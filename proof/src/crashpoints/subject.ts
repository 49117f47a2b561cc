import { randomUUID } from 'node:crypto';
import { cardAt } from '../load/card.ts';
import type { Answered, Asked, Unanswered } from '../load/ask.ts';
import { paymentOf } from '../load/told.ts';
import type { Seeded } from '@centra/testkit/seeded.ts';
import type { Stage, StageHotel } from '../stage/stage.ts';
import { CURRENCY } from './client.ts';
import { endsUndone } from './crash-cases.ts';
import type { CrashCase, Kind } from './crash-cases.ts';

/** What a payment must be in the end. */
export type Expected = {
  status: string;
  authorized: number;
  captured: number;
  refunded: number;
  /** Its whole history. */
  history: string[];
  /** All that its provider ever did on it, as `kind amount`. */
  effects: string[];
};

/** The operation in whose middle a process dies. */
export type Subject = {
  hotel: StageHotel;
  asked: Asked;
  /** `pay_…` of the payment that was there before; undefined when the operation makes it. */
  paymentId: string | undefined;
  /** Of no other payment of this run: by it a payment is found of which no answer has told. Minor units. */
  amount: number;
  /** What is stored of that payment before: how many steps, how many effects at the provider. */
  before: { steps: number; effects: number };
  expected: Expected;
};

type AskOnce = (hotel: StageHotel, asked: Asked) => Promise<Answered | Unanswered>;
type Given = {
  crash: CrashCase;
  stage: Stage;
  hotel: StageHotel;
  random: Seeded;
  askOnce: AskOnce;
  nth: number;
};

// Far from the built-in simulator's magic amounts, and apart from each other whatever is added below.
const AMOUNT_FIRST = 20_000;
const AMOUNT_STEP = 10;
const PART = 4_000;
const RAISE = 1_003;

/** Makes the payment that the operation needs, and says what is asked for and what must come of it. */
export async function prepare(given: Given): Promise<Subject> {
  const { crash, stage, hotel, random, askOnce, nth } = given;
  const { kind } = crash;
  const amount = AMOUNT_FIRST + AMOUNT_STEP * nth;
  const key = randomUUID();
  const card = await cardAt(stage, hotel);
  if (card === undefined) throw new Error('the vault gives no card');
  if (kind === 'sale' || kind === 'authorize') {
    const method = kind === 'sale' ? 'automatic' : 'manual';
    const isRegistered = random.chance(0.5);
    if (isRegistered) {
      const create = {
        action: 'create',
        key: randomUUID(),
        amount,
        currency: CURRENCY,
        captureMethod: method,
      } as const;
      const paymentId = paymentOf(await askOnce(hotel, create)).id;
      const asked = { action: 'authorize', key, paymentId, card } as const;
      return {
        hotel,
        asked,
        paymentId,
        amount,
        before: { steps: 1, effects: 0 },
        expected: first(kind, amount, true),
      };
    }
    const asked: Asked =
      kind === 'sale'
        ? { action: 'charge', key, card, amount, currency: CURRENCY }
        : { action: 'authorize', key, paymentId: null, card, amount, currency: CURRENCY };
    const before = { steps: 0, effects: 0 };
    return { hotel, asked, paymentId: undefined, amount, before, expected: first(kind, amount, false) };
  }
  const terms = { key: randomUUID(), card, amount, currency: CURRENCY };
  const setUp: Asked =
    kind === 'refund' ? { action: 'charge', ...terms } : { action: 'authorize', paymentId: null, ...terms };
  const paymentId = paymentOf(await askOnce(hotel, setUp)).id;
  const { asked, expected } = followUp(kind, { key, paymentId, amount, isWhole: random.chance(0.5) });
  return {
    hotel,
    asked,
    paymentId,
    amount,
    before: { steps: 2, effects: 1 },
    expected: endsUndone(crash) ? undone(kind, amount) : expected,
  };
}

function first(kind: 'sale' | 'authorize', amount: number, isRegistered: boolean): Expected {
  const last = kind === 'sale' ? 'payment.successful' : 'payment.authorized';
  return {
    status: kind === 'sale' ? 'succeeded' : 'authorized',
    authorized: amount,
    captured: kind === 'sale' ? amount : 0,
    refunded: 0,
    history: ['payment.created', ...(isRegistered ? ['payment.processing'] : []), last],
    effects: [`${kind} ${amount}`],
  };
}

type FollowUpKind = Exclude<Kind, 'sale' | 'authorize'>;

function followUp(
  kind: FollowUpKind,
  { key, paymentId, amount, isWhole }: { key: string; paymentId: string; amount: number; isWhole: boolean },
): { asked: Asked; expected: Expected } {
  const held = first('authorize', amount, false);
  const on = (before: Expected, name: string, effect: string, change: Partial<Expected>): Expected => ({
    ...before,
    ...change,
    history: [...before.history, ...WORDS[kind].map((word) => `payment.${word}`)],
    effects: [...before.effects, `${name} ${effect}`],
  });
  const part = isWhole ? amount : PART;
  const own = { key, paymentId };
  switch (kind) {
    case 'capture':
      return {
        asked: { action: 'capture', ...own, ...(isWhole ? {} : { amount: part, keepOpen: true }) },
        expected: on(held, kind, String(part), {
          status: isWhole ? 'succeeded' : 'partially_captured',
          captured: part,
        }),
      };
    case 'void':
      return {
        asked: { action: 'cancel', ...own },
        expected: on(held, kind, String(amount), { status: 'canceled' }),
      };
    case 'refund':
      return {
        asked: { action: 'refund', ...own, ...(isWhole ? {} : { amount: part }) },
        expected: on(first('sale', amount, false), kind, String(part), {
          status: isWhole ? 'refunded' : 'partially_refunded',
          refunded: part,
        }),
      };
    case 'adjust':
      return {
        asked: { action: 'adjust', ...own, amount: amount + RAISE },
        expected: on(held, kind, String(amount + RAISE), { authorized: amount + RAISE }),
      };
    default:
      throw new Error(`nothing follows as ${String(kind satisfies never)}`);
  }
}

const WORDS = {
  capture: ['capture_requested', 'captured'],
  void: ['cancel_requested', 'canceled'],
  refund: ['refund_requested', 'refunded'],
  adjust: ['adjust_requested', 'adjusted'],
} as const satisfies Record<FollowUpKind, readonly [string, string]>;

/** The payment as it was, with a request in its history that came to nothing. */
function undone(kind: FollowUpKind, amount: number): Expected {
  const before = first(kind === 'refund' ? 'sale' : 'authorize', amount, false);
  const [requested] = WORDS[kind];
  const failed = requested.replace('_requested', '_failed');
  return { ...before, history: [...before.history, `payment.${requested}`, `payment.${failed}`] };
}
