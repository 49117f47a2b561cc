import type { ApiRequest } from '../http/api-request.ts';
import {
  newPaymentIntent,
  savePaymentIntent,
  type PaymentIntentRecord,
} from '../payment-intents/payment-intent.ts';
import { runConfirmation } from '../payment-intents/run-confirmation.ts';
import { savePaymentMethod, type PaymentMethodRecord } from '../payment-methods/payment-method.ts';
import type { SessionRecord } from './checkout-session.ts';
import { followPayment } from './follow-payment.ts';

/** What paying came to. `declined` leaves the session open for another try. */
export type GuestOutcome =
  | { kind: 'paid' }
  | { kind: 'action'; url: string }
  | { kind: 'declined'; message: string };

/**
 * The guest pays with a card that passed its checks: the session's PaymentIntent is made, or tried again, and confirmed
 * as any other is. `delayedMs` makes it a payment that is decided so much later.
 */
export function paySession(
  request: ApiRequest,
  record: SessionRecord,
  method: PaymentMethodRecord,
  delayedMs?: number,
): GuestOutcome {
  savePaymentMethod(request, method);
  const payment = openPayment(request, record) ?? startPayment(request, record);
  const returnUrl = `${request.context.publicUrl()}/c/pay/${record.session.id}/return`;
  runConfirmation(
    request,
    payment,
    {
      method,
      changes: {},
      returnUrl,
      initiation: { moto: false, mitExemption: false, offSession: false },
      errorOnRequiresAction: false,
      delayedMs,
    },
    undefined,
  );
  return outcomeOf(request, payment.intent.id);
}

/** The payment an earlier try left open; one that was canceled with its session is not tried again. */
function openPayment(request: ApiRequest, { session }: SessionRecord): PaymentIntentRecord | undefined {
  const record = session.payment_intent ? request.mode.paymentIntents.get(session.payment_intent) : undefined;
  const isOpen = ['requires_action', 'requires_confirmation', 'requires_payment_method'].includes(
    record?.intent.status ?? '',
  );
  return isOpen ? record : undefined;
}

function startPayment(request: ApiRequest, record: SessionRecord): PaymentIntentRecord {
  const { intentData, session } = record;
  const intent = newPaymentIntent({
    amount: session.amount_total,
    currency: session.currency,
    allowedTypes: session.allowed_payment_method_types,
    automatic: session.allowed_payment_method_types ? null : { allow_redirects: 'always', enabled: true },
    captureMethod: intentData.captureMethod,
    cardOptions: session.payment_method_options.card,
    description: intentData.description,
    metadata: intentData.metadata,
    receiptEmail: intentData.receiptEmail ?? null,
    setupFutureUsage: intentData.setupFutureUsage,
    statementDescriptorSuffix: intentData.statementDescriptorSuffix,
    transferGroup: intentData.transferGroup,
    livemode: session.livemode,
    now: Math.floor(request.nowMs / 1000),
  });
  const fresh = { intent, challenge: null, idempotencyKey: null, settlesAtMs: null };
  const saved = savePaymentIntent(request, fresh, {});
  request.work.effect('payment_intent.created', {
    payment_intent: intent.id,
    amount: intent.amount,
    currency: intent.currency,
    capture_method: intent.capture_method,
    metadata: intent.metadata,
  });
  request.work.event('payment_intent.created', { kind: 'payment_intent', id: intent.id });
  request.work.save({
    type: 'checkout_session',
    value: { ...record, session: { ...session, payment_intent: intent.id } },
  });
  return saved;
}

function outcomeOf(request: ApiRequest, id: string): GuestOutcome {
  const record = request.mode.paymentIntents.get(id);
  if (!record) throw new Error(`the payment ${id} has gone`);
  const { intent } = record;
  if (intent.status === 'requires_action' && intent.next_action?.type === 'redirect_to_url')
    return { kind: 'action', url: intent.next_action.redirect_to_url.url };
  if (intent.status === 'processing') followPayment(request.work, intent);
  const isAccepted = ['processing', 'requires_capture', 'succeeded'].includes(intent.status);
  return isAccepted ? { kind: 'paid' } : { kind: 'declined', message: guestWords(record) };
}

/** Why the last try failed, for the guest. */
export function guestWords({ intent }: PaymentIntentRecord): string {
  const error = intent.last_payment_error;
  if (error?.code === 'payment_intent_authentication_failure')
    return 'Your bank did not confirm the payment. Please try again or use another card.';
  return error?.message ?? 'The payment did not go through. Please use another card.';
}
