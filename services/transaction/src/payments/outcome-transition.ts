import type { Operation } from '../operations/operation.ts';
import { failureOf } from '../providers/failure.ts';
import type { Outcome } from '../providers/provider.ts';
import type { Hold } from './payment.ts';
import { NO_SUMS } from './transition.ts';
import type { Sums, Transition } from './transition.ts';

// The sweeper looks again after this long, doubled with each attempt up to the maximum: 99 % of unknowns must be
// settled within a minute after the provider answers again (promise P3).
const RECHECK_FIRST_MS = 1_000;
const RECHECK_MAX_MS = 30_000;
// A guest at the bank's challenge is waited for in small steps, since not every provider tells when they are done.
const CHALLENGE_FIRST_MS = 2_000;
const CHALLENGE_MAX_MS = 30_000;
// A bank that works on a refund takes days; the provider's event comes sooner than the next look.
const PENDING_FIRST_MS = 60_000;
const PENDING_MAX_MS = 60 * 60_000;
// How long a request that was told "nothing was sent, try again" may be taken up with the same key.
const RELEASED_FOR_MS = 15 * 60_000;

/** What an outcome means for operation and payment; the same for a first answer, a resend, a lookup or a challenge. */
export function toTransition(operation: Operation, outcome: Outcome): Transition {
  const unchanged: Transition = {
    operationState: 'unknown',
    paymentStatus: undefined,
    eventType: undefined,
    add: NO_SUMS,
    newAmountMinor: undefined,
    hold: undefined,
    settledMinor: undefined,
    providerReference: referenceOf(outcome),
    paymentReference: isFirst(operation) ? referenceOf(outcome) : undefined,
    networkTransactionId: undefined,
    card: 'card' in outcome ? outcome.card : undefined,
    failure: undefined,
    redirectUrl: undefined,
    cancellationReason: undefined,
    unknownReason: undefined,
    mayHaveCharged: false,
    dueInMs: 0,
    absent: false,
    wipeServiceCode: false,
  };
  switch (outcome.kind) {
    case 'succeeded':
      return { ...unchanged, operationState: 'succeeded', ...succeeded(operation, outcome) };
    case 'declined':
      return {
        ...unchanged,
        operationState: 'declined',
        failure: outcome.failure,
        ...declined(operation, outcome),
      };
    case 'requires_action':
      return {
        ...unchanged,
        operationState: 'sent',
        // Waiting on is not a move: the second look at the same challenge changes no status.
        ...(operation.payment.status === 'requires_action'
          ? {}
          : { paymentStatus: 'requires_action', eventType: 'payment.requires_action' }),
        redirectUrl: outcome.redirectUrl,
        mayHaveCharged: true,
        dueInMs: backoff(CHALLENGE_FIRST_MS, CHALLENGE_MAX_MS, operation.attempt),
      };
    case 'pending':
      return {
        ...unchanged,
        operationState: 'sent',
        mayHaveCharged: true,
        dueInMs: backoff(PENDING_FIRST_MS, PENDING_MAX_MS, operation.attempt),
      };
    case 'unknown':
      return {
        ...unchanged,
        unknownReason: outcome.reason.slice(0, 500),
        mayHaveCharged: true,
        dueInMs: backoff(RECHECK_FIRST_MS, RECHECK_MAX_MS, operation.attempt),
      };
    case 'not_sent':
      return {
        ...unchanged,
        operationState: 'prepared',
        unknownReason: outcome.reason.slice(0, 500),
        dueInMs: RELEASED_FOR_MS,
      };
    default:
      throw new Error(`no transition for ${JSON.stringify(outcome satisfies never)}`);
  }
}

/** The provider's own id, where it told one; what no provider was asked about has none. */
function referenceOf(outcome: Outcome): string | undefined {
  const reference = 'providerReference' in outcome ? outcome.providerReference : undefined;
  return reference === '' ? undefined : reference;
}

/** Whether the operation is the payment's own sale or authorisation, not one that follows it. */
export function isFirst(operation: Pick<Operation, 'kind'>): boolean {
  return operation.kind === 'sale' || operation.kind === 'authorize';
}

type Succeeded = Extract<Outcome, { kind: 'succeeded' }>;
type Declined = Extract<Outcome, { kind: 'declined' }>;

function succeeded(operation: Operation, outcome: Succeeded): Partial<Transition> {
  const { payment, money } = operation;
  const done = outcome.amountMinor ?? money.amountMinor;
  const usedVault = operation.vaultAccountId !== undefined;
  const common = { settledMinor: done, networkTransactionId: outcome.networkTransactionId };
  switch (operation.kind) {
    case 'sale':
      return {
        ...common,
        paymentStatus: 'succeeded',
        eventType: 'payment.successful',
        add: { ...NO_SUMS, authorized: done, captured: done },
        wipeServiceCode: usedVault,
      };
    case 'authorize':
      return {
        ...common,
        paymentStatus: 'authorized',
        eventType: 'payment.authorized',
        add: { ...NO_SUMS, authorized: done },
        hold: outcome.hold ?? NO_TERMS,
        wipeServiceCode: usedVault,
      };
    case 'capture':
      return {
        ...common,
        paymentStatus: 'derived',
        eventType: 'payment.captured',
        add: { ...NO_SUMS, captured: done, capturePending: -money.amountMinor },
        hold: operation.isFinal ? 'closed' : undefined,
      };
    case 'void':
      return {
        ...common,
        paymentStatus: 'derived',
        eventType: 'payment.canceled',
        hold: 'closed',
        cancellationReason: operation.reason === '' ? 'requested_by_customer' : operation.reason,
      };
    case 'refund':
      return {
        ...common,
        paymentStatus: 'derived',
        eventType: 'payment.refunded',
        add: { ...NO_SUMS, refunded: done, refundPending: -money.amountMinor },
      };
    case 'adjust':
      return {
        ...common,
        paymentStatus: 'derived',
        eventType: 'payment.adjusted',
        newAmountMinor: money.amountMinor,
        add: {
          ...NO_SUMS,
          authorized: money.amountMinor - payment.authorizedMinor,
          authorizePending: -payment.authorizePendingMinor,
        },
        hold: outcome.hold ?? payment.hold,
      };
    case 'create':
      throw new Error('a registered payment was never sent');
    default:
      throw new Error(`no success for ${String(operation.kind satisfies never)}`);
  }
}

// An authorisation whose provider says nothing of its hold: it can be captured once, and nothing else is assumed.
const NO_TERMS: Hold = {
  expiresAt: undefined,
  multipleCapture: false,
  incremental: false,
  overcaptureMinor: 0n,
};

function declined(operation: Operation, outcome: Declined): Partial<Transition> {
  switch (operation.kind) {
    case 'sale':
    case 'authorize':
      return declinedFirst(operation, outcome);
    case 'capture':
      return released('payment.capture_failed', { capturePending: -operation.money.amountMinor });
    case 'void':
      return voidIsMoot(operation) ? {} : released('payment.cancel_failed', {});
    case 'refund':
      return released('payment.refund_failed', { refundPending: -operation.money.amountMinor });
    case 'adjust':
      return released('payment.adjust_failed', {
        authorizePending: -operation.payment.authorizePendingMinor,
      });
    case 'create':
      throw new Error('a registered payment was never sent');
    default:
      throw new Error(`no refusal for ${String(operation.kind satisfies never)}`);
  }
}

/** A void that waited for an outcome and found nothing to release: only the operation ends. */
function voidIsMoot(operation: Operation): boolean {
  return operation.payment.hold === undefined;
}

function declinedFirst({ payment }: Operation, { failure }: Declined): Partial<Transition> {
  // Withdrawn because the hotel asked for it: that is canceled, not failed.
  const isWithdrawn = payment.busyOperationId !== undefined && WITHDRAWN.has(failure.code);
  if (isWithdrawn)
    return {
      paymentStatus: 'canceled',
      eventType: 'payment.canceled',
      cancellationReason: 'requested_by_customer',
      failure: failureOf(failure.code),
    };
  return { paymentStatus: 'failed', eventType: 'payment.failed' };
}

const WITHDRAWN: ReadonlySet<string> = new Set(['authentication_abandoned', 'not_charged']);

/** What was reserved is free again; the payment is otherwise as before. */
function released(eventType: string, add: Partial<Sums>): Partial<Transition> {
  return { paymentStatus: 'derived', eventType, add: { ...NO_SUMS, ...add } };
}

/** Doubles from `first` to `max`, give or take a tenth, so that many operations of one outage do not come at once. */
export function backoff(firstMs: number, maxMs: number, attempt: number): number {
  const base = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 16));
  return Math.round(base * (0.9 + Math.random() * 0.2));
}
