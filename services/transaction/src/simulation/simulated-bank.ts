import { failureOf } from '../providers/failure.ts';
import type { FailureCode } from '../providers/failure.ts';
import type {
  Attempt,
  ChargeAttempt,
  FollowUpAttempt,
  Lookup,
  Outcome,
  PaymentStanding,
} from '../providers/provider.ts';
import type { Effect } from '../testing/books.ts';
import {
  objection,
  outcomeOfCharge,
  outcomeOfRefund,
  refusedFor,
  standingOf,
  termsOf,
} from './bank-rules.ts';
import type { BankPayment, BankRefund } from './bank-rules.ts';
import type { Dice } from './dice.ts';

/** What the bank did, and when. `isTakenBack`: a refund that came to nothing after all. */
export type BankEffect = Effect & { atMs: number; isTakenBack: boolean };

/** How the outside of the bank is told. */
export type BankWorld = {
  /** Stands before every reference, so that those of two banks differ. */
  name: string;
  /** Whether it pays refunds later or takes them back, which nobody learns of a bank that cannot be asked. */
  hasSlowRefunds: boolean;
  dice: Dice;
  nowMs(): number;
  /** Something happens by itself at that time. */
  later(atMs: number, label: string, run: () => void): void;
  /** A fact that the bank tells by a webhook, where it sends any. */
  tell(type: string, payment: BankPayment, refund?: BankRefund): void;
};

/** The truth: what really happened to money. It has no faults; those are on the way to it. */
export type Bank = {
  charge(attempt: ChargeAttempt): Outcome;
  followUp(attempt: FollowUpAttempt): Outcome;
  /** By our own reference. */
  find(operation: Pick<Attempt, 'operationId'>): Lookup;
  retrieve(reference: string): Outcome;
  cancelChallenge(reference: string): Outcome;
  standing(reference: string): PaymentStanding | undefined;
  effects: readonly BankEffect[];
  payments: ReadonlyMap<string, BankPayment>;
};

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
// From a few hours, so that holds run out while a run lasts, to the week of most card schemes.
const HOLD_MIN_MS = 2 * HOUR_MS;
const HOLD_MAX_MS = 7 * DAY_MS;
// A bank lets go of a hold some time after its deadline.
const LATE_RELEASE_MAX_MS = 2 * HOUR_MS;
const CHALLENGE_MAX_MS = 50 * 60_000;
const REFUND_MAX_MS = 10 * DAY_MS;

export function createBank(world: BankWorld): Bank {
  const { dice } = world;
  const payments = new Map<string, BankPayment>();
  const refunds = new Map<string, BankRefund>();
  const done = new Map<string, Outcome>();
  const effects: BankEffect[] = [];

  const book = (kind: Effect['kind'], operationId: string, of: BankPayment, amountMinor: bigint): void => {
    const { reference: paymentReference, currency } = of;
    const atMs = world.nowMs();
    effects.push({ kind, operationId, paymentReference, amountMinor, currency, atMs, isTakenBack: false });
  };

  const approve = (payment: BankPayment): void => {
    payment.authorizedMinor = payment.askedMinor;
    if (payment.captureMethod === 'automatic') {
      payment.state = 'captured';
      payment.capturedMinor = payment.askedMinor;
      book('sale', payment.operationId, payment, payment.askedMinor);
    } else {
      payment.state = 'held';
      book('authorize', payment.operationId, payment, payment.askedMinor);
      hold(payment, world.nowMs() + dice.between(HOLD_MIN_MS, HOLD_MAX_MS));
    }
    world.tell(payment.state === 'held' ? 'charge.held' : 'charge.collected', payment);
  };

  const hold = (payment: BankPayment, deadlineMs: number): void => {
    payment.deadlineMs = deadlineMs;
    const isExtended = dice.chance(0.1);
    world.later(
      isExtended ? deadlineMs - HOUR_MS : deadlineMs + dice.between(0, LATE_RELEASE_MAX_MS),
      isExtended ? 'moves a deadline' : 'lets go of a hold',
      () => {
        if (payment.state !== 'held') return;
        if (isExtended) return hold(payment, deadlineMs + DAY_MS);
        payment.state = payment.capturedMinor > 0n ? 'captured' : 'canceled';
        payment.canceledBy = 'expiry';
        world.tell('charge.expired', payment);
      },
    );
  };

  const decline = (payment: BankPayment, code: FailureCode): void => {
    payment.state = 'failed';
    payment.failure = code;
    world.tell('charge.failed', payment);
  };

  const refund = ({ operationId, money }: FollowUpAttempt, payment: BankPayment): Outcome => {
    const reference = `${world.name}_refund_${refunds.size + 1}`;
    const made: BankRefund = { reference, operationId, amountMinor: money.amountMinor, state: 'pending' };
    refunds.set(operationId, made);
    payment.refundedMinor += made.amountMinor;
    const succeed = (): void => {
      made.state = 'succeeded';
      book('refund', operationId, payment, made.amountMinor);
      world.tell('refund.paid', payment, made);
    };
    const fail = (): void => {
      made.state = 'failed';
      payment.refundedMinor -= made.amountMinor;
      for (const effect of effects) if (effect.operationId === operationId) effect.isTakenBack = true;
      world.tell('refund.failed', payment, made);
    };
    const decidedAtMs = world.nowMs() + dice.between(1, REFUND_MAX_MS);
    const slow = world.hasSlowRefunds ? 2 : 0;
    dice.weighted([
      [14, succeed],
      [slow, () => world.later(decidedAtMs, 'pays a refund', succeed)],
      [slow, () => world.later(decidedAtMs, 'fails a refund', fail)],
      [
        slow,
        () => {
          succeed();
          world.later(decidedAtMs, 'takes a refund back', fail);
        },
      ],
    ])();
    return outcomeOfRefund(made);
  };

  const act = (attempt: FollowUpAttempt, payment: BankPayment): Outcome => {
    const amountMinor = attempt.money.amountMinor;
    const succeeded = (more: Partial<Extract<Outcome, { kind: 'succeeded' }>> = {}): Outcome => {
      return { kind: 'succeeded', providerReference: payment.reference, ...more };
    };
    switch (attempt.kind) {
      case 'capture':
        payment.capturedMinor += amountMinor;
        if (attempt.isFinal || payment.capturedMinor >= payment.authorizedMinor) payment.state = 'captured';
        book('capture', attempt.operationId, payment, amountMinor);
        world.tell('charge.captured', payment);
        return succeeded({ amountMinor });
      case 'void': {
        const left = payment.authorizedMinor - payment.capturedMinor;
        payment.state = payment.capturedMinor > 0n ? 'captured' : 'canceled';
        payment.canceledBy = 'request';
        book('void', attempt.operationId, payment, left);
        world.tell('charge.released', payment);
        return succeeded();
      }
      case 'adjust':
        payment.authorizedMinor = amountMinor;
        book('adjust', attempt.operationId, payment, amountMinor);
        return succeeded({ hold: termsOf(payment) });
      case 'refund':
        return refund(attempt, payment);
      default:
        throw new Error(`no act for ${String(attempt.kind satisfies never)}`);
    }
  };

  return {
    effects,
    payments,
    charge(attempt) {
      const payment = newPayment(attempt, `${world.name}_charge_${payments.size + 1}`);
      payments.set(payment.reference, payment);
      const isChallengeable = attempt.returnUrl !== undefined;
      dice.weighted<() => void>([
        [15, () => approve(payment)],
        [1, () => decline(payment, 'card_declined')],
        [
          2,
          () => decline(payment, dice.oneOf(['insufficient_funds', 'try_again_later', 'processing_error'])),
        ],
        [
          isChallengeable ? 8 : 0,
          () => {
            if (dice.chance(0.3)) return;
            const atMs = world.nowMs() + dice.between(1, CHALLENGE_MAX_MS);
            const isApproved = dice.chance(0.7);
            world.later(atMs, 'has an answer of the guest', () => {
              if (payment.state !== 'open') return;
              if (isApproved) approve(payment);
              else decline(payment, 'authentication_failed');
            });
          },
        ],
      ])();
      return outcomeOfCharge(payment);
    },
    followUp(attempt) {
      const payment = payments.get(attempt.paymentReference);
      if (payment === undefined) throw new Error('the core named a payment that the bank never had');
      const code = dice.chance(0.08) ? refusedFor(attempt.kind) : objection(attempt, payment);
      if (code !== undefined) return { kind: 'declined', failure: failureOf(code) };
      const outcome = act(attempt, payment);
      done.set(attempt.operationId, outcome);
      return outcome;
    },
    find({ operationId }) {
      const made = refunds.get(operationId);
      if (made !== undefined) return outcomeOfRefund(made);
      const own = [...payments.values()].find((payment) => payment.operationId === operationId);
      return own === undefined ? (done.get(operationId) ?? { kind: 'absent' }) : outcomeOfCharge(own);
    },
    retrieve: (reference) => outcomeOfCharge(known(payments, reference)),
    cancelChallenge(reference) {
      const payment = known(payments, reference);
      if (payment.state === 'open') {
        payment.state = 'canceled';
        payment.canceledBy = 'request';
        world.tell('charge.withdrawn', payment);
      }
      return outcomeOfCharge(payment);
    },
    standing(reference) {
      const payment = payments.get(reference);
      return payment === undefined ? undefined : standingOf(payment);
    },
  };
}

function known(payments: ReadonlyMap<string, BankPayment>, reference: string): BankPayment {
  const payment = payments.get(reference);
  if (payment === undefined) throw new Error('the core named a payment that the bank never had');
  return payment;
}

function newPayment(attempt: ChargeAttempt, reference: string): BankPayment {
  const { operationId, paymentId, money, captureMethod, extras } = attempt;
  return {
    reference,
    operationId,
    paymentId,
    currency: money.currency,
    captureMethod,
    state: 'open',
    askedMinor: money.amountMinor,
    authorizedMinor: 0n,
    capturedMinor: 0n,
    refundedMinor: 0n,
    canceledBy: undefined,
    deadlineMs: undefined,
    extras,
    failure: undefined,
  };
}
