import type { Stripe } from 'stripe';
import { z } from 'zod';
import { failureOf } from '../failure.ts';
import type { FollowUpAttempt, Lookup, Outcome } from '../provider.ts';
import { withinDeadline } from './stripe-client.ts';
import { errorFacts } from './stripe-errors.ts';
import { mismatch } from './stripe-intent.ts';
import { isSameMoney, metadataOf, unitsOf } from './stripe-mapping.ts';

// 100 is Stripe's largest page. A booking is refunded in a handful of parts; 1000 is beyond any of ours.
const PAGE_SIZE = 100;
const PAGES_MAX = 10;

/** What a refund asks of Stripe. Pure. */
export function refundParams(attempt: FollowUpAttempt): Stripe.RefundCreateParams {
  const reason = refundReason(attempt.reason);
  return {
    payment_intent: attempt.paymentReference,
    amount: unitsOf(attempt.money),
    ...(reason === undefined ? {} : { reason }),
    metadata: metadataOf(attempt),
  };
}

/** Stripe's three reasons; it adds a card to its fraud lists for `fraudulent`, so nothing is guessed. */
function refundReason(reason: string): 'duplicate' | 'fraudulent' | 'requested_by_customer' | undefined {
  return reason === 'duplicate' || reason === 'fraudulent' || reason === 'requested_by_customer'
    ? reason
    : undefined;
}

const refundSchema = z.object({
  id: z.string().min(1).max(255),
  amount: z.int().nonnegative().optional().catch(undefined),
  currency: z.string().optional().catch(undefined),
  status: z.string().optional().catch(undefined),
});

/** Where a refund stands. A bank may still send a succeeded one back; then it is `failed` here. Total: it never throws. */
export function outcomeOfRefund(value: unknown, attempt: Pick<FollowUpAttempt, 'money'>): Outcome {
  const refund = refundSchema.safeParse(value).data;
  if (refund === undefined) return { kind: 'unknown', reason: 'Stripe answered without a refund' };
  const providerReference = refund.id;
  if (!isSameMoney(refund.amount, refund.currency, attempt.money))
    return mismatch(providerReference, 'refunds', refund.amount, refund.currency);
  switch (refund.status) {
    case 'succeeded':
      return { kind: 'succeeded', providerReference, amountMinor: attempt.money.amountMinor };
    case 'pending':
    case 'requires_action':
      return { kind: 'pending', providerReference };
    case 'failed':
    case 'canceled':
      return { kind: 'declined', providerReference, failure: failureOf('refund_refused') };
    default:
      return { kind: 'unknown', providerReference, reason: `Stripe says ${String(refund.status)}` };
  }
}

/** Finds the refund by its own id, or among the payment's refunds by our reference in it. */
export async function findRefund(
  client: Stripe,
  timeoutMs: number,
  attempt: FollowUpAttempt,
): Promise<Lookup> {
  try {
    if (attempt.providerReference !== undefined)
      return outcomeOfRefund(
        await withinDeadline(timeoutMs, client.refunds.retrieve(attempt.providerReference)),
        attempt,
      );
    const refunds = await listRefunds(client, timeoutMs, attempt.paymentReference);
    if (refunds === undefined) return { kind: 'unknown', reason: 'lookup ended: too many refunds' };
    const ours = refunds.filter(({ metadata }) => metadata?.['centra_operation'] === attempt.operationId);
    if (ours.length > 1) return { kind: 'unknown', reason: 'two refunds carry this operation id' };
    return ours[0] === undefined ? { kind: 'absent' } : outcomeOfRefund(ours[0], attempt);
  } catch (error) {
    return { kind: 'unknown', reason: `lookup failed: ${errorFacts(error).summary}` };
  }
}

/** All refunds of a payment; undefined when there are more than we read. Throws what the SDK throws. */
export async function listRefunds(
  client: Stripe,
  timeoutMs: number,
  paymentIntent: string,
): Promise<Stripe.Refund[] | undefined> {
  const refunds: Stripe.Refund[] = [];
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const after = refunds.at(-1)?.id;
    const listed = await withinDeadline(
      timeoutMs,
      client.refunds.list({
        payment_intent: paymentIntent,
        limit: PAGE_SIZE,
        ...(after === undefined ? {} : { starting_after: after }),
      }),
    );
    refunds.push(...listed.data);
    if (!listed.has_more || listed.data.length === 0) return refunds;
  }
  return undefined;
}
