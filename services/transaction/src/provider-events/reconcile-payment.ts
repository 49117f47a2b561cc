import type { Context } from '../context.ts';
import { lapseHold, recordLateSuccess } from '../payments/corrections.ts';
import { PAYMENT_COLUMNS, toPayment } from '../payments/payment.ts';
import type { Payment, PaymentRow } from '../payments/payment.ts';
import type { OpenedAccount } from '../providers/provider-account.ts';
import type { PaymentStanding, Provider } from '../providers/provider.ts';
import { compareStanding } from './compare-standing.ts';
import type { Comparison } from './compare-standing.ts';
import { CONFIRM_AFTER_MS, originOf, processed, waiting } from './pending-event.ts';
import type { PendingEvent, Verdict } from './pending-event.ts';
import { reverseFailedRefunds } from './reverse-failed-refunds.ts';

/** What is asked about: a matched event on a payment of which nothing is under way. */
export type Matched = {
  event: PendingEvent;
  payment: Payment;
  account: OpenedAccount;
  provider: Provider;
  /** Open operations that the provider itself has not settled. */
  openCount: number;
};

// Each correction is followed by another look; a hold that lapsed and a refund that came back are two.
const ROUNDS_MAX = 3;

/**
 * Asks the provider where the payment stands and brings our record there by the corrections that exist. What none of them
 * explains is a mismatch for people and moves nothing (row 32).
 */
export async function reconcilePayment(context: Context, matched: Matched): Promise<Verdict> {
  const done: string[] = [];
  if (matched.event.fact.about.kind === 'refund') {
    const reversed = await reverseFailedRefunds(context, matched, matched.event.fact.about.refundReference);
    if (reversed.kind === 'waiting') return waiting(reversed.reason);
    if (reversed.count > 0) done.push(REFUND_REVERSED);
  }
  for (let round = 1; round <= ROUNDS_MAX; round += 1) {
    const before = await takeStock(context, matched.payment);
    if (before.openCount !== matched.openCount)
      return waiting('an operation of the payment is not settled yet');
    const { standing, isOwn, reference } = await ask(context, matched, before.payment);
    if (standing === undefined) return waiting('the provider could not tell where the payment stands');
    const comparison = isOwn ? compareStanding(before.payment, standing) : compareOther(standing);
    if (comparison.kind === 'agrees')
      return processed([...done, 'the provider agrees'].join('; '), isOwn ? { askedAt: before.at } : {});
    if (matched.openCount > 0)
      return waiting('the provider is ahead of an operation that is not settled yet');
    if (comparison.kind === 'differs') return await confirm(context, matched, before, comparison.reason);
    const corrected = await correct(context, matched, before.payment, { standing, reference }, comparison);
    if (corrected.kind === 'waiting') return waiting(corrected.reason);
    if (corrected.kind === 'differs') return await confirm(context, matched, before, corrected.reason);
    done.push(corrected.what);
  }
  return waiting(done.join('; '));
}

type Stock = { payment: Payment; openCount: number; at: Date };

/** The payment as it is now, what is open on it, and when that was. */
async function takeStock(context: Context, payment: Payment): Promise<Stock> {
  const { rows } = await context.pool.query<PaymentRow & { open_count: number; at: Date }>({
    name: 'take-stock',
    text: `
      select ${PAYMENT_COLUMNS}, now() as at,
             (select count(*)::int from operations o where o.merchant_id = p.merchant_id and o.payment_id = p.id
                 and o.state in ('prepared', 'sent', 'unknown')) as open_count
        from payments p where p.merchant_id = $1 and p.id = $2`,
    values: [payment.merchantId, payment.id],
  });
  const row = rows[0];
  if (row === undefined) throw new Error('a matched payment is gone');
  return { payment: toPayment(row), openCount: row.open_count, at: row.at };
}

type Asked = { standing: PaymentStanding | undefined; isOwn: boolean; reference: string | undefined };

async function ask(
  context: Context,
  { event, account, provider }: Matched,
  payment: Payment,
): Promise<Asked> {
  const { currency } = payment.money;
  const other = await otherObject(context, event, payment);
  const reference = other ?? payment.providerReference ?? event.fact.paymentReferences[0];
  const standing =
    reference === undefined ? undefined : await provider.standing(account, reference, currency);
  return { standing, isOwn: other === undefined, reference };
}

/**
 * The provider's object of an earlier try of the same payment (a declined one, before a retry), when the event is about that
 * one and not about the payment's own.
 */
async function otherObject(
  context: Context,
  { fact }: PendingEvent,
  payment: Payment,
): Promise<string | undefined> {
  const own = payment.providerReference;
  if (own === undefined || fact.operationId === undefined || fact.paymentReferences.includes(own))
    return undefined;
  const { rows } = await context.pool.query<{ provider_reference: string | null }>({
    name: 'reference-of-operation',
    text: `select provider_reference from operations
            where merchant_id = $1 and payment_id = $2 and id::text = $3 and kind in ('sale', 'authorize')`,
    values: [payment.merchantId, payment.id, fact.operationId],
  });
  const reference = rows[0]?.provider_reference ?? undefined;
  return reference !== own && reference !== undefined && fact.paymentReferences.includes(reference)
    ? reference
    : undefined;
}

/** An object that is not the payment's own must hold nothing: else the guest paid twice. */
function compareOther(standing: PaymentStanding): Comparison {
  const isEmpty = standing.state !== 'held' && standing.capturedMinor === standing.refundedMinor;
  return isEmpty
    ? { kind: 'agrees' }
    : {
        kind: 'differs',
        reason: 'another object of this payment at the provider holds or collected money as well',
      };
}

/**
 * A difference counts when it is seen twice, far enough apart, and nothing of ours moved meanwhile: providers answer from
 * copies that lag behind.
 */
async function confirm(
  context: Context,
  { event }: Matched,
  before: Stock,
  reason: string,
): Promise<Verdict> {
  const after = await takeStock(context, before.payment);
  if (after.payment.version !== before.payment.version || after.openCount !== before.openCount)
    return waiting('the payment changed while the provider was asked');
  if (event.differsForMs !== undefined && event.differsForMs >= CONFIRM_AFTER_MS)
    return { state: 'mismatch', reason };
  return waiting(`to be confirmed: ${reason}`, { differs: true });
}

const REFUND_REVERSED = 'a refund that came to nothing was taken back';

type Corrected =
  | { kind: 'corrected'; what: string }
  | { kind: 'waiting'; reason: string }
  | { kind: 'differs'; reason: string };

async function correct(
  context: Context,
  matched: Matched,
  payment: Payment,
  { standing, reference }: { standing: PaymentStanding; reference: string | undefined },
  comparison: Exclude<Comparison, { kind: 'agrees' | 'differs' }>,
): Promise<Corrected> {
  const origin = originOf(matched.event);
  switch (comparison.kind) {
    case 'hold_gone':
      // Let go of in the provider's dashboard: nobody of ours asked, so people must hear of it first.
      if (standing.canceledBy === 'request')
        return { kind: 'differs', reason: 'the hold was released at the provider, and not by us' };
      return outcomeOf(await lapseHold(context, payment, origin), 'the hold lapsed');
    case 'late_success':
      return outcomeOf(
        await recordLateSuccess(context, payment, standing, origin, reference),
        'money came after the payment was given up',
      );
    case 'refund_reversed': {
      const reversed = await reverseFailedRefunds(context, { ...matched, payment });
      if (reversed.kind === 'waiting') return reversed;
      return reversed.count > 0
        ? { kind: 'corrected', what: REFUND_REVERSED }
        : {
            kind: 'differs',
            reason: 'less was given back at the provider than our refunds say, and it calls none failed',
          };
    }
    default:
      throw new Error(`no correction for ${JSON.stringify(comparison satisfies never)}`);
  }
}

function outcomeOf(result: 'done' | 'superseded', what: string): Corrected {
  return result === 'done'
    ? { kind: 'corrected', what }
    : { kind: 'waiting', reason: 'the payment changed while the provider was asked' };
}
