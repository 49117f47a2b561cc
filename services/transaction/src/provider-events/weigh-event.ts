import { toPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { recordDispute } from '../disputes/record-dispute.ts';
import type { Payment } from '../payments/payment.ts';
import { findUnderWay } from '../providers/provider-account.ts';
import type { OpenedAccount } from '../providers/provider-account.ts';
import type { EventFact, Provider } from '../providers/provider.ts';
import { hastenOperations } from './hasten-operations.ts';
import { findTwin } from './match-payment.ts';
import { processed, waiting } from './pending-event.ts';
import type { PendingEvent, Verdict } from './pending-event.ts';
import { reconcilePayment } from './reconcile-payment.ts';

/**
 * What an event comes to. It is never believed by itself: operations that are open are asked about again, and once none is,
 * the provider's own totals decide. So events may come in any order and any number (rows 28 to 32).
 */
export async function weighEvent(
  context: Context,
  event: PendingEvent,
  payment: Payment | undefined,
): Promise<Verdict> {
  const { fact } = event;
  if (fact.about.kind === 'other') return processed('it concerns no payment');
  const twin = await findTwin(context.pool, event);
  if (twin !== undefined) return processed(`the same fact as ${toPublicId('pev', twin)}`, paymentOf(payment));
  if (payment === undefined)
    return { state: 'unmatched', reason: 'no payment of this hotel is known by its references' };
  const verdict = await weighMatched(context, event, payment);
  return { ...verdict, paymentId: payment.id };
}

function paymentOf(payment: Payment | undefined): Partial<Verdict> {
  return payment === undefined ? {} : { paymentId: payment.id };
}

async function weighMatched(context: Context, event: PendingEvent, payment: Payment): Promise<Verdict> {
  const opened = await openAccount(context, event, payment);
  if (opened === undefined) return waiting('the provider account of the payment can no longer be opened');
  const { account, provider } = opened;
  if (event.fact.about.kind === 'dispute') {
    // A dispute does not wait for other operations: the bank's deadline runs.
    const recorded = await recordDispute(context, { event, payment, account, provider });
    return recorded.kind === 'recorded'
      ? processed(`the dispute is ${recorded.status}`)
      : waiting(recorded.reason);
  }
  const open = await hastenOperations(context.pool, event, payment, context.config.operationLeaseMs);
  if (open.count > 0 && !open.isEachAsked)
    return waiting('an operation of the payment is not settled yet', { hastened: open.hastened });
  if (open.count === 0 && (await wasAskedSince(context, event, payment)))
    return await withNote(
      context,
      event.fact,
      payment,
      processed('the provider was asked since, and agrees'),
    );
  const verdict = await reconcilePayment(context, {
    event,
    payment,
    account,
    provider,
    openCount: open.count,
  });
  return verdict.state === 'processed' ? await withNote(context, event.fact, payment, verdict) : verdict;
}

type Opened = { account: OpenedAccount; provider: Provider };

/** The account the payment was made with; a disconnected one is replaced by the one whose secret signed the event. */
async function openAccount(
  context: Context,
  event: PendingEvent,
  payment: Payment,
): Promise<Opened | undefined> {
  const find = async (id: string): Promise<OpenedAccount | undefined> =>
    await findUnderWay(context.accounts, event.merchantId, event.mode, id, event.requestId);
  const account = (await find(payment.providerAccountId)) ?? (await find(event.providerAccountId));
  if (account === undefined) return undefined;
  return { account, provider: context.providers.choose(account.provider) };
}

/**
 * A payment's events come in bunches, and one answer of the provider speaks for all that came before it was asked. Only for
 * facts that its totals show: a refund is asked about by itself, and so is an object that is not the payment's own.
 */
async function wasAskedSince(context: Context, event: PendingEvent, payment: Payment): Promise<boolean> {
  const { about, paymentReferences } = event.fact;
  const isOwn =
    payment.providerReference !== undefined && paymentReferences.includes(payment.providerReference);
  if (about.kind !== 'payment' || !isOwn || event.replays > 0) return false;
  const { rows } = await context.pool.query({
    name: 'asked-since-event',
    text: `
      select 1 from provider_events e
       where e.merchant_id = $1 and e.payment_id = $2 and e.state = 'processed'
         and e.asked_at >= (select received_at from provider_events where merchant_id = $1 and id = $3)
       limit 1`,
    values: [payment.merchantId, payment.id, event.id],
  });
  return rows.length > 0;
}

/**
 * Row 32: an event whose amount or currency was never ours contradicted the provider, which has just agreed with us. That
 * moves nothing, and is said.
 */
async function withNote(
  context: Context,
  fact: EventFact,
  payment: Payment,
  verdict: Verdict,
): Promise<Verdict> {
  const { stated } = fact;
  if (stated === undefined || (await isKnownAmount(context, payment, stated))) return verdict;
  const said = `${stated.amountMinor} ${stated.currency} (minor units)`;
  context.log.warn(
    { merchantId: payment.merchantId, paymentId: payment.id, providerEventId: fact.eventId, type: fact.type },
    'a provider event contradicted the provider',
  );
  return { ...verdict, reason: `the event contradicted the provider: it said ${said}; ${verdict.reason}` };
}

/** Whether the amount was ever the payment's, one of its sums, or what one of its operations was about. */
async function isKnownAmount(
  context: Context,
  payment: Payment,
  stated: NonNullable<EventFact['stated']>,
): Promise<boolean> {
  if (stated.currency !== payment.money.currency) return false;
  const { rows } = await context.pool.query({
    name: 'is-known-amount',
    text: `
      select 1 from payment_events where merchant_id = $1 and payment_id = $2
         and $3::bigint in (amount_minor, authorized_minor, captured_minor, refunded_minor)
      union all
      select 1 from operations where merchant_id = $1 and payment_id = $2
         and $3::bigint in (amount_minor, settled_minor)
      limit 1`,
    values: [payment.merchantId, payment.id, stated.amountMinor],
  });
  return rows.length > 0;
}
