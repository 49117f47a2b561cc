import type { ThreeDSecureResult } from '../charges/charge.ts';
import type { Context } from '../context.ts';
import { requestLine } from '../http/outcome.ts';
import { newId } from '../ids.ts';
import { chargeCard, failPayment } from '../payment-intents/charge-card.ts';
import type { PaymentIntentRecord } from '../payment-intents/payment-intent.ts';
import type { PaymentMethodRecord } from '../payment-methods/payment-method.ts';
import { Work } from '../store/work.ts';

/** A challenge and the payment it belongs to, as they stand now. */
export type OpenChallenge = { record: PaymentIntentRecord; method: PaymentMethodRecord; work: Work };

/** Undefined when the page's address names nothing. */
export function findChallenge(context: Context, token: string): PaymentIntentRecord | undefined {
  const found = context.store.challenges.get(token);
  return found?.mode.paymentIntents.get(found.paymentIntent);
}

/** Whether the challenge of this address still decides the payment. */
export function isOpen(record: PaymentIntentRecord, token: string): boolean {
  return (
    record.intent.status === 'requires_action' &&
    record.challenge?.token === token &&
    record.challenge.outcome === 'open'
  );
}

/**
 * The cardholder has answered: charge or fail. Repeating it changes nothing and shows the payment as it is.
 * Everything is on disk when it resolves.
 */
export async function completeAuthentication(
  context: Context,
  token: string,
  approved: boolean,
  call: { method: string; path: string },
): Promise<PaymentIntentRecord | undefined> {
  const found = context.store.challenges.get(token);
  const record = findChallenge(context, token);
  const method = record?.intent.payment_method
    ? found?.mode.paymentMethods.get(record.intent.payment_method)
    : undefined;
  if (!found || !record || !method || !isOpen(record, token)) {
    // Another answer may be on its way to the disk: what it did may only be shown once it is there.
    await context.journal.append(
      [requestLine({ ...call, requestId: newId('req', 14), idempotencyKey: null }, record ? 303 : 404)],
      context.clock.now(),
    );
    return record;
  }
  const requestId = newId('req', 14);
  const work = new Work(context.store, found.mode, context.clock.now(), {
    requestId: null,
    idempotencyKey: null,
  });
  const after = approved ? succeed(work, record, method) : fail(work, record, method);
  const line = {
    ...requestLine({ ...call, requestId, idempotencyKey: null }, 303),
    account: found.mode.account,
    livemode: found.mode.livemode,
  };
  await context.journal.append([...work.lines, line], work.nowMs);
  void context.webhooks.send(found.mode, work.events);
  return after;
}

function succeed(work: Work, record: PaymentIntentRecord, method: PaymentMethodRecord): PaymentIntentRecord {
  return chargeCard(work, closed(record, 'succeeded'), method, { threeDSecure: authenticated() }).record;
}

function fail(work: Work, record: PaymentIntentRecord, method: PaymentMethodRecord): PaymentIntentRecord {
  const message =
    'The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill ' +
    'this PaymentIntent again.';
  const error = {
    type: 'invalid_request_error' as const,
    code: 'payment_intent_authentication_failure',
    message,
  };
  return failPayment(work, closed(record, 'failed'), method, error).record;
}

function closed(record: PaymentIntentRecord, outcome: 'failed' | 'succeeded'): PaymentIntentRecord {
  return { ...record, challenge: record.challenge && { ...record.challenge, outcome } };
}

function authenticated(): ThreeDSecureResult {
  return {
    authentication_flow: 'challenge',
    electronic_commerce_indicator: '05',
    exemption_indicator: null,
    result: 'authenticated',
    result_reason: null,
    transaction_id: newId('3ds', 20),
    version: '2.2.0',
  };
}
