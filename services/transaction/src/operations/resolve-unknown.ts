import { startLoop } from '@centra/service-kit/loop.ts';
import type { Loop } from '@centra/service-kit/loop.ts';
import type { Context } from '../context.ts';
import { failureOf } from '../providers/failure.ts';
import { reopenAccounts } from '../providers/choose-accounts.ts';
import type { ChosenAccounts } from '../providers/choose-accounts.ts';
import type { Lookup, Provider, SaleAttempt } from '../providers/provider.ts';
import { attemptSale, guarded, settle } from './attempt.ts';
import { claimDue, toSaleAttempt } from './operation.ts';
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

/** The sweeper: takes up what a crash, a lost answer or a slow bank left open, until the truth is known. */
export function startResolver(context: Context): Loop {
  const options = { name: 'resolve-unknown', intervalMs: context.config.sweepIntervalMs, log: context.log };
  return startLoop(options, async () => ({ more: (await resolveDue(context)) === BATCH }));
}

/** One sweep; answers how many operations it took. */
export async function resolveDue(context: Context): Promise<number> {
  const claimed = await claimDue(context, BATCH);
  await Promise.all(
    claimed.map(async (item) => {
      try {
        await resolve(context, item);
      } catch (error) {
        // It stays claimed until its lease ends and is then taken up again.
        context.log.error({ err: error, operationId: item.operation.id }, 'could not resolve an operation');
      }
    }),
  );
  return claimed.length;
}

async function resolve(context: Context, claimed: OperationWithTiming): Promise<void> {
  try {
    await findAndSettle(context, claimed);
  } finally {
    // Also when its accounts cannot be opened any more: then nobody but a person can find out.
    if (claimed.timing.ageMs > ESCALATE_AFTER_MS) await escalate(context, claimed.operation);
  }
}

async function findAndSettle(context: Context, { operation, timing }: OperationWithTiming): Promise<void> {
  if (operation.state === 'prepared') {
    // Released as "nothing was sent", and its caller did not come back.
    await settle(context, operation, { kind: 'declined', failure: failureOf('not_charged') });
    return;
  }
  const accounts = await reopenAccounts(context, operation);
  const provider = context.providers.choose(accounts.provider.provider);
  const attempt = toSaleAttempt(operation, accounts.provider, accounts.vault);
  const found = await find(context, provider, operation, timing, attempt, accounts);
  if (found.kind === 'absent') await settleAbsent(context, operation, timing);
  else await settle(context, operation, found);
}

/** The provider's word on the operation, by the surest way it offers. */
async function find(
  context: Context,
  provider: Provider,
  operation: Operation,
  timing: OperationTiming,
  attempt: SaleAttempt,
  accounts: ChosenAccounts,
): Promise<Lookup> {
  const reference = operation.providerReference;
  if (reference !== undefined) {
    const isOverdue = operation.payment.status === 'requires_action' && timing.ageMs > CHALLENGE_LIFETIME_MS;
    return await guarded(context, operation, async () =>
      isOverdue && provider.capabilities.cancelChallenge
        ? await provider.cancelChallenge(attempt, reference)
        : await provider.retrieve(attempt, reference),
    );
  }
  if (timing.ageMs < provider.capabilities.idempotencyWindowMs - WINDOW_MARGIN_MS) {
    const resent = await attemptSale(context, operation, accounts);
    if (resent.kind !== 'unknown' || resent.onlyLookupTells !== true) return resent;
  }
  if (provider.capabilities.lookupByReference) return await lookup(context, provider, operation, attempt);
  return { kind: 'unknown', reason: 'the provider offers no way to ask; a person must' };
}

async function lookup(
  context: Context,
  provider: Provider,
  operation: Operation,
  attempt: SaleAttempt,
): Promise<Lookup> {
  let isAbsent = false;
  const outcome = await guarded(context, operation, async () => {
    const found = await provider.lookup(attempt);
    if (found.kind !== 'absent') return found;
    isAbsent = true;
    return { kind: 'unknown', reason: 'the provider knows nothing of it so far' };
  });
  return isAbsent ? { kind: 'absent' } : outcome;
}

/** "Not found" right after a create is no proof: absence counts when it was seen twice, far enough apart. */
async function settleAbsent(context: Context, operation: Operation, timing: OperationTiming): Promise<void> {
  if (timing.absentForMs !== undefined && timing.absentForMs >= ABSENCE_PROOF_MS) {
    await settle(context, operation, { kind: 'declined', failure: failureOf('not_charged') });
    return;
  }
  const reason = 'the provider knows nothing of it so far';
  await settle(context, operation, { kind: 'unknown', reason }, { absent: true });
}

/** Puts an operation before a person, once; the sweeper goes on all the same. */
async function escalate(context: Context, operation: Operation): Promise<void> {
  const { rowCount } = await context.pool.query(
    `update operations set escalated_at = now()
      where merchant_id = $1 and id = $2 and state in ('sent', 'unknown') and escalated_at is null`,
    [operation.merchantId, operation.id],
  );
  if (rowCount === 1)
    context.log.error(
      { merchantId: operation.merchantId, paymentId: operation.payment.id, operationId: operation.id },
      'an outcome is unknown for 24 hours: a person must ask the provider',
    );
}
