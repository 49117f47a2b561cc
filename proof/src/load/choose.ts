import type { Seeded } from '@centra/testkit/seeded.ts';
import type { StageHotel } from '../stage/stage.ts';
import type { Asked } from './ask.ts';
import type { CardName } from './card.ts';
import type { KnownPayments } from './known-payments.ts';
import type { PaymentTold } from './told.ts';

/** What a guest or hotel wants next. */
export type Wanted = {
  /** More than there can be. */
  isTooMuch: boolean;
  /** The card to pay with; undefined where none is needed. */
  card: CardName | undefined;
  currency: string;
  toAsked(key: string, cardToken: string): Asked;
};

/** See `LoadOptions.slow`. */
export type Slow = 'pending' | 'absent';

/** What a hotel's provider can do, and what this run wants to see of it. */
export type Taste = { provider: StageHotel['provider']; slow: readonly Slow[]; lostShare: number };

// Roughly as hotels have it, with more of what is rare there: what follows a payment is where races are.
const NEW_SHARE = 0.4;

/** Draws what one hotel wants: a payment of its own, or something on one that it has. */
export function chooseWanted(random: Seeded, taste: Taste, known: KnownPayments): Wanted {
  if (random.chance(NEW_SHARE)) return newPayment(random, taste);
  // One in ten takes what comes, so that refusals of every status are met too.
  const isWanted = random.chance(0.1) ? () => true : canMove;
  const payment = known.one(random, isWanted);
  return payment === undefined ? newPayment(random, taste) : followUp(random, payment, taste);
}

/** A charge that must be new, for a key that another hotel uses too. */
export function newCharge(random: Seeded, taste: Taste): Wanted {
  const amount = amountAt(random, taste);
  const currency = currencyOf(random);
  return {
    isTooMuch: false,
    card: cardFor(random, taste),
    currency,
    toAsked: (key, card) => ({ action: 'charge', key, card, amount, currency }),
  };
}

function newPayment(random: Seeded, taste: Taste): Wanted {
  const amount = amountAt(random, taste);
  const currency = currencyOf(random);
  const wish = { isTooMuch: false, card: cardFor(random, taste), currency };
  switch (weighted(random, { charge: 45, hold: 40, create: 15 })) {
    case 'charge':
      return { ...wish, toAsked: (key, card) => ({ action: 'charge', key, card, amount, currency }) };
    case 'hold':
      return {
        ...wish,
        toAsked: (key, card) => ({ action: 'authorize', key, paymentId: null, card, amount, currency }),
      };
    case 'create': {
      const captureMethod = random.oneOf(['automatic', 'manual'] as const);
      return {
        ...wish,
        card: undefined,
        toAsked: (key) => ({ action: 'create', key, amount, currency, captureMethod }),
      };
    }
    default:
      throw new Error('no such payment');
  }
}

function followUp(random: Seeded, payment: PaymentTold, taste: Taste): Wanted {
  const { id: paymentId, amount, currency } = payment;
  const wish = (asked: (key: string) => Asked, isTooMuch = false): Wanted => ({
    isTooMuch,
    card: undefined,
    currency,
    toAsked: asked,
  });
  // Ten times what was asked for is beyond every allowance, whatever became of the payment meanwhile.
  const tooMuch = amount * 10;
  switch (weighted(random, WISHES[payment.status] ?? WISHES_ELSE)) {
    case 'authorize': {
      const card = cardFor(random, taste);
      return {
        isTooMuch: false,
        card,
        currency,
        toAsked: (key, token) => ({ action: 'authorize', key, paymentId, card: token }),
      };
    }
    case 'capture':
      return wish((key) => ({ action: 'capture', key, paymentId }));
    case 'capturePart': {
      const part = partOf(random, payment.amount_authorized - payment.amount_captured, taste);
      const keepOpen = random.chance(0.7);
      return wish((key) => ({ action: 'capture', key, paymentId, amount: part, keepOpen }));
    }
    case 'captureTooMuch':
      return wish((key) => ({ action: 'capture', key, paymentId, amount: tooMuch }), true);
    case 'cancel':
      return wish((key) => ({ action: 'cancel', key, paymentId }));
    case 'adjust': {
      const total = amount + random.between(-400, 5_000);
      return wish((key) => ({ action: 'adjust', key, paymentId, amount: Math.max(total, 100) }));
    }
    case 'refund':
      return wish((key) => ({ action: 'refund', key, paymentId }));
    case 'refundPart': {
      const part = partOf(random, payment.amount_captured - payment.amount_refunded, taste);
      return wish((key) => ({ action: 'refund', key, paymentId, amount: part }));
    }
    case 'refundTooMuch':
      return wish((key) => ({ action: 'refund', key, paymentId, amount: tooMuch }), true);
    default:
      throw new Error('no such wish');
  }
}

type Wish =
  | 'authorize'
  | 'capture'
  | 'capturePart'
  | 'captureTooMuch'
  | 'cancel'
  | 'adjust'
  | 'refund'
  | 'refundPart'
  | 'refundTooMuch';

const PAID = { refund: 3, refundPart: 8, refundTooMuch: 1 } as const;
/** How often what is wanted, by the status that the payment was last told to have. */
const WISHES: Readonly<Record<string, Partial<Record<Wish, number>>>> = {
  created: { authorize: 9, cancel: 1 },
  authorized: { capture: 4, capturePart: 5, captureTooMuch: 1, adjust: 4, cancel: 2 },
  partially_captured: { capture: 3, capturePart: 4, captureTooMuch: 1, cancel: 1, refundPart: 2 },
  succeeded: PAID,
  partially_refunded: PAID,
};
const WISHES_ELSE: Partial<Record<Wish, number>> = { capture: 1, cancel: 1, adjust: 1, refundPart: 2 };

function canMove({ status }: PaymentTold): boolean {
  return status in WISHES;
}

function weighted<Name extends string>(random: Seeded, weights: Partial<Record<Name, number>>): Name {
  const names = Object.keys(weights).filter((name): name is Name => name in weights);
  const sum = names.reduce((total, name) => total + (weights[name] ?? 0), 0);
  let drawn = random.fraction() * sum;
  for (const name of names) {
    drawn -= weights[name] ?? 0;
    if (drawn < 0) return name;
  }
  throw new Error('nothing to draw from');
}

// Below every amount that means something of its own to the built-in simulator.
const AMOUNT_MAX = 60_000;
// Above them, so that parts can be such an amount.
const AMOUNT_LARGE = 90_000;

function amountAt(random: Seeded, { provider, slow, lostShare }: Taste): number {
  if (provider === 'simulator' && random.chance(lostShare))
    return random.oneOf(slow.includes('absent') ? [...LOST_ANSWERS, LOST_REQUEST] : LOST_ANSWERS);
  if (provider === 'simulator' && random.chance(0.15)) return AMOUNT_LARGE;
  return random.between(500, AMOUNT_MAX);
}

// docs/providers/simulator.md: the answer is lost after the charge, and the first lookup misses it or not.
const LOST_ANSWERS = [66_610, 66_612];
const LOST_REQUEST = 66_611;
// The same for what follows; sent only at the second try, slow, declined.
const STRANGE_PARTS = [66_640, 66_642, 66_643, 66_644, 66_650];
const STRANGE_SLOW_PARTS = { absent: 66_641, pending: 66_651 } as const;

function partOf(random: Seeded, left: number, { provider, slow }: Taste): number {
  if (provider === 'simulator' && left >= AMOUNT_LARGE)
    return random.oneOf([...STRANGE_PARTS, ...slow.map((kind) => STRANGE_SLOW_PARTS[kind])]);
  return random.between(Math.min(100, Math.max(left, 1)), Math.max(left, 100));
}

function currencyOf(random: Seeded): string {
  return weighted(random, { EUR: 8, USD: 1, JPY: 1 });
}

function cardFor(random: Seeded, { slow }: Taste): CardName {
  return weighted(random, {
    visa: 70,
    mastercard: 10,
    refundPending: slow.includes('pending') ? 7 : 0,
    noExtras: 3,
    declined: 5,
    insufficientFunds: 5,
  });
}
