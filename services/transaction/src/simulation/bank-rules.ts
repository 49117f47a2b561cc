import { failureOf } from '../providers/failure.ts';
import type { FailureCode } from '../providers/failure.ts';
import type {
  ChargeAttempt,
  FollowUpAttempt,
  HoldTerms,
  Outcome,
  PaymentStanding,
} from '../providers/provider.ts';

/** A charge or hold as the bank has it; amounts in minor units, times in virtual milliseconds. */
export type BankPayment = {
  reference: string;
  operationId: string;
  paymentId: string;
  currency: string;
  captureMethod: 'automatic' | 'manual';
  state: PaymentStanding['state'];
  askedMinor: bigint;
  authorizedMinor: bigint;
  capturedMinor: bigint;
  refundedMinor: bigint;
  canceledBy: 'request' | 'expiry' | undefined;
  /** Until when it holds; undefined of a sale. */
  deadlineMs: number | undefined;
  extras: ChargeAttempt['extras'];
  failure: FailureCode | undefined;
};

export type BankRefund = {
  reference: string;
  operationId: string;
  amountMinor: bigint;
  state: 'pending' | 'succeeded' | 'failed';
};

/** What a hold allows. */
export function termsOf({ deadlineMs, extras, authorizedMinor }: BankPayment): HoldTerms {
  return {
    expiresAt: deadlineMs === undefined ? undefined : new Date(deadlineMs),
    multipleCapture: extras.multipleCapture,
    incremental: extras.incremental,
    overcaptureMinor: extras.overcapture ? authorizedMinor / 5n : 0n,
  };
}

/** A sale or authorisation as it stands; what was held once was held, also when the hold is gone. */
export function outcomeOfCharge(payment: BankPayment): Outcome {
  const { reference: providerReference, state, authorizedMinor } = payment;
  if (authorizedMinor > 0n)
    return {
      kind: 'succeeded',
      providerReference,
      amountMinor: payment.askedMinor,
      ...(payment.captureMethod === 'manual' ? { hold: termsOf(payment) } : {}),
    };
  if (state === 'open')
    return { kind: 'requires_action', providerReference, redirectUrl: 'https://bank.example.com/challenge' };
  const code = payment.failure ?? 'authentication_abandoned';
  return { kind: 'declined', providerReference, failure: failureOf(code) };
}

/** A refund as it stands. */
export function outcomeOfRefund({ reference: providerReference, state }: BankRefund): Outcome {
  if (state === 'pending') return { kind: 'pending', providerReference };
  if (state === 'succeeded') return { kind: 'succeeded', providerReference };
  return { kind: 'declined', providerReference, failure: failureOf('refund_refused') };
}

/** What a bank says that does not want to. */
export function refusedFor(kind: FollowUpAttempt['kind']): FailureCode {
  switch (kind) {
    case 'capture':
      return 'capture_refused';
    case 'void':
      return 'release_refused';
    case 'adjust':
      return 'adjustment_refused';
    case 'refund':
      return 'refund_refused';
    default:
      throw new Error(`no refusal for ${String(kind satisfies never)}`);
  }
}

/** Why the bank cannot do it at all. */
export function objection({ kind, money }: FollowUpAttempt, payment: BankPayment): FailureCode | undefined {
  if (kind === 'refund')
    return payment.capturedMinor - payment.refundedMinor >= money.amountMinor
      ? undefined
      : 'already_refunded';
  if (payment.state !== 'held') return payment.canceledBy === 'expiry' ? 'hold_expired' : 'canceled';
  if (kind === 'void') return undefined;
  if (kind === 'adjust')
    return payment.extras.incremental && money.amountMinor > payment.authorizedMinor
      ? undefined
      : 'adjustment_refused';
  const max = payment.authorizedMinor - payment.capturedMinor + termsOf(payment).overcaptureMinor;
  return money.amountMinor <= max ? undefined : 'amount_refused';
}

/** A payment's totals, as a lookup tells them. */
export function standingOf(payment: BankPayment): PaymentStanding {
  const { state, authorizedMinor, capturedMinor, refundedMinor, canceledBy } = payment;
  return {
    state,
    authorizedMinor,
    capturedMinor,
    refundedMinor,
    capturableMinor: state === 'held' ? authorizedMinor - capturedMinor : 0n,
    ...(state === 'canceled' && canceledBy !== undefined ? { canceledBy } : {}),
    disputed: false,
    ...(state === 'held' ? { hold: termsOf(payment) } : {}),
  };
}
