import { overcaptureMaximum } from '../charges/card-features.ts';
import type { Charge } from '../charges/charge.ts';
import { previousAttributes } from '../events/previous-attributes.ts';
import { newId } from '../ids.ts';
import type { Work } from '../store/work.ts';
import { savePaymentIntent, type PaymentIntent, type PaymentIntentRecord } from './payment-intent.ts';

/** A held payment and the charge that holds it. */
export type Held = { record: PaymentIntentRecord; charge: Charge };

export type Capture = {
  /** Minor units of this capture; 0 only ends a payment that was captured in part. */
  amount: number;
  /** Ends the payment and releases what is left. */
  isFinal: boolean;
  changes: Pick<PaymentIntent, 'metadata' | 'statement_descriptor_suffix'>;
};

/** Takes money that was held, and so the only place that journals `capture.succeeded`. */
export function captureHold(work: Work, { record, charge }: Held, capture: Capture): PaymentIntentRecord {
  const { intent } = record;
  const received = intent.amount_received + capture.amount;
  // An overcapture moves more than the payment was for, and the payment is then for that much.
  const amount = Math.max(intent.amount, received);
  const left = amount - received;
  const capturedCharge: Charge = {
    ...charge,
    amount,
    amount_captured: received,
    balance_transaction: charge.balance_transaction ?? newId('txn'),
    captured: capture.isFinal,
    refunded: capture.isFinal && charge.amount_refunded === received,
    statement_descriptor_suffix: capture.changes.statement_descriptor_suffix,
  };
  work.save({ type: 'charge', value: capturedCharge });
  const saved = savePaymentIntent(
    { work },
    record,
    {
      ...capture.changes,
      amount,
      amount_capturable: capture.isFinal ? 0 : left,
      amount_received: received,
      status: capture.isFinal ? 'succeeded' : 'requires_capture',
    },
    { captures: (record.captures ?? 0) + (capture.amount > 0 ? 1 : 0) },
  );
  recordEffects(work, saved.intent, charge.id, capture, left);
  announce(work, { record, charge }, { record: saved, charge: capturedCharge });
  return saved;
}

function recordEffects(
  work: Work,
  intent: PaymentIntent,
  charge: string,
  { amount, isFinal }: Capture,
  left: number,
): void {
  const facts = { payment_intent: intent.id, charge, currency: intent.currency, metadata: intent.metadata };
  if (amount > 0) work.effect('capture.succeeded', { ...facts, amount });
  if (isFinal && left > 0) work.effect('authorization.released', { ...facts, amount: left });
}

/** Payments that can be captured several times tell of each capture; `charge.captured` comes with the last one. */
function announce(work: Work, before: Held, after: Held): void {
  const charge = { kind: 'charge' as const, id: after.charge.id };
  const intent = { kind: 'payment_intent' as const, id: after.record.intent.id };
  const chargeWas = previousAttributes(before.charge, after.charge);
  if (after.charge.payment_method_details.card.multicapture.status === 'available') {
    work.event('charge.updated', charge, chargeWas);
    work.event(
      'payment_intent.amount_capturable_updated',
      intent,
      previousAttributes(before.record.intent, after.record.intent),
    );
  }
  if (!after.charge.captured) return;
  work.event('charge.captured', charge, chargeWas);
  work.event('payment_intent.succeeded', intent);
}

/** The card details of a hold that was raised to `amount`. */
export function raisedDetails(
  { payment_method_details: details }: Charge,
  amount: number,
): Charge['payment_method_details'] {
  const { overcapture } = details.card;
  const maximum = overcapture.status === 'available' ? overcaptureMaximum(amount) : amount;
  return {
    ...details,
    card: {
      ...details.card,
      amount_authorized: amount,
      overcapture: { ...overcapture, maximum_amount_capturable: maximum },
    },
  };
}

/** The charge that holds the amount of an intent in `requires_capture`. */
export function heldCharge(work: Work, { latest_charge: id }: PaymentIntent): Charge {
  const charge = id === null ? undefined : work.mode.charges.get(id);
  if (!charge) throw new Error(`a payment is to be captured and its charge ${id} does not exist`);
  return charge;
}
