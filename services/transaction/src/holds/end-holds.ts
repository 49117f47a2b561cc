import type { Context } from '../context.ts';
import { lapseHold, moveDeadline } from '../payments/corrections.ts';
import type { CorrectionOrigin } from '../payments/corrections.ts';
import { PAYMENT_COLUMNS, toPayment } from '../payments/payment.ts';
import type { Payment, PaymentRow } from '../payments/payment.ts';
import { findUnderWay } from '../providers/provider-account.ts';
import type { PaymentStanding } from '../providers/provider.ts';
import { releaseHold } from './release-hold.ts';

/** As many provider calls at once as one loop may start; each replica adds its own. */
export const HOLDS_AT_ONCE = 16;
// A provider lets go of a hold within minutes of its deadline; one that still holds it so long after is told to.
const GRACE_MS = 60 * 60_000;
// How soon a hold past its deadline is looked at again while the provider cannot be asked or still holds it: the longer it
// lasts the more rarely, and for ever.
const LOOK_AGAIN_MIN_MS = 5 * 60_000;
const LOOK_AGAIN_MAX_MS = 6 * 60 * 60_000;

/** Who a step of the watcher is by, in the history. */
export function holdOrigin(what: string): CorrectionOrigin {
  return { actor: 'system:holds', requestId: what, address: '' };
}

/** Looks after holds past the provider's deadline; answers how many it took. */
export async function endOverdueHolds(context: Context): Promise<number> {
  const claimed = await claimOverdue(context);
  await Promise.all(
    claimed.map(async (overdue) => {
      try {
        await endOverdue(context, overdue);
      } catch (error) {
        context.log.error(
          { err: error, paymentId: overdue.payment.id },
          'a hold past its deadline could not be ended',
        );
      }
    }),
  );
  return claimed.length;
}

type Overdue = {
  payment: Payment;
  /** The database's time of the claim: no clock of ours decides anything here (reliability rule 10). */
  at: Date;
  /** The credential version the hold was made with. */
  accountVersion: number | undefined;
};

type OverdueRow = PaymentRow & { claimed_at: Date; account_version: number | null };

/**
 * Takes holds whose deadline has passed and which nothing is under way on: a capture, void or adjustment decides first, and
 * what it leaves is looked at as soon as it is over. Several watchers share the work. A hold without a deadline is nobody's.
 */
async function claimOverdue(context: Context): Promise<Overdue[]> {
  const { rows } = await context.pool.query<OverdueRow>({
    name: 'claim-overdue-holds',
    text: `
      with due as (
        select merchant_id, id from payments
         where hold_open and coalesce(hold_due_at, hold_expires_at) <= now()
           and busy_operation_id is null and capture_pending_minor = 0
         order by coalesce(hold_due_at, hold_expires_at) limit $1 for update skip locked
      )
      update payments p
         set hold_due_at = now() + greatest(make_interval(secs => $2::float8 / 1000),
               least(make_interval(secs => $3::float8 / 1000), (now() - p.hold_expires_at) / 4))
        from due where p.merchant_id = due.merchant_id and p.id = due.id
      returning ${PAYMENT_COLUMNS}, now() as claimed_at,
        (select o.provider_account_version from operations o where o.merchant_id = p.merchant_id and o.payment_id = p.id
            and o.kind in ('sale', 'authorize') order by o.sequence desc limit 1) as account_version`,
    values: [HOLDS_AT_ONCE, LOOK_AGAIN_MIN_MS, LOOK_AGAIN_MAX_MS],
  });
  return rows.map((row) => ({
    payment: toPayment(row),
    at: row.claimed_at,
    accountVersion: row.account_version ?? undefined,
  }));
}

/** The provider is asked first: only its word, or its own deadline long gone, ends a hold (reliability rule 10). */
async function endOverdue(context: Context, overdue: Overdue): Promise<void> {
  const { payment } = overdue;
  const facts = { merchantId: payment.merchantId, paymentId: payment.id };
  const standing = await askStanding(context, overdue);
  if (standing === undefined)
    return context.log.warn(facts, 'the provider cannot tell of a hold past its deadline');
  const { state } = standing;
  switch (state) {
    case 'held':
      return await endHeld(context, overdue, standing);
    case 'canceled':
    case 'captured':
      // What is left of it was let go of; what was captured must be what we know of.
      if (standing.capturedMinor === payment.capturedMinor)
        return void (await lapseHold(context, payment, holdOrigin('lapsed')));
      return context.log.error(facts, 'the provider captured another amount of a hold than we did');
    case 'open':
    case 'failed':
      return context.log.error({ ...facts, state }, 'the provider knows nothing of a hold');
    default:
      throw new Error(`no end for ${String(state satisfies never)}`);
  }
}

/** Still held: either the deadline is another than we know, or the provider is late with its own. */
async function endHeld(context: Context, { payment, at }: Overdue, { hold }: PaymentStanding): Promise<void> {
  const deadline = hold?.expiresAt ?? payment.hold?.expiresAt;
  if (deadline === undefined) return;
  if (deadline > at) await moveDeadline(context, payment, deadline, holdOrigin('deadline'));
  else if (at.getTime() - deadline.getTime() >= GRACE_MS)
    await releaseHold(context, payment, holdOrigin('release'));
}

/** Where it stands; also with the credentials the hold was made with, when the hotel has since disconnected the account. */
async function askStanding(
  context: Context,
  { payment, accountVersion: version }: Overdue,
): Promise<PaymentStanding | undefined> {
  const { merchantId, mode, providerAccountId: id, providerReference } = payment;
  if (providerReference === undefined) return undefined;
  const account =
    (await findUnderWay(context.accounts, merchantId, mode, id, 'holds')) ??
    (version === undefined
      ? undefined
      : await context.accounts.find(merchantId, mode, { id, version }, 'holds'));
  if (account === undefined) return undefined;
  const provider = context.providers.choose(account.provider);
  return await provider.standing(account, providerReference, payment.money.currency);
}
