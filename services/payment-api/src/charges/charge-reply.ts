import type { z } from 'zod';
import { ERRORS } from '@centra/service-kit/errors.ts';
import type { ErrorCode } from '@centra/service-kit/errors.ts';
import { problemSchema } from '@centra/service-kit/problem-schema.ts';
import { failureSchema, paymentSchema } from '../payments/payment.ts';
import type { PaymentJson } from '../payments/payment.ts';

const declineProblemSchema = problemSchema.omit({ request_id: true, errors: true });

/** The 402 of an operation. It has no request id: it is stored, and a repeat gets the same bytes. */
export const declineSchema = declineProblemSchema
  .extend({ decline: failureSchema, payment: paymentSchema })
  .meta({
    id: 'DeclineProblem',
    description: 'What a card, a bank or the provider refused, as an RFC 9457 problem document',
  });

export type Decline = z.infer<typeof failureSchema>;

// The reasons that transaction gives and that are about the card: another card, or the same one later, may do. What is not
// listed is the hotel's, the provider's or ours, and then no guest is told that a card is bad.
export const CARD_FAILURES: ReadonlySet<string> = new Set([
  'authentication_abandoned',
  'authentication_failed',
  'authentication_required',
  'card_declined',
  'card_not_supported',
  'card_token_invalid',
  'expired_card',
  'incorrect_cvc',
  'incorrect_number',
  'insufficient_funds',
  'invalid_expiry',
  'lost_card',
  'processing_error',
  'stolen_card',
  'suspected_fraud',
  'try_again_later',
]);

/** The problem document of something declined, with what it is about beside it. Members in the order people read them. */
export function toDeclineProblem<About extends object>(code: ErrorCode, decline: Decline, about: About) {
  const { title, http } = ERRORS[code];
  return {
    type: `urn:centra-payments:error:${code}`,
    title,
    status: http,
    code,
    detail: decline.message,
    decline,
    ...about,
  };
}

/** A payment that failed: its card's fault, or another's. */
export function toPaymentDecline(payment: PaymentJson, decline: Decline): z.infer<typeof declineSchema> {
  const code = CARD_FAILURES.has(decline.code) ? 'card_declined' : 'payment_failed';
  return toDeclineProblem(code, decline, { payment });
}
