import { DatabaseError } from 'pg';
import type { Context } from '../context.ts';
import type { Payment } from '../payments/payment.ts';
import { isFirst, toTransition } from '../payments/outcome-transition.ts';
import { ILLEGAL_MOVE_STATE } from '../payments/transition.ts';
import type { Transition, Written } from '../payments/transition.ts';
import type { ChosenAccounts } from '../providers/choose-accounts.ts';
import type { Outcome } from '../providers/provider.ts';
import { toChargeAttempt, toFollowUpAttempt, toHostedAttempt } from './operation.ts';
import type { Operation } from './operation.ts';
import { planRetry } from './plan-retry.ts';
import { retryDelayMs } from './retry-policy.ts';

/** Asks the provider, with the operation's own key. Never throws: what cannot be explained is unknown. */
export async function askProvider(
  context: Context,
  operation: Operation,
  accounts: ChosenAccounts,
): Promise<Outcome> {
  return await guarded(context, operation, async () => {
    const provider = context.providers.choose(accounts.provider.provider);
    const { kind } = operation;
    switch (kind) {
      case 'sale':
      case 'authorize': {
        const hosted = toHostedAttempt(operation, accounts.provider);
        return hosted === undefined
          ? await provider.charge(toChargeAttempt(operation, accounts.provider, accounts.vault))
          : await provider.openHostedPage(hosted);
      }
      case 'capture':
      case 'void':
      case 'refund':
      case 'adjust':
        return await provider.followUp(toFollowUpAttempt({ ...operation, kind }, accounts.provider));
      case 'create':
        throw new Error('a registered payment has nothing to send');
      default:
        throw new Error(`no attempt for ${String(kind satisfies never)}`);
    }
  });
}

/** Runs one provider call and judges its outcome by what earlier attempts may have done. */
export async function guarded(
  context: Context,
  operation: Operation,
  call: () => Promise<Outcome>,
): Promise<Outcome> {
  let outcome: Outcome;
  const startedAt = performance.now();
  try {
    outcome = await call();
  } catch (error) {
    context.log.error(
      { err: error, operationId: operation.id, requestId: operation.requestId },
      'provider adapter failed',
    );
    outcome = { kind: 'unknown', reason: 'the adapter failed; see the log' };
  }
  const judged = judge(operation, outcome);
  context.countOutcome({
    provider: operation.payment.provider,
    kind: operation.kind,
    outcome: judged.kind,
    seconds: (performance.now() - startedAt) / 1000,
  });
  // Also where an earlier attempt leaves the outcome open: the hotel's own keys no longer work, and somebody must act.
  if (judged !== outcome && outcome.kind === 'declined') logOutcome(context, operation, outcome);
  logOutcome(context, operation, judged);
  return judged;
}

/**
 * "This attempt did not charge" ends an operation only when no earlier attempt may have. A resend that is refused at the
 * door (a revoked key, a rate limit, a card token that is gone) proves nothing of the call whose answer was lost.
 */
export function judge(operation: Pick<Operation, 'mayHaveCharged'>, outcome: Outcome): Outcome {
  if (!operation.mayHaveCharged) return outcome;
  if (outcome.kind === 'not_sent') return { kind: 'unknown', reason: outcome.reason };
  if (outcome.kind === 'declined' && outcome.beforeCharge === true)
    return {
      kind: 'unknown',
      reason: `a repeated call was refused: ${outcome.failure.code}`,
      onlyLookupTells: true,
    };
  return outcome;
}

function logOutcome(context: Context, operation: Operation, outcome: Outcome): void {
  const facts = {
    merchantId: operation.merchantId,
    paymentId: operation.payment.id,
    operationId: operation.id,
    operation: operation.kind,
    attempt: operation.attempt,
    provider: operation.payment.provider,
    providerAccountId: operation.providerAccountId,
    requestId: operation.requestId,
    outcome: outcome.kind,
    ...('providerReference' in outcome ? { providerReference: outcome.providerReference } : {}),
  };
  switch (outcome.kind) {
    case 'succeeded':
    case 'requires_action':
      // The second attempt and later ones end a doubt that was logged as a warning; a first success is what is expected.
      return operation.attempt > 1
        ? context.log.info(facts, 'provider answered after all')
        : context.log.debug(facts, 'provider answered');
    case 'pending':
      return context.log.debug(facts, 'the provider works on it');
    case 'declined': {
      const failure = outcome.failure.code;
      // The hotel's own keys no longer work: every guest of theirs is refused until somebody acts.
      if (failure === 'provider_credentials_rejected' || failure === 'provider_refused')
        return context.log.error({ ...facts, failure }, 'provider refused the hotel, not the card');
      return context.log.info({ ...facts, failure }, `${operation.kind} declined`);
    }
    case 'unknown':
      return context.log.warn({ ...facts, reason: outcome.reason }, 'provider outcome not known');
    case 'not_sent':
      return context.log.warn({ ...facts, reason: outcome.reason }, 'nothing was sent to the provider');
    default:
      throw new Error(`unhandled outcome ${JSON.stringify(outcome satisfies never)}`);
  }
}

/** Stores an outcome. The payment as it then is, or undefined when another holder has raised the fence. */
export async function settle(
  context: Context,
  operation: Operation,
  outcome: Outcome,
  change: Partial<Transition> = {},
): Promise<Payment | undefined> {
  if (outcome.kind === 'declined') {
    const delayMs = retryDelayMs({
      sequence: operation.sequence,
      code: outcome.failure.code,
      initiation: operation.payment.initiation,
      // The provider's own page is the guest's to try again.
      mayRetry:
        isFirst(operation) &&
        operation.cardToken !== undefined &&
        operation.options.retrySoftDeclines === true,
    });
    const planned = delayMs === undefined ? undefined : await planRetry(context, operation, outcome, delayMs);
    if (planned !== undefined) return planned;
  }
  const transition = { ...toTransition(operation, outcome), ...change };
  const written = await writeDespiteLostConnection(context, operation, transition);
  return written.kind === 'superseded' ? undefined : paymentAfter(operation.payment, transition, written);
}

// A lost connection at COMMIT leaves open whether it was written. Writing again is the way to know: the fence and the
// operation's state let the second write find the first.
const WRITE_ATTEMPTS_MAX = 3;

async function writeDespiteLostConnection(
  context: Context,
  operation: Operation,
  transition: Transition,
): Promise<Written> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await context.writeTransition(operation, transition);
    } catch (error) {
      // The payment has already made this move: the try before was written, only its answer was lost.
      if (tries > 1 && error instanceof DatabaseError && error.code === ILLEGAL_MOVE_STATE)
        return { kind: 'superseded' };
      if (tries === WRITE_ATTEMPTS_MAX) throw error;
      context.log.warn(
        { err: error, operationId: operation.id, requestId: operation.requestId, tries },
        'outcome not stored yet',
      );
    }
  }
}

function paymentAfter(
  before: Payment,
  transition: Transition,
  written: Extract<Written, { kind: 'written' }>,
): Payment {
  if (transition.paymentStatus === undefined) return before;
  const { add, hold } = transition;
  return {
    ...before,
    status: written.status,
    version: written.version,
    updatedAt: written.updatedAt,
    money: { ...before.money, amountMinor: transition.newAmountMinor ?? before.money.amountMinor },
    authorizedMinor: before.authorizedMinor + add.authorized,
    capturedMinor: before.capturedMinor + add.captured,
    refundedMinor: before.refundedMinor + add.refunded,
    authorizePendingMinor: before.authorizePendingMinor + add.authorizePending,
    capturePendingMinor: before.capturePendingMinor + add.capturePending,
    refundPendingMinor: before.refundPendingMinor + add.refundPending,
    hold: hold === 'closed' ? undefined : (hold ?? before.hold),
    providerReference: transition.paymentReference ?? before.providerReference,
    networkTransactionId: transition.networkTransactionId ?? before.networkTransactionId,
    card: transition.card ?? before.card,
    failure: written.status === 'failed' ? transition.failure : undefined,
    redirectUrl: transition.redirectUrl,
    cancellationReason: transition.cancellationReason,
  };
}
