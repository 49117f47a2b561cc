import type { Stripe } from 'stripe';
import { failureOf } from '../failure.ts';
import type { FollowUpAttempt, Lookup, Outcome } from '../provider.ts';
import { WITH_CHARGE } from './stripe-charge.ts';
import { withinDeadline } from './stripe-client.ts';
import { errorFacts, outcomeOfError } from './stripe-errors.ts';
import {
  foundAdjustment,
  foundCapture,
  foundVoid,
  outcomeOfAdjustment,
  outcomeOfCapture,
  outcomeOfVoid,
  refusalOf,
} from './stripe-follow-up-mapping.ts';
import { metadataOf, unitsOf } from './stripe-mapping.ts';
import { findRefund, outcomeOfRefund, refundParams } from './stripe-refund.ts';

/** Captures, voids, refunds or adjusts. Every attempt of one operation has the same key and asks the same. */
export async function followUp(
  client: Stripe,
  timeoutMs: number,
  attempt: FollowUpAttempt,
): Promise<Outcome> {
  // A refund that has an id exists: after 24 hours, when Stripe forgets keys, sending again would make another.
  if (attempt.kind === 'refund' && attempt.providerReference !== undefined) {
    const found = await findRefund(client, timeoutMs, attempt);
    return found.kind === 'absent' ? { kind: 'unknown', reason: 'the refund is not there' } : found;
  }
  // Stripe raises holds only. The core refuses a decrease before it comes here; nothing is sent for one.
  if (attempt.kind === 'adjust' && attempt.money.amountMinor <= attempt.before.authorizedMinor)
    return { kind: 'declined', failure: failureOf('adjustment_refused'), beforeCharge: true };
  try {
    return await withinDeadline(timeoutMs, send(client, attempt));
  } catch (error) {
    const facts = errorFacts(error);
    // The payment that a refusal names is not the refund, whose own id would stand there.
    return outcomeOfError(attempt.kind === 'refund' ? { ...facts, intent: undefined } : facts, (refused) =>
      refusalOf(attempt.kind, refused),
    );
  }
}

async function send(client: Stripe, attempt: FollowUpAttempt): Promise<Outcome> {
  const options = { idempotencyKey: attempt.providerKey };
  const reference = attempt.paymentReference;
  switch (attempt.kind) {
    case 'capture': {
      const params = captureParams(attempt);
      return outcomeOfCapture(await client.paymentIntents.capture(reference, params, options), attempt);
    }
    case 'void':
      return outcomeOfVoid(await sendVoid(client, attempt, options), attempt);
    case 'refund':
      return outcomeOfRefund(await client.refunds.create(refundParams(attempt), options), attempt);
    case 'adjust': {
      const params = { amount: unitsOf(attempt.money), expand: WITH_CHARGE };
      return outcomeOfAdjustment(
        await client.paymentIntents.incrementAuthorization(reference, params, options),
        attempt,
      );
    }
    default:
      throw new Error(`unhandled follow-up ${String(attempt.kind satisfies never)}`);
  }
}

/** What a capture asks of Stripe. Pure. */
export function captureParams(attempt: FollowUpAttempt): Stripe.PaymentIntentCaptureParams {
  const { before, money } = attempt;
  const isRest = money.amountMinor >= before.authorizedMinor - before.capturedMinor;
  return {
    amount_to_capture: unitsOf(money),
    // Only the core knows that this hold can be captured several times, and asks for it by a capture that is not final.
    // The whole rest always ends it: Stripe refuses to keep a hold of nothing.
    ...(attempt.isFinal || isRest ? {} : { final_capture: false }),
    metadata: { ...withoutOperation(attempt), centra_capture: attempt.operationId },
    expand: WITH_CHARGE,
  };
}

/** `centra_operation` stays the one that made the payment: it is how that one is found. */
function withoutOperation(attempt: FollowUpAttempt): Omit<ReturnType<typeof metadataOf>, 'centra_operation'> {
  const { centra_operation: _own, ...rest } = metadataOf(attempt);
  return rest;
}

/**
 * Lets go of what is held. Of a hold that was captured in part only the rest can go: a last capture of nothing
 * (docs.stripe.com/payments/multicapture).
 */
async function sendVoid(
  client: Stripe,
  attempt: FollowUpAttempt,
  options: Stripe.RequestOptions,
): Promise<Stripe.PaymentIntent> {
  if (attempt.before.capturedMinor > 0n)
    return await client.paymentIntents.capture(
      attempt.paymentReference,
      { amount_to_capture: 0, final_capture: true, expand: WITH_CHARGE },
      options,
    );
  const reason = cancellationReason(attempt.reason);
  return await client.paymentIntents.cancel(
    attempt.paymentReference,
    { ...(reason === undefined ? {} : { cancellation_reason: reason }), expand: WITH_CHARGE },
    options,
  );
}

type CancellationReason = 'abandoned' | 'duplicate' | 'fraudulent' | 'requested_by_customer';

function cancellationReason(reason: string): CancellationReason | undefined {
  switch (reason) {
    case 'abandoned':
    case 'duplicate':
    case 'fraudulent':
    case 'requested_by_customer':
      return reason;
    default:
      return undefined;
  }
}

/** Finds what became of a follow-up by asking, never by sending. */
export async function lookupFollowUp(
  client: Stripe,
  timeoutMs: number,
  attempt: FollowUpAttempt,
): Promise<Lookup> {
  if (attempt.kind === 'refund') return await findRefund(client, timeoutMs, attempt);
  try {
    const intent = await withinDeadline(
      timeoutMs,
      client.paymentIntents.retrieve(attempt.paymentReference, { expand: WITH_CHARGE }),
    );
    switch (attempt.kind) {
      case 'capture':
        return foundCapture(intent, attempt);
      case 'void':
        return foundVoid(intent, attempt);
      case 'adjust':
        return foundAdjustment(intent, attempt);
      default:
        throw new Error(`unhandled follow-up ${String(attempt.kind satisfies never)}`);
    }
  } catch (error) {
    return { kind: 'unknown', reason: `lookup failed: ${errorFacts(error).summary}` };
  }
}
