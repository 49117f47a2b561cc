import { amountInWords } from '../amounts/check-amount.ts';
import type { Charge } from '../charges/charge.ts';
import { previousAttributes } from '../events/previous-attributes.ts';
import { StripeError, type ErrorFields } from '../http/stripe-error.ts';
import { behaviourOf } from '../payment-methods/test-cards.ts';
import type { Work } from '../store/work.ts';
import { newRefund, type Refund, type RefundReason, type RefundRecord } from './refund.ts';

export type RefundWish = {
  /** Minor units; undefined = all that is left. */
  amount: number | undefined;
  metadata: Record<string, string>;
  reason: RefundReason | null;
  /** How long a refund with a delayed outcome takes, in milliseconds. */
  settleMs: number;
};

/** Gives money back. Throws one of Stripe's refusals (400) before anything has changed. */
export function refundCharge(work: Work, charge: Charge, wish: RefundWish): Refund {
  checkRefundable(charge);
  const amount = amountToRefund(charge, wish.amount);
  const behaviour = laterBehaviour(work, charge);
  const refund = newRefund({
    amount,
    charge,
    metadata: wish.metadata,
    reason: wish.reason,
    status: behaviour === 'succeeded' ? 'pending' : 'succeeded',
    now: Math.floor(work.nowMs / 1000),
  });
  const later = behaviour ? { status: behaviour, atMs: work.nowMs + wish.settleMs } : null;
  const record: RefundRecord = { refund, idempotencyKey: work.origin.idempotencyKey, later };
  work.save({ type: 'refund', value: record });
  const refunded = withRefunds(charge, charge.amount_refunded + amount);
  work.save({ type: 'charge', value: refunded });
  work.effect(refund.status === 'pending' ? 'refund.pending' : 'refund.succeeded', refundFacts(record));
  work.event('refund.created', { kind: 'refund', id: refund.id });
  work.event('charge.refunded', { kind: 'charge', id: charge.id }, previousAttributes(charge, refunded));
  return refund;
}

/** A charge as refunds of `amountRefunded` leave it. It is only `refunded` once nothing more can be captured either. */
export function withRefunds(charge: Charge, amountRefunded: number): Charge {
  const isAll = charge.captured && amountRefunded === charge.amount_captured;
  return { ...charge, amount_refunded: amountRefunded, refunded: isAll };
}

/** What the journal says about a refund; it belongs to the request that made it, whenever it happens. */
export function refundFacts({ refund, idempotencyKey }: RefundRecord): Record<string, unknown> {
  return {
    refund: refund.id,
    payment_intent: refund.payment_intent,
    charge: refund.charge,
    amount: refund.amount,
    currency: refund.currency,
    idempotency_key: idempotencyKey,
    metadata: refund.metadata,
  };
}

function checkRefundable(charge: Charge): void {
  if (charge.status === 'failed') {
    throw refusal({
      message: `This PaymentIntent (${charge.payment_intent}) does not have a successful charge to refund.`,
    });
  }
  if (charge.amount_captured === 0 && !charge.captured) {
    throw refusal({
      message:
        `This uncaptured Charge was created by a PaymentIntent (${charge.payment_intent}). You must cancel the PaymentIntent to reverse ` +
        'the authorization instead of refunding the Charge directly. For more information, see ' +
        'https://stripe.com/docs/payments/place-a-hold-on-a-payment-method',
    });
  }
  if (charge.disputed) {
    throw refusal({
      code: 'charge_disputed',
      message: `Charge ${charge.id} has been charged back; cannot issue a refund.`,
    });
  }
}

function amountToRefund(charge: Charge, wanted: number | undefined): number {
  const left = charge.amount_captured - charge.amount_refunded;
  if (left <= 0) {
    throw refusal({
      code: 'charge_already_refunded',
      message: `Charge ${charge.id} has already been refunded.`,
    });
  }
  if (wanted === undefined) return left;
  if (wanted < 1) {
    throw refusal({
      code: 'parameter_invalid_integer',
      message: 'This value must be greater than or equal to 1.',
      param: 'amount',
    });
  }
  if (wanted <= left) return wanted;
  const [asked, most] = [wanted, left].map((amount) => amountInWords(amount, charge.currency));
  throw refusal({
    message: `Refund amount (${asked}) is greater than unrefunded amount on charge (${most})`,
    param: 'amount',
  });
}

/** What Stripe's test cards for delayed refunds turn into. */
function laterBehaviour(work: Work, charge: Charge): 'failed' | 'succeeded' | undefined {
  const method = work.mode.paymentMethods.get(charge.payment_method);
  const afterwards = method && behaviourOf(method.behaviour).afterwards;
  if (afterwards === 'refund_pending') return 'succeeded';
  return afterwards === 'refund_fails' ? 'failed' : undefined;
}

function refusal(fields: Omit<ErrorFields, 'type'>): StripeError {
  return new StripeError(400, { type: 'invalid_request_error', ...fields }, { executed: true });
}
