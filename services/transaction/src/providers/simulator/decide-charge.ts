import { failureOf } from '../failure.ts';
import type { FailureCode } from '../failure.ts';
import type { ChargeAttempt, HostedAttempt, Outcome } from '../provider.ts';
import { CHARGE_AMOUNTS } from './simulator-amounts.ts';
import type { FoundCard } from './simulator-cards.ts';
import { digest, factsOf, holdTermsOf, toReference } from './simulator-reference.ts';
import type { PaymentFacts } from './simulator-reference.ts';

export type ChargeDecision =
  | { kind: 'approved'; amountMinor: bigint }
  | { kind: 'declined'; code: FailureCode }
  /** The guest must confirm first; `decline` is what the bank says afterwards, unless it approves. */
  | { kind: 'challenge'; decline: FailureCode | undefined };

/** What the bank says to a charge. A pure function of the operation, and of how often this payment was tried before. */
export function decideCharge(attempt: ChargeAttempt, { test }: FoundCard, nthTry: number): ChargeDecision {
  if (test.decline !== undefined) return { kind: 'declined', code: test.decline };
  if (test.challenge !== undefined)
    // Without a place to send the guest to, the bank's page cannot be shown.
    return attempt.returnUrl === undefined
      ? { kind: 'declined', code: 'authentication_required' }
      : { kind: 'challenge', decline: test.challenge.decline ?? declineOfAmount(attempt.money.amountMinor) };
  const soft = softDecline(attempt.providerKey, test, nthTry);
  if (soft !== undefined) return { kind: 'declined', code: soft };
  const declined = declineOfAmount(attempt.money.amountMinor);
  if (declined !== undefined) return { kind: 'declined', code: declined };
  const { amountMinor } = attempt.money;
  const isPartial = test.partialApproval === true || CHARGE_AMOUNTS.get(amountMinor)?.kind === 'partial';
  if (!isPartial) return { kind: 'approved', amountMinor };
  return attempt.allowPartialApproval && amountMinor > 1n
    ? { kind: 'approved', amountMinor: amountMinor / 2n }
    : { kind: 'declined', code: 'insufficient_funds' };
}

/** The decline that an amount stands for. */
export function declineOfAmount(amountMinor: bigint): FailureCode | undefined {
  const effect = CHARGE_AMOUNTS.get(amountMinor);
  return effect?.kind === 'decline' ? effect.code : undefined;
}

const SOFT_CODES = ['insufficient_funds', 'try_again_later', 'processing_error'] as const;

/** Declines that may end differently later: until the nth try, or by a chance that the key decides. */
function softDecline(providerKey: string, test: FoundCard['test'], nthTry: number): FailureCode | undefined {
  if (test.approvesOnTry !== undefined)
    return nthTry < test.approvesOnTry ? SOFT_CODES[(nthTry - 1) % SOFT_CODES.length] : undefined;
  if (test.approvesPercent === undefined) return undefined;
  const chance = Number.parseInt(digest(`chance ${providerKey}`, 8), 16);
  return chance % 100 < test.approvesPercent ? undefined : SOFT_CODES[chance % SOFT_CODES.length];
}

/** An approval or refusal as an outcome, with its reference. */
export function outcomeOfCharge(
  attempt: ChargeAttempt,
  found: FoundCard,
  decision: Exclude<ChargeDecision, { kind: 'challenge' }>,
): Outcome {
  if (decision.kind === 'approved') {
    const facts = factsOf(attempt, found.test, { state: 'approved', amountMinor: decision.amountMinor });
    return approvedOutcome(attempt, facts, toReference(attempt.providerKey, facts), found.summary);
  }
  const { amountMinor } = attempt.money;
  const facts = factsOf(attempt, found.test, { state: 'declined', amountMinor });
  return {
    kind: 'declined',
    providerReference: toReference(attempt.providerKey, facts),
    failure: failureOf(decision.code),
    card: found.summary,
  };
}

/** A charge that was approved, at once or after a challenge. */
export function approvedOutcome(
  attempt: ChargeAttempt | HostedAttempt,
  facts: PaymentFacts,
  providerReference: string,
  card: FoundCard['summary'],
): Outcome {
  return {
    kind: 'succeeded',
    providerReference,
    card,
    ...(facts.amountMinor === attempt.money.amountMinor ? {} : { amountMinor: facts.amountMinor }),
    ...(facts.captureMethod === 'manual' ? { hold: holdTermsOf(facts, facts.amountMinor) } : {}),
    // As long as a scheme's own, and with letters: it must not look like a card number.
    networkTransactionId: `SIM${digest(`network ${attempt.providerKey}`, 12)}`.toUpperCase(),
  };
}
