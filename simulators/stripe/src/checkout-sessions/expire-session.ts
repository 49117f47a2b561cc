import { savePaymentIntent } from '../payment-intents/payment-intent.ts';
import type { Work } from '../store/work.ts';

/** Ends an open session: its page says so, and the payment it may have begun is canceled. Anything else stays as it is. */
export function expireSession(work: Work, id: string): void {
  const record = work.mode.checkoutSessions.get(id);
  if (record?.session.status !== 'open') return;
  const session = { ...record.session, status: 'expired' as const, url: null };
  work.save({ type: 'checkout_session', value: { ...record, session } });
  if (session.payment_intent) cancelBegun(work, session.payment_intent);
  work.effect('checkout.session.expired', {
    checkout_session: id,
    payment_intent: session.payment_intent,
    amount: session.amount_total,
    currency: session.currency,
    client_reference_id: session.client_reference_id,
    metadata: session.metadata,
  });
  work.event('checkout.session.expired', { kind: 'checkout_session', id });
}

/** A session whose time is over while its timer has not rung yet. */
export function expireIfOverdue(work: Work, id: string): void {
  const record = work.mode.checkoutSessions.get(id);
  if (record && work.nowMs >= record.session.expires_at * 1000) expireSession(work, id);
}

function cancelBegun(work: Work, id: string): void {
  const record = work.mode.paymentIntents.get(id);
  if (!record || ['canceled', 'processing', 'requires_capture', 'succeeded'].includes(record.intent.status))
    return;
  const challenge = record.challenge && { ...record.challenge, outcome: 'failed' as const };
  savePaymentIntent(
    { work },
    record,
    {
      canceled_at: Math.floor(work.nowMs / 1000),
      cancellation_reason: 'expired',
      next_action: null,
      status: 'canceled',
    },
    { challenge: record.challenge?.outcome === 'open' ? challenge : record.challenge },
  );
  work.effect('payment_intent.canceled', {
    payment_intent: id,
    amount: record.intent.amount,
    currency: record.intent.currency,
    metadata: record.intent.metadata,
  });
  work.event('payment_intent.canceled', { kind: 'payment_intent', id });
}
