import { toProviderCurrency } from '@centra/money/provider-amount.ts';
import type { Stripe } from 'stripe';
import { z } from 'zod';
import type { PaymentStanding } from '../provider.ts';
import { WITH_CHARGE } from './stripe-charge.ts';
import { isSession } from './stripe-checkout.ts';
import { withinDeadline } from './stripe-client.ts';
import { isExpiry } from './stripe-follow-up-mapping.ts';
import { holdTermsOf, readIntent } from './stripe-intent.ts';
import type { Intent } from './stripe-intent.ts';
import { moneyOf } from './stripe-mapping.ts';
import { listRefunds } from './stripe-refund.ts';

/** Where a payment, or the session that leads to one, stands; undefined when Stripe cannot be asked or does not say. */
export async function standingOf(
  client: Stripe,
  timeoutMs: number,
  reference: string,
  currency: string,
): Promise<PaymentStanding | undefined> {
  try {
    const value = isSession(reference)
      ? await withinDeadline(
          timeoutMs,
          client.checkout.sessions.retrieve(reference, { expand: ['payment_intent.latest_charge'] }),
        )
      : await withinDeadline(timeoutMs, client.paymentIntents.retrieve(reference, { expand: WITH_CHARGE }));
    const read = isSession(reference) ? readSession(value, currency) : { intent: readIntent(value) };
    if ('standing' in read) return read.standing;
    const { intent } = read;
    if (intent === undefined) return undefined;
    const refunds = needsRefundList(intent) ? await listRefunds(client, timeoutMs, intent.id) : [];
    return refunds === undefined ? undefined : standingOfIntent(intent, currency, refunds);
  } catch {
    // Whatever the SDK threw: it cannot be asked now. The caller asks again.
    return undefined;
  }
}

const NOTHING = {
  authorizedMinor: 0n,
  capturedMinor: 0n,
  refundedMinor: 0n,
  capturableMinor: 0n,
  disputed: false,
} as const;

const sessionSchema = z.object({ status: z.string(), currency: z.string(), payment_intent: z.unknown() });

/** A session stands for its payment once there is one; before that it is only a page. Total. */
export function readSession(
  value: unknown,
  currency: string,
): { standing: PaymentStanding | undefined } | { intent: Intent } {
  const session = sessionSchema.safeParse(value).data;
  if (session === undefined || session.currency !== toProviderCurrency('stripe', currency))
    return { standing: undefined };
  const intent = readIntent(session.payment_intent);
  if (intent !== undefined && session.status !== 'open') return { intent };
  switch (session.status) {
    case 'open':
      return { standing: { state: 'open', ...NOTHING } };
    case 'expired':
      // Its time was over or we closed it; the session does not tell which.
      return { standing: { state: 'canceled', ...NOTHING } };
    default:
      return { standing: undefined };
  }
}

/**
 * After a partial capture Stripe may count what it let go of as refunded, or not: older payments do, those that can be
 * captured several times do not. Only the refunds themselves tell then.
 */
function needsRefundList(intent: Intent): boolean {
  const {
    amount = 0,
    amount_captured: captured = 0,
    amount_refunded: refunded = 0,
  } = intent.latest_charge ?? {};
  return refunded > 0 && captured > 0 && captured < amount;
}

/** Where an intent stands. Statuses that we do not know and amounts that do not read say nothing. Total. */
export function standingOfIntent(
  value: unknown,
  currency: string,
  refunds: readonly unknown[],
): PaymentStanding | undefined {
  const intent = readIntent(value);
  if (intent === undefined || intent.currency !== toProviderCurrency('stripe', currency)) return undefined;
  const state = stateOf(intent);
  const minor = (units: number | undefined): bigint | undefined =>
    moneyOf(units, intent.currency)?.amountMinor;
  const authorizedMinor = minor(authorizedUnits(intent));
  const capturedMinor = minor(intent.amount_received);
  const refundedMinor = minor(refundedUnits(intent, refunds));
  const capturableMinor = minor(intent.amount_capturable);
  if (
    state === undefined ||
    authorizedMinor === undefined ||
    capturedMinor === undefined ||
    refundedMinor === undefined ||
    capturableMinor === undefined
  )
    return undefined;
  return {
    state,
    authorizedMinor,
    capturedMinor,
    refundedMinor,
    capturableMinor,
    ...(state === 'canceled'
      ? { canceledBy: isExpiry(intent.cancellation_reason) ? 'expiry' : 'request' }
      : {}),
    disputed: intent.latest_charge?.disputed === true,
    ...(state === 'held' ? { hold: holdTermsOf(intent) } : {}),
  };
}

function stateOf(intent: Intent): PaymentStanding['state'] | undefined {
  switch (intent.status) {
    case 'requires_payment_method':
      return intent.last_payment_error === null || intent.last_payment_error === undefined
        ? 'open'
        : 'failed';
    case 'requires_confirmation':
    case 'requires_action':
    case 'processing':
      return 'open';
    case 'requires_capture':
      return 'held';
    case 'succeeded':
      return 'captured';
    case 'canceled':
      return 'canceled';
    default:
      return undefined;
  }
}

/** What the bank agreed to: nothing before a charge was approved. */
function authorizedUnits(intent: Intent): number | undefined {
  const charge = intent.latest_charge;
  if (intent.status === 'requires_capture' || intent.status === 'succeeded')
    return charge?.payment_method_details?.card?.amount_authorized ?? intent.amount;
  return intent.status === 'canceled' && charge?.paid === true ? charge.amount : 0;
}

const refundSchema = z.object({
  amount: z.int().nonnegative(),
  status: z.string(),
  reason: z.string().nullish().catch(undefined),
  balance_transaction: z.unknown(),
});

/** What was given back of what was taken; letting go of a hold is no refund. */
function refundedUnits(intent: Intent, refunds: readonly unknown[]): number | undefined {
  const charge = intent.latest_charge;
  if ((intent.amount_received ?? 0) === 0) return 0;
  if (!needsRefundList(intent)) return charge?.amount_refunded ?? 0;
  return refunds.reduce<number>((sum, value) => {
    const refund = refundSchema.safeParse(value).data;
    return refund !== undefined && movedMoney(refund) ? sum + refund.amount : sum;
  }, 0);
}

/** Letting go of a hold touches no balance, so that refund has no balance transaction. */
function movedMoney(refund: z.infer<typeof refundSchema>): boolean {
  if (refund.reason === 'expired_uncaptured_charge') return false;
  if (refund.status === 'pending' || refund.status === 'requires_action') return true;
  const hasMoved = refund.balance_transaction !== null && refund.balance_transaction !== undefined;
  return refund.status === 'succeeded' && hasMoved;
}
