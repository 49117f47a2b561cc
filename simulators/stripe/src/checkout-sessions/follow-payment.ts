import type { PaymentIntent } from '../payment-intents/payment-intent.ts';
import type { Work } from '../store/work.ts';
import type { CustomerDetails, SessionRecord } from './checkout-session.ts';

/** Called whenever a payment was decided or accepted for later; a session that waits for it moves along. */
export function followPayment(work: Work, intent: PaymentIntent): void {
  const id = work.mode.sessionOfIntent.get(intent.id);
  const record = id === undefined ? undefined : work.mode.checkoutSessions.get(id);
  if (!record || record.session.payment_intent !== intent.id) return;
  if (record.awaitsPayment) return settle(work, record, intent);
  if (record.session.status === 'complete') return;
  if (intent.status === 'succeeded' || intent.status === 'requires_capture' || intent.status === 'processing')
    complete(work, record, intent);
}

function complete(work: Work, record: SessionRecord, intent: PaymentIntent): void {
  const session = {
    ...record.session,
    collected_information: { business_name: null, individual_name: null, shipping_details: null },
    customer_details: customerDetails(work, record, intent),
    status: 'complete' as const,
    url: null,
  };
  const awaitsPayment = intent.status === 'processing';
  work.save({ type: 'checkout_session', value: { ...record, session, awaitsPayment } });
  work.effect('checkout.session.completed', factsOf(record, intent));
  work.event('checkout.session.completed', { kind: 'checkout_session', id: session.id });
}

/** The delayed payment of a completed session has been decided. */
function settle(work: Work, record: SessionRecord, intent: PaymentIntent): void {
  if (intent.status === 'processing') return;
  work.save({ type: 'checkout_session', value: { ...record, awaitsPayment: false } });
  const isPaid = intent.status === 'succeeded' || intent.status === 'requires_capture';
  const type = isPaid ? 'checkout.session.async_payment_succeeded' : 'checkout.session.async_payment_failed';
  work.effect(type, factsOf(record, intent));
  work.event(type, { kind: 'checkout_session', id: record.session.id });
}

function factsOf({ session }: SessionRecord, intent: PaymentIntent): Record<string, unknown> {
  return {
    checkout_session: session.id,
    payment_intent: intent.id,
    payment_status: intent.status === 'succeeded' ? 'paid' : 'unpaid',
    amount: session.amount_total,
    currency: session.currency,
    client_reference_id: session.client_reference_id,
    metadata: session.metadata,
  };
}

function customerDetails(work: Work, { session }: SessionRecord, intent: PaymentIntent): CustomerDetails {
  const method = intent.payment_method
    ? work.mode.paymentMethods.get(intent.payment_method)?.method
    : undefined;
  const billing = method?.billing_details;
  return {
    address: billing?.address ?? null,
    business_name: null,
    email: session.customer_email ?? billing?.email ?? null,
    individual_name: null,
    name: billing?.name ?? null,
    phone: null,
    tax_exempt: 'none',
    tax_ids: [],
  };
}
