import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import type { IntegerProvider } from '@centra/money/provider-rules.ts';
import { pauseMs } from '@centra/testkit/pause.ts';
import { ALL_EXTRAS, newFollowUp } from '../../testing/attempts.ts';
import type {
  Capabilities,
  ChargeAttempt,
  FollowUpAttempt,
  HostedAttempt,
  Lookup,
  Outcome,
  PaymentStanding,
  Provider,
} from '../provider.ts';

/** How a card of the subject's behaves. */
export type CardKind =
  | 'approved'
  | 'declined'
  | 'unknown'
  | 'challenged'
  | 'challenged_then_declined'
  | 'refund_pending'
  | 'refund_pending_fails'
  | 'refund_fails_later'
  | 'disputed';

/** One thing that goes wrong at the provider while it is armed. */
export type Fault = {
  name: string;
  /** For a subject whose faults come with the amount: what to ask for. */
  amounts?: { charge: bigint; followUp: bigint };
  arm(): Promise<void>;
};

/** What a test file provides of one adapter; the tests of the suite are the same for all. */
export type Subject = {
  name: IntegerProvider;
  /** What the adapter is expected to declare; each declaration has a test that it is kept. */
  declares: Capabilities;
  provider(): Provider;
  /** The same adapter where nobody listens; absent where there is nothing to reach. */
  unreachable?(): Provider;
  /** The same adapter with little patience, for faults that keep it waiting. */
  impatient(): Provider;
  /** A new sale with a new key, with a card that behaves so. */
  attempt(card: CardKind, change?: Partial<ChargeAttempt>): Promise<ChargeAttempt>;
  hosted(change?: Partial<HostedAttempt>): Promise<HostedAttempt>;
  /** The guest's answer on the bank's page, which a page that is over may not take. */
  answerChallenge(redirectUrl: string, approve: boolean): Promise<void>;
  /** The guest pays on the hosted page with an ordinary card; false when the page is closed. */
  payOnPage(redirectUrl: string): Promise<boolean>;
  /** A hold that has lapsed since. */
  lapsedHold(): Promise<{ attempt: ChargeAttempt; reference: string }>;
  /** Has the bank decide a refund that is pending, or take back one that was made. */
  settleRefund(refundReference: string, status: 'succeeded' | 'failed'): Promise<void>;
  /** How often the provider itself says that money moved for a charge; absent where the adapter is the provider. */
  effects?(attempt: ChargeAttempt): Promise<number>;
  faults: readonly Fault[];
  clearFaults(): Promise<void>;
  /** How often the armed fault struck; absent where the fault is in the amount itself. */
  faultsStruck?(): Promise<number>;
  /** How a wrong and an insufficient credential look; absent where any will do. */
  credentials(): Promise<{
    valid: Record<string, string>;
    wrong?: Record<string, string>;
    /** Each lacks something that charging needs. */
    insufficient?: Record<string, string>[];
    ofOtherMode: { mode: 'test' | 'live'; credentials: Record<string, string> };
  }>;
};

/** A payment at the provider, with what was done to it so far, as the core would know it. */
export type Known = {
  charge: ChargeAttempt;
  reference: string;
  currency: string;
  before: FollowUpAttempt['before'];
};

/** Charges, with the subject's ordinary card unless told otherwise; must succeed. */
export async function paid(
  subject: Subject,
  amountMinor: bigint,
  change: Partial<ChargeAttempt> & { currency?: string; card?: CardKind } = {},
): Promise<Known & { outcome: Extract<Outcome, { kind: 'succeeded' }> }> {
  const { currency = 'EUR', card = 'approved', ...rest } = change;
  const charge = await subject.attempt(card, { money: { amountMinor, currency }, ...rest });
  const outcome = await subject.provider().charge(charge);
  assert.ok(outcome.kind === 'succeeded', `the charge: ${inspect(outcome)}`);
  const isSale = charge.captureMethod === 'automatic';
  const before = {
    authorizedMinor: amountMinor,
    capturedMinor: isSale ? amountMinor : 0n,
    refundedMinor: 0n,
  };
  return { charge, reference: outcome.providerReference, currency, before, outcome };
}

/** Holds, with every extra asked for unless told otherwise; must succeed. */
export async function held(
  subject: Subject,
  amountMinor: bigint,
  change: Parameters<typeof paid>[2] = {},
): ReturnType<typeof paid> {
  return await paid(subject, amountMinor, { captureMethod: 'manual', extras: ALL_EXTRAS, ...change });
}

/** A new operation on it, with a key of its own. */
export function next(
  known: Known,
  kind: FollowUpAttempt['kind'],
  amountMinor: bigint,
  change: Partial<FollowUpAttempt> = {},
): FollowUpAttempt {
  return newFollowUp(known.charge, known.reference, kind, amountMinor, { before: known.before, ...change });
}

/** Does it and remembers what it did; must succeed. */
export async function done(
  subject: Subject,
  known: Known,
  attempt: FollowUpAttempt,
): Promise<Extract<Outcome, { kind: 'succeeded' }>> {
  const outcome = await subject.provider().followUp(attempt);
  assert.ok(outcome.kind === 'succeeded', `${attempt.kind}: ${inspect(outcome)}`);
  remember(known, attempt);
  return outcome;
}

/** Adds a success to what the core knows. */
export function remember(known: Known, { kind, money }: FollowUpAttempt): void {
  const { before } = known;
  if (kind === 'capture')
    known.before = { ...before, capturedMinor: before.capturedMinor + money.amountMinor };
  if (kind === 'refund')
    known.before = { ...before, refundedMinor: before.refundedMinor + money.amountMinor };
  if (kind === 'adjust') known.before = { ...before, authorizedMinor: money.amountMinor };
}

export async function standing(subject: Subject, known: Known): Promise<PaymentStanding> {
  const found = await subject.provider().standing(known.charge.account, known.reference, known.currency);
  assert.ok(found, `the standing of ${known.reference}`);
  return found;
}

/** Asserts where the payment stands: state, captured, refunded, and what can still be captured. */
export async function stands(
  subject: Subject,
  known: Known,
  expected: [
    state: PaymentStanding['state'],
    capturedMinor: bigint,
    refundedMinor: bigint,
    capturableMinor: bigint,
  ],
): Promise<PaymentStanding> {
  const found = await standing(subject, known);
  const { state, capturedMinor, refundedMinor, capturableMinor } = found;
  assert.deepEqual([state, capturedMinor, refundedMinor, capturableMinor], expected);
  return found;
}

/** The refusal's reason; must be declined. */
export function refused(outcome: Outcome): string {
  assert.ok(outcome.kind === 'declined', inspect(outcome));
  return outcome.failure.code;
}

export function referenceOf(outcome: Lookup): string {
  const reference = 'providerReference' in outcome ? outcome.providerReference : undefined;
  assert.ok(reference, `${outcome.kind} carries a reference`);
  return reference;
}

type Ask = { send(): Promise<Outcome>; lookup(): Promise<Lookup> };

// Twenty looks half a second apart: more than any lag that a subject's provider simulates.
const LOOKS_MAX = 20;
const LOOK_PAUSE_MS = 500;

/**
 * Finds out what became of an operation as the core does: by sending again under the same key where the provider
 * remembers keys, by lookups where it does not or where only they tell. Nothing found twice is "none".
 */
export async function resolve(
  subject: Subject,
  ask: Ask,
  first: Outcome,
): Promise<Exclude<Outcome, { kind: 'unknown' | 'not_sent' }> | { kind: 'none' }> {
  let seen: Lookup = first;
  let onlyLookupTells = false;
  let absences = 0;
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    if (seen.kind === 'absent') absences += 1;
    else if (seen.kind === 'unknown') onlyLookupTells ||= seen.onlyLookupTells === true;
    else if (seen.kind !== 'not_sent' && !isNoProof(first, seen)) return seen;
    if (absences === 3) return { kind: 'none' };
    if (look > 0) await pauseMs(LOOK_PAUSE_MS);
    // "Nothing was sent" is taken up by sending; a doubt only where the provider remembers the key.
    const resends: boolean =
      seen.kind === 'not_sent' || (subject.declares.idempotencyWindowMs > 0 && !onlyLookupTells);
    seen = resends ? await ask.send() : await ask.lookup();
  }
  return assert.fail(`still ${seen.kind} after ${LOOKS_MAX} looks`);
}

/** A resend that is refused at the door says nothing of the first attempt. */
function isNoProof(first: Outcome, seen: Outcome): boolean {
  return seen !== first && seen.kind === 'declined' && seen.beforeCharge === true;
}
