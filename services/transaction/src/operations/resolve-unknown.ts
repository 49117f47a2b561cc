import { startLoop } from '@centra/service-kit/loop.ts';
import type { Loop } from '@centra/service-kit/loop.ts';
import type { Context } from '../context.ts';
import { failureOf } from '../providers/failure.ts';
import { reopenAccounts } from '../providers/choose-accounts.ts';
import type { ChosenAccounts } from '../providers/choose-accounts.ts';
import { backoff, isFirst } from '../payments/outcome-transition.ts';
import type { Lookup, Outcome, Provider } from '../providers/provider.ts';
import { askProvider, guarded, settle } from './attempt.ts';
import { claimDue, toChargeAttempt, toFollowUpAttempt, toHostedAttempt } from './operation.ts';
import type { Operation, OperationTiming, OperationWithTiming } from './operation.ts';

// As many provider calls at once as one sweep may start; each replica adds its own.
const BATCH = 16;
// Never resend in the last hour of the provider's window: its clock and ours may differ (reliability row 9).
const WINDOW_MARGIN_MS = 60 * 60_000;
// A second empty lookup this long after the first, and after the last send, proves absence (reliability row 6).
const ABSENCE_PROOF_MS = 60_000;
// A challenge that nobody finished within an hour is withdrawn.
const CHALLENGE_LIFETIME_MS = 60 * 60_000;
const ESCALATE_AFTER_MS = 24 * 60 * 60_000;
// Refunds take banks 5 to 10 business days (docs.stripe.com/refunds); what is slower than two weeks is stuck.
const SLOW_MAX_MS = 14 * 24 * 60 * 60_000;

/** The sweeper: takes up what a crash, a lost answer or a slow bank left open, until the truth is known. */
export function startResolver(context: Context): Loop {
  const options = { name: 'resolve-unknown', intervalMs: context.config.sweepIntervalMs, log: context.log };
  return startLoop(options, async () => ({ more: (await resolveDue(context)) === BATCH }));
}

/** One sweep; answers how many operations it took. */
export async function resolveDue(context: Context): Promise<number> {
  const claimed = await claimDue(context, BATCH);
  if (claimed.length > 0) context.config.failpoint('sweeper.after-claim');
  await Promise.all(
    claimed.map(async (item) => {
      try {
        await resolve(context, item);
      } catch (error) {
        context.log.error(
          { err: error, operationId: item.operation.id, requestId: item.operation.requestId },
          'could not resolve an operation',
        );
        await letGo(context, item.operation);
      }
    }),
  );
  return claimed.length;
}

// A neighbour that is away for a moment should not keep an operation for a whole lease; one that stays away is asked rarely.
const AFTER_ERROR_FIRST_MS = 1_000;
const AFTER_ERROR_MAX_MS = 60_000;

/** Gives an operation back that could not be asked about; where even that fails, its lease ends by itself. */
async function letGo(context: Context, { merchantId, id, attempt, requestId }: Operation): Promise<void> {
  try {
    await context.pool.query({
      name: 'let-go-of-operation',
      text: `update operations set due_at = now() + make_interval(secs => $4::float8 / 1000), held_until = null
              where merchant_id = $1 and id = $2 and attempt = $3 and state in ('prepared', 'sent', 'unknown')`,
      values: [merchantId, id, attempt, backoff(AFTER_ERROR_FIRST_MS, AFTER_ERROR_MAX_MS, attempt)],
    });
  } catch (error) {
    context.log.warn(
      { err: error, operationId: id, requestId },
      'an operation stays claimed until its lease ends',
    );
  }
}

async function resolve(context: Context, claimed: OperationWithTiming): Promise<void> {
  try {
    await findAndSettle(context, claimed);
    context.config.failpoint('sweeper.after-settle');
  } finally {
    // Also when its accounts cannot be opened any more: then nobody but a person can find out.
    if (claimed.timing.ageMs > ESCALATE_AFTER_MS || onlyPeopleTell(context, claimed))
      await escalate(context, claimed.operation);
  }
}

/** The provider has no way to ask and no key that is safe to repeat: waiting finds out nothing (reliability row 10). */
function onlyPeopleTell(context: Context, { operation, timing }: OperationWithTiming): boolean {
  const { capabilities } = context.providers.choose(operation.payment.provider);
  if (capabilities.lookupByReference || (isFirst(operation) && operation.providerReference !== undefined))
    return false;
  return timing.ageMs >= capabilities.idempotencyWindowMs - WINDOW_MARGIN_MS && !isWaitingVoid(operation);
}

/** A void that waits for the payment's own outcome is decided by that, whoever finds it out. */
function isWaitingVoid({ kind, payment: { status } }: Operation): boolean {
  return kind === 'void' && (status === 'processing' || status === 'requires_action');
}

async function findAndSettle(context: Context, { operation, timing }: OperationWithTiming): Promise<void> {
  // Released as "nothing was sent", and its caller did not come back; or a planned retry of a payment that the hotel
  // has canceled meanwhile.
  const isRetryOff = isUnsentRetry(operation) && operation.payment.busyOperationId !== undefined;
  if ((operation.state === 'prepared' && operation.sequence === 1) || isRetryOff) {
    await settle(context, operation, { kind: 'declined', failure: failureOf(notDone(operation)) });
    return;
  }
  if (operation.kind === 'void' && (await followOutcome(context, operation))) return;
  const accounts = await reopenAccounts(context, operation);
  const found = isFirst(operation)
    ? await findCharge(context, operation, timing, accounts)
    : await findFollowUp(context, operation, timing, accounts);
  context.config.failpoint('sweeper.after-provider');
  if (found.kind === 'absent') await settleAbsent(context, operation, timing, accounts);
  else await settle(context, operation, found);
}

/** A planned retry whose time has come: whatever was sent before carries the mark `mayHaveCharged`. */
function isUnsentRetry({ sequence, mayHaveCharged, providerReference }: Operation): boolean {
  return sequence > 1 && !mayHaveCharged && providerReference === undefined;
}

function notDone(operation: Operation): 'not_charged' | 'not_done' {
  return isFirst(operation) ? 'not_charged' : 'not_done';
}

/** Nothing of the payment changes; only the operation ends, or waits on. */
const PAYMENT_UNTOUCHED = { paymentStatus: undefined, eventType: undefined, hold: undefined } as const;
// How often a void looks whether the outcome it waits for is there.
const FOLLOW_MS = 1_000;

/**
 * A void that was asked for before the payment's outcome was known: true when there is nothing to ask a provider for. An
 * authorisation that came late is released like any other; money that was collected stays (reliability row 15).
 */
async function followOutcome(context: Context, operation: Operation): Promise<boolean> {
  const { status } = operation.payment;
  switch (status) {
    case 'created':
      await settle(context, operation, { kind: 'succeeded', providerReference: '' });
      return true;
    case 'processing':
    case 'requires_action':
      await settle(
        context,
        operation,
        { kind: 'unknown', reason: "the payment's own outcome is open" },
        { ...PAYMENT_UNTOUCHED, mayHaveCharged: false, dueInMs: FOLLOW_MS },
      );
      return true;
    case 'authorized':
    case 'partially_captured':
      return false;
    case 'failed':
    case 'canceled':
      await endMoot(context, operation, { kind: 'succeeded', providerReference: '' });
      return true;
    case 'succeeded':
    case 'partially_refunded':
    case 'refunded':
      context.log.warn(
        {
          merchantId: operation.merchantId,
          paymentId: operation.payment.id,
          operationId: operation.id,
          requestId: operation.requestId,
        },
        'money was collected before the payment could be canceled; it stays collected',
      );
      await endMoot(context, operation, { kind: 'declined', failure: failureOf('already_captured') });
      return true;
    default:
      throw new Error(`a void cannot follow ${String(status satisfies never)}`);
  }
}

/**
 * Ends a void that left nothing to do. The payment is let go of first: write 2 touches no payment here, and should it not
 * come to that, nobody else can hold what was never held.
 */
async function endMoot(context: Context, operation: Operation, outcome: Outcome): Promise<void> {
  const { merchantId, id, attempt, payment } = operation;
  await context.pool.query({
    name: 'free-payment',
    text: `update payments p set busy_operation_id = null from operations o
            where o.merchant_id = $1 and o.id = $2 and o.attempt = $3
              and p.merchant_id = o.merchant_id and p.id = $4 and p.busy_operation_id = o.id`,
    values: [merchantId, id, attempt, payment.id],
  });
  await settle(context, operation, outcome, PAYMENT_UNTOUCHED);
}

/** The provider's word on a sale or authorisation, by the surest way it offers. */
async function findCharge(
  context: Context,
  operation: Operation,
  timing: OperationTiming,
  accounts: ChosenAccounts,
): Promise<Lookup> {
  const provider = context.providers.choose(accounts.provider.provider);
  const asked =
    toHostedAttempt(operation, accounts.provider) ??
    toChargeAttempt(operation, accounts.provider, accounts.vault);
  const reference = operation.providerReference;
  if (reference !== undefined) {
    const isOver = operation.payment.status === 'requires_action' && isChallengeOver(operation, timing);
    return await guarded(context, operation, async () =>
      isOver && provider.capabilities.cancelChallenge
        ? await provider.cancelChallenge(asked, reference)
        : await provider.retrieve(asked, reference),
    );
  }
  return await resendOrLookUp(context, operation, timing, accounts, async () => await provider.lookup(asked));
}

/** Its time is up, or the hotel has canceled the payment meanwhile. */
function isChallengeOver(operation: Operation, timing: OperationTiming): boolean {
  const { hosted } = operation.options;
  const lifetimeMs = hosted === undefined ? CHALLENGE_LIFETIME_MS : hosted.minutes * 60_000;
  return timing.ageMs > lifetimeMs || operation.payment.busyOperationId !== undefined;
}

/** The provider's word on a capture, void, refund or adjustment. */
async function findFollowUp(
  context: Context,
  operation: Operation,
  timing: OperationTiming,
  accounts: ChosenAccounts,
): Promise<Lookup> {
  const provider = context.providers.choose(accounts.provider.provider);
  const lookUp = async (): Promise<Lookup> => {
    const { kind } = operation;
    if (kind === 'create' || kind === 'sale' || kind === 'authorize')
      throw new Error(`a ${kind} follows nothing`);
    return await provider.lookupFollowUp(toFollowUpAttempt({ ...operation, kind }, accounts.provider));
  };
  if (operation.kind === 'void' && isNeverSent(operation))
    return await sendVoid(context, operation, accounts);
  // The provider has told its own id of it: a repeated call would only repeat its first word.
  if (operation.providerReference !== undefined) return await lookup(context, provider, operation, lookUp);
  return await resendOrLookUp(context, operation, timing, accounts, lookUp);
}

function isNeverSent({ mayHaveCharged, providerReference }: Operation): boolean {
  return !mayHaveCharged && providerReference === undefined;
}

/**
 * A void that has waited for its payment's outcome is sent now, whatever the provider remembers of keys. That it may have
 * been sent is stored before: whoever takes it up after a crash then asks first.
 */
async function sendVoid(context: Context, operation: Operation, accounts: ChosenAccounts): Promise<Outcome> {
  const { rowCount } = await context.pool.query({
    name: 'mark-void-sent',
    text: `update operations set may_have_charged = true where merchant_id = $1 and id = $2 and attempt = $3`,
    values: [operation.merchantId, operation.id, operation.attempt],
  });
  if (rowCount !== 1) throw new Error('a void was taken over before it was sent');
  const outcome = await askProvider(context, operation, accounts);
  // Never "released": nobody comes back for it with the key.
  return outcome.kind === 'not_sent' ? { kind: 'unknown', reason: outcome.reason } : outcome;
}

async function resendOrLookUp(
  context: Context,
  operation: Operation,
  timing: OperationTiming,
  accounts: ChosenAccounts,
  lookUp: () => Promise<Lookup>,
): Promise<Lookup> {
  const provider = context.providers.choose(accounts.provider.provider);
  if (
    isUnsentRetry(operation) ||
    timing.ageMs < provider.capabilities.idempotencyWindowMs - WINDOW_MARGIN_MS
  ) {
    const resent = await askProvider(context, operation, accounts);
    if (resent.kind !== 'unknown' || resent.onlyLookupTells !== true) return resent;
  }
  return await lookup(context, provider, operation, lookUp);
}

async function lookup(
  context: Context,
  provider: Provider,
  operation: Operation,
  lookUp: () => Promise<Lookup>,
): Promise<Lookup> {
  if (!provider.capabilities.lookupByReference)
    return { kind: 'unknown', reason: 'the provider offers no way to ask; a person must' };
  let isAbsent = false;
  const outcome = await guarded(context, operation, async () => {
    const found = await lookUp();
    if (found.kind !== 'absent') return found;
    isAbsent = true;
    return { kind: 'unknown', reason: 'the provider knows nothing of it so far' };
  });
  return isAbsent ? { kind: 'absent' } : outcome;
}

/** "Not found" right after a create is no proof: absence counts when it was seen twice, far enough apart. */
async function settleAbsent(
  context: Context,
  operation: Operation,
  timing: OperationTiming,
  accounts: ChosenAccounts,
): Promise<void> {
  if (timing.absentForMs !== undefined && timing.absentForMs >= ABSENCE_PROOF_MS) {
    // A void that never reached the provider is sent: a hold can be let go of once only, and nobody else does it.
    const outcome: Outcome =
      operation.kind === 'void'
        ? await askProvider(context, operation, accounts)
        : { kind: 'declined', failure: failureOf(notDone(operation)) };
    await settle(context, operation, outcome);
    return;
  }
  const reason = 'the provider knows nothing of it so far';
  await settle(context, operation, { kind: 'unknown', reason }, { absent: true });
}

/**
 * Puts an operation before a person, once; the sweeper goes on all the same. What the provider has accepted and works on is
 * slow and not in doubt, until it has worked longer than any bank does.
 */
async function escalate(context: Context, operation: Operation): Promise<void> {
  const { rowCount } = await context.pool.query(
    `update operations set escalated_at = now()
      where merchant_id = $1 and id = $2 and escalated_at is null
        and (state = 'unknown' or (state = 'sent'
             and (provider_reference is null or created_at < now() - make_interval(secs => $3::float8 / 1000))))`,
    [operation.merchantId, operation.id, SLOW_MAX_MS],
  );
  if (rowCount === 1)
    context.log.error(
      {
        merchantId: operation.merchantId,
        paymentId: operation.payment.id,
        operationId: operation.id,
        requestId: operation.requestId,
      },
      'an outcome stays unknown: a person must ask the provider',
    );
}
